"""Five verifiers of others take every kind of token that Jeton makes, and Jeton takes nothing that was made of one without its
key (security.md F12), but for ES256's other signature, which everybody takes.

JETON  the binary
arguments: the program with jsonwebtoken
"""

import http.server
import json
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path

import jwt
import requests
from check import finish, good
from cryptography.hazmat.primitives.asymmetric import ec
from mutations import mutations, twin
from serve import Server
from verifiers import ALGORITHMS, five

ORDERS, BILLS = "https://orders.example", "https://bills.example"
PASSWORD = "a password for one run"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class Realms:
    """Two realms, `shop` with tokens by RFC 9068 and `cloak` with Keycloak's, and a gate before an API of the first."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.server = server = Server(folder, self.base)
        grants = [part for name in ("client_credentials", "password", EXCHANGE) for part in ("--grant", name)]
        server.command("realm", "add", "shop", *grants)
        server.command("realm", "add", "cloak", "--profile", "keycloak")
        server.command("person", "add", "shop", "ada", "--password-stdin", stdin=PASSWORD)
        own = ["--scope", "read", "--audience", ORDERS, "--audience", BILLS]
        self.clients = {}
        for alg in ALGORITHMS:
            self.add("shop", alg, "--alg", alg, "--scope", "read")
            self.add("cloak", alg, "--alg", alg, "--scope", "read")
        self.add("shop", "web", *grants, *own)
        self.add("shop", "bound", "--dpop", "true", *own)
        self.add("shop", "api", "--resource-server", *grants, *own)
        for realm in ("shop", "cloak"):
            self.add(realm, "watcher", "--resource-server")
        secret = Path(folder, "gate.secret")
        secret.touch(0o600)
        secret.write_text(self.clients["shop", "watcher"]["client_secret"], "utf-8")
        server.serve(f"127.0.0.1:{port}")
        gate = ["--realm", f"{self.base}/realms/shop", "--upstream", api(), "--rule", "GET /x", "--offline"]
        gate += ["--client-id", "watcher", "--client-secret-file", str(secret), "--listen", "127.0.0.1:0"]
        self.gate = server.start("gate", *gate)
        self.session = requests.Session()

    def add(self, realm, client_id, *options):
        self.clients[realm, client_id] = self.server.told("client", "add", realm, client_id, *options)

    def issuer(self, realm):
        return f"{self.base}/realms/{realm}"

    def endpoint(self, realm, name):
        return f"{self.issuer(realm)}/protocol/openid-connect/{name}"

    def post(self, realm, client_id, name, form, **options):
        secret = self.clients[realm, client_id]["client_secret"]
        form = {"client_id": client_id, "client_secret": secret, **form}
        return self.session.post(self.endpoint(realm, name), data=form, timeout=10, **options)

    def token(self, realm, client_id, **form):
        """A new access token."""
        answer = self.post(realm, client_id, "token", {"grant_type": "client_credentials", "scope": "read", **form})
        answer.raise_for_status()
        return answer.json()["access_token"]

    def bound(self):
        """One that is bound to a key by DPoP."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        nonce = {}
        for _ in range(2):
            claims = {"jti": str(uuid.uuid4()), "htm": "POST", "htu": self.endpoint("shop", "token")}
            claims |= {"iat": int(time.time()), **nonce}
            proof = jwt.encode(claims, key, "ES256", {"typ": "dpop+jwt", "jwk": public})
            form = {"grant_type": "client_credentials"}
            answer = self.post("shop", "bound", "token", form, headers={"DPoP": proof})
            nonce = {"nonce": answer.headers.get("DPoP-Nonce")}
        answer.raise_for_status()
        return answer.json()["access_token"]

    def introspected(self, realm, token):
        """What introspection says. It says so of whatever it is asked: no text is too strange for an answer."""
        answer = self.post(realm, "watcher", "token/introspect", {"token": token})
        answer.raise_for_status()
        return answer.json()

    def active(self, realm, token):
        """Whether introspection says that the token is good."""
        return self.introspected(realm, token)["active"]

    def passes(self, token):
        """Whether the gate lets a call with the token through. Any no but these would be for another reason."""
        answer = self.session.get(f"{self.gate}/x", headers={"Authorization": f"Bearer {token}"}, timeout=10)
        if answer.status_code not in (200, 400, 401, 431):
            raise ValueError(f"the gate answers {answer.status_code}: {answer.text}")
        return answer.status_code == 200

    def revoke(self, realm, token):
        """Ends a token, as its client."""
        client_id = jwt.decode(token, options={"verify_signature": False})["client_id"]
        self.post(realm, client_id, "revoke", {"token": token}).raise_for_status()


