// An issuer that knows workloads, as GitHub Actions or a Kubernetes cluster does. Whoever asks it at /token gets a token
// for `repo:jeton/interop`, for the audience that he names.

import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

export const SUBJECT = "repo:jeton/interop";

export async function start({ certificates, workloadKey }) {
  const { certificate, key } = certificates.server;
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const issuer = `https://localhost:${server.address().port}`;

  const signingKey = createPrivateKey(readFileSync(workloadKey.pem));
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = (audience) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      sub: SUBJECT,
      aud: audience,
      iat: now,
      exp: now + 300,
      jti: randomUUID(),
      environment: "test",
    };
    const signed = `${encode({ typ: "JWT", alg: "RS256", kid: workloadKey.public.kid })}.${encode(claims)}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), signingKey).toString("base64url")}`;
  };
  server.on("request", (request, response) => {
    const url = new URL(request.url, issuer);
    const answers = {
      "/.well-known/openid-configuration": () => ({
        issuer,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
      }),
      "/jwks": () => ({ keys: [workloadKey.public] }),
      "/token": () => ({ value: token(url.searchParams.get("audience")) }),
    };
    const answer = answers[url.pathname];
    response.writeHead(answer ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(answer?.() ?? {}));
  });
  return { issuer, subject: SUBJECT, tokenUrl: `${issuer}/token`, stop: () => server.close() };
}
