// One `jeton serve` with a realm for the tools, made with the command line.
// JETON  the binary

import { execFile, spawn } from "node:child_process";
import { X509Certificate, createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE } from "../features.mjs";

const { JETON } = process.env;

export async function start(material, workload) {
  const { folder, certificates, realm, scope, resource, person, keys, workloadKey } = material;
  const store = join(folder, "jeton");
  const config = join(store, "jeton.toml");
  const port = await freePort();
  const publicUrl = `https://localhost:${port}`;
  await run("init", store);
  // Paths as JSON are paths as TOML.
  writeFileSync(
    config,
    `listen = "127.0.0.1:${port}"
public_url = "${publicUrl}"
data = "data"
master_key = "master.key"
[tls]
certificate = ${JSON.stringify(certificates.server.certificate)}
key = ${JSON.stringify(certificates.server.key)}
client_ca = ${JSON.stringify(certificates.ca)}
client_certificates = true
[log]
format = "json"
`,
  );
  const command = async (...args) => {
    const { input } = typeof args.at(-1) === "object" ? args.pop() : {};
    const printed = await run(...args, "--json", "--config", config, { input });
    return printed === "" ? null : JSON.parse(printed);
  };
  const grants = (...names) => names.flatMap((name) => ["--grant", name]);
  const known = ["client_credentials", "refresh_token", "password", JWT_BEARER, TOKEN_EXCHANGE, DEVICE_CODE];
  await command("realm", "add", realm, "--registration", "token", ...grants(...known));
  await command("person", "add", realm, person.username, "--password-stdin", { input: person.password });

  const clients = {};
  const add = async (role, ...options) => {
    clients[role] = await command("client", "add", realm, role, ...options);
  };
  const machine = ["--scope", scope, "--audience", resource];
  await add("basic", "--auth", "client_secret_basic", ...machine);
  await add("post", "--auth", "client_secret_post", ...machine);
  for (const [alg, key] of Object.entries(keys)) {
    await add(alg, "--auth", "private_key_jwt", "--key", key.publicFile, ...machine);
    clients[alg].key = key;
  }
  const tokenEndpoint = `${publicUrl}/realms/${realm}/protocol/openid-connect/token`;
  const tolerant = ["--assertion-audience", tokenEndpoint, "--assertion-length", "1h"];
  await add("tolerant", "--auth", "private_key_jwt", "--key", keys.RS256.publicFile, ...tolerant, ...machine);
  clients.tolerant.key = keys.RS256;
  const bound = ["--certificate-bound", "true", ...machine];
  await add("mtls", "--auth", "tls_client_auth", "--certificate", "san_dns=machine.example.com", ...bound);
  Object.assign(clients.mtls, certificates.client);
  const { raw } = new X509Certificate(readFileSync(certificates.selfSigned.certificate));
  const thumbprint = createHash("sha256").update(raw).digest("base64url");
  await add(
    "selfSigned",
    "--auth",
    "self_signed_tls_client_auth",
    "--certificate",
    `x5t#S256=${thumbprint}`,
    ...bound,
  );
  Object.assign(clients.selfSigned, certificates.selfSigned);
  await add("exchange", ...grants("client_credentials", TOKEN_EXCHANGE), ...machine);
  await add("workload", "--auth", "none", ...grants(JWT_BEARER, TOKEN_EXCHANGE), "--scope", scope);
  // The run's own authority is none of the system's, by which Jeton would know the issuer when it fetches the keys.
  const trusted = [
    "--issuer",
    workload.issuer,
    "--claim",
    `sub=${workload.subject}`,
    "--jwks-file",
    workloadKey.publicFile,
  ];
  await command("client", "trust", "add", realm, "workload", ...trusted);
  await add("device", "--auth", "none", ...grants(DEVICE_CODE), "--scope", scope);
  await add("dpop", "--dpop", "true", ...machine);
  await add("family", ...grants("password", "refresh_token"), "--scope", scope);
  await add("resourceServer", "--resource-server");

  const { initial_access_token: initialAccessToken } = await command(
    "client",
    "registration-token",
    "add",
    realm,
    "--uses",
    "99",
    ...machine,
  );

  const server = await serve(config);
  const { forbiddenResource } = material;
  return {
    peer: {
      issuer: `${publicUrl}/realms/${realm}`,
      clients,
      resource,
      forbiddenResource,
      initialAccessToken,
      // Keycloak's, by a refresh token: no RFC has it.
      logout: true,
      // A user code makes it a whole command.
      approve: [JETON, "device", "approve", "--person", person.username, "--config", config, realm],
    },
    stop: () => stop(server),
  };
}

// Runs the binary; gives what it prints. A last argument `{ input }` is its standard input.
async function run(...args) {
  const { input } = typeof args.at(-1) === "object" ? args.pop() : {};
  const running = promisify(execFile)(JETON, args);
  running.child.stdin.end(input);
  return (await running).stdout;
}

// Starts the server and waits until it listens.
async function serve(config) {
  const server = spawn(JETON, ["serve", "--config", config], { stdio: ["ignore", "inherit", "pipe"] });
  const ended = once(server, "exit");
  await new Promise((ready, failed) => {
    ended.then(() => failed(new Error("Jeton ended before it was ready")));
    createInterface(server.stderr).on("line", (line) => {
      if (/"listen":"/.test(line)) ready();
      else if (!line.includes(`"level":"INFO"`)) console.error(line);
    });
  });
  return { process: server, ended };
}

// Ends it as an operator does; gives its exit status.
async function stop(server) {
  server.process.kill("SIGTERM");
  const [status] = await server.ended;
  return status;
}

// Its issuer names the port, so that it must be known before. A port is free only once one has it; nobody else asks the
// system for one meanwhile.
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
