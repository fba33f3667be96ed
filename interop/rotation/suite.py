"""Rotates a realm's signing key again and again, while clients get tokens and three verifiers of others check them.

Each verifier keeps the key set in its own way:
  jose         its remote set
  PyJWT        its PyJWKClient
  CacheControl an HTTP cache that heeds `Cache-Control` and `ETag`, before joserfc: it never asks earlier

The first two know nothing of `max-age`: they are told, and ask no earlier. As they come, they keep the set for ten and
five minutes, and ask for a key that they do not know when they have not asked for half a minute. So a key that is
published for longer than that before it signs is one that they know: with MAX_AGE=16 they are left as they come.
"""

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

import cachecontrol
import jwt
import requests
from check import finish, good
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt
from serve import Server

ROTATIONS = int(os.environ.get("ROTATIONS", "30"))
MAX_AGE = int(os.environ.get("MAX_AGE", "5"))
# A key is published for twice as long before it signs.
AS_THEY_COME = 2 * MAX_AGE > 30
LIFE = 60
ISSUER = "http://rotation.test/realms/shop"


# --- the server ------------------------------------------------------------------------------------


class Realm(Server):
    """The server, with a realm whose key rotates."""

    def __init__(self, folder):
        super().__init__(folder, "http://rotation.test")
        self.command("realm", "add", "shop", "--jwks-max-age-secs", str(MAX_AGE), "--access-token-secs", str(LIFE))
        self.secret = self.told("client", "add", "shop", "app")["client_secret"]
        self.watcher = self.told("client", "add", "shop", "api", "--resource-server")["client_secret"]
        self.address = self.serve()
        self.certs = f"{self.address}/realms/shop/protocol/openid-connect/certs"
        self.session = requests.Session()

    def keys(self, state):
        """The ids of keys in this state."""
        return [key["kid"] for key in self.told("signing-key", "list", "shop") if key["state"] == state]

    def token(self):
        """A new token, and when it ends."""
        form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": self.secret}
        answer = self.session.post(f"{self.address}/realms/shop/protocol/openid-connect/token", data=form, timeout=10)
        answer.raise_for_status()
        return answer.json()["access_token"], time.time() + LIFE

    def active(self, token):
        """Whether introspection says that the token is good."""
        form = {"client_id": "api", "client_secret": self.watcher, "token": token}
        address = f"{self.address}/realms/shop/protocol/openid-connect/token/introspect"
        return requests.post(address, data=form, timeout=10).json()["active"]


# --- the verifiers ---------------------------------------------------------------------------------


