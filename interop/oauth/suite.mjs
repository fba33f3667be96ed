// Aims tools at one server, prints what each did, and closes with the count.
// usage: node suite.mjs SERVER FOLDER NAME=PROGRAM…
// SERVER is a file of servers/, FOLDER holds what material.mjs made, PROGRAM is a command whose words are separated by
// spaces; it is called with the peer's file as one argument more, and prints an outcome a line: feature, outcome, reason

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FEATURES } from "./features.mjs";
import * as issuer from "./servers/issuer.mjs";

const [serverName, folder, ...programs] = process.argv.slice(2);
const material = JSON.parse(readFileSync(join(folder, "material.json"), "utf8"));
const { start } = await import(`./servers/${serverName}.mjs`);

const workload = await issuer.start(material);
const server = await start(material, workload);
const { peer } = server;
const metadata = await (await fetch(`${peer.issuer}/.well-known/openid-configuration`)).json();
const served = FEATURES.filter(([, isServed]) => isServed(metadata, peer)).map(([name]) => name);
const { person, scope, forbiddenScope, certificates, workloadKey } = material;
const peerFile = join(folder, `${serverName}.json`);
writeFileSync(
  peerFile,
  JSON.stringify({
    name: serverName,
    folder,
    metadata,
    person,
    scope,
    forbiddenScope,
    ca: certificates.ca,
    workload: {
      issuer: workload.issuer,
      subject: workload.subject,
      tokenUrl: workload.tokenUrl,
      key: workloadKey.pem,
      kid: workloadKey.public.kid,
    },
    features: served,
    allFeatures: FEATURES.map(([name]) => name),
    ...peer,
  }),
  { mode: 0o600 },
);

const tools = programs.map((program) => program.split(/=(.*)/s).slice(0, 2));
const outcomes = new Map();
const waiting = [...tools];
// Two at a time: each tool is mostly at the start of its own program.
await Promise.all(
  [0, 1].map(async () => {
    for (let tool = waiting.shift(); tool; tool = waiting.shift()) outcomes.set(tool[0], await outcomesOf(tool));
  }),
);
const status = await server.stop();
workload.stop();
process.exit(report());

// What a tool tells of each feature: { outcome, reason }. A feature of which it tells nothing has failed.
async function outcomesOf([tool, program]) {
  const [command, ...args] = program.split(" ");
  const { stdout, stderr } = await new Promise((done) => {
    execFile(command, [...args, peerFile], { timeout: 60_000 }, (_error, out, err) =>
      done({ stdout: out, stderr: err }),
    );
  });
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  const told = new Map(lines.map((line) => JSON.parse(line)).map(({ feature, ...rest }) => [feature, rest]));
  const silent = served.filter((feature) => !told.has(feature));
  for (const feature of silent) told.set(feature, { outcome: "failed", reason: `${tool} says nothing of it` });
  if (silent.length > 0) console.log(`${tool} prints:\n${stdout}\n${stderr}`);
  return told;
}

// The table, then every reason, then the count; gives the exit status.
function report() {
  const marks = { passed: "yes", failed: "FAIL", cannot: "-" };
  const width = Math.max(...FEATURES.map(([name]) => name.length));
  console.log(`\n${serverName}\n`);
  tools.forEach(([tool], index) => console.log(`${" ".repeat(width)} ${"|  ".repeat(index)}${tool}`));
  for (const [feature] of FEATURES) {
    const cells = tools.map(([tool]) =>
      served.includes(feature) ? marks[outcomes.get(tool).get(feature).outcome] : ".",
    );
    console.log(`${feature.padEnd(width)} ${cells.map((cell) => cell.padEnd(2)).join(" ")}`);
  }
  const counts = { passed: 0, failed: status === 0 ? 0 : 1, cannot: 0 };
  if (status !== 0) console.log(`FAIL ${serverName} ends with status ${status}`);
  for (const [tool] of tools) {
    const reasons = new Map();
    for (const feature of served) {
      const { outcome, reason } = outcomes.get(tool).get(feature);
      counts[outcome] += 1;
      if (outcome === "failed") console.log(`FAIL ${tool}: ${feature}\n  ${reason.replaceAll("\n", "\n  ")}`);
      if (outcome === "cannot") reasons.set(reason, [...(reasons.get(reason) ?? []), feature]);
    }
    for (const [reason, features] of reasons) {
      const which =
        features.length > served.length / 2 ? `${features.length} of ${served.length}` : features.join(", ");
      console.log(`- ${tool}: ${reason} (${which})`);
    }
  }
  const absent = FEATURES.map(([name]) => name).filter((name) => !served.includes(name));
  if (absent.length > 0) console.log(`left out, not served by ${serverName}: ${absent.join(", ")}`);
  console.log(`oauth: ${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}
