"""What happened, from all who know of it, on one line of time: marks, acts of people, events of processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from mqadmin.core.hooks import Registry
from mqadmin.core.models import AuditEntry
from mqadmin.core.pages import words
from mqadmin.core.rights import asking, naming
from mqadmin.core.tones import Tone
from mqadmin.history.models import Mark

MOST = 100
# What people do to brokers, queues, letters and consumers; who signed in is for the audit log alone.
_ACTS = ("queue.", "consumer.", "dead_letters.", "record.", "operation.", "mark.")
_HARMLESS = ("queue.peek", "dead_letters.note", "dead_letters.note_cause", "dead_letters.reveal", "mark.post")
_CHANGES = {"queue.declare": "added", "queue.delete": "gone"}
_LATER = timedelta(seconds=90)  # after a change it is noted by whoever looks now and then

About = tuple[str, str, str]
"""A change of one object: its kind, `vhost:name`, and "added", "changed" or "gone"."""


@dataclass(frozen=True)
class Asked:
    """What is asked for: a broker and a while; of one queue alone where `queue` (vhost, name) is given."""

    broker: str
    since: datetime
    until: datetime
    queue: tuple[str, str] | None = None


@dataclass(frozen=True)
class Happening:
    """One thing that happened. `who`: the person or the process; `link`: where more is told, "" for nowhere.

    `about`: what it says was changed, so that nothing is told twice; `known`: how surely it is known who did that,
    2 by the audit log, 1 by the broker, 0 not at all. It came about after `since`, where that is not known at `at`.
    `detail` goes to the one that is told instead.
    """

    at: datetime
    what: str
    who: str = ""
    tone: Tone = "grey"
    link: str = ""
    about: frozenset[About] = frozenset()
    known: int = 0
    since: datetime | None = None
    detail: str = ""


Provider = Callable[[Asked], Iterable[Happening]]
_providers: Registry[Provider] = Registry()
register = _providers.register


def between(asked: Asked, *, most: int = MOST) -> list[Happening]:
    """Return what happened, the newest first, at most `most`. A few indexed reads for each provider; each gives its
    newest `most`."""
    found = once(item for provider in _providers for item in provider(asked))
    return sorted(found, key=lambda item: item.at, reverse=True)[:most]


def once(found: Iterable[Happening]) -> list[Happening]:
    """Leave out what another tells as well that knows better who did it; each change of that covers one. Pure."""
    kept: list[Happening] = []
    by_change: dict[About, list[int]] = defaultdict(list)
    covered: set[tuple[int, About]] = set()
    for item in sorted(found, key=lambda item: -item.known):
        some = next(iter(item.about), None)
        places = [place for place in by_change.get(some, ()) if _covers(kept[place], item)] if some else []
        places = [place for place in places if not any((place, about) in covered for about in item.about)]
        if places:
            place = min(places, key=lambda place: abs(kept[place].at - item.at))
            covered.update((place, about) for about in item.about)
            kept[place] = _with(kept[place], item)
            continue
        for about in item.about:
            by_change[about].append(len(kept))
        kept.append(item)
    return kept


def _with(better: Happening, item: Happening) -> Happening:
    """Add what the other alone tells, where both are about the same."""
    if not item.detail or item.about != better.about:
        return better
    return replace(better, what=_("%(what)s: %(detail)s") % {"what": better.what, "detail": item.detail})


def _covers(better: Happening, item: Happening) -> bool:
    """Whether the one may tell of all that the other does, by what they are about and when they came about."""
    begins = better.since or better.at
    return (
        better.known > item.known
        and item.about <= better.about
        and (item.since or item.at - _LATER) <= better.at
        and begins <= item.at
    )


@register
def marks(asked: Asked) -> Iterable[Happening]:
    """Yield what was posted."""
    if not naming.holds_inside(asked.broker):
        return
    rows = Mark.objects.filter(broker__in=("", asked.broker), at__gte=asked.since, at__lte=asked.until)
    for mark in rows[:MOST]:
        yield Happening(mark.at, mark.title, mark.actor, "blue", mark.link)


def _of_colleagues(asked: Asked, wanted: Q) -> Iterable[AuditEntry]:
    """Return what others did to the queue that is asked for, where who asks may see it, not all of its broker."""
    who = asking.now()
    if asked.queue is None or who is None or naming.holds("view", asked.broker):
        return []
    # The act is told by the name of the queue alone: of no other thing, and not what was said beside it.
    rows = AuditEntry._base_manager.filter(wanted, broker=asked.broker, target=":".join(asked.queue))
    if not naming.holds("view", asked.broker, *asked.queue):
        return []
    return rows.exclude(actor=who.name).exclude(action__in=_HARMLESS).order_by("-id")[:MOST]


@register
def acts(asked: Asked) -> Iterable[Happening]:
    """Yield what people did, and what mqadmin did by itself for them."""
    wanted = Q()
    for prefix in _ACTS:
        wanted |= Q(action__startswith=prefix)
    span = Q(broker__in=("", asked.broker), at__gte=asked.since, at__lte=asked.until)
    rows = AuditEntry.objects.filter(wanted, span).exclude(action__in=_HARMLESS)
    if asked.queue is not None:
        rows = rows.filter(target__contains=asked.queue[1])
    for entry in [*rows[:MOST], *_of_colleagues(asked, wanted & span)]:
        how = _CHANGES.get(entry.action) if entry.outcome == AuditEntry.Outcome.DONE else None
        about = frozenset([("queue", entry.target, how)] if how else [])
        yield Happening(entry.at, words.said(entry), entry.actor, about=about, known=2)
