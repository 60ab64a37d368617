"""Which queues gain or lose a member, shown in the dialog before it: asked of the broker, nothing done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mqadmin.administration.effects import providers
from mqadmin.administration.listed.naming import address
from mqadmin.administration.members import acts as members
from mqadmin.core.hooks import Panel
from mqadmin.rabbit.upkeep.facts import Placed

TEMPLATE = "administration/_members_touched.html"
MOST = 100  # queues that are named


@dataclass(frozen=True)
class Touched:
    """A queue with where it leads and how many members it has."""

    name: str
    vhost: str
    href: str
    members: int


def register() -> None:
    """Have the dialogs that add and take away members on a node list their queues."""
    providers.register(members.GROW, _growing)
    providers.register(members.SHRINK, _shrinking)


def _growing(slug: str, values: Mapping[str, Any]) -> Panel:
    found = members.would_grow(broker=slug, **values)
    return Panel(TEMPLATE, {"gains": True, "count": len(found), "rows": _rows(slug, found), "kept": 0})


def _shrinking(slug: str, values: Mapping[str, Any]) -> Panel:
    found, kept = members.would_shrink(broker=slug, **values)
    return Panel(
        TEMPLATE, {"gains": False, "count": len(found), "rows": _rows(slug, found), "kept": len(kept)}
    )


def _rows(slug: str, found: Sequence[Placed]) -> list[Touched]:
    first = sorted(found, key=lambda item: (item.vhost, item.name))[:MOST]
    return [
        Touched(
            item.name,
            item.vhost,
            address("queue_members", slug, vhost=item.vhost, name=item.name),
            len(item.members),
        )
        for item in first
    ]
