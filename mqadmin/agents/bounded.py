"""Answers cut to what an agent can read, with what was cut."""

from __future__ import annotations

import json
from typing import Any

MOST = 60_000  # characters of an answer as JSON
# How long a text and a list may be, tried until all of it fits: few whole items before many maimed ones.
_LONG = (20_000, 5_000, 1_000, 200, 20)  # characters
_MANY = (1_000, 500, 250, 125, 60, 30, 15, 7)  # items
_STEPS = (*((long, many) for long in _LONG for many in _MANY), (20, 3), (20, 1))


def fit(value: Any, most: int = MOST) -> tuple[Any, list[dict[str, Any]]]:
    """Return the value so that its JSON has at most `most` characters, and what was cut of it.

    What was cut: `at` (a JSON pointer), `shown`, `of` (items or characters). A page's `next` goes with its items:
    it would lead past those that were cut.
    """
    if _size(value) <= most:
        return value, []
    for long, many in _STEPS:
        cuts: list[dict[str, Any]] = []
        small = _cut(value, "", long, many, cuts)
        if any(item["at"] == "/items" for item in cuts):
            small["next"] = None
        if _size(small) <= most:
            return small, cuts
    return None, [{"at": "", "shown": 0, "of": _size(value)}]


def _cut(value: Any, at: str, long: int, many: int, cuts: list[dict[str, Any]]) -> Any:
    if isinstance(value, str) and len(value) > long:
        cuts.append({"at": at, "shown": long, "of": len(value)})
        return value[:long]
    if isinstance(value, list):
        if len(value) > many:
            cuts.append({"at": at, "shown": many, "of": len(value)})
        return [_cut(item, f"{at}/{place}", long, many, cuts) for place, item in enumerate(value[:many])]
    if isinstance(value, dict):
        return {key: _cut(item, f"{at}/{_step(key)}", long, many, cuts) for key, item in value.items()}
    return value


def _step(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False))
