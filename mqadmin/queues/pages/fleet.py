"""All brokers side by side, the worst first: how each is seen, what is wrong there, in words, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core import brokers, hooks
from mqadmin.core.hooks import Attention, Badge
from mqadmin.core.pages import context
from mqadmin.core.pages.formats import UNKNOWN, number, rate, short
from mqadmin.core.permissions import User
from mqadmin.core.tones import Tone
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import totals
from mqadmin.queues.pages.broker_status import BrokerStatus, seen

_RANK = {"red": 3, "amber": 2, "grey": 1, "green": 0}


@dataclass(frozen=True)
class Seen:
    """One broker. `attention`: what its page tells, the broken first; `worst`: its worst queue, if one is bad."""

    slug: str
    title: str
    environment: str
    environment_label: str
    status: BrokerStatus
    attention: Sequence[Attention]
    worst: Queue | None = None

    @property
    def tone(self) -> Tone:
        """Its state and that of all on it: the colour of the worst."""
        return _worst_tone([self.status.tone, *(item.tone for item in self.attention if not item.is_ours)])

    @property
    def own(self) -> list[Attention]:
        """What is wrong with this broker or on it, each once; what is wrong with mqadmin is no fault of one."""
        return [item for item in self.attention if not item.is_ours and not item.is_repeat]

    @property
    def words(self) -> str:
        """What is wrong first, else that nothing is."""
        own = self.own
        return own[0].title if own else _("Nothing needs you")

    @property
    def more(self) -> str:
        """How much else is wrong."""
        count = len(self.own) - 1
        return ngettext("and %(n)s more", "and %(n)s more", count) % {"n": number(count)} if count > 0 else ""

    @property
    def href(self) -> str:
        return context.address("overview", self.slug)

    @property
    def beside(self) -> list[tuple[str, Badge | None]]:
        """What the sidebar says of its consumers and its dead letters: where they are listed, and how many."""
        keys = ("consumers", "dead-letters")
        return [(context.address(key, self.slug), hooks.nav_badge(key, self.slug)) for key in keys]

    @property
    def totals(self) -> Mapping[str, float]:
        return totals.of(self.status.broker) if self.status.broker else {}

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """Its totals: label, number, unit; no unit of what is not known."""
        shown = (
            (_("Ready"), self.ready, ""),
            (_("Unacked"), short(self.totals.get("unacked")), ""),
            (_("In"), self.coming, _("/s")),
            (_("Acked"), self.acked, _("/s")),
        )
        return [(label, text, "" if text == UNKNOWN else unit) for label, text, unit in shown]

    @property
    def ready(self) -> str:
        return short(self.totals.get("ready"))

    @property
    def coming(self) -> str:
        """How many messages come a second."""
        return rate(self.totals.get("publish_rate"))

    @property
    def acked(self) -> str:
        """How many are acked a second."""
        return rate(self.totals.get("ack_rate"))

    @property
    def version(self) -> str:
        return self.status.broker.version if self.status.broker else ""

    @property
    def is_current(self) -> bool:
        """Whether its numbers are those of now."""
        return self.status.ok

    @property
    def faded(self) -> str:
        """The class of numbers that are old."""
        return "" if self.is_current else "dim"


def everywhere(user: User) -> list[Seen]:
    """Return every configured broker, the worst first. Reads rows only; raises ConfigurationError."""
    now = timezone.now()
    configs, words = brokers.configs(), context.environments()
    rows = {row.slug: row for row in Broker.objects.filter(slug__in=list(configs))}
    worst = _worst_queues(rows.values())
    found = [
        Seen(
            slug=slug,
            title=config.title,
            environment=config.environment,
            environment_label=words.get(config.environment, ""),
            status=seen(rows.get(slug), now),
            attention=hooks.attention(slug, user),
            worst=worst.get(slug),
        )
        for slug, config in configs.items()
    ]
    return sorted(found, key=_severity)


def _worst_queues(rows: Iterable[Broker]) -> dict[str, Queue]:
    """Return the worst queue of each broker that has a bad one. Letters that wait are the inbox's to speak of."""
    bad = Queue.objects.filter(broker=OuterRef("pk"), gone_at=None, health_rank__gte=2)
    bad = bad.exclude(health="watch", is_inbox=True).exclude(muted_until__gt=timezone.now())
    bad = bad.order_by("-health_rank", "-total", "name")
    known = Broker.objects.filter(pk__in=[row.pk for row in rows])
    numbers = known.annotate(worst=Subquery(bad.values("pk")[:1])).values_list("worst", flat=True)
    found = Queue.objects.filter(pk__in=[number for number in numbers if number]).select_related("broker")
    return {queue.broker.slug: queue for queue in found}


def _severity(item: Seen) -> tuple[int, int, int]:
    own = item.own
    broken = sum(found.level == "broken" for found in own)
    return (-_RANK.get(item.tone, 0), -broken, -len(own))


def _worst_tone(found: Iterable[Tone]) -> Tone:
    return max(found, key=lambda tone: _RANK.get(tone, 0))


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong, and where; None: with mqadmin itself."""

    where: Seen | None
    what: Attention


def troubles(found: Sequence[Seen]) -> list[Trouble]:
    """Return what is wrong everywhere: the broken first, those of the worst broker before the others'."""
    every = [Trouble(item, what) for item in found for what in item.own]
    every += [Trouble(None, what) for item in found[:1] for what in item.attention if what.is_ours]
    return sorted(every, key=lambda trouble: trouble.what.level != "broken")


def tone(found: Sequence[Seen]) -> Tone | Literal[""]:
    """Return the colour of the worst that is wrong anywhere."""
    every: list[Tone] = [item.tone for item in found]
    return _worst_tone([*every, *(trouble.what.tone for trouble in troubles(found))]) if found else ""


def headline(found: Sequence[Seen]) -> str:
    """Return in one sentence how things are everywhere."""
    if not found:
        return _("No broker is configured")
    every = troubles(found)
    broken = sum(trouble.what.level == "broken" for trouble in every)
    if broken:
        return ngettext("%(n)s thing is broken", "%(n)s things are broken", broken) % {"n": number(broken)}
    if every:
        return ngettext("%(n)s thing to watch", "%(n)s things to watch", len(every)) % {
            "n": number(len(every))
        }
    return _("All is well: every queue keeps up")
