"""How the brokers of a list are seen: of several, which of them are not seen well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mqadmin.core import brokers
from mqadmin.core.pages import prose
from mqadmin.queues.pages import rights
from mqadmin.queues.pages.broker_status import BrokerStatus
from mqadmin.queues.pages.rights import Note


@dataclass(frozen=True)
class Unwell:
    """A broker that is not seen as it should be; `title`: what it is called, "" where it is the only one."""

    title: str
    status: BrokerStatus


def context(found: Mapping[str, BrokerStatus]) -> dict[str, Any]:
    """Return what a list says of its brokers, given by slug."""
    statuses = list(found.values())
    titles = brokers.titles() if len(found) > 1 else {}
    return {
        "broker_status": statuses[0] if len(statuses) == 1 else None,
        "unwell": [Unwell(titles.get(slug, ""), item) for slug, item in found.items() if not item.ok],
        "notes": [note for slug, item in found.items() for note in _notes(item, titles.get(slug, ""))],
        "is_down": bool(statuses) and all(item.level == "down" for item in statuses),
        "is_new": all(item.level == "never" for item in statuses),
    }


def titles(found: Mapping[str, BrokerStatus]) -> dict[int, str]:
    """Return of each broker's id its title."""
    called = brokers.titles()
    return {item.broker.pk: called.get(slug, slug) for slug, item in found.items() if item.broker}


def _notes(status: BrokerStatus, title: str) -> Sequence[Note]:
    found = rights.notes(status.broker)
    return [replace(note, title=prose.labelled(title, note.title)) for note in found] if title else found
