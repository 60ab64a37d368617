"""How many processes a consumer needs: a pure function of what was seen, what is wanted, and what it remembers.

Enough that they keep pace with what arrives and have the queue empty within `Settings.seconds`. Up at once, but
at most to twice what runs; down only when fewer would have been enough for DOWN_S. What one process can handle is
learnt while messages wait, as only then all are busy. The steps and their reasons: docs/adr/0015-autoscaling.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

STALE_S = 30.0  # a sample older than this decides nothing
COOLDOWN_S = 15.0  # between two changes: the first shows its effect
DOWN_S = 120.0  # for so long fewer must have been enough
SETTLED_S = 12.0  # processes report their rate over ten seconds: before, it mixes old and new numbers
TRIAL_S = 20.0  # settled for so long, a growth has shown whether it helped, if enough was handled
TRIAL_MAX_S = 300.0  # or else after so long
TRIAL_IDLE_S = 60.0  # or where nothing was handled before
TRIAL_STEPS = 3  # so often it may double before it must have shown that it helps
PROBE_S = 30.0  # messages wait for so long and no rate shows: one more is tried
BALANCE_S = 30.0  # over which, or a third of it, the queue's own balance says what arrives
BALANCE_MAX_S = 300.0  # where messages are few
SMOOTH_S = 30.0  # over which the rate of one process is averaged, while there is much to average
SLOW_S = 600.0  # and where a message takes minutes
FORGET_S = 7200.0  # an average as old as this may be too low by now
MANY = 20.0  # messages: an average over fewer is kept for longer
STUCK_S = 30.0  # messages wait and none is handled for so long
ROOM = 0.85  # share of its capacity that a smaller number may be loaded with
NEGLIGIBLE = 0.05  # of one process: such a rest is not worth another
NOISE = 0.8  # of the average: what is above may be chance
HELPED = 0.4  # share of what added processes should have added, below which they did not help
LIMITED_S = 600.0  # until growth is tried again after it did not help; doubles each time
LIMITED_MAX_S = 7200.0

Reason = Literal[
    "enough",  # as many as it needs
    "up",
    "down",
    "bounds",  # it was outside of its bounds
    "stale",  # the numbers are too old
    "cooling",  # the last change has yet to show its effect
    "starting",  # it needs more, but those it has asked for do not all run yet
    "holding",  # fewer would do, but not for long enough yet
    "probing",  # the rate of one is not known: one more
    "stuck",  # messages wait, none is handled: more would be stuck too
    "limited",  # the last growth did not help: the bottleneck is elsewhere
    "most",  # it needs more than it may have
]


@dataclass(frozen=True)
class Settings:
    """Bounds of the number of processes, and the seconds in which the queue is to be empty."""

    min: int
    max: int
    seconds: float


@dataclass(frozen=True)
class Seen:
    """One look. Rates are messages a second, None where unknown.

    `backlog`: ready messages. `arriving`: as RabbitMQ counts, which leaves out what is dead-lettered into the
    queue. `handling`: of all `running` processes together, over about ten seconds. `target`: how many should run.
    `sampled_at`: when `backlog`, `unacked` and `arriving` were true; None: never.
    """

    backlog: int
    unacked: int
    arriving: float | None
    handling: float | None
    running: int
    target: int
    sampled_at: datetime | None


@dataclass(frozen=True)
class Balance:
    """The queue at one sample: messages in it, and how many were handled since some beginning."""

    at: datetime
    total: int
    handled: float


@dataclass(frozen=True)
class GrowthTrial:
    """Growth in `steps` whose effect is awaited. Before it, so many processes handled so many messages a second;
    since, all have handled `handled` in `seconds`."""

    running: int
    handling: float
    steps: int = 1
    handled: float = 0.0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Of one process, before."""
        return self.handling / self.running


@dataclass(frozen=True)
class Remembered:
    """What `decide` remembers of one consumer from one look to the next. Start with `Remembered()`."""

    looked_at: datetime | None = None
    changed_at: datetime | None = None
    running: int = 0
    running_since: datetime | None = None  # as many as now
    balances: tuple[Balance, ...] = ()
    was_waiting: bool = False  # at the last look
    waiting_since: datetime | None = None  # messages wait: the seconds to empty the queue count from here
    handled: float = 0.0  # messages and process-seconds of the time in which all were busy, fading
    worked: float = 0.0
    learnt_at: datetime | None = None
    most: float = 0.0  # the best rate of one process seen while nothing waited: it can do that at least
    idle_since: datetime | None = None  # messages wait and none is handled
    fewer: tuple[tuple[datetime, int], ...] = ()  # how many would have been enough, lately
    trial: GrowthTrial | None = None
    limit: int | None = None  # growth above this did not help
    limited_until: datetime | None = None
    limits: int = 0  # in a row

    @property
    def rate(self) -> float | None:
        """What one process handles a second when it is busy; None: never seen."""
        return self.handled / self.worked if self.worked > 0 and self.handled > 0 else None


