// Debian's Apache with mod_auth_openidc or mod_oauth2 as the resource server of an API.
// usage: node apache.mjs MODULE PEER.json

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { SignJWT, exportJWK, generateKeyPair } from "jose";

const [module] = process.argv.slice(2);
process.argv.splice(2, 1);
const { clients, fetchAs, peer, run, scope } = await import("./lib.mjs");
const MODULES = "/usr/lib/apache2/modules";
const PAGE = "reached";

if (!existsSync(`${MODULES}/${module}.so`)) {
  throw new Error(
    `Apache's ${module} is not installed: install libapache2-${module.replaceAll("_", "-")}, then try again`,
  );
}
const apache = await start();
await run(
  {
    introspection: async () => {
      const { access_token: good } = await token();
      await assertReached(apache.introspection, bearer(good));
      await assertTurnedAway(apache.introspection, bearer("garbage"));
      const { access_token: ended } = await token();
      await post(peer.metadata.revocation_endpoint, { token: ended });
      await assertTurnedAway(apache.introspection, bearer(ended));
      await assertTurnedAway(apache.introspection, {});
    },
    "JWT by JWKS": async () => {
      const { access_token: good } = await token({ resource: peer.resource });
      await assertReached(apache.jwt, bearer(good));
      await assertTurnedAway(new URL("elsewhere", apache.jwt), bearer(good));
      const [header, claims, signature] = good.split(".");
      const forged = signature[5] === "A" ? "B" : "A";
      await assertTurnedAway(
        apache.jwt,
        bearer([header, claims, signature.slice(0, 5) + forged + signature.slice(6)].join(".")),
      );
    },
    ...(module === "mod_oauth2" && {
      DPoP: boundToKey,
      ...(peer.metadata.tls_client_certificate_bound_access_tokens && {
        tls_client_auth: () => boundToCertificate("mtls", "selfSigned"),
        self_signed_tls_client_auth: () => boundToCertificate("selfSigned", "mtls"),
      }),
    }),
  },
  "it checks tokens and gets none",
  () => apache.process.kill(),
);

// A token bound to a key is good with a proof by that key, for this very request, and with no other.
async function boundToKey() {
  const url = new URL("bound", apache.jwt).href;
  const keys = await generateKeyPair("ES256", { extractable: true });
  const other = await generateKeyPair("ES256", { extractable: true });
  const { access_token: good } = await token({ resource: peer.resource }, keys);
  const shown = async (pair) => ({
    authorization: `DPoP ${good}`,
    dpop: await proof(pair, "GET", url, { token: good }),
  });
  await assertReached(url, await shown(keys), clients.dpop);
  await assertTurnedAway(url, await shown(other));
  await assertTurnedAway(url, { authorization: `DPoP ${good}` });
}

// A token bound to a certificate is good with that certificate, and with no other.
async function boundToCertificate(role, otherRole) {
  const form = { grant_type: "client_credentials", client_id: clients[role].client_id, scope, resource: peer.resource };
  const body = new URLSearchParams(form);
  const answer = await fetchAs(clients[role])(peer.metadata.token_endpoint, { method: "POST", body });
  const { access_token: good } = await answer.json();
  await assertReached(apache.tls, bearer(good), clients[role], fetchAs(clients[role]));
  await assertTurnedAway(apache.tls, bearer(good), fetchAs(clients[otherRole]));
  await assertTurnedAway(apache.tls, bearer(good));
}

// RFC 9449 §4.2.
async function proof({ publicKey, privateKey }, method, url, { token, nonce } = {}) {
  const ath = token && Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(token))).toString("base64url");
  return new SignJWT({ htm: method, htu: url, jti: randomUUID(), ...(ath && { ath }), ...(nonce && { nonce }) })
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: await exportJWK(publicKey) })
    .setIssuedAt()
    .sign(privateKey);
}

