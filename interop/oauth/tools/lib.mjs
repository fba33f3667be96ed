// What Node's tools share: the server they are aimed at, how an outcome is told, and what is checked of every token.
// usage of each tool: node TOOL.mjs PEER.json

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate, createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, fetch as undiciFetch } from "undici";

export const peer = JSON.parse(readFileSync(process.argv[2], "utf8"));
export const { clients, scope } = peer;

// Runs what the server serves of a tool's features, each a function of nothing; `cannot` has the others' reasons, or is
// the reason for all of them. Prints an outcome a line, for suite.mjs.
export async function run(features, cannot, cleanUp = () => {}) {
  const tell = (feature, outcome, reason) => console.log(JSON.stringify({ feature, outcome, reason }));
  for (const [feature, check] of Object.entries(features)) {
    if (!peer.features.includes(feature)) continue;
    try {
      await check();
      tell(feature, "passed");
    } catch (error) {
      tell(feature, "failed", described(error));
    }
  }
  cleanUp();
  const others = peer.allFeatures.filter((feature) => !features[feature]);
  for (const feature of others) {
    const reason = typeof cannot === "string" ? cannot : cannot[feature];
    if (reason) tell(feature, "cannot", reason);
  }
  process.exit(0);
}

// An error with the line of a tool that met it, and what the server answered, if that is its cause.
function described(error) {
  const line =
    error.stack.split("\n").find((text) => text.includes("/oauth/tools/") && !text.includes("lib.mjs")) ?? "";
  return [error.message, line.trim(), error.cause && JSON.stringify(error.cause)].filter(Boolean).join("\n");
}

// A token's state as a resource server sees it, asked without any tool.
export async function introspected(token) {
  const { client_id: id, client_secret: secret } = clients.resourceServer;
  const response = await fetch(peer.metadata.introspection_endpoint, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}` },
    body: new URLSearchParams({ token }),
  });
  assert.equal(response.status, 200, "introspection");
  return response.json();
}

// Nothing may be told of such a token but that it counts no more (RFC 7662 §2.2); why is not about the token.
export function assertInactive(state) {
  const told = ["client_id", "sub", "scope", "exp", "aud", "username"].filter((member) => member in state);
  assert.deepEqual([state.active, told], [false, []]);
}

// A token answer that gives a bearer token of this scope to this client.
export async function assertToken(answer, client) {
  assert.equal(answer.token_type.toLowerCase(), "bearer");
  const state = await introspected(answer.access_token);
  assert.deepEqual(
    { active: state.active, client: state.client_id, scope: state.scope },
    { active: true, client: client.client_id, scope },
  );
}

// What the tool throws must carry this code of RFC 6749 §5.2 (or of another that adds to it).
export async function assertRefused(promise, code) {
  const error = await Promise.resolve(promise).then(
    () => assert.fail(`not refused with ${code}`),
    (refusal) => refusal,
  );
  // With a challenge the tool leaves the body to its user.
  const given = error.error ?? (error.response?.bodyUsed === false ? (await error.response.json()).error : undefined);
  assert.equal(given, code, String(error));
}

// `fetch` with a client's certificate, in whose place the handshake proves the client.
export function fetchAs({ certificate, key }) {
  const connect = { cert: readFileSync(certificate), key: readFileSync(key), ca: readFileSync(peer.ca) };
  const dispatcher = new Agent({ connect });
  return (url, options) => undiciFetch(url, { ...options, dispatcher });
}

// Where the server says that it does, it binds a client's tokens to the certificate (RFC 8705 §3.1).
export async function assertBound(token, { certificate }) {
  if (!peer.metadata.tls_client_certificate_bound_access_tokens) return;
  const { raw } = new X509Certificate(readFileSync(certificate));
  assert.equal((await introspected(token)).cnf["x5t#S256"], createHash("sha256").update(raw).digest("base64url"));
}

// A person's yes to a device, where the server has a command for it.
export function approve(userCode) {
  const [program, ...args] = peer.approve;
  execFileSync(program, [...args, userCode], { stdio: "pipe" });
}

// A workload's token, from the issuer that knows the workload.
export async function workloadToken(audience = peer.issuer) {
  const response = await fetch(`${peer.workload.tokenUrl}?${new URLSearchParams({ audience })}`);
  return (await response.json()).value;
}

export const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
export const JWT = "urn:ietf:params:oauth:token-type:jwt";
