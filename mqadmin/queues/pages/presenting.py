"""What a page shows of a queue: tone, sentences, marks, sparkline, forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from types import SimpleNamespace
from typing import Any, cast

from django.urls import reverse
from django.utils.safestring import SafeString

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import UNKNOWN, duration, number, rate
from mqadmin.core.templatetags.mqadmin import pill, tick_words
from mqadmin.core.tones import Tone
from mqadmin.core.translating import gettext as _
from mqadmin.core.translating import language
from mqadmin.queues.health import facts
from mqadmin.queues.models import Queue
from mqadmin.queues.monitor.queue_row import HISTORY_MINUTES, points
from mqadmin.queues.pages import caring, sentences, tones, wording
from mqadmin.queues.pages.listing import Key


@dataclass(frozen=True)
class Mark:
    """A small framed word beside a queue's name, and what it stands for."""

    text: str
    title: str


class Row:
    """One queue of a table; what is shown of it is made when it is asked for. `now` is epoch seconds.

    `words`: the verdict, worst first; `clears`: when the backlog is gone; `waits`: how long its oldest ready
    message has waited.
    """

    def __init__(self, queue: Queue, now: float) -> None:
        self.queue, self._now = queue, now
        self._language: str | None = language()

    @property
    def tone(self) -> Tone:
        return tones.HEALTH.get(self.queue.health, "grey")

    @property
    def state(self) -> str:
        return _states(self._language).get(self.queue.health, self.queue.health)

    @cached_property
    def words(self) -> list[str]:
        return wording.sentences(self.queue.health_reasons)

    @cached_property
    def verdict(self) -> str:
        """The same in a line."""
        return prose.paragraph(self.words)

    @property
    def is_trouble(self) -> bool:
        return self.tone in ("red", "amber")

    @property
    def marks(self) -> SafeString:
        """What is to be seen of its settings."""
        return _drawn(_marked(self.queue, self._language))

    @property
    def more_marks(self) -> SafeString:
        """That its letters are captured, that it is muted."""
        found = []
        if self.queue.tracked:
            found.append(pill(_("captured"), "blue", _("its dead letters are captured in the inbox")))
        if self.mute:
            found.append(pill(_("muted"), "amber", self.mute))
        return SafeString("".join(found))

    @property
    def tick(self) -> str:
        """What its box is called."""
        return tick_words(self._language) % {"name": self.queue.name}

    @property
    def points(self) -> Sequence[float | None]:
        return points(self.queue.history, self._now)

    @property
    def clears(self) -> str:
        return clears(self.queue)

    @property
    def trend(self) -> str:
        growth = self.queue.growth
        return UNKNOWN if growth is None else f"{'+' if growth > 0 else ''}{rate(growth)}"

    @property
    def capacity(self) -> str:
        share = self.queue.capacity
        return UNKNOWN if share is None else f"{number(100 * share)} %"

    @property
    def oldest(self) -> datetime | None:
        """Since when its oldest ready message waits."""
        at = self.queue.oldest_at
        return None if at is None else datetime.fromtimestamp(at, UTC)

    @property
    def about(self) -> str:
        """How good `oldest` is: an estimate, or there before anybody looked."""
        return "≥" if self.queue.oldest_at_least else "≈"

    @property
    def waits(self) -> str:
        return waits(self.queue, self._now)

    @property
    def waits_by(self) -> str:
        """How good the figure of `waits` is."""
        return waits_by(self.queue)

    @property
    def mute(self) -> str:
        """Until when it is muted and by whom, "" where it is not."""
        return caring.mute(self.queue)

    @property
    def href(self) -> str:
        return reverse("queue_detail", args=[self.queue.pk])


def row(queue: Queue, now: float) -> Row:
    """Return what is shown of `queue`; `now` is epoch seconds."""
    return Row(queue, now)


