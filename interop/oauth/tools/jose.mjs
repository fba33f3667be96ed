// npm jose: verifies a token with the keys that it fetches. It gets none: that is done without a tool.

import assert from "node:assert/strict";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { clients, peer, run, scope } from "./lib.mjs";

async function token() {
  const { client_id: id, client_secret: secret } = clients.basic;
  const response = await fetch(peer.metadata.token_endpoint, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope, resource: peer.resource }),
  });
  return (await response.json()).access_token;
}

await run(
  {
    "JWT by JWKS": async () => {
      const keys = createRemoteJWKSet(new URL(peer.metadata.jwks_uri));
      const expected = {
        issuer: peer.issuer,
        audience: peer.resource,
        typ: "at+jwt",
        requiredClaims: ["exp", "iat", "jti", "sub", "client_id"],
      };
      const good = await token();
      const { payload } = await jwtVerify(good, keys, expected);
      assert.deepEqual([payload.client_id, payload.scope], [clients.basic.client_id, scope]);
      const refusals = [
        [{ audience: peer.forbiddenResource }, "ERR_JWT_CLAIM_VALIDATION_FAILED"],
        [{ issuer: `${peer.issuer}/` }, "ERR_JWT_CLAIM_VALIDATION_FAILED"],
        [{ currentDate: new Date((payload.exp + 1) * 1000) }, "ERR_JWT_EXPIRED"],
      ];
      for (const [wrong, code] of refusals)
        await assert.rejects(jwtVerify(good, keys, { ...expected, ...wrong }), { code });
      const [header, claims, signature] = good.split(".");
      const other = signature[5] === "A" ? "B" : "A";
      const forged = [header, claims, signature.slice(0, 5) + other + signature.slice(6)].join(".");
      await assert.rejects(jwtVerify(forged, keys, expected), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
    },
  },
  "it verifies tokens and gets none",
);
