// npm openid-client: a client with everything in one configuration.

import assert from "node:assert/strict";
import { calculateJwkThumbprint, exportJWK, importJWK } from "jose";
import * as oauth from "openid-client";
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

const discover = (client, authentication, options) =>
  oauth.discovery(new URL(peer.issuer), client.client_id, undefined, authentication, options);
const basic = (client) => discover(client, oauth.ClientSecretBasic(client.client_secret));
const token = async (client, authentication, more) =>
  oauth.clientCredentialsGrant(await discover(client, authentication), { scope, ...more });

const byKey = (alg) => async () => {
  const client = clients[alg];
  const key = await importJWK(client.key.private, alg);
  await assertToken(await token(client, oauth.PrivateKeyJwt({ key, kid: client.key.private.kid })), client);
};

const byCertificate = (role) => async () => {
  const client = clients[role];
  const config = await discover(client, oauth.TlsClientAuth(), { [oauth.customFetch]: fetchAs(client) });
  const answer = await oauth.clientCredentialsGrant(config, { scope });
  await assertToken(answer, client);
  await assertBound(answer.access_token, client);
  await assertRefused(token(client, oauth.TlsClientAuth()), "invalid_client");
};

async function family() {
  const config = await basic(clients.family);
  return [config, await oauth.genericGrantRequest(config, "password", { ...peer.person, scope })];
}