class TableRow(Row):
    """A row that is read when it must be drawn. `key`: what it is drawn from."""

    def __init__(
        self, key: Key, now: float, columns: tuple[str, ...], base: tuple[str, str], language: str | None
    ) -> None:
        self.pk, changed = key
        self._now, self._base, self._language = now, base, language
        self.broker = ""  # its title, where its column is shown
        self.key = (*key, columns) if changed else None

    @property
    def until(self) -> float:
        """How long it is good as it was drawn, in epoch seconds: what tells an age changes with the minute."""
        return self._now + _LASTS_S if self._is_still else (self._now // 60 + 1) * 60

    @property
    def _is_still(self) -> bool:
        """Whether nothing of it is told by the minute."""
        queue, history = self.queue, self.queue.history
        return (
            queue.oldest_at is None
            and queue.muted_until is None
            and (not history or history[-1][0] < self._now // 60 - HISTORY_MINUTES)
            and all(reason["code"] in _STILL for reason in queue.health_reasons)
        )

    @property
    def href(self) -> str:
        return f"{self._base[0]}{self.pk}{self._base[1]}"


_STILL = {"idle", "stream", "captured"}  # said without an age, or since a time of day
_LASTS_S = 600  # a time of day gets its date when it is far away
_NOT_SHOWN = {
    *("id", "facts", "dead_letters_to", "dead_letters_from", "dead_letter_choice", "dead_letter_fault"),
    *("note", "own", "thresholds", "first_seen_at", "changed_at", "gone_at"),
}


class Rows(list[TableRow]):
    """The rows of a page. `brokers`: of each broker's id its title, where queues of several are shown."""

    brokers: Mapping[int, str] = {}

    def prepare(self, rows: Sequence[TableRow]) -> set[TableRow]:
        """Read the queues of `rows` at once; return those that are still there."""
        found = _read([row.pk for row in rows])
        for row in rows:
            if row.pk in found:
                row.queue = found[row.pk]
                row.broker = self.brokers.get(row.queue.broker_id, "")
        return {row for row in rows if row.pk in found}


def _read(wanted: list[int]) -> dict[int, Queue]:
    """Return as much of the queues as a table shows: values alone, as to make models takes longer than to read."""
    if not wanted:
        return {}
    names = [field.attname for field in Queue._meta.concrete_fields if field.name not in _NOT_SHOWN]
    rows = Queue.objects.order_by().filter(pk__in=wanted).values("pk", *names)
    return {values["pk"]: cast(Queue, SimpleNamespace(**values)) for values in rows}


def table(
    keys: Sequence[Key], now: float, columns: tuple[str, ...] = (), brokers: Mapping[int, str] | None = None
) -> Rows:
    """Return the rows of a page in their order; `columns`: those of them that are shown."""
    before, _zero, after = reverse("queue_detail", args=[0]).rpartition("0")
    tongue = language()
    rows = Rows(TableRow(key, now, columns, (before, after), tongue) for key in keys)
    rows.brokers = brokers or {}
    return rows


@lru_cache(maxsize=20)  # asked for in each row, as are those below
def _states(_language: str | None) -> dict[str, str]:
    return {value: str(label) for value, label in Queue.Health.choices}


def clears(queue: Queue) -> str:
    """Return when the backlog is gone, in words; a delay queue holds each message at most so long."""
    if queue.clears_in is None:
        return UNKNOWN
    if queue.is_delay:
        return f"≤ {duration(queue.clears_in)}"
    if queue.clears_in >= facts.NEVER:
        return _("never at this rate")
    return duration(queue.clears_in)


def waits(queue: Queue, now: float) -> str:
    """Return how long the oldest ready message has waited, in words: an estimate, "≥" where it was there before
    anybody looked."""
    if queue.oldest_at is None:
        return UNKNOWN
    text = sentences.waited(now - queue.oldest_at)
    return f"≥ {text}" if queue.oldest_at_least else f"≈ {text}"


def waits_by(queue: Queue) -> str:
    """Return how good the figure of `waits` is."""
    if has(queue, "max-priority"):
        return _(
            "Estimated from what came and went. It has priorities: one of a low priority may wait for longer."
        )
    if queue.oldest_at_least:
        return _("Or longer: it was there before mqadmin looked, or came while it did not.")
    return _("Estimated from what came and went, to about two samples. What was returned may be older.")


def marks(queue: Queue) -> Sequence[Mark]:
    """Return the marks of a queue's type and of the settings that change what happens to its messages."""
    return _marked(queue, language())


def _marked(queue: Queue, language: str | None) -> Sequence[Mark]:
    checks = (
        queue.durable,
        queue.auto_delete,
        queue.exclusive,
        has(queue, "dead-letter-exchange"),
        has(queue, "message-ttl"),
        has(queue, "max-length") or has(queue, "max-length-bytes"),
        has(queue, "max-priority"),
        has(queue, "single-active-consumer"),
    )
    return _marks(queue.type, checks, language)


@lru_cache(maxsize=1_000)
def _drawn(found: Sequence[Mark]) -> SafeString:
    return SafeString("".join(pill(mark.text, "", mark.title) for mark in found))


@lru_cache(maxsize=1_000)  # of the same few settings are thousands of queues
def _marks(kind: str, checks: tuple[bool, ...], _language: str | None) -> Sequence[Mark]:
    words = (
        ("D", _("durable: survives a restart of the broker")),
        ("AD", _("auto-delete: goes with its last consumer")),
        ("Excl", _("exclusive to one connection")),
        ("DLX", _("dead-letters what is rejected or expires")),
        ("TTL", _("messages expire")),
        ("Lim", _("limited in length")),
        ("Pri", _("messages have priorities")),
        ("SAC", _("one active consumer at a time")),
    )
    found = [Mark(text, title) for holds, (text, title) in zip(checks, words, strict=True) if holds]
    return (Mark(kind, _("queue type")), *found)


def has(queue: Queue, name: str) -> bool:
    """Whether an argument or the effective policy sets `name`."""
    return f"x-{name}" in queue.arguments or name in queue.effective_policy


def settings_of(arguments: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return arguments or a policy's definition as sorted pairs, to show."""
    return sorted(arguments.items())
