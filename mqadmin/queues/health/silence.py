"""Queues to which nothing comes any more, though something used to.

Two rules. A producer stopped: messages came for half an hour without a pause, there are consumers, and nothing came
for three minutes; told for half an hour. A queue fell silent: the pause is three times as long as the longest that
is usual at this hour of such a day (working day or weekend, an hour more or less), and ten minutes at least; told
from the second week on, for three days. What a person set for the queue stands for both.

The longest usual pause is kept by the hour, and forgets a tenth with each day: a queue that rests every night, or
works in bursts, has long pauses at these hours and is left alone. Pauses are learnt when they end. Hours are those
of the installation's time zone (`TZ`), by which people work. The hour that is left out in spring, and the one that
comes twice in autumn, need no rule, since the hours beside each count as well.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from math import ceil

from mqadmin.queues.health.facts import FOREVER, WATCH, QueueFacts, Reason, View, reason
from mqadmin.queues.health.memory import Memory, Usual

COARSE_S = 30.0  # a busy queue's row is not rewritten for this alone
PAUSE_S = 60.0  # a pause worth the name
STEADY_S = 1800.0
STOPPED_S = 180.0
STOPPED_TOLD_S = 1800.0
LEARNT_S = 8 * 86_400.0
TIMES, LEAST_S = 3, 600.0
TOLD_S = 3 * 86_400.0
FORGET = 0.9
DAY_H = 24
_UNKNOWN = (-1,) * (2 * DAY_H)


# --- remembered


def usual(memory: Memory, facts: QueueFacts, came: bool, now: float) -> Usual:
    """Return what is usual with one more observation; `came`: messages arrived since the last one.

    What seems a pause may be none where nobody looked, as before this process began to.
    """
    known, now = memory.usual, float(int(now))
    if known.arrived_at is None:
        return Usual(arrived_at=now if facts.idle_since is None else min(facts.idle_since, now))
    if not came:
        return known
    pause = now - known.arrived_at
    if known.known_since is None or known.zone != str(facts.zone):  # other hours: what was learnt is of none
        return Usual(now, now, now, _UNKNOWN, str(facts.zone))
    if pause < COARSE_S:
        return known
    steady = known.steady_since if pause <= PAUSE_S and known.steady_since is not None else now
    looked = memory.published is not None
    pauses = _learnt(known.pauses, known.arrived_at, now, facts.zone) if looked else known.pauses
    return Usual(now, steady, known.known_since, pauses, known.zone)


def _learnt(pauses: tuple[int, ...], begin: float, end: float, zone: tzinfo) -> tuple[int, ...]:
    """Return `pauses` with one from `begin` to `end`: in each hour that it touched it was so long by then."""
    found = list(pauses)
    hour, last = int(begin // 3600), int(end // 3600)
    place = _place(hour, zone)
    found[place] = max(found[place], ceil((min(end, (hour + 1) * 3600) - begin) / 60))
    for later in range(max(hour + 1, last - 7 * DAY_H), last + 1):
        place = _place(later, zone)
        length = ceil((min(end, (later + 1) * 3600) - begin) / 60)
        found[place] = max(int(found[place] * FORGET), length)
    return tuple(found)


def _place(hour: int, zone: tzinfo) -> int:
    """Return where the pauses of an hour since 1970 (in UTC) are kept: by the clock on the wall when it begins."""
    local = datetime.fromtimestamp(hour * 3600, zone)
    return local.hour + DAY_H * (local.weekday() >= 5)


def longest(known: Usual, zone: tzinfo, now: float) -> float | None:
    """Return the longest pause in seconds that is usual at this hour, an hour more or less; None for not known."""
    if not known.pauses or known.zone != str(zone):
        return None
    if known.known_since is None or now - known.known_since < LEARNT_S:
        return None
    hour = int(now // 3600)
    pauses = [known.pauses[_place(near, zone)] for near in (hour - 1, hour, hour + 1)]
    return None if min(pauses) < 0 else 60.0 * max(pauses)


# --- judged


def silent(view: View) -> list[Reason]:
    """Say that nothing comes any more."""
    known, facts, now = view.memory.usual, view.facts, view.now
    if known.arrived_at is None or not _speaks(facts):
        return []
    pause, own = now - known.arrived_at, facts.limits.silent_s
    if own is not None:
        if own and pause >= own:
            return [reason(WATCH, "silent", known.arrived_at, own=own)]
        return []
    normal = longest(known, facts.zone, now)
    if normal is not None and max(LEAST_S, TIMES * normal) <= pause < TOLD_S:
        return [reason(WATCH, "silent", known.arrived_at, usual=int(normal))]
    if _has_stopped(known, facts, pause) and (normal is None or pause > normal):
        steady = int(known.arrived_at - (known.steady_since or known.arrived_at))
        return [reason(WATCH, "producer_stopped", known.arrived_at, steady=steady, consumers=facts.consumers)]
    return []


def _speaks(facts: QueueFacts) -> bool:
    """Whether silence means anything: no dead letters is good news, and what belongs to a connection goes."""
    return not (facts.is_delay or facts.is_inbox or facts.is_fleeting or facts.alarms)


def _has_stopped(known: Usual, facts: QueueFacts, pause: float) -> bool:
    if known.steady_since is None or known.arrived_at is None or not facts.consumers:
        return False
    was_steady = known.arrived_at - known.steady_since >= STEADY_S
    return was_steady and STOPPED_S <= pause < STOPPED_TOLD_S


def wake_at(view: View) -> float:
    """Return when time alone may change what is said here: no later, perhaps sooner."""
    known, own, now = view.memory.usual, view.facts.limits.silent_s, view.now
    if known.arrived_at is None or not _speaks(view.facts):
        return FOREVER
    if own is not None:
        return known.arrived_at + own if own and now < known.arrived_at + own else FOREVER
    moments = []
    if known.steady_since is not None and known.arrived_at - known.steady_since >= STEADY_S:
        moments += [known.arrived_at + STOPPED_S, known.arrived_at + STOPPED_TOLD_S]
    if known.known_since is not None and now - known.arrived_at < TOLD_S:
        moments.append((now // 3600 + 1) * 3600)  # another hour, other habits
        normal = longest(known, view.facts.zone, now)
        if normal is not None:
            moments.append(known.arrived_at + max(LEAST_S, TIMES * normal))
    return min((moment for moment in moments if moment > now), default=FOREVER)
