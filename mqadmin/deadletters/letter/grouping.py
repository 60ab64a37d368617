"""The cause of a letter: letters that failed for the same reason share a group. Pure.

Two errors are the same when they differ only in what changes from message to message: numbers, identifiers,
quoted values, addresses. A quoted word without digits stays: `KeyError: 'customer_id'` and `KeyError: 'email'`
are two causes.
"""

from __future__ import annotations

import hashlib
import json
import re

MAX_CHARACTERS = 300
VARIABLE = "N"

# The order matters: what is longer is taken before what it contains.
_URL = r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>]+"
_EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_UUID = r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
_TIME = r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
_ADDRESS = r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"
_POINTER = r"\b0x[0-9a-fA-F]+\b"
# A word with a digit in it is an identifier: ord-10442, A17, 3f2c9d. So is a plain number.
_IDENTIFIER = r"[-+]?\b[\w-]*\d[\w-]*(?:[.,]\d+)*"
_VARYING = re.compile("|".join((_URL, _EMAIL, _UUID, _TIME, _ADDRESS, _POINTER, _IDENTIFIER)))
_QUOTED = re.compile(
    r"\"[^\"\n]{1,200}\"|(?<!\w)'[^'\n]{1,200}'(?!\w)|“[^”\n]{1,200}”|‘[^’\n]{1,200}’|`[^`\n]{1,200}`"
)
_NAME = re.compile(r"[^\W\d][^\W\d\-]*(?:[._-][^\W\d]+)*")
_SPACE = re.compile(r"\s+")


def pattern(error: str) -> str:
    """Return the first line of `error` with what varies replaced by N, at most MAX_CHARACTERS long."""
    lines = error.strip().splitlines()
    text = lines[0][: 4 * MAX_CHARACTERS] if lines else ""
    text = _QUOTED.sub(_keep_name, text)
    text = _VARYING.sub(VARIABLE, text)
    return _SPACE.sub(" ", text).strip()[:MAX_CHARACTERS]


def _keep_name(match: re.Match[str]) -> str:
    quoted = match[0]
    return quoted if _NAME.fullmatch(quoted[1:-1]) else VARIABLE


def segments(error: str) -> list[tuple[str, bool]]:
    """Return the pattern as (text, whether it stands for what varies), for a page to show."""
    parts = re.split(rf"\b({VARIABLE})\b", pattern(error))
    return [(part, index % 2 == 1) for index, part in enumerate(parts) if part]


def own_frame(trace: str) -> str:
    """Return where in one's own code the error came from, without the line: "shop/orders.py charge"; "" if the
    trace does not tell. Python's innermost frame comes last, those of Java and .NET first."""
    trace = trace[:_SEARCHED]
    python = [
        f"{'/'.join(_SLASH.split(path)[-2:])} {name}"
        for path, name in _PYTHON_FRAME.findall(trace)
        if not _FOREIGN_FILE.search(path)
    ]
    if python:
        return python[-1][:MAX_CHARACTERS]
    called = (name for name in _CALL.findall(trace) if not name.startswith(_FOREIGN_CALLS))
    return next(called, "")[:MAX_CHARACTERS]


_SEARCHED = 32_000
_SLASH = re.compile(r"[\\/]")
_PYTHON_FRAME = re.compile(r'^ *File "([^"\n]{1,400})", line \d{1,7}, in ([^\n]{1,200})$', re.MULTILINE)
_FOREIGN_FILE = re.compile(r"site-packages|dist-packages|lib/python\d|^<|[\\/]consumers[\\/]runtime[\\/]")
_CALL = re.compile(r"^\s{1,20}at ([\w$.<>`+]{3,300})\(", re.MULTILINE)
_FOREIGN_CALLS = (
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "org.springframework.",
    "com.rabbitmq.",
    "System.",
    "Microsoft.",
    "NServiceBus.",
    "MassTransit.",
    "Rebus.",
    "EasyNetQ.",
    "Newtonsoft.",
)


def fingerprint(
    *, vhost: str, source_queue: str, reason: str, error_type: str, error: str, trace: str = ""
) -> str:
    """Return 32 hex characters, the same for letters of the same cause.

    Errors of one type that say nothing are told apart by where they came from.
    """
    if reason == "unknown":
        reason = "error"  # what it was called before there was a word for it: notes on causes stay theirs
    what = pattern(error)
    if what in ("", VARIABLE) and trace:
        what = f"{what}\0{own_frame(trace)}"
    cause = json.dumps([vhost, source_queue, reason, error_type, what], ensure_ascii=True)
    return hashlib.blake2b(cause.encode(), digest_size=16).hexdigest()
