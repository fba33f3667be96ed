"""Runs the programs of the pages against the demo and compares what they print with the pages' own
sample answers: the same members, in the same order, of the same JSON types."""

import base64
import glob
import json
import os
import re
import sys

from check import TYPES, finish, same
from demo import DEMO
from cut import cut
from program import fill, readdress, run, value

URL = DEMO["url"]
RAN, LEFT_OUT = [], []


def page(number):
    """Reads a page by the number its file name begins with."""
    [path] = glob.glob(os.path.join(os.environ["JETON_SEEDS"], f"{number}_*"))
    with open(path, encoding="utf-8") as file:
        return cut(file.read())


def printed_by(name, language, text):
    """Runs a page's program; the value it printed."""
    RAN.append(name)
    return value(language, run(language, text))


def outline(answer):
    """Names, order and types of everything in a JSON value."""
    if isinstance(answer, dict):
        return {name: outline(member) for name, member in answer.items()}
    if isinstance(answer, list):
        return [outline(item) for item in answer]
    return TYPES.get(type(answer), "null")


def sample(text):
    """A printed sample answer. Two slips of the pages are mended: a comma after the last member, and an
    object inside another pair of braces."""
    text = re.sub(r",(\s*\})", r"\1", text)
    text = re.sub(r"\{(\s*\{.*\}\s*)\}", r"\1", text, flags=re.DOTALL)
    return json.loads(text)


def inevent(number):
    """Four programs, one for each tool, that sign in and print the answer."""
    key = DEMO["realms"]["inevent"]
    pages = page(number)
    same(f"{number}: programs", [language for language, _ in pages.programs], ["curl", "php", "node", "python"])
    expected = sample(pages.samples[0])
    for language, text in pages.programs:
        text = readdress(text, "https://api.inevent.com", URL)
        text = fill(text, "YOUR_USERNAME_HERE", key["username"])
        text = fill(text, "YOUR_PASSWORD_HERE", key["password"])
        answer = printed_by(f"{number} {language}", language, text)
        same(f"{number} {language}: the page's sample answer", outline(answer), outline(expected))
        # What the sample says of a sign-in without an event holds of ours too.
        row, wanted = (answer or {}).get("data", [{}])[0], expected["data"][0]
        for name in ("scope", "targetID"):
            same(f"{number} {language}: {name}", row.get(name), wanted[name])
        same(f"{number} {language}: username", row.get("username"), key["username"])


def pitchpoint(number):
    """Three curl lines: sign in, call (printed with `...` for what to call), refresh (printed with a
    quote too many, which is no JSON)."""
    key = DEMO["realms"]["pitchpoint"]
    pages = page(number)
    same(f"{number}: programs", [language for language, _ in pages.programs], ["curl"] * 3)
    (_, sign_in), (_, call), (_, refresh) = pages.programs
    host = "https://api.pointservices.com"
    expected = sample(pages.samples[0])

    text = readdress(sign_in, host, URL)
    text = fill(text, '(?<=")customerUsername(?=")', key["username"])
    text = fill(text, '(?<=")customerPassword(?=")', key["password"])
    answer = printed_by(f"{number} curl step 1", "curl", text) or {}
    # The page says that the answer includes these members; it may hold more between them.
    shown = {name: member for name, member in answer.items() if name in expected}
    same(f"{number} curl step 1: the page's sample answer", outline(shown), outline(expected))
    same(f"{number} curl step 1: lifetime", shown.get("expires_in"), expected["expires_in"])
    for part, what in enumerate(["header", "claims"]):
        ours = _jwt_part(shown.get("access_token", ""), part)
        theirs = _jwt_part(expected["access_token"], part)
        same(f"{number} curl step 1: {what} of the sample token", outline(ours), outline(theirs))

    LEFT_OUT.append(f"{number} curl step 2")
    completed = readdress(call, host + "/...", URL + "/riskinsight-services-ws/resources/v1/orders/query")
    completed = re.sub(r"[ \t]*\n(?=-)", " \\\n", completed).replace("'...'", "'{\"limit\":2}'")
    completed = fill(completed, "your_access_token_here", shown.get("access_token", ""))
    orders = value("curl", run("curl", completed)) or {}
    same(f"{number} curl step 2, completed: orders", orders.get("count"), 2)

    text = readdress(refresh, host, URL)
    text = fill(text, r"AMf-[\w-]+", shown.get("refresh_token", ""))
    answer = printed_by(f"{number} curl step 3", "curl", text) or {}
    same(f"{number} curl step 3, as printed: refused", answer.get("error"), "invalid_request")
    same(f"{number} curl step 3, as printed: says why", bool(answer.get("error_description")), True)
    status = run("curl", text.replace("curl ", "curl --silent --output /dev/null --write-out '%{http_code}' ", 1))
    same(f"{number} curl step 3, as printed: status", status, "400")
    answer = value("curl", run("curl", text.replace('""}', '"}'))) or {}
    renewed = {name: member for name, member in answer.items() if name in expected}
    same(f"{number} curl step 3, mended: the page's sample answer", outline(renewed), outline(expected))
    same(f"{number} curl step 3, mended: the same refresh token", renewed.get("refresh_token"), shown.get("refresh_token"))


