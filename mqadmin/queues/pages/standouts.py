"""The queues worth a look when nothing is wrong: the busiest, the slowest, the fullest, those that grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import FloatField, Q, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Least, NullIf
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from mqadmin.core.pages.formats import rate
from mqadmin.core.remembered import Remembered
from mqadmin.core.rights import asking
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.monitor.queue_row import points
from mqadmin.queues.pages import listing, presenting

SHOWN = 5
_NO_LIMIT = 1e18
_KEPT_S = 30  # a list is made once for a sample; of a broker that is not sampled, as often as this
_GROWS = 1 / 60  # messages a second
_COLUMNS = ("name", "vhost", "history", "ready", "publish_rate", "growth", "oldest_at", "oldest_at_least")


@dataclass(frozen=True)
class Standout:
    """One queue of a list: what makes it stand out, and its last hour."""

    name: str
    vhost: str
    href: str
    value: str
    points: Sequence[float | None]
    share: float | None = None  # of its limit


@dataclass(frozen=True)
class Standouts:
    """One list, perhaps empty. `key` names it in the page; `more`: where all are listed in that order."""

    key: str
    title: str
    queues: Sequence[Standout]
    more: str = ""


_Key = tuple[datetime | None, int, str | None]
_kept: Remembered[tuple[_Key, list[Standouts]]] = Remembered(100)  # by the broker and who may as much


def of(broker: Broker, now: float) -> list[Standouts]:
    """Return the lists of a broker; `now` is epoch seconds.

    Rows change with a sample only: the lists are made once for it, for all who may as much.
    """
    key = (broker.sampled_at, int(now // _KEPT_S), get_language())
    whose = (broker.slug, asking.mark())
    last = _kept.get(whose)
    if last is None or last[0] != key:
        last = _kept.put(whose, (key, lists(broker.slug, now)))
    return last[1]


def lists(slug: str, now: float) -> list[Standouts]:
    """Return the same, made anew. Four queries."""
    rows = listing.present(slug).only(*_COLUMNS)
    # Where messages wait on purpose, or for a person, it says nothing that they do.
    waiting = rows.filter(oldest_at__isnull=False, is_delay=False, is_inbox=False)
    return [
        Standouts(
            "busiest",
            _("Busiest"),
            _shown(rows.filter(publish_rate__gt=0).order_by("-publish_rate", "name"), now, _in),
            _more(slug, "-publish_rate"),
        ),
        Standouts(
            "slowest",
            _("Waiting longest"),
            _shown(waiting.order_by("oldest_at", "name"), now, lambda queue: presenting.waits(queue, now)),
        ),
        Standouts("fullest", _("Fullest"), _fullest(slug, now)),
        Standouts(
            "growing",
            _("Growing fastest"),
            _shown(rows.filter(growth__gt=_GROWS).order_by("-growth", "name"), now, _growth),
            _more(slug, "-growth"),
        ),
    ]


def _more(slug: str, sort: str) -> str:
    return reverse("queue_list") + listing.QueueSearch(slug, sort=sort).address()


def _in(queue: Queue) -> str:
    return _("%(n)s/s in") % {"n": rate(queue.publish_rate)}


def _growth(queue: Queue) -> str:
    return _("+%(n)s/min") % {"n": rate((queue.growth or 0) * 60)}


def _shown(rows: QuerySet[Queue], now: float, say: Callable[[Queue], str]) -> list[Standout]:
    return [_standout(queue, now, say(queue)) for queue in rows[:SHOWN]]


def _standout(queue: Queue, now: float, value: str, share: float | None = None) -> Standout:
    href = reverse("queue_detail", args=[queue.pk])
    return Standout(queue.name, queue.vhost, href, value, points(queue.history, now), share)


def _fullest(slug: str, now: float) -> list[Standout]:
    """Of two limits the smaller counts (rabbit_queue_type_util)."""
    limits = (_limit("arguments", "x-max-length"), _limit("effective_policy", "max-length"))
    limited = Q(arguments__has_key="x-max-length") | Q(effective_policy__has_key="max-length")
    rows = listing.present(slug).filter(limited, ready__gt=0).only(*_COLUMNS)
    share = Cast("ready", FloatField()) / NullIf(Least(*limits), Value(0.0))
    found = rows.annotate(share=share).filter(share__gt=0).order_by("-share", "name")[:SHOWN]
    return [_standout(queue, now, f"{min(queue.share, 1):.0%}", queue.share) for queue in found]


def _limit(column: str, name: str) -> Coalesce:
    return Coalesce(Cast(KeyTextTransform(name, column), FloatField()), Value(_NO_LIMIT))
