"""Five verifiers of others, each used with a key set as its documentation says: the key by `kid`, and issuer, algorithms and,
where the token has one, audience named."""

import json
import subprocess
from pathlib import Path

import jwcrypto.jwk
import jwcrypto.jwt
import jwt
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

ALGORITHMS = ["ES256", "EdDSA", "RS256", "PS256"]


class Program:
    """A verifier in a process of its own."""

    def __init__(self, name, *command):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1
        )

    def refusal(self, token, audience):
        """Why it refuses a token; None if it accepts it. An audience of None is not looked for."""
        self.process.stdin.write(json.dumps([audience, token]) + "\n")
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise EOFError(f"{self.name} ended")
        return None if answer == "ok" else answer

    def end(self):
        """Ends it."""
        self.process.stdin.close()
        self.process.wait(timeout=10)


class Library:
    """A verifier in this process."""

    def __init__(self, name, verify):
        self.name = name
        self.verify = verify

    def refusal(self, token, audience):
        """Why it refuses a token; None if it accepts it."""
        try:
            self.verify(token, audience)
        except Exception as error:  # whatever it is, the token was not accepted
            return f"{type(error).__name__} {error}"
        return None

    def end(self):
        """Nothing is to be ended."""


def five(keys, issuer, rust):
    """jose, PyJWT, joserfc, jwcrypto and jsonwebtoken, with the key set in the file `keys`."""
    text = Path(keys).read_text("utf-8")
    pyjwt_keys = jwt.PyJWKSet.from_json(text)
    joserfc_keys = joserfc_jwk.KeySet.import_key_set(json.loads(text))
    jwcrypto_keys = jwcrypto.jwk.JWKSet.from_json(text)

    def pyjwt(token, audience):
        key = pyjwt_keys[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(token, key, algorithms=ALGORITHMS, issuer=issuer, audience=audience)

    def joserfc(token, audience):
        claims = joserfc_jwt.decode(token, joserfc_keys, algorithms=ALGORITHMS).claims
        wanted = {"iss": issuer} | ({"aud": audience} if audience else {})
        wanted = {name: {"essential": True, "value": value} for name, value in wanted.items()}
        joserfc_jwt.JWTClaimsRegistry(exp={"essential": True}, **wanted).validate(claims)

    def with_jwcrypto(token, audience):
        claims = {"iss": issuer, "exp": None} | ({"aud": audience} if audience else {})
        jwcrypto.jwt.JWT(jwt=token, key=jwcrypto_keys, algs=ALGORITHMS, check_claims=claims, expected_type="JWS")

    return [
        Program("jose", "node", "verifiers/jose.mjs", str(keys), issuer),
        Library("PyJWT", pyjwt),
        Library("joserfc", joserfc),
        Library("jwcrypto", with_jwcrypto),
        Program("jsonwebtoken", rust, "jsonwebtoken", str(keys), issuer),
    ]
