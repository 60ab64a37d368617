"""What a supervisor does next: a pure function of what should run, what does, and the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from consumers.supervisor import states

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 300.0
EARLY_DEATHS_MAX = 6  # deaths in a row before it has consumed in health: a person must look
HEALTHY = timedelta(minutes=10)  # forgives earlier crashes
CONSUMED_IN_HEALTH = timedelta(seconds=10)  # subscribed for so long, or one message handled
SILENT_MAX = timedelta(seconds=60)  # alive without a heartbeat: stuck, so killed
ABANDONED = timedelta(seconds=60)  # another host's process and supervisor both silent: given up
STOP_GRACE = timedelta(seconds=1)  # the process has its own deadline; this is for what it does after it


@dataclass(frozen=True)
class Desired:
    """One consumer definition, as far as it matters to a supervisor."""

    consumer: int
    name: str
    wanted: bool  # running or paused; a paused process pauses itself
    replicas: int
    revision: int
    nudge: int
    stop_seconds: float


@dataclass(frozen=True)
class Exit:
    """How a process ended. `code`: as of `subprocess` (-9: by signal 9), None when nobody saw it end."""

    code: int | None
    words: str


@dataclass(frozen=True)
class Actual:
    """The visible row of one replica, and what is known of its process.

    `mine`: this supervisor started it, or one of the same name before. `alive`: the process exists; unknown
    (None) for other hosts. `watched`: the supervisor it belongs to is alive. `killed`: was sent SIGKILL.
    """

    id: int
    consumer: int
    replica: int
    state: str
    mine: bool
    alive: bool | None
    watched: bool = True
    exit: Exit | None = None
    killed: bool = False
    nudge: int = 0
    started_at: datetime | None = None
    subscribed_at: datetime | None = None
    heartbeat_at: datetime | None = None
    next_start_at: datetime | None = None
    stop_requested_at: datetime | None = None
    kill_requested_at: datetime | None = None
    processed: int = 0
    restarts: int = 0
    crashes: int = 0
    early_deaths: int = 0


@dataclass(frozen=True)
class Start:
    """Start a process for this replica; `replaces` is the row that it takes over from."""

    consumer: int
    replica: int
    replaces: int | None = None
    restarts: int = 0
    crashes: int = 0
    early_deaths: int = 0


@dataclass(frozen=True)
class Stop:
    """Ask the process to finish what is in hand and exit (SIGTERM)."""

    process: int
    reason: str


@dataclass(frozen=True)
class Kill:
    """Kill the process and all it started (SIGKILL to its group)."""

    process: int
    reason: str


@dataclass(frozen=True)
class End:
    """Close the row: nothing runs and nothing will, under it."""

    process: int
    state: Literal["stopped", "lost"]
    reason: str


@dataclass(frozen=True)
class Hold:
    """The process died. Keep its row visible: until `start_at` (backoff), or for a person (failed)."""

    process: int
    state: Literal["backoff", "failed"]
    reason: str
    start_at: datetime | None
    crashes: int
    early_deaths: int


@dataclass(frozen=True)
class Forgive:
    """Ten healthy minutes: the crashes before them no longer count."""

    process: int


Action = Start | Stop | Kill | End | Hold | Forgive


def reconcile(
    desired: Sequence[Desired], actual: Sequence[Actual], now: datetime, *, trusted_since: datetime
) -> list[Action]:
    """Return what to do now, in order.

    `actual` holds at most one row per replica. `trusted_since`: heartbeats older than this say nothing
    (the database was gone, or the supervisor itself was not running), so silence counts from then.
    """
    actions: list[Action] = []
    definitions = {item.consumer: item for item in desired}
    occupied = {(item.consumer, item.replica) for item in actual}
    for item in actual:
        definition = definitions.get(item.consumer)
        actions += _step(definition, item, now, trusted_since)
    for definition in desired:
        for replica in range(definition.replicas if definition.wanted else 0):
            if (definition.consumer, replica) not in occupied:
                actions.append(Start(definition.consumer, replica))
    return actions


def _step(
    definition: Desired | None, item: Actual, now: datetime, trusted_since: datetime
) -> Iterable[Action]:
    wanted = definition is not None and definition.wanted and item.replica < definition.replicas
    if not item.mine:
        return _foreign(wanted, item, now, trusted_since)
    if item.alive:
        return _alive(definition, wanted, item, now, trusted_since)
    nudged = definition is not None and item.nudge != definition.nudge
    if item.state in (states.BACKOFF, states.FAILED) and item.exit is None:
        return _held(wanted, nudged, item, now)
    return _dead(wanted, item, now)


def _foreign(wanted: bool, item: Actual, now: datetime, trusted_since: datetime) -> Iterable[Action]:
    """Another host's: its supervisor's business, unless both it and the process have been silent for long."""
    if item.watched or _silence(item, now, trusted_since) < ABANDONED:
        return []
    lost = End(item.id, "lost", "its host and its supervisor no longer report")
    return [lost, _replacement(item, crashes=item.crashes)] if wanted else [lost]


def _alive(
    definition: Desired | None, wanted: bool, item: Actual, now: datetime, trusted_since: datetime
) -> Iterable[Action]:
    if item.killed:
        return []
    if item.kill_requested_at is not None:
        return [Kill(item.id, "killed, as asked")]
    if item.stop_requested_at is not None:
        patience = timedelta(seconds=definition.stop_seconds if definition else 0) + STOP_GRACE
        if now - item.stop_requested_at > patience:
            seconds = (now - item.stop_requested_at).total_seconds()
            return [Kill(item.id, f"killed: it had not stopped after {seconds:.0f} s")]
        return []
    if not wanted:
        return [Stop(item.id, "no longer wanted")]
    if definition is not None and item.nudge != definition.nudge:
        return [Stop(item.id, "restart, as asked")]
    silence = _silence(item, now, trusted_since)
    if silence > SILENT_MAX:
        return [Kill(item.id, f"killed: no sign of life for {silence.total_seconds():.0f} s")]
    if item.crashes and _healthy(item, now):
        return [Forgive(item.id)]
    return []


def _held(wanted: bool, nudged: bool, item: Actual, now: datetime) -> Iterable[Action]:
    if not wanted:
        return [End(item.id, "stopped", "no longer wanted")]
    if nudged:
        return [_replacement(item, crashes=0)]
    if item.state == states.BACKOFF and (item.next_start_at is None or item.next_start_at <= now):
        return [_replacement(item, crashes=item.crashes)]
    return []


def _dead(wanted: bool, item: Actual, now: datetime) -> Iterable[Action]:
    exit = item.exit or Exit(None, "ended while no supervisor was watching")
    asked = item.stop_requested_at is not None or item.kill_requested_at is not None
    if asked or exit.code in (states.EXIT_STOPPED, states.EXIT_RECYCLED) or not wanted:
        ended = End(item.id, "stopped", exit.words)
        return [ended, _replacement(item, crashes=0 if asked else item.crashes)] if wanted else [ended]
    if exit.code == states.EXIT_CONFIGURATION:
        return [Hold(item.id, "failed", exit.words, None, item.crashes, item.early_deaths)]
    crashes, early = _count(item)
    if exit.code is None and early < EARLY_DEATHS_MAX:  # it may have run well for long: no reason to wait
        return [End(item.id, "lost", exit.words), _replacement(item, crashes=crashes, early_deaths=early)]
    if early >= EARLY_DEATHS_MAX:
        reason = f"died {early} times in a row before it had consumed in health; the last time: {exit.words}"
        return [Hold(item.id, "failed", reason, None, crashes, early)]
    start_at = now + timedelta(seconds=backoff(crashes))
    return [Hold(item.id, "backoff", exit.words, start_at, crashes, early)]


def backoff(crashes: int) -> float:
    """Return the seconds to wait after the `crashes`-th death in a row: 1, 2, 4 ... 300."""
    return min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** min(crashes - 1, 20))


def _count(item: Actual) -> tuple[int, int]:
    """Return crashes and early deaths with this one counted."""
    last = item.heartbeat_at or item.started_at
    if item.subscribed_at is not None and last is not None and last - item.subscribed_at >= HEALTHY:
        return 1, 0
    consumed = item.subscribed_at is not None and (
        item.processed > 0 or (last is not None and last - item.subscribed_at >= CONSUMED_IN_HEALTH)
    )
    return item.crashes + 1, 0 if consumed else item.early_deaths + 1


def _replacement(item: Actual, *, crashes: int, early_deaths: int | None = None) -> Start:
    early = item.early_deaths if early_deaths is None else early_deaths
    return Start(
        item.consumer,
        item.replica,
        replaces=item.id,
        restarts=item.restarts + 1,
        crashes=crashes,
        early_deaths=early if crashes else 0,
    )


def _silence(item: Actual, now: datetime, trusted_since: datetime) -> timedelta:
    heard = [at for at in (item.heartbeat_at, item.started_at, trusted_since) if at is not None]
    return now - max(heard)


def _healthy(item: Actual, now: datetime) -> bool:
    return (
        item.state == states.RUNNING
        and item.subscribed_at is not None
        and now - item.subscribed_at >= HEALTHY
    )
