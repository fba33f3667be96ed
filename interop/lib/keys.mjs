// New key pairs, as JWKs. Node writes them while it makes them: one that is exported afterwards can hang for ever, since a
// garbage collection in the middle of export() waits for the key that export() holds (seen with Node 20).

import { createPrivateKey, generateKeyPairSync } from "node:crypto";

// A pair of this type (`ec`, `rsa`, `ed25519`) with Node's options for it.
export function newKeyPair(type, options = {}) {
  const format = { format: "jwk" };
  return generateKeyPairSync(type, { ...options, publicKeyEncoding: format, privateKeyEncoding: format });
}

// A private key as PEM, of type `pkcs8` or `sec1`.
export function pem(jwk, type = "pkcs8") {
  return createPrivateKey({ key: jwk, format: "jwk" }).export({ type, format: "pem" });
}
