"""What a page shows of a queue: tone, sentences, marks, sparkline, forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from mqadmin.core.pages.formats import UNKNOWN, duration
from mqadmin.core.tones import Tone
from mqadmin.queues.health import facts
from mqadmin.queues.models import Queue
from mqadmin.queues.monitor.queue_row import points
from mqadmin.queues.pages import caring, sentences, tones, wording


@dataclass(frozen=True)
class Mark:
    """A small framed word beside a queue's name, and what it stands for."""

    text: str
    title: str


@dataclass(frozen=True)
class Row:
    """One queue of a table. `words`: the verdict, worst first; `clears`: when the backlog is gone; `waits`: how
    long its oldest ready message has waited; `mute`: until when it is muted and by whom, "" where it is not."""

    queue: Queue
    tone: Tone
    state: str
    words: list[str]
    marks: list[Mark]
    points: Sequence[float | None]
    clears: str
    waits: str
    waits_by: str
    mute: str
    href: str


def row(queue: Queue, now: float) -> Row:
    """Return what is shown of `queue`; `now` is epoch seconds."""
    return Row(
        queue=queue,
        tone=tones.HEALTH.get(queue.health, "grey"),
        state=queue.get_health_display(),
        words=wording.sentences(queue.health_reasons),
        marks=marks(queue),
        points=points(queue.history, now),
        clears=clears(queue),
        waits=waits(queue, now),
        waits_by=waits_by(queue),
        mute=caring.mute(queue),
        href=reverse("queue_detail", args=[queue.pk]),
    )


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


def marks(queue: Queue) -> list[Mark]:
    """Return the marks of a queue's type and of the settings that change what happens to its messages."""
    found = [Mark(queue.type, _("queue type"))]
    checks = (
        (queue.durable, "D", _("durable: survives a restart of the broker")),
        (queue.auto_delete, "AD", _("auto-delete: goes with its last consumer")),
        (queue.exclusive, "Excl", _("exclusive to one connection")),
        (has(queue, "dead-letter-exchange"), "DLX", _("dead-letters what is rejected or expires")),
        (has(queue, "message-ttl"), "TTL", _("messages expire")),
        (has(queue, "max-length") or has(queue, "max-length-bytes"), "Lim", _("limited in length")),
        (has(queue, "max-priority"), "Pri", _("messages have priorities")),
        (has(queue, "single-active-consumer"), "SAC", _("one active consumer at a time")),
    )
    return found + [Mark(text, title) for holds, text, title in checks if holds]


def has(queue: Queue, name: str) -> bool:
    """Whether an argument or the effective policy sets `name`."""
    return f"x-{name}" in queue.arguments or name in queue.effective_policy


def settings_of(arguments: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return arguments or a policy's definition as sorted pairs, to show."""
    return sorted(arguments.items())
