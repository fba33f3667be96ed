// oidc-provider with a client for each flow. Its first line of output is JSON: its address and what proves the clients.

import { createServer } from "node:http";
import Provider, { errors } from "oidc-provider";
import { newKeyPair, pem } from "../lib/keys.mjs";

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

// Signs what it writes wrongly, if a client forgets that both halves of Basic are form-encoded.
const SECRET = "100% of a+b & c:d";

// One key for each algorithm, each in another form that people have them in.
const keys = {
  ES256: { ...newKeyPair("ec", { namedCurve: "P-256" }), text: (key) => pem(key, "sec1") },
  RS256: { ...newKeyPair("rsa", { modulusLength: 2048 }), text: (key) => pem(key) },
  EdDSA: { ...newKeyPair("ed25519"), text: JSON.stringify },
};

const service = { grant_types: ["client_credentials"], redirect_uris: [], response_types: [] };
const person = {
  application_type: "native",
  grant_types: ["authorization_code", "refresh_token"],
  redirect_uris: ["http://127.0.0.1/callback"],
  response_types: ["code"],
};
const clients = [
  { client_id: "basic & co", client_secret: SECRET, ...service },
  { client_id: "post", client_secret: SECRET, token_endpoint_auth_method: "client_secret_post", ...service },
  ...Object.entries(keys).map(([alg, { publicKey }]) => ({
    client_id: `key-${alg}`,
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: alg,
    jwks: { keys: [{ ...publicKey, kid: "k1" }] },
    ...service,
  })),
  { client_id: "public", token_endpoint_auth_method: "none", ...person },
  { client_id: "confidential", client_secret: SECRET, ...person },
  {
    client_id: "device",
    token_endpoint_auth_method: "none",
    ...person,
    grant_types: [DEVICE, "refresh_token"],
    redirect_uris: [],
    response_types: [],
  },
  { client_id: "exchange", client_secret: SECRET, ...service, grant_types: ["client_credentials", EXCHANGE] },
];

const server = createServer().listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients,
    scopes: ["openid", "offline_access", "read"],
    cookies: { keys: ["only for this run"] },
    enabledJWA: { clientAuthSigningAlgValues: ["ES256", "RS256", "EdDSA"] },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
      revocation: { enabled: true },
    },
  });
  // The provider has no token exchange of its own: this one gives a token for any that it has given to a service.
  provider.registerGrantType(
    EXCHANGE,
    async (ctx) => {
      const { subject_token: subject, subject_token_type: type } = ctx.oidc.params;
      if (type !== "urn:ietf:params:oauth:token-type:access_token") throw new errors.InvalidRequest("wrong type");
      if (!(await provider.ClientCredentials.find(subject))) throw new errors.InvalidGrant("unknown subject token");
      const token = new provider.ClientCredentials({ client: ctx.oidc.client, scope: ctx.oidc.params.scope });
      ctx.body = {
        access_token: await token.save(),
        issued_token_type: type,
        token_type: "Bearer",
        expires_in: token.expiration,
      };
    },
    ["subject_token", "subject_token_type", "scope", "audience", "resource"],
  );
  server.on("request", provider.callback());
  const privateKeys = Object.fromEntries(
    Object.entries(keys).map(([alg, { privateKey, text }]) => [alg, text(privateKey)]),
  );
  console.log(JSON.stringify({ issuer, secret: SECRET, privateKeys }));
});
