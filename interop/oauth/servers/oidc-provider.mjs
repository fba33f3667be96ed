// oidc-provider with everything switched on that the tools do, at Keycloak's paths and as strict about assertions as the
// tools are told a server is: the issuer as their only audience, five minutes at most, but for one client that is allowed
// more.

import { X509Certificate, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createRemoteJWKSet, jwtVerify } from "jose";
import Provider, { errors } from "oidc-provider";
import { newKeyPair } from "../../lib/keys.mjs";
import { DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE } from "../features.mjs";

export const name = "oidc-provider";

const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const JWT = "urn:ietf:params:oauth:token-type:jwt";
const SIGNING_ALGS = ["ES256", "RS256", "PS256", "EdDSA", "Ed25519"];
const PREFIX = "/protocol/openid-connect";

export async function start(material, workload) {
  const { certificates, realm } = material;
  const tls = {
    cert: readFileSync(certificates.server.certificate),
    key: readFileSync(certificates.server.key),
    ca: readFileSync(certificates.ca),
    requestCert: true,
    rejectUnauthorized: false,
  };
  const server = createServer(tls);
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const path = `/realms/${realm}`;
  const issuer = `https://localhost:${server.address().port}${path}`;

  const secret = () => randomBytes(32).toString("base64url");
  const clients = described(material, secret);
  const initialAccessToken = secret();
  const provider = new Provider(issuer, configuration(material, clients, initialAccessToken));
  registerGrants(provider, material, workload);
  const answer = provider.callback();
  server.on("request", (request, response) => {
    request.originalUrl = request.url;
    if (request.url.startsWith(path)) request.url = request.url.slice(path.length) || "/";
    answer(request, response);
  });

  return {
    peer: {
      issuer,
      resource: material.resource,
      forbiddenResource: material.forbiddenResource,
      initialAccessToken,
      clients: Object.fromEntries(
        Object.entries(clients).map(([role, { id, secret: own, proof }]) => [
          role,
          { client_id: id, ...(own && { client_secret: own }), ...proof },
        ]),
      ),
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
      return 0;
    },
  };
}

// Every client by its role: what it proves itself with (for the tools) and its metadata (for the provider).
function described({ certificates, keys }, secret) {
  const service = { grant_types: ["client_credentials"] };
  const jwks = (key) => ({ jwks: { keys: [key] } });
  const byKey = (alg, more) => ({
    proof: { key: keys[alg] },
    metadata: { token_endpoint_auth_method: "private_key_jwt", ...jwks(keys[alg].public), ...service, ...more },
  });
  const byCertificate = (method, certificate, more) => ({
    proof: certificate,
    metadata: {
      token_endpoint_auth_method: method,
      tls_client_certificate_bound_access_tokens: true,
      ...service,
      ...more,
    },
  });
  const own = new X509Certificate(readFileSync(certificates.selfSigned.certificate));
  const withSecret = (metadata) => ({ secret: secret(), metadata });
  const roles = {
    basic: withSecret(service),
    post: withSecret({ token_endpoint_auth_method: "client_secret_post", ...service }),
    ES256: byKey("ES256"),
    RS256: byKey("RS256"),
    PS256: byKey("PS256"),
    EdDSA: byKey("EdDSA"),
    tolerant: byKey("RS256", { long_assertions: true }),
    mtls: byCertificate("tls_client_auth", certificates.client, { tls_client_auth_san_dns: "machine.example.com" }),
    selfSigned: byCertificate(
      "self_signed_tls_client_auth",
      certificates.selfSigned,
      jwks({ ...own.publicKey.export({ format: "jwk" }), kid: "own", x5c: [own.raw.toString("base64")] }),
    ),
    dpop: withSecret({ dpop_bound_access_tokens: true, ...service }),
    family: withSecret({ grant_types: ["password", "refresh_token"] }),
    exchange: withSecret({ grant_types: ["client_credentials", TOKEN_EXCHANGE] }),
    workload: withSecret({ grant_types: [TOKEN_EXCHANGE, JWT_BEARER] }),
    device: {
      metadata: { token_endpoint_auth_method: "none", application_type: "native", grant_types: [DEVICE_CODE] },
    },
    resourceServer: withSecret({ grant_types: [] }),
  };
  for (const [role, client] of Object.entries(roles)) client.id = role;
  return roles;
}

