"""What happened, from all who know of it, on one line of time: marks, acts of people, events of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from mqadmin.core.hooks import Registry
from mqadmin.core.models import AuditEntry
from mqadmin.core.pages import words
from mqadmin.core.tones import Tone
from mqadmin.history.models import Mark

MOST = 100
# What people do to brokers, queues, letters and consumers; who signed in is for the audit log alone.
_ACTS = ("queue.", "consumer.", "dead_letters.", "record.", "operation.", "mark.")
_HARMLESS = ("queue.peek", "dead_letters.note", "dead_letters.note_cause", "dead_letters.reveal", "mark.post")


@dataclass(frozen=True)
class Asked:
    """What is asked for: a broker and a while; of one queue alone where `queue` (vhost, name) is given."""

    broker: str
    since: datetime
    until: datetime
    queue: tuple[str, str] | None = None


@dataclass(frozen=True)
class Happening:
    """One thing that happened. `who`: the person or the process; `link`: where more is told, "" for nowhere."""

    at: datetime
    what: str
    who: str = ""
    tone: Tone = "grey"
    link: str = ""


Provider = Callable[[Asked], Iterable[Happening]]
_providers: Registry[Provider] = Registry()
register = _providers.register


def between(asked: Asked, *, most: int = MOST) -> list[Happening]:
    """Return what happened, the newest first, at most `most`. A few indexed reads for each provider; each gives its
    newest `most`."""
    found = [item for provider in _providers for item in provider(asked)]
    return sorted(found, key=lambda item: item.at, reverse=True)[:most]


@register
def marks(asked: Asked) -> Iterable[Happening]:
    """Yield what was posted."""
    rows = Mark.objects.filter(broker__in=("", asked.broker), at__gte=asked.since, at__lte=asked.until)
    for mark in rows[:MOST]:
        yield Happening(mark.at, mark.title, mark.actor, "blue", mark.link)


@register
def acts(asked: Asked) -> Iterable[Happening]:
    """Yield what people did, and what mqadmin did by itself for them."""
    wanted = Q()
    for prefix in _ACTS:
        wanted |= Q(action__startswith=prefix)
    rows = AuditEntry.objects.filter(
        wanted, broker__in=("", asked.broker), at__gte=asked.since, at__lte=asked.until
    ).exclude(action__in=_HARMLESS)
    if asked.queue is not None:
        rows = rows.filter(target__contains=asked.queue[1])
    for entry in rows[:MOST]:
        yield Happening(entry.at, words.said(entry), entry.actor)
