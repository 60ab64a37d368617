"""One thing that was found: how bad it is, how many objects show it, and some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# What is lost or breaks; what somebody must do or know first; what is good to know; what was looked for in vain.
BREAKS, CARE, NOTE, FINE = "breaks", "care", "note", "fine"
LEVELS = (BREAKS, CARE, NOTE, FINE)
MOST = 50  # examples of one finding


@dataclass(frozen=True, slots=True)
class Finding:
    """`about`: the node it is about, "" for the whole broker; `order`: its place among those of the same.
    `count`: how
    many objects show it, of which `examples` are the first MOST, each a table of texts: `kind` ("queue", "policy",
    "connection", ...), `vhost`, `name`, `detail`. `params`: numbers and texts for the sentence."""

    about: str
    order: int
    code: str
    level: str
    count: int = 0
    examples: Sequence[Mapping[str, str]] = ()
    params: Mapping[str, Any] = field(default_factory=dict)


def found(code: str, level: str, examples: Iterable[Mapping[str, str]], **params: Any) -> Finding:
    """Return a finding that these objects show, in the order of their names."""
    shown = sorted(examples, key=lambda item: (item.get("vhost", ""), item.get("name", "")))
    return Finding("", 0, code, level, len(shown), shown[:MOST], params)


def ranked(about: str, findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the worst first, those of one level as they came."""
    order = sorted(findings, key=lambda item: LEVELS.index(item.level))
    return [
        Finding(about, place, item.code, item.level, item.count, item.examples, item.params)
        for place, item in enumerate(order)
    ]


def an_object(kind: str, name: str, vhost: str = "", detail: str = "") -> dict[str, str]:
    """Return an object as an example names it."""
    return {"kind": kind, "vhost": vhost, "name": name, "detail": detail}