@dataclass(frozen=True)
class Decision:
    """How many processes should run, and the numbers behind it; unknown ones are None.

    `per_replica`: what one busy process handles; `is_known`: measured, not just the least it can do. `needed`:
    how many it would take, whatever the bounds.
    """

    replicas: int
    changed: bool
    reason: Reason
    backlog: int
    arriving: float | None = None
    handling: float | None = None
    per_replica: float | None = None
    needed: int | None = None
    is_known: bool = False

    @property
    def empty_in(self) -> float | None:
        """Seconds until nothing waits, at the rates of today; None: unknown, or it does not get less."""
        return self._empty_in(self.handling)

    @property
    def will_empty_in(self) -> float | None:
        """The same, once `replicas` run."""
        return self._empty_in(
            self.per_replica * self.replicas if self.per_replica and self.is_known else None
        )

    def _empty_in(self, handling: float | None) -> float | None:
        if self.backlog == 0:
            return 0.0
        if self.arriving is None or handling is None or handling <= self.arriving:
            return None
        return self.backlog / (handling - self.arriving)


def decide(seen: Seen, settings: Settings, known: Remembered, now: datetime) -> tuple[Decision, Remembered]:
    """Return how many processes should run from now on, and what to remember for the next look.

    Call it every few seconds with what it returned last. Never leaves `min` to `max`.
    """
    bounded = max(settings.min, min(settings.max, seen.target))
    if bounded != seen.target:
        return Decision(bounded, True, "bounds", seen.backlog), replace(known, changed_at=now, trial=None)
    if seen.sampled_at is None or (now - seen.sampled_at).total_seconds() > STALE_S:
        return Decision(bounded, False, "stale", seen.backlog), known
    known = _observe(seen, known, now)
    arriving = _arriving(seen, known)
    needed, fewer = _needed(seen, settings, known, arriving, now)
    lately = now - timedelta(seconds=DOWN_S + STALE_S)
    known = replace(known, fewer=(*(item for item in known.fewer if item[0] >= lately), (now, fewer)))
    replicas, reason = _choose(seen, settings, known, needed, now)
    changed = replicas != seen.target
    if changed:
        known = _remember_change(seen, known, replicas, now)
    rate = known.rate or known.most or None
    numbers = (seen.backlog, arriving, seen.handling, rate, needed, known.rate is not None)
    return Decision(replicas, changed, reason, *numbers), known


# --- what is learnt --------------------------------------------------------------------------------------------


def _observe(seen: Seen, known: Remembered, now: datetime) -> Remembered:
    """Return what is remembered with this look in it."""
    passed = (now - known.looked_at).total_seconds() if known.looked_at else 0.0
    if passed > STALE_S:  # what happened meanwhile is unknown; what one process can do is not forgotten
        known = replace(known, balances=(), was_waiting=False, idle_since=None, fewer=(), trial=None)
        passed = 0.0
    if seen.running != known.running or known.running_since is None:
        trial = replace(known.trial, handled=0.0, seconds=0.0) if known.trial else None
        known = replace(known, running=seen.running, running_since=now, trial=trial)
    waiting, known = _waits(seen), _weigh(seen, known)
    handling, is_settled = seen.handling or 0.0, seen.running > 0 and _settled(known, now) >= SETTLED_S
    if known.limited_until is not None and now >= known.limited_until:
        known = replace(known, limit=None, limited_until=None)
    if is_settled and waiting and known.was_waiting and seen.handling is not None:
        known = _judge(seen, _learn(seen, known, passed, now), passed, now)
    elif is_settled and not waiting and handling >= MANY / 10:  # in their ten seconds
        known = replace(known, most=max(known.most, handling / seen.running))
    idle = waiting and seen.running > 0 and seen.handling == 0
    return replace(
        known,
        looked_at=now,
        was_waiting=waiting,
        waiting_since=(known.waiting_since or now) if waiting else None,
        idle_since=(known.idle_since or now) if idle else None,
        trial=known.trial if waiting or known.was_waiting else None,  # what did not wait needed no help
        limit=known.limit if waiting else None,
    )


