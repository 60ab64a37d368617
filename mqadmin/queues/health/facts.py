"""What verdicts are made from, and what they are: facts of a queue, what rules see, reasons, levels.

Times are epoch seconds, rates messages per second. A number that the broker did not report is None: unknown, not
zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any

from mqadmin.queues.health.memory import Memory
from mqadmin.queues.health.thresholds import DEFAULT, Limits

BROKEN, WATCH, OK, IDLE, UNKNOWN = "broken", "watch", "ok", "idle", "unknown"
RANK = {BROKEN: 3, WATCH: 2, OK: 1, IDLE: 0, UNKNOWN: 0}
TROUBLE = frozenset({BROKEN, WATCH})

NEVER = 1e12  # clears_in of a backlog that grows or stands still: sorts behind every real duration
FOREVER = float("inf")

# https://www.rabbitmq.com/docs/monitoring: states of a queue that serves nobody. `down` and `crashed`:
# classic; `stopped`: its vhost is down; `minority`, `noproc`, `nodedown`: quorum without its majority.
DOWN_STATES = frozenset({"down", "crashed", "stopped", "minority", "noproc", "nodedown", "terminated"})

Reason = dict[str, Any]
"""{"code", "level", "params", "since"}: see `pages.wording`. `since`, when it began, may be absent."""


@dataclass(frozen=True, slots=True)
class Handling:
    """What mqadmin's own consumers of a queue measured in the last minutes.

    `seconds`: the mean handling time. `slots`: how many messages they may handle at once. `processes`: how many of
    the queue's consumers they are. `last_at`: until when they handled messages, to a minute.
    """

    seconds: float | None
    slots: int
    processes: int
    last_at: float | None = None


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What is true of a queue at one moment, as far as the broker said."""

    type: str = "classic"
    state: str = "running"
    ready: int | None = 0
    unacked: int | None = 0
    total: int | None = 0
    consumers: int | None = 0
    publish_rate: float | None = None
    deliver_rate: float | None = None
    ack_rate: float | None = None
    redeliver_rate: float | None = None
    # Counters from when its statistics began: published to it; acked or delivered without acks; delivered first.
    published: int | None = None
    left: int | None = None
    delivered: int | None = None
    capacity: float | None = None  # the share of time in which a consumer could take a message
    bytes_ready: int | None = None
    max_length: int | None = None
    max_bytes: int | None = None
    ttl_ms: int | None = None
    overflow: str = ""
    is_delay: bool = False  # it only holds messages for a while
    delay_ms: int | None = None  # how long, where its own arguments say it
    is_fleeting: bool = False  # it goes with its connection or its last consumer
    dead_letter_fault: str = ""  # `exchange_missing`, `routes_nowhere`, ...
    dead_letters: bool = False  # what dies here goes on to another queue
    inbox_of: tuple[str, ...] = ()  # the queues that dead-letter into this one
    is_inbox: bool = False
    receives: bool = False  # dead letters of other queues come here, which nobody counts as published
    tracked: bool = False
    alarms: tuple[str, ...] = ()  # of the broker: `memory`, `disk`
    idle_since: float | None = None  # the broker's own word, where it gives one
    node: str = ""  # where it lives or is led from
    members: int = 0  # of a quorum queue or stream; `away`: those of them that are not there
    away: tuple[str, ...] = ()
    lacks_majority: bool = False
    # Members that are there and lag, each with how many entries of the log, and when that was asked.
    behind: tuple[tuple[str, int], ...] = ()
    behind_at: float | None = None
    delayed: int = 0  # returned, and waiting for a delayed retry: neither ready nor unacked
    oldest_at: int | None = None  # since when the oldest ready message waits; `oldest_at_least`: or longer
    oldest_at_least: bool = False
    emptied: bool = False  # mqadmin purged it a moment ago
    handling: Handling | None = None
    limits: Limits = DEFAULT
    zone: tzinfo = UTC  # by whose hours people here work


@dataclass(frozen=True, slots=True)
class View:
    """What a rule sees. `growth`: messages per second, over about the last minute."""

    facts: QueueFacts
    memory: Memory  # `facts` included
    now: float
    growth: float | None
    clears_in: float | None
    idle: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """A level, its reasons (worst first), and the forecast.

    `clears_in`: seconds until the backlog is gone at the present rate, NEVER, or None where nothing can be
    said. `growth`: messages per second, over about the last minute. `settled`: time alone changes nothing before
    `wake_at`.
    """

    level: str
    reasons: tuple[Reason, ...]
    clears_in: float | None
    growth: float | None
    settled: bool
    wake_at: float = FOREVER


def reason(level: str, code: str, since: float | None = None, **params: Any) -> Reason:
    """Return one reason; `since` epoch seconds, where the rule knows when it began."""
    found: Reason = {"code": code, "level": level, "params": params}
    if since is not None:
        found["since"] = int(since)
    return found


def is_dated(verdict: Verdict) -> bool:
    """Whether each trouble has its `since`."""
    return all("since" in item or item["level"] not in TROUBLE for item in verdict.reasons)


def dated(verdict: Verdict, before: Iterable[Mapping[str, Any]], now: float) -> Verdict:
    """Return `verdict`, each trouble with its `since`: its rule's, else what it was before, else now."""
    if is_dated(verdict):
        return verdict
    known = {item["code"]: item["since"] for item in before if "since" in item}
    reasons = tuple(
        item
        if "since" in item or item["level"] not in TROUBLE
        else {**item, "since": known.get(item["code"], int(now))}
        for item in verdict.reasons
    )
    return replace(verdict, reasons=reasons)
