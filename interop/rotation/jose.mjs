// jose's remote key set: a token in on one line, `ok` or why not out on another.
// arguments: address of the key set, issuer, for how many seconds the set may be kept if not for as long as jose has it
import { createInterface } from "node:readline";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [address, issuer, maxAge] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(address), maxAge ? { cacheMaxAge: Number(maxAge) * 1000 } : {});

for await (const token of createInterface({ input: process.stdin })) {
  try {
    await jwtVerify(token, keys, { issuer, audience: issuer, algorithms: ["ES256"], typ: "at+jwt" });
    console.log("ok");
  } catch (error) {
    console.log(`${error.code} ${error.message}`);
  }
}
