"""Writes the page of each of the demo's dialects, cuts its programs out, fills in credentials and runs them: each must
print a token, or what its section says."""

import os
import re
import subprocess
import sys
import tempfile

from check import finish, same
from demo import DEMO
from program import value

URL = DEMO["url"]
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"^### (curl|Python|JavaScript|PHP)\n\n```\w+\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
TOKEN = re.compile(r"^\| `([^`]+)` \| the access token \|$", re.MULTILINE)

AUTHORITY = os.environ.get("JETON_CA")
COMMANDS = {
    "curl": ["bash", "-eu"],
    "Python": [os.environ["PYTHON"]],
    "JavaScript": ["node"],
    "PHP": ["php", "-d", f"curl.cainfo={AUTHORITY}"] if AUTHORITY else ["php"],
}
SUFFIXES = {"curl": ".sh", "Python": ".py", "JavaScript": ".mjs", "PHP": ".php"}
READ_AS = {"curl": "json", "Python": "python", "JavaScript": "node", "PHP": "json"}


def sections(name):
    """The sections of a dialect's page: their text and programs by title."""
    command = [os.environ["JETON"], "dialect", "docs", name, "--url", URL]
    page = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    found = {title: (text, dict(PROGRAM.findall(text))) for title, text in SECTION.findall(page)}
    strangers = [address for address in re.findall(r"https?://[^\s'\"?]+", page) if not address.startswith(URL)]
    # The sample claims name an issuer; no program may name anybody.
    same(f"{name}: no other address", [found for found in strangers if "id.example.com" not in found], [])
    return found


def run(language, text, fills):
    """Runs a program; gives its exit status, what it printed, and what it complained of."""
    for placeholder, filled in fills.items():
        text = text.replace(placeholder, filled)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program" + SUFFIXES[language])
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([*COMMANDS[language], path], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def found(answer, path):
    """What stands at a path such as `data[0].token` of a JSON value."""
    for step in re.findall(r"[^.\[\]]+", path):
        try:
            answer = answer[int(step)] if isinstance(answer, list) else answer[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return answer


def tokens(name, section, fills):
    """Runs the four programs of a section that gives a token; the answers by language."""
    text, programs = section
    same(f"{name}: programs", sorted(programs), sorted(COMMANDS))
    table = TOKEN.search(text)
    path = table[1] if table else "access_token"
    answers = {}
    for language, program in programs.items():
        status, printed, complaint = run(language, program, fills)
        same(f"{name} {language}: exit status", (status, complaint if status else ""), (0, ""))
        answers[language] = value(READ_AS[language], printed)
        token = found(answers[language], path)
        same(f"{name} {language}: a token", isinstance(token, str) and len(token) > 40, True)
        wrong = {name: "wrong" if re.search("PASSWORD|SECRET|TOKEN", name) else filled for name, filled in fills.items()}
        status, printed, complaint = run(language, program, wrong)
        same(f"{name} {language}: wrong credentials", (status != 0, bool(re.search(r"40[013]", printed + complaint))), (True, True))
    return path, answers


def prints(name, section, fills, expected):
    """Runs the programs of a section; each prints something that the pattern fits."""
    for language, program in section[1].items():
        status, printed, complaint = run(language, program, fills(language))
        same(f"{name} {language}: {complaint if status else 'prints'}", bool(re.search(expected, printed)) and status == 0, True)


def inevent():
    """A sign-in of a person, a call, and a sign-out of the session of each."""
    key, page = DEMO["realms"]["inevent"], sections("inevent")
    fills = {"YOUR_USERNAME": key["username"], "YOUR_PASSWORD": key["password"]}
    path, answers = tokens("inevent", page["Sign in with a username and a password"], fills)
    token = lambda language: {"YOUR_ACCESS_TOKEN": found(answers[language], path), "/YOUR/CALL": "/?action=person.get"}
    prints("inevent call", page["Use the token"], token, key["username"])
    prints("inevent sign-out", page["Sign out"], token, "200$")


def pitchpoint():
    """A sign-in of a person and a refresh."""
    key, page = DEMO["realms"]["pitchpoint"], sections("pitchpoint")
    fills = {"YOUR_USERNAME": key["username"], "YOUR_PASSWORD": key["password"]}
    _, answers = tokens("pitchpoint", page["Sign in with a username and a password"], fills)
    for language, answer in answers.items():
        tokens(f"pitchpoint refresh of {language}", page["Get a new token with the refresh token"], {"YOUR_REFRESH_TOKEN": found(answer, "refresh_token")})


def ion():
    """A client's token from the token endpoint of OAuth."""
    key, page = DEMO["realms"]["ion"], sections("ion")
    fills = {"YOUR_REALM": "api-keys", "YOUR_CLIENT_ID": key["client_id"], "YOUR_CLIENT_SECRET": key["client_secret"]}
    tokens("ion", page["Sign in as a client"], fills)


def zro():
    """A sign-in of an API key, and a call that carries a new UUID each time."""
    key, page = DEMO["realms"]["zro"], sections("zro")
    fills = {"YOUR_KEY_ID": key["api_id"], "YOUR_KEY_SECRET": key["api_key"]}
    path, answers = tokens("zro", page["Sign in with an API key"], fills)
    token = lambda language: {"YOUR_ACCESS_TOKEN": found(answers[language], path), "/YOUR/CALL": "/operations/wallets"}
    prints("zro call", page["Use the token"], token, r"^\s*[\[{]")
    # Once a minute is all that this API allows; the first program has it.
    first, *others = page["Get a new token with the old one"][1].items()
    status, printed, complaint = run(first[0], first[1], token(first[0]))
    same(f"zro renewal {first[0]}: {complaint}", status, 0)
    same("zro renewal: a token", isinstance(found(value(READ_AS[first[0]], printed), path), str), True)
    for language, program in others:
        status, printed, complaint = run(language, program, token(language))
        same(f"zro renewal {language}: too often", (status != 0, "429" in printed + complaint), (True, True))


for suite in [inevent, pitchpoint, ion, zro]:
    try:
        suite()
    except Exception as error:  # One page that is not as expected must not hide the others.
        same(f"{suite.__name__}: its programs can be run", f"{type(error).__name__}: {error}", None)

sys.exit(finish("documentation programs"))
