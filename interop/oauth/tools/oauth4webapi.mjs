// npm oauth4webapi: each request and each answer a function; verifies access tokens for resource servers too.

import assert from "node:assert/strict";
import { calculateJwkThumbprint, exportJWK, importJWK } from "jose";
import * as oauth from "oauth4webapi";
import { JWT_BEARER, TOKEN_EXCHANGE } from "../features.mjs";
import {
  ACCESS_TOKEN,
  JWT,
  approve,
  assertBound,
  assertInactive,
  assertRefused,
  assertToken,
  clients,
  fetchAs,
  introspected,
  peer,
  run,
  scope,
  workloadToken,
} from "./lib.mjs";

const issuer = new URL(peer.issuer);
const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
const secretOf = (client) => oauth.ClientSecretBasic(client.client_secret);

async function token(client, authentication, more, options) {
  const response = await oauth.clientCredentialsGrantRequest(
    server,
    client,
    authentication,
    { scope, ...more },
    options,
  );
  return oauth.processClientCredentialsResponse(server, client, response);
}

async function generic(client, grant, parameters) {
  const authentication = client.client_secret ? secretOf(client) : oauth.None();
  const response = await oauth.genericTokenEndpointRequest(server, client, authentication, grant, parameters);
  return oauth.processGenericTokenEndpointResponse(server, client, response);
}

async function introspect(token, client = clients.resourceServer, options = undefined) {
  const response = await oauth.introspectionRequest(server, client, secretOf(client), token, options);
  const state = await oauth.processIntrospectionResponse(server, client, response);
  if (options) await oauth.validateApplicationLevelSignature(server, response);
  return state;
}

async function refresh(refreshToken) {
  const response = await oauth.refreshTokenGrantRequest(server, clients.family, secretOf(clients.family), refreshToken);
  return oauth.processRefreshTokenResponse(server, clients.family, response);
}

async function revoke(client, ended) {
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, secretOf(client), ended));
}

const byKey = (alg) => async () => {
  const client = clients[alg];
  const key = await importJWK(client.key.private, alg);
  await assertToken(await token(client, oauth.PrivateKeyJwt({ key, kid: client.key.private.kid })), client);
};

const byCertificate = (role) => async () => {
  const client = clients[role];
  const answer = await token(client, oauth.TlsClientAuth(), {}, { [oauth.customFetch]: fetchAs(client) });
  await assertToken(answer, client);
  await assertBound(answer.access_token, client);
};

// What a resource server of this tool says of a request with a token.
const presented = (answer, audience) =>
  oauth.validateJwtAccessToken(
    server,
    new Request(audience, { headers: { authorization: `Bearer ${answer.access_token}` } }),
    audience,
  );

