"""Single values of the management API's answers: one that is not of the kind expected is not known."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from sys import intern
from typing import Any

from mqadmin.rabbit.types import Series

Json = Mapping[str, Any]
_EMPTY: Json = {}  # the same one for all: ten thousand queues have two of them


def samples(details: Any) -> Series:
    samples = table(details).get("samples") or ()
    return tuple(sorted((entry["timestamp"] / 1000, float(entry["sample"])) for entry in samples))


def slope(counts: Series) -> Series:
    """Return the per-second rise of a counter between its samples; a counter that was reset counts as 0."""
    steps = pairwise(counts)
    return tuple(
        (end, max(0.0, (high - low) / (end - start))) for (start, low), (end, high) in steps if end > start
    )


def rate(stats: Json, name: str) -> float | None:
    return real(table(stats.get(f"{name}_details")).get("rate"))


def table(value: Any) -> Json:
    return value if isinstance(value, dict) and value else _EMPTY


def flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def text(value: Any) -> str | None:
    if not isinstance(value, str) or value in ("undefined", "unknown", "none"):
        return None
    return value


def shared_text(value: Any) -> str | None:
    """Return a text of which many queues have the same, as one object."""
    found = text(value)
    return found if found is None else intern(found)


def texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def integer(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def real(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