await run(
  {
    discovery: async () => {
      const metadata = (await basic(clients.basic)).serverMetadata();
      assert.equal(metadata.issuer, peer.issuer);
      assert.equal(metadata.token_endpoint, peer.metadata.token_endpoint);
    },
    client_secret_basic: async () =>
      assertToken(await token(clients.basic, oauth.ClientSecretBasic(clients.basic.client_secret)), clients.basic),
    client_secret_post: async () =>
      assertToken(await token(clients.post, oauth.ClientSecretPost(clients.post.client_secret)), clients.post),
    "private_key_jwt ES256": byKey("ES256"),
    "private_key_jwt RS256": byKey("RS256"),
    "private_key_jwt PS256": byKey("PS256"),
    "private_key_jwt Ed25519": byKey("EdDSA"),
    "long assertion": async () => {
      const key = await importJWK(clients.RS256.key.private, "RS256");
      const long = (client) =>
        token(
          client,
          oauth.PrivateKeyJwt(
            { key, kid: client.key.private.kid },
            {
              [oauth.modifyAssertion]: (_header, payload) => Object.assign(payload, { exp: payload.iat + 3600 }),
            },
          ),
        );
      await assertRefused(long(clients.RS256), "invalid_client");
      await assertToken(await long(clients.tolerant), clients.tolerant);
    },
    tls_client_auth: byCertificate("mtls"),
    self_signed_tls_client_auth: byCertificate("selfSigned"),
    DPoP: async () => {
      const config = await basic(clients.dpop);
      for (const alg of ["ES256", "RS256", "PS256", "Ed25519"]) {
        const keys = await oauth.randomDPoPKeyPair(alg);
        // The server's nonce comes with its first refusal, which the tool answers by itself.
        const DPoP = oauth.getDPoPHandle(config, keys);
        const answer = await oauth.clientCredentialsGrant(config, { scope }, { DPoP });
        assert.equal(answer.token_type, "dpop");
        const { cnf } = await introspected(answer.access_token);
        assert.equal(cnf.jkt, await calculateJwkThumbprint(await exportJWK(keys.publicKey)), alg);
      }
    },
    resource: async () => {
      const answer = await oauth.clientCredentialsGrant(await basic(clients.basic), { scope, resource: peer.resource });
      assert.equal(JSON.parse(Buffer.from(answer.access_token.split(".")[1], "base64url")).aud, peer.resource);
    },
    introspection: async () => {
      const { access_token: good } = await token(clients.basic, oauth.ClientSecretBasic(clients.basic.client_secret));
      const config = await basic(clients.resourceServer);
      assert.equal((await oauth.tokenIntrospection(config, good)).client_id, clients.basic.client_id);
      assertInactive(await oauth.tokenIntrospection(config, "garbage"));
    },
    "introspection as JWT": async () => {
      const { access_token: good } = await token(clients.basic, oauth.ClientSecretBasic(clients.basic.client_secret));
      const { client_id: id, client_secret: secret } = clients.resourceServer;
      const [alg] = peer.metadata.introspection_signing_alg_values_supported;
      const metadata = { introspection_signed_response_alg: peer.introspectionAlg ?? alg };
      const config = await oauth.discovery(new URL(peer.issuer), id, metadata, oauth.ClientSecretBasic(secret));
      oauth.enableNonRepudiationChecks(config);
      const state = await oauth.tokenIntrospection(config, good);
      assert.deepEqual([state.active, state.client_id], [true, clients.basic.client_id]);
    },
    revocation: async () => {
      const config = await basic(clients.basic);
      const { access_token: ended } = await oauth.clientCredentialsGrant(config, { scope });
      await oauth.tokenRevocation(config, ended);
      assertInactive(await introspected(ended));
    },
    password: async () => {
      const [config, answer] = await family();
      await assertToken(answer, clients.family);
      await assertRefused(
        oauth.genericGrantRequest(config, "password", { ...peer.person, password: "wrong" }),
        "invalid_grant",
      );
    },
    refresh_token: async () => {
      const [config, first] = await family();
      const second = await oauth.refreshTokenGrant(config, first.refresh_token);
      assert.notEqual(second.refresh_token, first.refresh_token);
      await assertToken(second, clients.family);
      const third = await oauth.refreshTokenGrant(config, second.refresh_token);
      await oauth.tokenRevocation(config, third.refresh_token);
      await assertRefused(oauth.refreshTokenGrant(config, third.refresh_token), "invalid_grant");
      assertInactive(await introspected(third.access_token));
    },
    "token exchange": async () => {
      const config = await basic(clients.exchange);
      const { access_token: subject } = await oauth.clientCredentialsGrant(config, { scope });
      const asked = { subject_token: subject, subject_token_type: ACCESS_TOKEN, scope };
      const answer = await oauth.genericGrantRequest(config, TOKEN_EXCHANGE, asked);
      assert.equal(answer.issued_token_type, ACCESS_TOKEN);
      await assertToken(answer, clients.exchange);
      await assertRefused(
        oauth.genericGrantRequest(config, TOKEN_EXCHANGE, { ...asked, subject_token: "garbage" }),
        "invalid_request",
      );
    },
    "workload by exchange": async () => {
      const config = await workloadConfig();
      const asked = { subject_token: await workloadToken(), subject_token_type: JWT, scope };
      await assertToken(await oauth.genericGrantRequest(config, TOKEN_EXCHANGE, asked), clients.workload);
    },
    "workload by jwt-bearer": async () => {
      const config = await workloadConfig();
      const ask = async (audience) =>
        oauth.genericGrantRequest(config, JWT_BEARER, { assertion: await workloadToken(audience), scope });
      await assertToken(await ask(peer.issuer), clients.workload);
      await assertRefused(ask("https://elsewhere.example.com"), "invalid_grant");
    },
    device: async () => {
      const client = clients.device;
      const config = await discover(client, oauth.None());
      const answer = await oauth.initiateDeviceAuthorization(config, { scope });
      assert.ok(answer.user_code && answer.verification_uri && answer.expires_in > 0);
      const poll = (signal) =>
        oauth.pollDeviceAuthorizationGrant(config, { ...answer, interval: 0.2 }, undefined, { signal });
      if (peer.approve) {
        const told = [];
        config[oauth.customFetch] = async (...request) => {
          const response = await fetch(...request);
          told.push((await response.clone().json()).error);
          if (told.length === 1) approve(answer.user_code);
          return response;
        };
        await assertToken(await poll(), client);
        assert.deepEqual(told, ["authorization_pending", undefined]);
        return;
      }
      // Nobody approves: what ends the waiting is our patience, and not an answer that the tool takes for a refusal.
      await assert.rejects(
        poll(AbortSignal.timeout(1000)),
        (error) => error.cause?.name === "TimeoutError" || error.name === "TimeoutError",
      );
    },
    registration: async () => {
      const config = await oauth.dynamicClientRegistration(
        new URL(peer.issuer),
        { grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope },
        undefined,
        { initialAccessToken: peer.initialAccessToken },
      );
      const registered = config.clientMetadata();
      await assertToken(await token(registered, oauth.ClientSecretBasic(registered.client_secret)), registered);
    },
    "wrong secret": () => assertRefused(token(clients.basic, oauth.ClientSecretBasic("wrong")), "invalid_client"),
    "wrong scope": () =>
      assertRefused(
        token(clients.basic, oauth.ClientSecretBasic(clients.basic.client_secret), { scope: peer.forbiddenScope }),
        "invalid_scope",
      ),
    "wrong resource": () =>
      assertRefused(
        token(clients.basic, oauth.ClientSecretBasic(clients.basic.client_secret), {
          resource: peer.forbiddenResource,
        }),
        "invalid_target",
      ),
  },
  {
    "JWT by JWKS": "it is a client and verifies ID tokens alone",
  },
);

// A workload has a secret of its own only where the server asks for one.
function workloadConfig() {
  const { client_secret: secret } = clients.workload;
  return discover(clients.workload, secret ? oauth.ClientSecretBasic(secret) : oauth.None());
}
