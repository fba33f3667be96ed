"""Runs the attack table through nginx: nothing reaches the upstream without a good token, and what
reaches it carries what the gate said and not what the caller wrote."""

import json
import re
import sys
import urllib.request
import uuid

from check import finish, same
from demo import DEMO
from proxy import Nginx, Upstream

URL = DEMO["url"]
# What attacks write into identity headers.
FORGED = ("admin", "attacker")


def token():
    """An access token of the realm whose gate is asked."""
    body = json.dumps(DEMO["realms"]["zro"]).encode()
    request = urllib.request.Request(f"{URL}/auth/singin", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["access_token"]


def foreign_token():
    """A good token of another realm."""
    key = DEMO["realms"]["ion"]
    form = f"grant_type=client_credentials&client_id={key['client_id']}&client_secret={key['client_secret']}"
    address = f"{URL}/realms/api-keys/protocol/openid-connect/token"
    with urllib.request.urlopen(address, form.encode(), timeout=30) as answer:
        return json.load(answer)["access_token"]


def rows():
    """Rows of the attack table that are for nginx: name, method, target, header lines, allow or deny. The
    table says in its first lines how it is written."""
    with open("attacks.tsv", encoding="utf-8") as file:
        for line in file:
            if not line.strip() or line.startswith("#"):
                continue
            name, method, target, headers, _proxy, _forward, expected = line.rstrip("\n").split("\t")
            if expected != "-":
                lines = [_bytes(header) for header in headers.split(" | ") if header]
                yield name, method, _bytes(target), lines, expected


def _bytes(text):
    """Puts in the bytes written as \\xHH."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda byte: chr(int(byte[1], 16)), text)


def reached_clean(name, upstream, good, realm):
    """Checks what the upstream saw of a row: no token, and no identity but what the gate said."""
    for _, headers in upstream.requests_of(name):
        told = {header.lower().replace("_", "-"): text for header, text in headers}
        same(f"{name}: no token at the upstream", "authorization" in told or good in str(headers), False)
        same(f"{name}: the realm is the gate's", told.get("x-jeton-realm"), realm)
        same(f"{name}: the subject is the gate's", told.get("x-jeton-subject") in (None, *FORGED), realm is None)


def run():
    upstream = Upstream()
    good = token()

    def complete(lines):
        """Adds what every call must have, unless a row has its own."""
        given = {line.split(":")[0].lower() for line in lines}
        every = {"Host": "wallets.example", "nonce": uuid.uuid4()}
        return [f"{header}: {text}" for header, text in every.items() if header.lower() not in given] + lines

    with Nginx(f"{URL}/realms/zro/forward-auth", upstream.port) as nginx:
        for name, path, lines, status in [
            ("good token", "/operations/wallets?page=1", [f"Authorization: Bearer {good}"], 200),
            ("no token", "/operations/wallets", [], 401),
            ("unknown token", "/operations/wallets", ["Authorization: Bearer unknown"], 401),
            ("token of another realm", "/operations/wallets", [f"Authorization: Bearer {foreign_token()}"], 401),
            ("path without a rule", "/administration", [f"Authorization: Bearer {good}"], 403),
        ]:
            same(f"{name}: status", nginx.send(name, "GET", path, complete(lines)), status)
            reached = [seen for seen, _ in upstream.requests_of(name)]
            same(f"{name}: what reached the upstream", reached, [path] if status == 200 else [])
            reached_clean(name, upstream, good, "zro")

        for name, method, target, lines, expected in rows():
            sent = [line.replace("{token}", good) for line in lines]
            status = nginx.send(name, method, target.replace("{token}", good), complete(sent))
            reached = len(upstream.requests_of(name))
            same(f"{name}: reaches the upstream", reached, 1 if expected == "allow" else 0)
            same(f"{name}: status {status}", status == 200, expected == "allow")
            reached_clean(name, upstream, good, "zro" if good in str(sent) else None)


run()
sys.exit(finish("nginx"))
