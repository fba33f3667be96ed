"""Cuts the printed programs and sample answers out of a documentation page."""

import html
import re
from dataclasses import dataclass

FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Where the pages show code without fences, a program begins with its first line and ends where the
# next begins or prose follows.
FIRST_LINE = re.compile(r"^(?:curl |<\?php|(?:var|const) axios\b|import requests)", re.MULTILINE)
PROSE = re.compile(r"^Here is\b.*", re.MULTILINE)
JSON_BLOCK = re.compile(r"^\{\n.*?^\}", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A page, taken apart."""

    programs: list  # of (language, text), as printed
    samples: list  # of text: sample answers, as printed
    text: str


def cut(text):
    """Takes a page apart."""
    blocks = FENCED.findall(text) or _unfenced(text)
    programs, samples = [], []
    for block in map(_plain, blocks):
        language = _language(block)
        if language:
            programs.append((language, block))
        elif block.lstrip().startswith("{"):
            samples.append(block)
    return Page(programs, samples, text)


def _unfenced(text):
    starts = [match.start() for match in FIRST_LINE.finditer(text)]
    if not starts:
        return []
    prose = PROSE.search(text, starts[-1])
    end = prose.start() if prose else len(text)
    programs = [text[start:stop] for start, stop in zip(starts, [*starts[1:], end])]
    return programs + JSON_BLOCK.findall(text, end)


def _plain(block):
    """Undoes what Markdown and HTML editors did to code, and a shell's prompt."""
    if re.search(r"&(?:amp|lt|gt|quot|#\w+);", block):
        block = html.unescape(block)
    block = block.replace("\\_", "_")
    return re.sub(r"^\$\s+", "", block)


def _language(block):
    if block.lstrip().startswith("<?php"):
        return "php"
    if re.search(r"require\(['\"]axios['\"]\)", block):
        return "node"
    if re.search(r"^import requests", block, re.MULTILINE):
        return "python"
    if re.match(r"\s*curl\b", block):
        return "curl"
    return None
