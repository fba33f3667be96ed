"""What Python's tools share: the server they are aimed at, how an outcome is told, and what is checked of every token.

usage of each tool: python TOOL.py PEER.json
"""

import json
import os
import subprocess
import sys
import time
import traceback
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from ssl import PEM_cert_to_DER_cert

import requests

with open(sys.argv[1], encoding="utf-8") as file:
    PEER = json.load(file)
METADATA = PEER["metadata"]
CLIENTS = PEER["clients"]
PERSON = PEER["person"]
SCOPE = PEER["scope"]
TOKEN_URL = METADATA["token_endpoint"]

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def run(features, cannot):
    """Runs what the server serves of a tool's features, each a function of nothing; `cannot` has the others' reasons, or
    is the reason for all of them. Prints an outcome a line, for suite.mjs."""
    for feature, check in features.items():
        if feature not in PEER["features"]:
            continue
        try:
            check()
            tell(feature, "passed")
        except Exception as error:  # pylint: disable=broad-except # one failure must not hide the others
            at = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tools/" in frame.filename][-1]
            tell(feature, "failed", f"{type(error).__name__}: {error}\nat {os.path.basename(at.filename)}:{at.lineno}")
    if isinstance(cannot, str):
        cannot = {feature: cannot for feature in PEER["allFeatures"] if feature not in features}
    for feature, reason in cannot.items():
        tell(feature, "cannot", reason)


def tell(feature, outcome, reason=None):
    """One line for suite.mjs."""
    print(json.dumps({"feature": feature, "outcome": outcome, "reason": reason}), flush=True)


def same(actual, expected):
    """Two values that must be the same."""
    if actual != expected:
        raise AssertionError(f"{actual!r} should be {expected!r}")


def refused(code, how, ask):
    """What `ask` throws must carry this code of RFC 6749 §5.2 (or of another that adds to it); `how` finds it there."""
    try:
        answer = ask()
    except Exception as error:  # pylint: disable=broad-except # each tool has its own
        try:
            given = how(error)
        except Exception:
            raise error from None
        if given != code:
            raise AssertionError(f"refused with {given!r} instead of {code!r}: {error}") from error
    else:
        raise AssertionError(f"not refused with {code!r}: {answer}")


def introspected(token):
    """A token's state as a resource server sees it, asked without any tool."""
    client = CLIENTS["resourceServer"]
    response = requests.post(
        METADATA["introspection_endpoint"],
        data={"token": token},
        auth=(client["client_id"], client["client_secret"]),
        timeout=10,
    )
    same(response.status_code, 200)
    return response.json()


def assert_inactive(state):
    """Nothing may be told of such a token but that it counts no more (RFC 7662 §2.2); why is not about the token."""
    told = [member for member in ("client_id", "sub", "scope", "exp", "aud", "username") if member in state]
    same((state["active"], told), (False, []))


def assert_token(answer, client):
    """A token answer that gives a bearer token of this scope to this client."""
    same(answer["token_type"].lower(), "bearer")
    state = introspected(answer["access_token"])
    same((state["active"], state.get("client_id"), state.get("scope")), (True, client["client_id"], SCOPE))


def claims(token):
    """A JWT's claims, as they are written in it."""
    return json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))


def assert_bound(token, client):
    """Where the server says that it does, it binds a client's tokens to the certificate (RFC 8705 §3.1)."""
    if not METADATA.get("tls_client_certificate_bound_access_tokens"):
        return
    with open(client["certificate"], encoding="ascii") as pem:
        thumbprint = urlsafe_b64encode(sha256(PEM_cert_to_DER_cert(pem.read())).digest()).rstrip(b"=").decode()
    same(introspected(token)["cnf"]["x5t#S256"], thumbprint)


def approve(user_code):
    """A person's yes to a device, where the server has a command for it."""
    subprocess.run([*PEER["approve"], user_code], check=True, capture_output=True)


def workload_token(audience=PEER["issuer"]):
    """A workload's token, from the issuer that knows the workload."""
    return requests.get(PEER["workload"]["tokenUrl"], params={"audience": audience}, timeout=10).json()["value"]


def random_id():
    """A `jti`."""
    return os.urandom(16).hex()


def soon():
    """Four minutes from now, in seconds since 1970."""
    return int(time.time()) + 240