class Jose:
    """jose, in a Node of its own: a token in on one line, `ok` or why not out on another."""

    def __init__(self, certs):
        self.process = subprocess.Popen(
            ["node", "jose.mjs", certs, ISSUER, *([] if AS_THEY_COME else [str(MAX_AGE)])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def verify(self, token):
        self.process.stdin.write(f"{token}\n")
        answer = self.process.stdout.readline().strip()
        if answer != "ok":
            raise ValueError(answer)


class PyJwt:
    """PyJWT with the client for key sets that it brings."""

    def __init__(self, certs):
        self.client = jwt.PyJWKClient(certs, **({} if AS_THEY_COME else {"lifespan": MAX_AGE}))

    def verify(self, token):
        key = self.client.get_signing_key_from_jwt(token)
        jwt.decode(token, key.key, algorithms=["ES256"], issuer=ISSUER, audience=ISSUER)


class CacheControl:
    """joserfc with what an HTTP cache gives: nothing else is asked when a key is unknown."""

    def __init__(self, certs):
        self.certs = certs
        self.session = cachecontrol.CacheControl(requests.Session())
        self.claims = joserfc_jwt.JWTClaimsRegistry(iss={"essential": True, "value": ISSUER})

    def verify(self, token):
        keys = joserfc_jwk.KeySet.import_key_set(self.session.get(self.certs, timeout=10).json())
        self.claims.validate(joserfc_jwt.decode(token, keys, algorithms=["ES256"]).claims)


# --- the load --------------------------------------------------------------------------------------


class Load:
    """Clients that get tokens, and verifiers that check them, until it is ended."""

    def __init__(self, server):
        self.server = server
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self.live = [server.token()]
        self.issued = 1
        self.failures = []
        self.verified = {}
        self.kids = set()
        verifiers = [Jose(server.certs), PyJwt(server.certs), CacheControl(server.certs)]
        self.threads = [threading.Thread(target=self._verify, args=(verifier,), daemon=True) for verifier in verifiers]
        self.threads.append(threading.Thread(target=self._issue, daemon=True))
        for thread in self.threads:
            thread.start()

    def _issue(self):
        while not self.ended.wait(0.02):
            try:
                token = self.server.token()
            except requests.RequestException as error:
                self.failures.append(f"a token: {error}")
                continue
            with self.lock:
                # A second early: what ends while it is on its way is no failure.
                self.live = [old for old in self.live if old[1] > time.time() + 1] + [token]
                self.issued += 1

    def _verify(self, verifier):
        name = type(verifier).__name__
        self.verified[name] = 0
        while not self.ended.wait(0.005):
            with self.lock:
                # The newest is the one that a verifier may not know the key of; old ones may have lost theirs.
                token, ends = self.live[-1] if random.random() < 0.5 else random.choice(self.live)
            if ends < time.time() + 1:
                continue
            try:
                verifier.verify(token)
                self.verified[name] += 1
                self.kids.add(jwt.get_unverified_header(token)["kid"])
            except Exception as error:  # whatever it is, the token was not accepted
                self.failures.append(f"{name}: {type(error).__name__} {error}")

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def rotate(server, load):
    """Asks for another key, and waits until a token that it signed was verified."""
    before = server.keys("current")
    server.command("signing-key", "rotate", "shop")
    for _ in range(600):
        current = server.keys("current")
        if current != before and load.kids.issuperset(current):
            return
        time.sleep(0.1)
    sys.exit("no token of the next key was verified within a minute")


def refused(verifier, token, within):
    """After how long the verifier refuses the token; None if it does not."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        try:
            verifier.verify(token)
        except Exception:
            return time.monotonic() - began
        time.sleep(0.05)
    return None


def revoke(server):
    """Takes the current key away: Jeton refuses its tokens at once, verifiers when their copy has ended."""
    verifiers = [CacheControl(server.certs)] + ([] if AS_THEY_COME else [Jose(server.certs), PyJwt(server.certs)])
    token, _ = server.token()
    time.sleep(2 * MAX_AGE)
    for verifier in verifiers:
        verifier.verify(token)
    good("a token before", server.active(token))
    server.command("signing-key", "revoke", jwt.get_unverified_header(token)["kid"], "--now")
    good("introspection refuses at once", not server.active(token))
    fresh, _ = server.token()
    good("a new token is good at once", server.active(fresh))
    for verifier in verifiers:
        name = type(verifier).__name__
        with contextlib.suppress(Exception):
            verifier.verify(fresh)
            good(f"{name}: the next key was known", True)
            after = refused(verifier, token, MAX_AGE + 1)
            good(f"{name}: refuses within max-age", after is not None, "it does not")
            continue
        good(f"{name}: the next key was known", False, "a new token is refused")


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = Realm(folder)
        try:
            doctor = server.command("doctor", "--verifier-caches", f"{MAX_AGE}s")
            good("the doctor", " bad " not in doctor, doctor)
            load = Load(server)
            for _ in range(ROTATIONS):
                rotate(server, load)
            load.end()
            verified = sum(load.verified.values())
            print(f"{ROTATIONS} rotations, {load.issued} tokens, {verified} verifications: {load.verified}")
            good("failures", not load.failures, f"{len(load.failures)}: {load.failures[:5]}")
            good("keys that were seen", len(load.kids) == ROTATIONS + 1, len(load.kids))
            for name, count in load.verified.items():
                good(f"{name} verified", count >= 20 * ROTATIONS, count)
            kept = len(server.keys("retired"))
            good("old keys leave", kept <= 2 + (LIFE + 60) // (2 * MAX_AGE), kept)
            revoke(server)
        finally:
            good("the status the server ends with", server.stop())
    return finish("rotation")


if __name__ == "__main__":
    # Verifiers are left as they are, in the middle of a wait.
    sys.stdout.flush()
    status = main()
    sys.stdout.flush()
    os._exit(status)
