"""Fits a printed program to the demo, runs it, and reads what it printed."""

import ast
import json
import os
import re
import subprocess
import tempfile
from urllib.parse import quote

SUFFIXES = {"curl": ".sh", "php": ".php", "node": ".cjs", "python": ".py"}


def fill(text, placeholder, value):
    """Puts a value where a pattern stands, written as the place needs it: percent-encoded after `=`
    (a query or a form), else as the inside of a string literal. Fails if there is no such place."""

    def written(match):
        before = match.string[: match.start()]
        if before.endswith("="):
            return quote(value, safe="")
        literal = json.dumps(value)[1:-1]
        if re.match(r"\s*curl\b", match.string):
            return literal.replace("'", "'\\''")
        return literal.replace("'", "\\'")

    text, places = re.subn(placeholder, written, text)
    if places == 0:
        raise ValueError(f"the program has no {placeholder}")
    return text


def readdress(text, printed, url):
    """Puts the demo's address for the printed one; fails if another address stays, so that no
    program ever calls anybody's real service."""
    if printed not in text:
        raise ValueError(f"the program does not call {printed}")
    text = text.replace(printed, url)
    strangers = [found for found in re.findall(r"https?://[^\s'\"]+", text) if not found.startswith(url)]
    if strangers:
        raise ValueError(f"the program calls {strangers[0]}")
    return text


def run(language, text):
    """Runs a program; gives what it printed on its standard output."""
    authority = os.environ.get("JETON_CA")
    command = {
        "curl": ["bash", "-eu"],
        "php": ["php", "-d", f"curl.cainfo={authority}"] if authority else ["php"],
        "node": ["node"],
        "python": [os.environ["PYTHON"]],
    }[language]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program" + SUFFIXES[language])
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([*command, path], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


def value(language, printed):
    """The value that a program printed: as JSON, or as its language shows values; else None."""
    try:
        return json.loads(printed)
    except ValueError:
        pass
    if language == "python":
        try:
            return ast.literal_eval(printed)
        except (ValueError, SyntaxError):
            return None
    if language == "node":
        script = "JSON.stringify(require('vm').runInNewContext('(' + require('fs').readFileSync(0, 'utf8') + ')'))"
        shown = subprocess.run(["node", "-p", script], input=printed, capture_output=True, text=True, timeout=60, check=False)
        return json.loads(shown.stdout) if shown.returncode == 0 and shown.stdout.strip() != "undefined" else None
    return None
