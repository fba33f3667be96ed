"""Checks, and their count."""

import json

TYPES = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}

_counts = {"passed": 0, "failed": 0}


def shape(members):
    """Names and types of an object's members, in order."""
    return " ".join(f"{name}:{TYPES.get(type(value), 'null')}" for name, value in members.items())


def same(name, actual, expected):
    """Counts a check; values are compared as JSON, so the order of members and their types count."""
    if json.dumps(actual) == json.dumps(expected):
        _counts["passed"] += 1
    else:
        _counts["failed"] += 1
        print(f"FAIL {name}\n  is        {actual!r}\n  should be {expected!r}")


def good(name, is_good, found=""):
    """Counts a check, and tells what was found instead."""
    _counts["passed" if is_good else "failed"] += 1
    if not is_good:
        print(f"FAIL {name}: {found}")


def finish(suite):
    """Prints the closing line; gives the exit code."""
    print(f"{suite}: {_counts['passed']} passed, {_counts['failed']} failed")
    return 0 if _counts["failed"] == 0 and _counts["passed"] > 0 else 1
