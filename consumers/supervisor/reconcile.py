"""What a supervisor does next: a pure function of what should run, what does, and the time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from consumers.scaling.placement import Host, Placement
from consumers.supervisor.deaths import EARLY_DEATHS_MAX, HEALTHY, Counts, Exit, Life, counted, wait, words
from consumers.supervisor.fence import STRICT_WAIT_S
from consumers.supervisor.machine import states

SILENT_MAX = timedelta(seconds=60)  # alive without a heartbeat: stuck, so killed
RECYCLED_SOON = timedelta(seconds=30)
ROLLED = timedelta(seconds=2)  # a rolling restart goes on once the new process has consumed for so long
AHEAD = timedelta(
    seconds=5
)  # a time further in the future than this was written by a clock that was set back
STARTING = (states.STARTING, states.CONNECTING)
STARTING_MAX = timedelta(seconds=20)
START_AT_ONCE = 10  # processes of one host that start at the same moment
STOP_GRACE = timedelta(seconds=3)  # the process has its own deadline; this is for what it does after it


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
    rolling: bool = False  # the last nudge replaces one replica after another
    strict: bool = False  # must never run twice, anywhere
    placement: Mapping[str, str] = field(default_factory=dict)  # labels that its host must have
    open: bool = True  # by its schedule it may run now


@dataclass(frozen=True)
class Actual:
    """The visible row of one replica, and what is known of its process.

    `mine`: this supervisor started it, or one of the same name before. `alive`: the process exists; unknown
    (None) for other hosts. `lapsed`: seconds since its host's lease ran out, negative while it holds. `killed`:
    was sent SIGKILL. `stopping_for`: seconds since it was asked to stop; `silent_for`: since its heartbeat changed,
    as far as this supervisor saw. Both by a clock that nobody sets.
    """

    id: int
    consumer: int
    replica: int
    state: str
    mine: bool
    alive: bool | None
    host: str = ""
    lapsed: float = -1.0
    exit: Exit | None = None
    killed: bool = False
    nudge: int = 0
    started_at: datetime | None = None
    subscribed_at: datetime | None = None
    heartbeat_at: datetime | None = None
    connected: bool = False
    next_start_at: datetime | None = None
    stop_requested_at: datetime | None = None
    stopping_for: float | None = None
    silent_for: float = 0.0
    kill_requested_at: datetime | None = None
    processed: int = 0
    restarts: int = 0
    crashes: int = 0
    early_deaths: int = 0
    kills: int = 0
    kills_since: datetime | None = None

    @property
    def counts(self) -> Counts:
        """Its deaths in a row."""
        return Counts(self.crashes, self.early_deaths, self.kills, self.kills_since)

    @property
    def life(self) -> Life:
        """What is known of how it was."""
        return Life(self.subscribed_at, self.heartbeat_at or self.started_at, self.processed)


@dataclass(frozen=True)
class Start:
    """Start a process for this replica; `replaces` is the row that it takes over from."""

    consumer: int
    replica: int
    replaces: int | None = None
    restarts: int = 0
    crashes: int = 0
    early_deaths: int = 0
    kills: int = 0
    kills_since: datetime | None = None


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
    kills: int = 0
    kills_since: datetime | None = None


@dataclass(frozen=True)
class Forgive:
    """Ten healthy minutes: the crashes and kills before them no longer count."""

    process: int


Action = Start | Stop | Kill | End | Hold | Forgive


@dataclass(frozen=True)
class View:
    """What a pass knows beside the rows. `waited`: for how long (consumer, replica) has been without anybody.

    `trusted_since`: silence before this says nothing (the database was gone, or the supervisor itself was not
    running), so it counts from then. `starting`: processes of this host that are just starting.
    """

    now: datetime
    trusted_since: datetime
    me: str = ""
    hosts: Sequence[Host] = (Host(""),)
    waited: Mapping[tuple[int, int], float] = field(default_factory=dict)
    starting: int = 0


def reconcile(desired: Sequence[Desired], actual: Sequence[Actual], view: View) -> list[Action]:
    """Return what to do now, in order. `actual` holds at most one row per replica."""
    groups: list[Sequence[Action]] = []
    definitions = {item.consumer: item for item in desired}
    plan = Placement(view.hosts, [(item.host, item.consumer) for item in actual])
    rolling = set(_next_to_roll(definitions, actual, plan, view.now))
    for item in actual:
        definition = definitions.get(item.consumer)
        groups.append(_step(definition, item, view, plan, may_roll=item.id in rolling))
    occupied = {(item.consumer, item.replica) for item in actual}
    for definition in desired:
        for replica in range(definition.replicas if _is_wanted(definition) else 0):
            key = (definition.consumer, replica)
            if key not in occupied and plan.place(
                definition.consumer, definition.placement, view.me, view.waited.get(key, 0.0)
            ):
                groups.append([Start(definition.consumer, replica)])
    return list(_few_at_once(groups, START_AT_ONCE - view.starting))


def is_starting(item: Actual, now: datetime) -> bool:
    """Whether it takes one of the few places of those that start: not for ever, if it hangs at that."""
    began = item.started_at
    return item.state in STARTING and began is not None and now - began < STARTING_MAX


def vacant(desired: Sequence[Desired], actual: Sequence[Actual]) -> set[tuple[int, int]]:
    """Return the (consumer, replica) that should run and that no host holds, or only one whose lease is over."""
    held = {(item.consumer, item.replica) for item in actual if item.mine or item.lapsed < 0}
    return {
        (definition.consumer, replica)
        for definition in desired
        if _is_wanted(definition)
        for replica in range(definition.replicas)
    } - held


def _is_wanted(definition: Desired) -> bool:
    return definition.wanted and definition.open


def _few_at_once(groups: Iterable[Sequence[Action]], room: int) -> Iterator[Action]:
    """Leave out what would start more processes than there is room for at this moment; a later pass does it.

    Groups stay whole: a row that was closed without its successor would take its crashes with it.
    """
    for group in groups:
        if any(isinstance(action, Start) for action in group):
            room -= 1
            if room < 0:
                continue
        yield from group


def _next_to_roll(
    definitions: Mapping[int, Desired], actual: Sequence[Actual], plan: Placement, now: datetime
) -> Iterator[int]:
    """Yield the process of each rolling restart whose turn it is; none while a new one is not in health yet.

    A replica that no host may start is not waited for, and a process that none may start again is left alone.
    """
    rows: dict[int, list[Actual]] = defaultdict(list)
    for item in actual:
        rows[item.consumer].append(item)
    for definition in definitions.values():
        if not definition.rolling:
            continue
        mine = rows[definition.consumer]
        old = [item for item in mine if item.nudge != definition.nudge and item.stop_requested_at is None]
        if not old:
            continue
        new = [item for item in mine if item not in old]
        elsewhere = plan.rank(definition.consumer, definition.placement)
        old = [item for item in old if elsewhere or plan.fits(item.host, definition.placement)]
        is_whole = len(mine) >= definition.replicas or not elsewhere
        if old and is_whole and all(_has_rolled(item, now) for item in new):
            yield min(old, key=lambda item: item.replica).id


def _has_rolled(item: Actual, now: datetime) -> bool:
    if item.stop_requested_at is not None:
        return False
    if item.state == states.PAUSED and item.connected:
        return True  # as far as it can come: it subscribes when it is resumed
    if item.subscribed_at is None:
        return False
    consumes = item.state in (states.RUNNING, states.PAUSED)
    consumed_for = now - item.subscribed_at
    return consumes and (item.processed > 0 or consumed_for >= ROLLED or consumed_for < -AHEAD)


def _step(
    definition: Desired | None, item: Actual, view: View, plan: Placement, *, may_roll: bool
) -> Sequence[Action]:
    wanted = definition is not None and _is_wanted(definition) and item.replica < definition.replicas
    if not item.mine:
        return _foreign(definition if wanted else None, item, view, plan)
    if item.alive:
        return _alive(definition, wanted, item, view, may_roll)
    nudged = definition is not None and item.nudge != definition.nudge
    # Where it failed a person has to look first, whichever host may take it then.
    is_over = item.exit is not None or nudged or item.state != states.FAILED
    if definition is not None and wanted and is_over and not plan.fits(view.me, definition.placement):
        return [End(item.id, "stopped", "this host takes it no more")]
    if item.state in (states.BACKOFF, states.FAILED) and item.exit is None:
        return _held(definition, wanted, nudged, item, view.now)
    return _dead(wanted, item, view.now)


def _foreign(definition: Desired | None, item: Actual, view: View, plan: Placement) -> Sequence[Action]:
    """Another host's: its supervisor's business, until its lease is over. None: it is not wanted any more."""
    if item.lapsed < 0:
        return []
    lost = End(item.id, "lost", "its host reports no more")
    if definition is None:
        return [lost]
    if item.state == states.FAILED and item.nudge == definition.nudge:
        return []  # a person has to look, whoever asks for it then
    if definition.strict and item.lapsed < STRICT_WAIT_S:
        return []
    waited = view.waited.get((item.consumer, item.replica), 0.0)
    if plan.place(item.consumer, definition.placement, view.me, waited):
        return [lost, _replacement(item, item.counts)]
    return []


def _alive(
    definition: Desired | None, wanted: bool, item: Actual, view: View, may_roll: bool
) -> Sequence[Action]:
    if item.killed:
        return []
    if item.kill_requested_at is not None:
        return [Kill(item.id, "killed, as asked")]
    if item.stop_requested_at is not None:
        patience = timedelta(seconds=definition.stop_seconds if definition else 0) + STOP_GRACE
        asked = (view.now - item.stop_requested_at).total_seconds()
        seconds = asked if item.stopping_for is None else item.stopping_for
        if seconds > patience.total_seconds():
            return [Kill(item.id, f"killed: it had not stopped after {seconds:.0f} s")]
        return []
    if not wanted:
        return [Stop(item.id, _unwanted(definition))]
    if definition is not None and item.nudge != definition.nudge and (may_roll or not definition.rolling):
        return [Stop(item.id, "restart, as asked")]
    silence = _silence(item, view)
    if silence > SILENT_MAX:
        return [Kill(item.id, f"killed: no sign of life for {silence.total_seconds():.0f} s")]
    if (item.crashes or item.kills) and _healthy(item, view.now):
        return [Forgive(item.id)]
    return []


def _held(
    definition: Desired | None, wanted: bool, nudged: bool, item: Actual, now: datetime
) -> Sequence[Action]:
    if not wanted:
        return [End(item.id, "stopped", _unwanted(definition))]
    if nudged:
        return [_replacement(item, Counts())]
    if item.state != states.BACKOFF:
        return []
    left = timedelta() if item.next_start_at is None else item.next_start_at - now
    # A wait that is longer than any can be comes of a clock that was set back.
    if left <= timedelta() or left > timedelta(seconds=wait(item.counts)) + AHEAD:
        return [_replacement(item, item.counts)]
    return []


def _unwanted(definition: Desired | None) -> str:
    is_closed = definition is not None and definition.wanted and not definition.open
    return "outside its hours" if is_closed else "no longer wanted"


def _dead(wanted: bool, item: Actual, now: datetime) -> Sequence[Action]:
    exit = item.exit or Exit(None, "ended while no supervisor was watching")
    asked = item.stop_requested_at is not None or item.kill_requested_at is not None
    is_recycled = exit.code == states.EXIT_RECYCLED and not _ended_soon(item)
    if asked or exit.code == states.EXIT_STOPPED or is_recycled or not wanted:
        ended = End(item.id, "stopped", exit.words)
        return [ended, _replacement(item, Counts() if asked else item.counts)] if wanted else [ended]
    if exit.code == states.EXIT_CONFIGURATION:
        return [Hold(item.id, "failed", exit.words, None, item.crashes, item.early_deaths)]
    counts = counted(item.counts, exit, item.life, now)
    crashes, early = counts.crashes, counts.early_deaths
    if exit.code is None and early < EARLY_DEATHS_MAX:  # it may have run well for long: no reason to wait
        return [End(item.id, "lost", exit.words), _replacement(item, counts)]
    if early >= EARLY_DEATHS_MAX:
        reason = f"died {early} times in a row before it had consumed in health; the last time: {exit.words}"
        return [Hold(item.id, "failed", reason, None, crashes, early)]
    start_at = now + timedelta(seconds=wait(counts))
    reason = words(exit, counts, now)
    return [Hold(item.id, "backoff", reason, start_at, crashes, early, counts.kills, counts.kills_since)]


def _ended_soon(item: Actual) -> bool:
    """Whether it ended soon after it began to consume: one that recycles itself again and again backs off."""
    last = item.heartbeat_at or item.started_at
    return item.subscribed_at is None or last is None or last - item.subscribed_at < RECYCLED_SOON


def _replacement(item: Actual, counts: Counts) -> Start:
    return Start(
        item.consumer,
        item.replica,
        replaces=item.id,
        restarts=item.restarts + 1,
        crashes=counts.crashes,
        early_deaths=counts.early_deaths if counts.crashes else 0,
        kills=counts.kills,
        kills_since=counts.kills_since,
    )


def _silence(item: Actual, view: View) -> timedelta:
    return min(timedelta(seconds=item.silent_for), view.now - view.trusted_since)


def _healthy(item: Actual, now: datetime) -> bool:
    return (
        item.state == states.RUNNING
        and item.subscribed_at is not None
        and now - item.subscribed_at >= HEALTHY
    )
