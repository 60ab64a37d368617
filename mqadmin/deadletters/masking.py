"""Fields of letters that are not everybody's to read: hidden by header name or JSON path (settings.MQADMIN_MASKED).

`header.authorization` names a header, whatever its case; `payload.card.number` a field of a JSON or MessagePack
body, lists passed through; a `*` stands for any way down: `payload.*.password`. Hidden are the values where letters
are shown; what is stored and requeued stays as it came. A body that is no document cannot be masked by path.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit import bodies

SHOWN = "•••"
_MOST = 100_000  # values of one body that are looked at

Path = tuple[str, ...]


def rules() -> tuple[frozenset[str], tuple[Path, ...]]:
    """Return (names of headers in small letters, paths in bodies) that are hidden."""
    return _rules(tuple(settings.MQADMIN_MASKED))


@functools.lru_cache(maxsize=8)
def _rules(written: tuple[str, ...]) -> tuple[frozenset[str], tuple[Path, ...]]:
    headers, paths = set(), []
    for rule in written:
        kind, _dot, rest = rule.strip().partition(".")
        if kind == "header" and rest:
            headers.add(rest.lower())
        elif kind == "payload" and rest:
            paths.append(tuple(rest.split(".")))
        else:
            raise ValueError(f"MQADMIN_MASKED: {rule!r} is neither header.NAME nor payload.PATH")
    return frozenset(headers), tuple(paths)


def hide(letter: DeadLetter) -> int:
    """Hide the values in this object, which must not be saved. Returns how many it hid."""
    names, paths = rules()
    count = 0
    if names and isinstance(letter.headers, dict):
        kept = {name: SHOWN if name.lower() in names else value for name, value in letter.headers.items()}
        count = sum(name.lower() in names for name in kept)
        letter.headers = kept
    if paths:
        kind, encoding = (letter.properties.get(name) for name in ("content_type", "content_encoding"))
        document = bodies.document(
            bytes(letter.body),
            kind if isinstance(kind, str) else None,
            encoding if isinstance(encoding, str) else None,
        )
        hidden = mask(document, paths) if isinstance(document, dict | list) else 0
        if hidden:
            letter.body = json.dumps(document, ensure_ascii=False, default=str).encode(errors="replace")
            letter.properties = {
                name: value for name, value in letter.properties.items() if name != "content_encoding"
            } | {"content_type": "application/json"}
            count += hidden
    return count


def mask(document: Any, paths: Sequence[Path]) -> int:
    """Hide what lies at the paths, in the document itself. Returns how many values; looks at _MOST at most."""
    count, left = 0, _MOST
    waiting: list[tuple[Any, tuple[Path, ...]]] = [(document, tuple(paths))]
    while waiting and left:
        left -= 1
        node, rest = waiting.pop()
        if isinstance(node, list):
            waiting.extend((item, rest) for item in node if isinstance(item, dict | list))
        elif isinstance(node, dict):
            for key, value in node.items():
                below = _below(rest, key)
                if () in below:
                    node[key] = SHOWN
                    count += 1
                elif below and isinstance(value, dict | list):
                    waiting.append((value, tuple(below)))
    return count


def _below(paths: Sequence[Path], key: str) -> set[Path]:
    """Return what is left of the paths below a key."""
    left: set[Path] = set()
    for path in paths:
        if path[0] == "*":
            left.add(path)
            if len(path) > 1 and path[1] == key:
                left.add(path[2:])
        elif path[0] == key:
            left.add(path[1:])
    return left


def is_hidden(column: str, path: str) -> bool:
    """Whether values of a header or at a path of bodies are hidden: then none is offered while typing."""
    names, paths = rules()
    if column == "headers":
        return path.partition(".")[0].lower() in names or path.lower() in names
    if column != "body":
        return False
    left: set[Path] = set(paths)
    for key in path.split("."):
        left = _below(tuple(left), key)
        if () in left:
            return True
    return False
