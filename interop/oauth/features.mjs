// What the tools are asked to do, in the order of the table: [name, whether a server with this metadata serves it].
// RFC 8414 names no member for resource indicators (RFC 8707): the server's settings say whether it has a resource.

const has = (member, value) => (metadata) => metadata[member]?.includes(value) ?? false;
const method = (name) => has("token_endpoint_auth_methods_supported", name);
const grant = (name) => has("grant_types_supported", name);
const assertion = (alg) => (metadata) =>
  method("private_key_jwt")(metadata) && has("token_endpoint_auth_signing_alg_values_supported", alg)(metadata);
const resource = (_metadata, peer) => Boolean(peer.resource);

export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
export const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

export const FEATURES = [
  ["discovery", () => true],
  ["client_secret_basic", method("client_secret_basic")],
  ["client_secret_post", method("client_secret_post")],
  ["private_key_jwt ES256", assertion("ES256")],
  ["private_key_jwt RS256", assertion("RS256")],
  ["private_key_jwt PS256", assertion("PS256")],
  ["private_key_jwt Ed25519", assertion("EdDSA")],
  ["long assertion", assertion("RS256")],
  ["tls_client_auth", method("tls_client_auth")],
  ["self_signed_tls_client_auth", method("self_signed_tls_client_auth")],
  ["DPoP", (metadata) => metadata.dpop_signing_alg_values_supported !== undefined],
  ["resource", resource],
  ["JWT by JWKS", resource],
  ["introspection", (metadata) => metadata.introspection_endpoint !== undefined],
  ["introspection as JWT", (metadata) => metadata.introspection_signing_alg_values_supported !== undefined],
  ["revocation", (metadata) => metadata.revocation_endpoint !== undefined],
  ["password", grant("password")],
  ["refresh_token", (metadata) => grant("password")(metadata) && grant("refresh_token")(metadata)],
  ["token exchange", grant(TOKEN_EXCHANGE)],
  ["workload by exchange", grant(TOKEN_EXCHANGE)],
  ["workload by jwt-bearer", grant(JWT_BEARER)],
  ["device", (metadata) => metadata.device_authorization_endpoint !== undefined],
  ["registration", (metadata) => metadata.registration_endpoint !== undefined],
  ["wrong secret", method("client_secret_basic")],
  ["wrong scope", method("client_secret_basic")],
  ["wrong resource", resource],
];
