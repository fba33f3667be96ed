// Starts one server with a realm for each API, and lets that API's SDK talk to it.
//
// NAME.mjs beside this file is about dialects/NAME/dialect.toml, which is mounted at https://NAME.localhost. It exports
//   realm      more arguments for `jeton realm add`, if it needs any
//   arrange    async (jeton) => …, which adds people and clients with the command line: jeton("person", "add", …)
//   run        async (url) => …, what the SDK does, and what must come of it
// With names as arguments, only those run.

import { readdirSync } from "node:fs";
import { Server, finish, resolveLocalhost, same } from "./lib.mjs";

const OWN = ["lib", "suite"];
const wanted = process.argv.slice(2);
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".mjs"))
  .map((file) => file.slice(0, -".mjs".length))
  .filter((name) => !OWN.includes(name) && (wanted.length === 0 || wanted.includes(name)));

resolveLocalhost();
const server = await Server.with(names);
const apis = [];
for (const name of names) {
  const api = await import(`./${name}.mjs`);
  await server.command("realm", "add", name, "--dialect", `${name}@${name}.localhost`, ...(api.realm ?? []));
  await api.arrange((...args) => server.command(...args));
  apis.push([name, api]);
}

await server.start();
for (const [name, api] of apis) {
  try {
    await api.run(`https://${name}.localhost:${server.port}`);
  } catch (error) {
    // One API that is not as expected must not hide the others.
    console.log(error);
    same(`${name}: the program runs to its end`, String(error), null);
  }
}
same("the status the server ends with", await server.stop(), 0);
// SDKs keep timers and connections.
process.exit(finish("sdk"));