def _waits(seen: Seen) -> bool:
    """Whether more waits than a moment's work: then every process has its hands full."""
    if not seen.running:
        return seen.backlog > 0
    return seen.backlog > max(2.0 * seen.running, seen.handling or 0.0)


def _settled(known: Remembered, now: datetime, also: datetime | None = None) -> float:
    """Return for how many seconds as many processes run as now (and what is so since `also`)."""
    since = [at for at in (known.running_since, also) if at is not None]
    return (now - max(since)).total_seconds() if since else 0.0


def _weigh(seen: Seen, known: Remembered) -> Remembered:
    """Add this sample to the queue's balance, unless it is the one of the last look."""
    at = seen.sampled_at
    last = known.balances[-1] if known.balances else None
    if at is None or seen.handling is None or (last and at <= last.at):
        return known
    handled = last.handled + seen.handling * (at - last.at).total_seconds() if last else 0.0
    newest = Balance(at, seen.backlog + seen.unacked, handled)
    short, long = at - timedelta(seconds=BALANCE_S), at - timedelta(seconds=BALANCE_MAX_S)
    kept = [was for was in known.balances if was.at >= (short if handled - was.handled >= MANY else long)]
    return replace(known, balances=(*kept, newest))


def _arriving(seen: Seen, known: Remembered) -> float | None:
    """Return what arrives a second: as RabbitMQ says, or more where the queue's balance shows more.

    RabbitMQ does not count what is dead-lettered into a queue: retries that come back from their delay.
    """
    if not known.balances:
        return seen.arriving
    first, last = known.balances[0], known.balances[-1]
    seconds = (last.at - first.at).total_seconds()
    if seconds < BALANCE_S / 3:
        return seen.arriving
    return max(seen.arriving or 0.0, (last.total - first.total + last.handled - first.handled) / seconds)


def _learn(seen: Seen, known: Remembered, passed: float, now: datetime) -> Remembered:
    """Average the rate of one process over the last SMOOTH_S of work, longer where messages are few."""
    if known.idle_since is not None and seen.handling == 0 and known.handled >= MANY:
        return known  # stuck, not slow: what it can do is not what it does now
    fading = math.exp(-passed / (SMOOTH_S if known.handled >= MANY else SLOW_S))
    handled = known.handled * fading + (seen.handling or 0.0) * passed
    worked = known.worked * fading + seen.running * passed
    learnt = replace(known, handled=handled, worked=worked, learnt_at=now if handled else None)
    if known.rate is None and learnt.rate is not None:  # what was tried without knowing it says nothing now
        return replace(learnt, limit=None, limits=0, trial=None, most=0.0)
    return replace(learnt, most=min(known.most, learnt.rate or known.most))


def _judge(seen: Seen, known: Remembered, passed: float, now: datetime) -> Remembered:
    """Compare what the last growth has added with what it should have, once it had time to show."""
    trial = known.trial
    if trial is None or seen.running <= trial.running:
        return known
    handled = trial.handled + (seen.handling or 0.0) * passed
    trial = replace(trial, handled=handled, seconds=trial.seconds + passed)
    patience = TRIAL_MAX_S if trial.handling else TRIAL_IDLE_S
    is_enough = trial.handling * trial.seconds >= MANY or trial.seconds >= patience
    if trial.seconds < TRIAL_S or not is_enough:
        return replace(known, trial=trial)
    gained = trial.handled / trial.seconds - trial.handling
    if gained > HELPED * trial.rate * (seen.running - trial.running):
        return replace(known, trial=None, limits=0)
    until = now + timedelta(seconds=min(LIMITED_MAX_S, LIMITED_S * 2.0 ** min(known.limits, 10)))
    return replace(known, trial=None, limit=seen.running, limited_until=until, limits=known.limits + 1)


# --- what follows ----------------------------------------------------------------------------------------------


