// The server under the SDKs, and checks with their count.

import { execFile, spawn } from "node:child_process";
import dns from "node:dns";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const { JETON, FOLDER } = process.env;
const CONFIG = `${FOLDER}/jeton.toml`;

/** One `jeton serve`, configured by the command line. */
export class Server {
  /** Prepares a server that knows these dialects by their files. */
  static async with(names) {
    const file = (name) => fileURLToPath(new URL(`../../dialects/${name}/dialect.toml`, import.meta.url));
    await run("init", FOLDER);
    // Paths as JSON are paths as TOML.
    writeFileSync(
      CONFIG,
      `listen = "127.0.0.1:0"
public_url = "https://localhost"
data = "data"
master_key = "master.key"
dialects = ${JSON.stringify(names.map(file))}
[tls]
certificate = "certificate.pem"
key = "key.pem"
[log]
format = "json"
`,
    );
    return new Server();
  }

  /** Runs a command on the server's store; gives what it prints. A last argument `{ input }` is its standard input. */
  async command(...args) {
    const { input } = typeof args.at(-1) === "object" ? args.pop() : {};
    const printed = await run(...args, "--json", "--config", CONFIG, { input });
    return printed === "" ? null : JSON.parse(printed);
  }

  /** Starts it; `port` is where. */
  async start() {
    this.process = spawn(JETON, ["serve", "--config", CONFIG], { stdio: ["ignore", "inherit", "pipe"] });
    this.ended = once(this.process, "exit");
    this.port = await new Promise((ready, failed) => {
      this.ended.then(() => failed(new Error("the server ended before it was ready")));
      createInterface(this.process.stderr).on("line", (line) => {
        const listen = /"listen":"[^"]*:(\d+)"/.exec(line);
        if (listen) ready(Number(listen[1]));
        else if (!line.includes(`"level":"INFO"`)) console.error(line);
      });
    });
  }

  /** Ends it as an operator does; gives its exit status. */
  async stop() {
    this.process.kill("SIGTERM");
    const [status] = await this.ended;
    return status;
  }
}

/** Runs the binary; gives what it prints. */
async function run(...args) {
  const { input } = typeof args.at(-1) === "object" ? args.pop() : {};
  const running = promisify(execFile)(JETON, args);
  running.child.stdin.end(input);
  return (await running).stdout;
}

/**
 * Names below localhost are this machine (RFC 6761 §6.3), which not every resolver knows.
 * Node asks here for every connection, whichever SDK opens it.
 */
export function resolveLocalhost() {
  const lookup = dns.lookup;
  dns.lookup = (name, options, done = options) =>
    lookup(name.endsWith(".localhost") ? "127.0.0.1" : name, options, done);
}

const counts = { passed: 0, failed: 0 };

/** Counts a check; values are compared as JSON. */
export function same(name, actual, expected) {
  const [is, shouldBe] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is === shouldBe) {
    counts.passed += 1;
  } else {
    counts.failed += 1;
    console.log(`FAIL ${name}\n  is        ${is}\n  should be ${shouldBe}`);
  }
}

/** Counts a check of something that must be true. */
export function holds(name, fact) {
  same(name, Boolean(fact), true);
}

/** Counts a check that a promise fails, and compares what `of` takes out of its error. */
export async function fails(name, promise, of, expected) {
  let actual = "it did not fail";
  try {
    await promise;
  } catch (error) {
    actual = of(error);
  }
  same(name, actual, expected);
}

/** Prints the closing line; gives the exit code. */
export function finish(suite) {
  console.log(`${suite}: ${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}
