"""What the broker told of who changed what: written as it is heard, found again by object and time, dropped with
age."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone
from django.utils.translation import ngettext

from mqadmin.core.rows import deleting
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.comparing.kinds import Key
from mqadmin.definitions.models import Event

MOST_OF_BROKER = 200_000
MOST_AT_ONCE = 50_000  # of one while: an import of 10,000 queues with as many bindings tells some 20,000
INTERNAL = "rmq-internal"  # RabbitMQ's own: what goes with something else
DELETING_SECONDS = 20.0


class Heard(NamedTuple):
    """One event: `name` as "policy.set", `subject` as `subject` makes it, `by` the broker's user."""

    at: datetime
    name: str
    subject: str
    by: str


def subject(kind: str, vhost: str, parts: tuple[str, ...]) -> str:
    """Return what an object of an event is known by: a fingerprint, 64 bits.

    Events tell no arguments of bindings that could be compared, and of a topic permission that is taken no
    exchange.
    """
    known = parts[:4] if kind == kinds.BINDING else parts[:1] if kind == kinds.TOPIC_PERMISSION else parts
    return hashlib.blake2b(json.dumps([kind, vhost, known]).encode(), digest_size=8).hexdigest()


def of_key(key: Key) -> str:
    """Return the subject of an object of definitions."""
    return subject(key.kind, key.vhost, key.parts)


@dataclass
class Told:
    """The last event of each subject in a while."""

    last: Mapping[str, Heard] = field(default_factory=dict)

    def of(self, key: Key, *, is_gone: bool) -> Heard | None:
        """Return the event that an object is as it is by, None where none tells it.

        What goes along with something else is told of that alone, or as RabbitMQ's own act.
        """
        own = self.last.get(of_key(key))
        if own is not None and own.by != INTERNAL:
            return own
        if is_gone:
            return next((found for holder in _holders(key) if (found := self._end(holder))), own)
        return own

    def _end(self, holder: str) -> Heard | None:
        found = self.last.get(holder)
        return found if found is not None and found.name.endswith(".deleted") else None


def _holders(key: Key) -> Iterable[str]:
    """Yield the subjects of what an object goes with."""
    if key.kind == kinds.BINDING:
        source, kind, destination, *_rest = key.parts
        yield subject(kind, key.vhost, (destination,))
        yield subject(kinds.EXCHANGE, key.vhost, (source,))
    if key.kind in (kinds.PERMISSION, kinds.TOPIC_PERMISSION):
        yield subject(kinds.USER, "", (key.parts[0],))
    if key.vhost and key.kind != kinds.VHOST:
        yield subject(kinds.VHOST, key.vhost, (key.vhost,))


def write(broker: str, heard: Iterable[Heard]) -> None:
    """Write what was heard. Raises django.db.Error."""
    Event.objects.bulk_create(
        (Event(broker=broker, at=at, name=name, subject=of, by=by) for at, name, of, by in heard),
        batch_size=500,
    )


def between(broker: str, begin: datetime, end: datetime) -> Told:
    """Return what was heard in a while."""
    rows = Event.objects.filter(broker=broker, at__gte=begin, at__lte=end).order_by("-at", "-id")
    last: dict[str, Heard] = {}
    for row in rows.values_list("at", "name", "subject", "by")[:MOST_AT_ONCE]:
        last.setdefault(row[2], Heard(*row))
    return Told(last)


def forget(now: datetime | None = None) -> str:
    """Drop what is older than the oldest version that is kept, or than MQADMIN_DEFINITIONS_DAYS, and what is too
    much of each broker; returns what went, in words."""
    moment = now or timezone.now()
    steps = deleting.Steps(DELETING_SECONDS)
    gone = 0
    if days := settings.MQADMIN_DEFINITIONS_DAYS:
        gone += deleting.all_of(Event.objects.filter(at__lt=moment - timedelta(days=days)), steps)
    for broker in list(Event.objects.order_by().values_list("broker", flat=True).distinct()):
        rows = Event.objects.filter(broker=broker)
        surplus = rows.order_by("-id").values_list("pk", flat=True)[MOST_OF_BROKER : MOST_OF_BROKER + 1]
        for newest in list(surplus):
            gone += deleting.all_of(rows.filter(pk__lte=newest), steps)
    text = ngettext("%(n)s event of definitions", "%(n)s events of definitions", gone)
    return text % {"n": gone} if gone else ""