def api():
    """Starts the API behind the gate; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{listening.server_port}"


def kinds(realms):
    """Every kind of token: name, realm, token, whom it is for."""
    for realm in ("shop", "cloak"):
        for alg in ALGORITHMS:
            yield f"{realm}, {alg}", realm, realms.token(realm, alg), None
    password = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    session = realms.token("shop", "web", **password)
    yield "of a session", "shop", session, ORDERS
    yield "for one API", "shop", realms.token("shop", "web", resource=ORDERS), ORDERS
    yield "for two APIs", "shop", realms.token("shop", "web", resource=[BILLS, ORDERS]), BILLS
    exchange = {"grant_type": EXCHANGE, "subject_token": session}
    exchange["subject_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
    yield "exchanged", "shop", realms.token("shop", "api", **exchange), ORDERS
    yield "bound to a key", "shop", realms.bound(), ORDERS


def main(rust):
    with tempfile.TemporaryDirectory() as folder:
        realms = Realms(folder)
        try:
            judge(realms, folder, rust)
        finally:
            good("what was started ends well", realms.server.stop())
    return finish("verifiers")


def judge(realms, folder, rust):
    tokens = list(kinds(realms))
    # A key is made when it is first needed.
    keys, verifiers = {}, {}
    for realm in ("shop", "cloak"):
        text = realms.session.get(realms.endpoint(realm, "certs"), timeout=10).text
        file = Path(folder, f"{realm}.json")
        file.write_text(text, "utf-8")
        keys[realm] = {key["kid"]: key for key in json.loads(text)["keys"]}
        verifiers[realm] = five(file, realms.issuer(realm), rust)
    made, shown, tolerated = 0, 0, {verifier.name: Counter() for verifier in verifiers["shop"]}
    for number, (name, realm, token, audience) in enumerate(tokens):
        # Keycloak's own name nobody.
        audience = audience or jwt.decode(token, options={"verify_signature": False}).get("aud")
        accepted(realms, verifiers[realm], name, realm, token, audience)
        other = twin(token)
        for verifier in verifiers[realm]:
            if other and verifier.refusal(other, audience) is None:
                tolerated[verifier.name]["ES256's other signature"] += 1
        taken = []
        jwk = keys[realm][jwt.get_unverified_header(token)["kid"]]
        for what, text in mutations(token, jwk, tokens[number - 1][2]):
            made += 1
            for verifier in verifiers[realm]:
                if verifier.refusal(text, audience) is None:
                    tolerated[verifier.name][what] += 1
            if realms.active(realm, text):
                taken.append(f"introspection: {what}")
            # What cannot stand in a header's value does not get to the gate.
            if reaches_gate(name, realm) and text.isascii() and text.isprintable() and text == text.strip():
                shown += 1
                if realms.passes(text):
                    taken.append(f"the gate: {what}")
        good(f"{name}: Jeton takes nothing that was made of it", not taken, taken)
        accepted(realms, verifiers[realm], f"{name}, afterwards", realm, token, audience)
    print(f"{len(tokens)} tokens, {made} made of them, {shown} of these shown to the gate. Jeton takes none; so many take others:")
    for name, those in tolerated.items():
        print(f"  {name:<13} {those.total():>4}  {', '.join(sorted(those))}")
    for verdict in of_twins(realms, tokens):
        good(*verdict)
    for verifier in [*verifiers["shop"], *verifiers["cloak"]]:
        verifier.end()


def of_twins(realms, tokens):
    """Verdicts on ES256's other signatures. Such a text must be the same token in every respect: one that ends leaves no
    other alive. It also shows that a text which is taken is seen."""
    twins = [(name, realm, token, other) for name, realm, token, _ in tokens if (other := twin(token))]
    yield "there are twins", len(twins) > 1 and all(token != other for _, _, token, other in twins)
    for name, realm, token, other in twins:
        said = realms.introspected(realm, other)
        yield f"{name}: its twin is the same", said["active"] and said == realms.introspected(realm, token), said
    # From behind, since a session's token takes what it was exchanged for with it. Either of the two is shown.
    for number, (name, realm, token, other) in enumerate(reversed(twins)):
        realms.revoke(realm, (token, other)[number % 2])
        ended = [realms.active(realm, text) for text in (token, other)]
        yield f"{name}: ends with its twin", ended == [False, False], ended
        if reaches_gate(name, realm):
            passing = [text for text in (token, other) if not stopped(realms, text)]
            yield f"{name}: ends with its twin at the gate", not passing, passing


def stopped(realms, token, within=2):
    """Whether the gate hears in time that a token has ended."""
    end = time.monotonic() + within
    while realms.passes(token):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def reaches_gate(name, realm):
    """Whether the gate could take a token: it is the realm's, and is not bound to a key, which would need a proof."""
    return realm == "shop" and "bound" not in name


def accepted(realms, verifiers, name, realm, token, audience):
    """The same questions about a good token: whoever refused everything would be found here."""
    for verifier in verifiers:
        why = verifier.refusal(token, audience)
        good(f"{name}: {verifier.name} takes it", why is None, why)
    good(f"{name}: introspection", realms.active(realm, token))
    if realm == "shop" and "bound" not in name:
        good(f"{name}: the gate", realms.passes(token))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
