// jose as a verifier: an audience and a token a line, as a JSON array, `ok` or why not out on another.
// arguments: file with the key set, issuer
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createLocalJWKSet, jwtVerify } from "jose";

const [file, issuer] = process.argv.slice(2);
const keys = createLocalJWKSet(JSON.parse(readFileSync(file, "utf-8")));
const algorithms = ["ES256", "EdDSA", "RS256", "PS256"];

for await (const line of createInterface({ input: process.stdin })) {
  const [audience, token] = JSON.parse(line);
  try {
    await jwtVerify(token, keys, { issuer, audience: audience ?? undefined, algorithms });
    console.log("ok");
  } catch (error) {
    console.log(`${error.code} ${error.message}`.replaceAll("\n", " "));
  }
}
