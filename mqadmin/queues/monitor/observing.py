"""From what the broker lists of a queue, and what is known beside it, to the facts of verdicts. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from mqadmin.queues.health.facts import Handling, QueueFacts
from mqadmin.queues.health.thresholds import DEFAULT, Limits
from mqadmin.rabbit.topology import settings
from mqadmin.rabbit.types import QueueInfo

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class DeadLetterRoute:
    """Where a queue's dead letters go to and come from, as `Queue` stores it."""

    to: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    choice: str = ""  # which of `to` a letter reaches: `Route.choice`, "" for all
    fault: str = ""
    is_inbox: bool = False  # dead letters end up here
    is_delay: bool = False  # holds messages until they expire back to where they came from
    delay_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Lag:
    """The members of a queue that lag, each with how many entries of the log, when they were asked at `at`."""

    at: float
    nodes: tuple[tuple[str, int], ...]


NOWHERE = DeadLetterRoute()
NOT_KNOWN: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the listing. `before`: when the last sample was. `parking`: the name that parking queues
    have. `gap`: seconds without a sample from which on nothing is known of the time between. `calm`: no node came
    or went for a while, so that counters that begin anew mean a queue that did. Of some: their `limits`, what
    mqadmin's own consumers say (`handling`), that mqadmin purged them just now (`emptied`), and which
    members lag (`lags`). `zone`: by whose hours people here work.
    """

    now: float
    alarms: tuple[str, ...] = ()
    parking: str = ""
    before: float | None = None
    gap: float = float("inf")
    calm: bool = False
    limits: Mapping[Key, Limits] = field(default_factory=dict)
    handling: Mapping[Key, Handling] = field(default_factory=dict)
    emptied: Container[Key] = ()
    lags: Mapping[Key, Lag] = field(default_factory=dict)
    zone: tzinfo = UTC

    @property
    def was_blind(self) -> bool:
        return self.before is not None and self.now - self.before > self.gap


def queue_facts(
    info: QueueInfo,
    route: DeadLetterRoute,
    *,
    tracked: bool,
    around: Surroundings,
    oldest: Mapping[str, Any] = NOT_KNOWN,
) -> QueueFacts:
    """Return what `health` judges by."""
    lag = around.lags.get(info.key) if around.lags else None
    has_settings = bool(info.arguments or info.effective_policy)
    return QueueFacts(
        type=info.type,
        state=info.state or "",
        ready=info.ready,
        unacked=info.unacked,
        total=info.total,
        consumers=info.consumers,
        publish_rate=info.publish_rate,
        deliver_rate=info.deliver_rate,
        ack_rate=info.ack_rate,
        redeliver_rate=info.redeliver_rate,
        published=info.published,
        left=info.left,
        delivered=info.delivered,
        capacity=info.capacity,
        bytes_ready=None if not info.total else int(info.mean_bytes * (info.ready or 0)),
        max_length=settings.number(info, "max-length") if has_settings else None,
        max_bytes=settings.number(info, "max-length-bytes") if has_settings else None,
        ttl_ms=settings.number(info, "message-ttl") if has_settings else None,
        overflow=settings.overflow(info) if has_settings else "",
        is_delay=route.is_delay,
        delay_ms=route.delay_ms,
        is_fleeting=info.exclusive or info.auto_delete,
        dead_letter_fault=route.fault,
        dead_letters=bool(route.to),
        receives=bool(route.origins),
        inbox_of=route.origins if route.is_inbox else (),
        is_inbox=route.is_inbox or info.name == around.parking,
        tracked=tracked,
        alarms=around.alarms,
        idle_since=moment(info.idle_since),
        node=info.node or "",
        members=len(info.members),
        away=info.away,
        lacks_majority=info.lacks_majority,
        behind=lag.nodes if lag else (),
        behind_at=lag.at if lag else None,
        delayed=info.delayed or 0,
        emptied=bool(around.emptied) and info.key in around.emptied,
        handling=around.handling.get(info.key) if around.handling else None,
        limits=around.limits.get(info.key, DEFAULT) if around.limits else DEFAULT,
        zone=around.zone,
        **oldest,
    )


def moment(text: str | None) -> float | None:
    """Return the epoch seconds of the broker's `idle_since`; None for none, or for a form not known."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