async function post(url, form, headers, { client_id: id, client_secret: secret } = clients.basic) {
  return fetch(url, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}`, ...headers },
    body: new URLSearchParams(form),
  });
}

// A machine's token, bound to a key where one is given; the server's nonce comes with its refusal.
async function token(more, keys) {
  const form = { grant_type: "client_credentials", scope, ...more };
  const url = peer.metadata.token_endpoint;
  if (!keys) return (await post(url, form)).json();
  const refusal = await post(url, form, { dpop: await proof(keys, "POST", url) }, clients.dpop);
  const nonce = refusal.headers.get("dpop-nonce");
  return (await post(url, form, { dpop: await proof(keys, "POST", url, { nonce }) }, clients.dpop)).json();
}

function bearer(token) {
  return { authorization: `Bearer ${token}` };
}

async function assertReached(url, headers, client = clients.basic, ask = fetch) {
  const response = await ask(url, { headers });
  assert.equal(
    response.status,
    200,
    `${url}\n${readFileSync(join(apache.root, "error.log"), "utf8").split("\n").slice(-4).join("\n")}`,
  );
  assert.equal(await response.text(), PAGE);
  assert.equal(response.headers.get("x-remote-user"), client.client_id);
}

async function assertTurnedAway(url, headers, ask = fetch) {
  const response = await ask(url, { headers });
  assert.equal(Math.floor(response.status / 100), 4, url);
  assert.notEqual(await response.text(), PAGE);
}

// Starts Apache and waits until it listens.
async function start() {
  const root = join(peer.folder, `${module}-${peer.name}`);
  mkdirSync(join(root, "pages"), { recursive: true });
  chmodSync(peer.folder, 0o711);
  for (const page of ["page", "bound", "elsewhere"]) writeFileSync(join(root, "pages", page), PAGE);
  const [introspectionPort, jwtPort, tlsPort] = [await freePort(), await freePort(), await freePort()];
  const isRoot = process.getuid() === 0;
  const user = isRoot ? "www-data" : userInfo().username;
  const values = {
    root,
    introspectionPort,
    jwtPort,
    tlsPort,
    certificate: join(peer.folder, "server.pem"),
    key: join(peer.folder, "server.key"),
    user,
    group: isRoot ? "www-data" : `#${process.getgid()}`,
    modules: MODULES,
    ca: peer.ca,
    clientId: clients.resourceServer.client_id,
    clientSecret: clients.resourceServer.client_secret,
    introspectionEndpoint: peer.metadata.introspection_endpoint,
    jwksUri: peer.metadata.jwks_uri,
    issuer: peer.issuer,
    resource: peer.resource,
    forbiddenResource: peer.forbiddenResource,
  };
  const fill = (name) =>
    readFileSync(join(import.meta.dirname, "apache", name), "utf8").replace(
      /\{(\w+)\}/g,
      (_all, key) => values[key] ?? _all,
    );
  writeFileSync(join(root, "apache.conf"), fill("apache.conf"));
  writeFileSync(join(root, "module.conf"), fill(`${module}.conf`));
  const process_ = spawn("/usr/sbin/apache2", ["-f", join(root, "apache.conf"), "-D", "FOREGROUND"], {
    stdio: "inherit",
  });
  const introspection = `http://127.0.0.1:${introspectionPort}/page`;
  for (let tries = 0; ; tries += 1) {
    if (
      await fetch(introspection).then(
        () => true,
        () => false,
      )
    )
      break;
    if (tries > 200 || process_.exitCode !== null) throw new Error("Apache does not start");
    await new Promise((later) => setTimeout(later, 50));
  }
  return {
    root,
    process: process_,
    introspection,
    jwt: `http://127.0.0.1:${jwtPort}/page`,
    tls: `https://localhost:${tlsPort}/page`,
  };
}

// A port is free only once one has it; nobody else asks the system for one meanwhile.
function freePort() {
  return new Promise((free) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => free(port));
    });
  });
}