await run(
  {
    discovery: () => assert.equal(server.token_endpoint, peer.metadata.token_endpoint),
    client_secret_basic: async () => assertToken(await token(clients.basic, secretOf(clients.basic)), clients.basic),
    client_secret_post: async () =>
      assertToken(await token(clients.post, oauth.ClientSecretPost(clients.post.client_secret)), clients.post),
    "private_key_jwt ES256": byKey("ES256"),
    "private_key_jwt RS256": byKey("RS256"),
    "private_key_jwt PS256": byKey("PS256"),
    "private_key_jwt Ed25519": byKey("EdDSA"),
    "long assertion": async () => {
      const key = await importJWK(clients.RS256.key.private, "RS256");
      const toEndpoint = (client) =>
        token(
          client,
          oauth.PrivateKeyJwt(
            { key, kid: client.key.private.kid },
            {
              [oauth.modifyAssertion]: (_header, payload) => Object.assign(payload, { aud: server.token_endpoint }),
            },
          ),
        );
      await assertRefused(toEndpoint(clients.RS256), "invalid_client");
      await assertToken(await toEndpoint(clients.tolerant), clients.tolerant);
    },
    tls_client_auth: byCertificate("mtls"),
    self_signed_tls_client_auth: byCertificate("selfSigned"),
    DPoP: async () => {
      const keys = await oauth.generateKeyPair("ES256");
      const proof = oauth.DPoP(clients.dpop, keys);
      const ask = () => token(clients.dpop, secretOf(clients.dpop), {}, { DPoP: proof });
      // The nonce is the server's, and comes with its refusal (RFC 9449 §8).
      await assert.rejects(ask(), (error) => oauth.isDPoPNonceError(error));
      const answer = await ask();
      assert.equal(answer.token_type, "dpop");
      assert.equal(
        (await introspected(answer.access_token)).cnf.jkt,
        await calculateJwkThumbprint(await exportJWK(keys.publicKey)),
      );
      await assert.rejects(token(clients.dpop, secretOf(clients.dpop)), { name: "ResponseBodyError" });
    },
    resource: async () => {
      const answer = await token(clients.basic, secretOf(clients.basic), { resource: peer.resource });
      assert.equal(JSON.parse(Buffer.from(answer.access_token.split(".")[1], "base64url")).aud, peer.resource);
    },
    "JWT by JWKS": async () => {
      const answer = await token(clients.basic, secretOf(clients.basic), { resource: peer.resource });
      const claims = await presented(answer, peer.resource);
      assert.equal(claims.client_id, clients.basic.client_id);
      await assert.rejects(presented(answer, peer.forbiddenResource), /aud/);
    },
    introspection: async () => {
      const { access_token: good } = await token(clients.basic, secretOf(clients.basic));
      assert.equal((await introspect(good)).client_id, clients.basic.client_id);
      assertInactive(await introspect("garbage"));
    },
    "introspection as JWT": async () => {
      const { access_token: good } = await token(clients.basic, secretOf(clients.basic));
      const [alg] = peer.metadata.introspection_signing_alg_values_supported;
      const client = { ...clients.resourceServer, introspection_signed_response_alg: peer.introspectionAlg ?? alg };
      const state = await introspect(good, client, { requestJwtResponse: true });
      assert.deepEqual([state.active, state.client_id], [true, clients.basic.client_id]);
    },
    revocation: async () => {
      const { access_token: ended } = await token(clients.basic, secretOf(clients.basic));
      await revoke(clients.basic, ended);
      assertInactive(await introspected(ended));
    },
    password: async () => {
      await assertToken(await generic(clients.family, "password", { ...peer.person, scope }), clients.family);
      await assertRefused(generic(clients.family, "password", { ...peer.person, password: "wrong" }), "invalid_grant");
    },
    refresh_token: async () => {
      const first = await generic(clients.family, "password", { ...peer.person, scope });
      const second = await refresh(first.refresh_token);
      assert.notEqual(second.refresh_token, first.refresh_token);
      await assertToken(second, clients.family);
      await revoke(clients.family, second.refresh_token);
      await assertRefused(refresh(second.refresh_token), "invalid_grant");
    },
    "token exchange": async () => {
      const { access_token: subject } = await token(clients.exchange, secretOf(clients.exchange));
      const asked = { subject_token: subject, subject_token_type: ACCESS_TOKEN, scope };
      const answer = await generic(clients.exchange, TOKEN_EXCHANGE, asked);
      assert.equal(answer.issued_token_type, ACCESS_TOKEN);
      await assertToken(answer, clients.exchange);
      await assertRefused(
        generic(clients.exchange, TOKEN_EXCHANGE, { ...asked, subject_token: "garbage" }),
        "invalid_request",
      );
    },
    "workload by exchange": async () => {
      const asked = { subject_token: await workloadToken(), subject_token_type: JWT, scope };
      await assertToken(await generic(clients.workload, TOKEN_EXCHANGE, asked), clients.workload);
    },
    "workload by jwt-bearer": async () => {
      const ask = async (audience) =>
        generic(clients.workload, JWT_BEARER, { assertion: await workloadToken(audience), scope });
      await assertToken(await ask(peer.issuer), clients.workload);
      await assertRefused(ask("https://elsewhere.example.com"), "invalid_grant");
    },
    device: async () => {
      const client = clients.device;
      const started = await oauth.deviceAuthorizationRequest(server, client, oauth.None(), { scope });
      const answer = await oauth.processDeviceAuthorizationResponse(server, client, started);
      const poll = async () =>
        oauth.processDeviceCodeResponse(
          server,
          client,
          await oauth.deviceCodeGrantRequest(server, client, oauth.None(), answer.device_code),
        );
      await assertRefused(poll(), "authorization_pending");
      if (!peer.approve) return;
      approve(answer.user_code);
      await assertToken(await poll(), client);
      await assertRefused(poll(), "invalid_grant");
    },
    registration: async () => {
      const metadata = { grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope };
      const register = async (initialAccessToken) =>
        oauth.processDynamicClientRegistrationResponse(
          await oauth.dynamicClientRegistrationRequest(server, metadata, { initialAccessToken }),
        );
      const registered = await register(peer.initialAccessToken);
      await assertToken(await token(registered, secretOf(registered)), registered);
      await assert.rejects(register("wrong"), (error) => error.cause?.[0]?.parameters?.error === "invalid_token");
    },
    "wrong secret": () => assertRefused(token(clients.basic, oauth.ClientSecretBasic("wrong")), "invalid_client"),
    "wrong scope": () =>
      assertRefused(token(clients.basic, secretOf(clients.basic), { scope: peer.forbiddenScope }), "invalid_scope"),
    "wrong resource": () =>
      assertRefused(
        token(clients.basic, secretOf(clients.basic), { resource: peer.forbiddenResource }),
        "invalid_target",
      ),
  },
  {},
);