function configuration({ resource, scope, forbiddenScope }, clients, initialAccessToken) {
  const { privateKey } = newKeyPair("ec", { namedCurve: "P-256" });
  return {
    jwks: { keys: [{ ...privateKey, kid: "provider", use: "sig", alg: "ES256" }] },
    clients: Object.values(clients).map(({ id, secret, metadata }) => ({
      client_id: id,
      client_secret: secret,
      scope,
      redirect_uris: [],
      response_types: [],
      ...metadata,
    })),
    clientDefaults: { id_token_signed_response_alg: "ES256", introspection_signed_response_alg: "ES256" },
    extraClientMetadata: { properties: ["long_assertions"] },
    clientAuthMethods: [
      "client_secret_basic",
      "client_secret_post",
      "private_key_jwt",
      "none",
      "tls_client_auth",
      "self_signed_tls_client_auth",
    ],
    enabledJWA: { clientAuthSigningAlgValues: SIGNING_ALGS, dPoPSigningAlgValues: SIGNING_ALGS },
    ttl: Object.fromEntries(
      ["AccessToken", "ClientCredentials", "DeviceCode", "Grant", "RefreshToken"].map((kind) => [kind, 300]),
    ),
    scopes: ["openid", "offline_access", scope, forbiddenScope],
    cookies: { keys: [randomBytes(16).toString("hex")] },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    rotateRefreshToken: true,
    assertJwtClientAuthClaimsAndHeader: (ctx, claims, _header, client) => {
      const isStrict = !client.long_assertions;
      if (isStrict && claims.aud !== ctx.oidc.issuer)
        throw new errors.InvalidClientAuth("the issuer must be the only audience");
      if (isStrict && claims.exp > Date.now() / 1000 + 300) throw new errors.InvalidClientAuth("good for too long");
    },
    routes: {
      authorization: `${PREFIX}/auth`,
      device_authorization: `${PREFIX}/auth/device`,
      introspection: `${PREFIX}/token/introspect`,
      jwks: `${PREFIX}/certs`,
      registration: "/clients-registrations/openid-connect",
      revocation: `${PREFIX}/revoke`,
      token: `${PREFIX}/token`,
      userinfo: `${PREFIX}/userinfo`,
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      introspection: { enabled: true, allowedPolicy: () => true },
      jwtIntrospection: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: (ctx) => ctx.socket.getPeerX509Certificate(),
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) =>
          property === "tls_client_auth_san_dns" &&
          ctx.socket.getPeerX509Certificate().checkHost(expected) !== undefined,
      },
      registration: { enabled: true, initialAccessToken },
      registrationManagement: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, asked) => {
          if (asked !== resource) throw new errors.InvalidTarget();
          return { scope, audience: resource, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } };
        },
      },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    },
  };
}

// Three grants that the provider leaves to whoever runs it.
function registerGrants(provider, { person, scope }, workload) {
  const workloadKeys = createRemoteJWKSet(new URL(`${workload.issuer}/jwks`));
  const verified = (token) =>
    jwtVerify(token, workloadKeys, {
      issuer: workload.issuer,
      subject: workload.subject,
      audience: provider.issuer,
    }).catch((cause) => {
      throw new errors.InvalidGrant("the assertion is not good", undefined, { cause });
    });
  const granted = (ctx) => {
    if ((ctx.oidc.params.scope ?? scope) !== scope) throw new errors.InvalidScope("not granted", ctx.oidc.params.scope);
    return scope;
  };
  const serviceAnswer = async (ctx, more) => {
    const token = new provider.ClientCredentials({ client: ctx.oidc.client, scope: granted(ctx) });
    ctx.body = {
      access_token: await token.save(),
      token_type: "Bearer",
      expires_in: token.expiration,
      scope: token.scope,
      ...more,
    };
  };

  provider.registerGrantType(
    "password",
    async (ctx) => {
      const { client, params } = ctx.oidc;
      if (params.username !== person.username || params.password !== person.password)
        throw new errors.InvalidGrant("wrong password");
      const grant = new provider.Grant({ accountId: person.username, clientId: client.clientId });
      grant.addOIDCScope(granted(ctx));
      const about = {
        accountId: person.username,
        client,
        grantId: await grant.save(),
        gty: "password",
        scope: granted(ctx),
        claims: {},
      };
      const access = new provider.AccessToken(about);
      ctx.body = {
        access_token: await access.save(),
        token_type: "Bearer",
        expires_in: access.expiration,
        refresh_token: await new provider.RefreshToken(about).save(),
        scope,
      };
    },
    ["username", "password", "scope"],
  );

  provider.registerGrantType(
    JWT_BEARER,
    async (ctx) => {
      await verified(ctx.oidc.params.assertion ?? "");
      await serviceAnswer(ctx);
    },
    ["assertion", "scope"],
  );

  provider.registerGrantType(
    TOKEN_EXCHANGE,
    async (ctx) => {
      const { subject_token: subject = "", subject_token_type: type } = ctx.oidc.params;
      if (type === JWT) {
        await verified(subject);
      } else if (type !== ACCESS_TOKEN) {
        throw new errors.InvalidRequest("no such type of token");
      } else if (!(await provider.ClientCredentials.find(subject))) {
        throw new errors.InvalidRequest("the subject token is not good");
      }
      await serviceAnswer(ctx, { issued_token_type: ACCESS_TOKEN });
    },
    ["subject_token", "subject_token_type", "requested_token_type", "scope", "audience"],
  );
}
