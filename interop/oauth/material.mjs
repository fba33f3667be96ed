// What a run is made of besides the server: keys, certificates, and who is who. Nothing outlives the run's folder.
// usage: node material.mjs FOLDER   writes FOLDER/material.json: programs must trust the authority from their start on

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newKeyPair, pem } from "../lib/keys.mjs";

const KEY_TYPES = {
  ES256: ["ec", { namedCurve: "P-256" }],
  RS256: ["rsa", { modulusLength: 2048 }],
  PS256: ["rsa", { modulusLength: 2048 }],
  EdDSA: ["ed25519", {}],
};

// A key pair: each half as a JWK and in a file, the private one as PEM.
function keyPair(folder, name, alg) {
  const { publicKey, privateKey } = newKeyPair(...KEY_TYPES[alg]);
  const file = join(folder, `${name}.pem`);
  writeFileSync(file, pem(privateKey), { mode: 0o600 });
  // Without `alg`: a key of Ed25519 signs as EdDSA or as Ed25519 (RFC 9864), as the tool has it.
  const jwk = (key) => ({ ...key, kid: name, use: "sig" });
  const publicFile = join(folder, `${name}.jwk`);
  writeFileSync(publicFile, JSON.stringify(jwk(publicKey)));
  return { alg, pem: file, publicFile, private: jwk(privateKey), public: jwk(publicKey) };
}

// An authority with the server's certificate and a client's, and a client's certificate that is its own authority.
function certificates(folder) {
  const file = (name) => join(folder, name);
  const openssl = (...args) => execFileSync("openssl", args, { stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"];
  const selfSigned = (name, subject, ...extensions) =>
    openssl(
      "req",
      "-x509",
      ...newKey,
      "-days",
      "2",
      "-subj",
      subject,
      "-keyout",
      file(`${name}.key`),
      "-out",
      file(`${name}.pem`),
      ...extensions.flatMap((extension) => ["-addext", extension]),
    );
  const signed = (name, subject, ...extensions) => {
    openssl("req", ...newKey, "-subj", subject, "-keyout", file(`${name}.key`), "-out", file(`${name}.csr`));
    writeFileSync(file(`${name}.ext`), ["basicConstraints=critical,CA:FALSE", ...extensions].join("\n"));
    openssl(
      "x509",
      "-req",
      "-in",
      file(`${name}.csr`),
      "-CA",
      file("ca.pem"),
      "-CAkey",
      file("ca.key"),
      "-CAcreateserial",
      "-days",
      "2",
      "-out",
      file(`${name}.pem`),
      "-extfile",
      file(`${name}.ext`),
    );
  };
  selfSigned("ca", "/CN=interop authority", "keyUsage=critical,keyCertSign");
  signed("server", "/CN=localhost", "extendedKeyUsage=serverAuth", "subjectAltName=DNS:localhost,IP:127.0.0.1");
  signed("client", "/CN=machine", "extendedKeyUsage=clientAuth", "subjectAltName=DNS:machine.example.com");
  selfSigned("self-signed", "/CN=machine of its own", "extendedKeyUsage=clientAuth");
  const pair = (name) => ({ certificate: file(`${name}.pem`), key: file(`${name}.key`) });
  return { ca: file("ca.pem"), server: pair("server"), client: pair("client"), selfSigned: pair("self-signed") };
}

function material(folder) {
  return {
    folder,
    certificates: certificates(folder),
    keys: Object.fromEntries(Object.keys(KEY_TYPES).map((alg) => [alg, keyPair(folder, alg, alg)])),
    workloadKey: keyPair(folder, "workload", "RS256"),
    realm: "interop",
    scope: "read",
    forbiddenScope: "admin",
    resource: "https://api.example.com/",
    forbiddenResource: "https://other.example.com/",
    person: { username: "ada", password: "correct horse battery" },
  };
}

const [folder] = process.argv.slice(2);
writeFileSync(join(folder, "material.json"), JSON.stringify(material(folder)), { mode: 0o600 });