def _needed(
    seen: Seen, settings: Settings, known: Remembered, arriving: float | None, now: datetime
) -> tuple[int | None, int]:
    """Return how many processes it takes, None when that cannot be known, and how many would do at the least."""
    inflow = arriving or 0.0
    if seen.backlog == 0 and inflow == 0 and seen.unacked == 0:
        return 0, 0
    waiting = _waits(seen)
    rate = max(known.rate or 0.0, known.most if not waiting or known.rate is None else 0.0)
    # Where it was never seen busy, or long ago, fewer may do too: that is found out one step at a time.
    explored = seen.target if waiting else seen.target - _step(seen.target)
    if rate <= 0:
        return None, max(1, explored)
    outflow = inflow + seen.backlog / _horizon(settings, known, now) if waiting else inflow
    # A growth that is on trial does not justify the next one by having lowered the rate of each.
    trusted = max(rate, known.trial.rate) if known.trial else rate
    needed = math.ceil(min(1e6, outflow / trusted) - NEGLIGIBLE)
    fewer = max(1, math.ceil(min(1e6, outflow / (rate * ROOM))))
    if not known.learnt_at or (not waiting and (now - known.learnt_at).total_seconds() > FORGET_S):
        return None if waiting else max(1, min(needed, seen.target)), max(1, min(fewer, explored))
    return max(1, needed), fewer


def _horizon(settings: Settings, known: Remembered, now: datetime) -> float:
    """Return in how many seconds what waits must be gone: what is left of them, but never next to none."""
    since = (now - known.waiting_since).total_seconds() if known.waiting_since else 0.0
    return max(1.0, settings.seconds / 5, settings.seconds - since)


def _step(target: int) -> int:
    """Return by how many processes one step down lowers `target` at most."""
    return max(1, target // 4)


def _choose(
    seen: Seen, settings: Settings, known: Remembered, needed: int | None, now: datetime
) -> tuple[int, Reason]:
    target = seen.target
    since = (now - known.changed_at).total_seconds() if known.changed_at else math.inf
    if needed is None or needed > target:
        return _grow(seen, settings, known, needed, since, now)
    if max(settings.min, known.fewer[-1][1]) >= target:
        return target, "enough"
    fewest = _fewest(known, now)
    if fewest is None or max(settings.min, fewest) >= target:
        return target, "holding"
    if since < COOLDOWN_S:
        return target, "cooling"
    return max(settings.min, fewest, target - _step(target)), "down"


def _fewest(known: Remembered, now: datetime) -> int | None:
    """Return how many would have been enough all the time for DOWN_S; None when that is not known yet."""
    if (now - known.fewer[0][0]).total_seconds() < DOWN_S:
        return None
    return max(n for at, n in known.fewer if (now - at).total_seconds() <= DOWN_S)


def _grow(
    seen: Seen, settings: Settings, known: Remembered, needed: int | None, since: float, now: datetime
) -> tuple[int, Reason]:
    """Return the next number upwards: `needed`, in steps that can be judged; one more where that is unknown."""
    target, trial = seen.target, known.trial
    if not _waits(seen):
        return target, "enough"
    if target >= settings.max:
        return target, "most"
    if known.idle_since is not None and (known.rate or known.most or known.limits):
        is_long = (now - known.idle_since).total_seconds() >= STUCK_S
        return target, "stuck" if is_long else "cooling"
    if known.limit is not None and target >= known.limit:
        return target, "limited"
    is_trying = trial is not None and (trial.steps >= TRIAL_STEPS or needed is None or known.limits > 0)
    is_new = needed is None and seen.running > 0 and _settled(known, now, known.waiting_since) < PROBE_S
    if since < COOLDOWN_S or is_trying or is_new:
        return target, "cooling"
    most = min(settings.max, max(1, 2 * seen.running), known.limit or settings.max)
    if known.limits:  # it did not help before: carefully
        most = min(most, target + _step(target))
    if most <= target:
        return target, "starting"
    return (target + 1, "probing") if needed is None else (min(needed, most), "up")


def _remember_change(seen: Seen, known: Remembered, replicas: int, now: datetime) -> Remembered:
    """Return what is remembered with a change in it; growth is put on trial."""
    if replicas <= seen.target:
        return replace(known, changed_at=now, trial=None)
    trial = known.trial
    if trial is not None:  # several steps in a row are one trial
        trial = replace(trial, steps=trial.steps + 1)
    elif seen.running > 0 and seen.handling is not None:
        # A handler that has just become much slower must not look like growth that did not help.
        usual = seen.handling if known.rate is None else known.rate * seen.running
        trial = GrowthTrial(seen.running, usual if seen.handling > NOISE * usual else seen.handling)
    learnt = now if known.learnt_at else None  # that fewer are not enough was seen just now
    return replace(known, changed_at=now, trial=trial, fewer=(), learnt_at=learnt)
