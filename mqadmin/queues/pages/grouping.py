"""The list of queues in groups: by the first part of their names, their owner, their virtual host."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.core.paginator import Page, Paginator

from mqadmin.core.remembered import Remembered
from mqadmin.core.rights import asking
from mqadmin.core.tones import Tone
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import listing, tones
from mqadmin.queues.pages.listing import Key, QueueSearch
from mqadmin.queues.search.language import BadQuery

MOST_ROWS = 2_000  # of a group that are shown in it, step by step; all of it are in a list of its own
_PLAIN = re.compile(r"\w+")
_FIRST = re.compile(r"[^.\-_:/]+")
_NUMBERS = ("ready", "unacked", "publish_rate", "ack_rate", "consumers")
_WORST = {3: "broken", 2: "watch", 1: "ok"}


@dataclass
class Group:
    """Queues that belong together: how many, the worst verdict, sums; None where the broker reported none of it."""

    name: str
    count: int = 0
    rank: int = 0
    ready: float | None = None
    unacked: float | None = None
    publish_rate: float | None = None
    ack_rate: float | None = None
    consumers: float | None = None
    oldest_at: int | None = None
    keys: list[Key] = field(default_factory=list)  # in the order that is asked for, MOST_ROWS at most

    @property
    def health(self) -> str:
        return _WORST.get(self.rank, "idle")

    @property
    def tone(self) -> Tone:
        return tones.HEALTH[self.health]

    @property
    def state(self) -> str:
        return str(Queue.Health(self.health).label)

    @property
    def oldest(self) -> datetime | None:
        return None if self.oldest_at is None else datetime.fromtimestamp(self.oldest_at, UTC)

    def add(self, key: Key, rank: int, oldest_at: int | None, numbers: Sequence[float | None]) -> None:
        """Count one more queue."""
        self.count += 1
        self.rank = max(self.rank, rank)
        if oldest_at is not None:
            self.oldest_at = min(oldest_at, self.oldest_at or oldest_at)
        for name, value in zip(_NUMBERS, numbers, strict=True):
            if value is not None:
                setattr(self, name, (getattr(self, name) or 0) + value)
        if len(self.keys) < MOST_ROWS:
            self.keys.append(key)


def groups(query: QueueSearch, version: Hashable = None) -> Page[Group]:
    """Return a page of groups of what `query` finds, the order being that of their first queues."""
    key = (query.grouped, version, asking.mark())
    found = None if version is None else _known.get(key)
    if found is None:
        found = _made(query)
        if version is not None:
            _known.put(key, found)
    return Paginator(found, query.per).get_page(query.page)


def alone(query: QueueSearch, name: str) -> str:
    """Return the address of a list that has all queues of a group, "" where no search says so."""
    if query.group == "vhost":
        return query.address(group="", open=(), vhost=name)
    if query.group == "broker":
        return replace(query, broker=name).address(group="", open=())
    term = f"name:{name}*" if query.group == "prefix" else f'owner:"{name}"'
    if not (_PLAIN.fullmatch(name) or (query.group == "owner" and not set(name) & set('"\\'))):
        return ""
    return query.address(group="", open=(), q=f"({query.q}) {term}" if query.q else term)


def _made(query: QueueSearch) -> list[Group]:
    called = _NAMES[query.group]
    fields = ("pk", "changed_at", "health_rank", "oldest_at", *_NUMBERS)
    try:
        matching = listing.shown(query, listing.matching(query))
    except BadQuery:  # which the list says
        return []
    rows = matching.order_by(*listing.ordering(query.sort))
    found: dict[str, Group] = {}
    for text, pk, changed, rank, oldest, *numbers in rows.values_list(_FIELDS[query.group], *fields):
        name = called(text)
        group = found.get(name) or found.setdefault(name, Group(name))
        group.add((pk, changed), rank, oldest, numbers)
    return list(found.values())


def first(name: str) -> str:
    """Return the first part of a name: "orders.eu.paid" -> "orders"."""
    found = _FIRST.match(name)
    return found[0] if found else name


_FIELDS = {"prefix": "name", "owner": "owner", "vhost": "vhost", "broker": "broker__slug"}
_NAMES: dict[str, Callable[[Any], str]] = {"prefix": first, "owner": str, "vhost": str, "broker": str}
_known: Remembered[list[Group]] = Remembered(10)