def _jwt_part(token, part):
    """The JSON of a part of a JWT; None if there is none."""
    try:
        text = token.split(".")[part]
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (IndexError, ValueError):
        return None


def ion(number):
    """A curl line that gets a token and a Python program that queries with it; no sample answer."""
    key = DEMO["realms"]["ion"]
    pages = page(number)
    same(f"{number}: programs", [language for language, _ in pages.programs], ["curl", "python"])
    (_, ask), (_, query) = pages.programs

    text = readdress(ask, "https://<AUTH_SERVER>", URL)
    text = fill(text, r"\bCLIENT_ID\b", key["client_id"])
    text = fill(text, r"\bCLIENT_SECRET\b", key["client_secret"])
    answer = printed_by(f"{number} curl", "curl", text) or {}
    same(f"{number} curl: token", outline(answer.get("access_token")), "string")

    text = query.replace("<ACCESS_TOKEN>", repr(answer.get("access_token", "")))
    text = readdress(text.replace("<API_ENDPOINT>", "'<API_ENDPOINT>'"), "<API_ENDPOINT>", URL)
    answer = printed_by(f"{number} python", "python", text) or {}
    edges = ((answer.get("data") or {}).get("runs") or {}).get("edges", [])
    same(f"{number} python: as many runs as it asks for", len(edges), 10)
    step = {"id": "number", "title": "string"}
    for edge in edges:
        run_outline = {"id": "number", "title": "string", "steps": [step] * len(edge["node"]["steps"])}
        same(f"{number} python: a run", outline(edge["node"]), run_outline)
    same(f"{number} python: runs have steps", any(edge["node"]["steps"] for edge in edges), True)


def zro(number):
    """Programs for three tools; the PHP block only reads the credentials. The page's 400 and 401 are
    provoked by its curl line."""
    key = DEMO["realms"]["zro"]
    pages = page(number)
    same(f"{number}: programs", [language for language, _ in pages.programs], ["node", "python", "curl", "php"])
    same(f"{number}: samples", len(pages.samples), 3)
    good, bad_request, unauthorized = map(sample, pages.samples)
    path = re.search(r"^\|\s*POST\s*\|\s*(\S+)", pages.text, re.MULTILINE)[1]

    def fitted(text, api_id, api_key):
        text = readdress(text, "https://api.example.com/endpoint", URL + path)
        text = fill(text, r"(?<=['\"])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=['\"])", api_id)
        return fill(text, r"(?<=['\"])abcd1234(?=['\"])", api_key)

    for language, text in pages.programs:
        name = f"{number} {language}"
        if "http" not in text:
            LEFT_OUT.append(name)
            continue
        answer = printed_by(name, language, fitted(text, key["api_id"], key["api_key"]))
        same(f"{name}: the page's sample answer", outline(answer), outline(good))

    curl = next(text for language, text in pages.programs if language == "curl")
    for what, api_id, expected in [
        ("400", "no-uuid", bad_request),
        ("401", key["api_id"], unauthorized),
    ]:
        answer = value("curl", run("curl", fitted(curl, api_id, "wrong-" + key["api_key"])))
        same(f"{number} curl: the page's sample of {what}", answer, expected)


for number, suite in [("000", inevent), ("001", inevent), ("002", pitchpoint), ("003", ion), ("004", zro)]:
    try:
        suite(number)
    except Exception as error:  # One page that is not as expected must not hide the others.
        same(f"{number}: its programs can be run", f"{type(error).__name__}: {error}", None)

same("some programs ran", len(RAN) > 0, True)
code = finish("pages")
print(f"page programs: {len(RAN)} ran, {len(LEFT_OUT)} left out ({', '.join(LEFT_OUT)})")
sys.exit(code)
