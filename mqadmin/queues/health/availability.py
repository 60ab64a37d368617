"""Is the queue there: down, without members, moved, made anew, or cut off from its publishers."""

from __future__ import annotations

from mqadmin.queues.health.facts import (
    BROKEN,
    DOWN_STATES,
    FOREVER,
    OK,
    WATCH,
    QueueFacts,
    Reason,
    View,
    reason,
)
from mqadmin.queues.health.latches import OFF, Latch, latched
from mqadmin.queues.health.memory import Memory

TOLD_S = 600.0  # so long it is told that something happened which is over
BLOCKED_S = 60.0
BEHIND_S = 30.0


def is_down(facts: QueueFacts) -> bool:
    return facts.state in DOWN_STATES or facts.lacks_majority


def down(facts: QueueFacts) -> list[Reason]:
    """Say that it serves nobody."""
    if not facts.lacks_majority:
        return [reason(BROKEN, "down", state=facts.state)]
    return [reason(BROKEN, "down", state="minority", away=list(facts.away), members=facts.members)]


def members_away(facts: QueueFacts) -> list[Reason]:
    """Say who is away, and how many more it can do without."""
    if not facts.away:
        return []
    spare = (facts.members - 1) // 2 - len(facts.away)
    return [reason(WATCH, "members_away", away=list(facts.away), members=facts.members, spare=spare)]


def behind(memory: Memory, facts: QueueFacts) -> Latch:
    """Return whether members lag, and since when: by the clock of who asked them, which is seldom each sample."""
    if facts.behind_at is None:
        return OFF
    lags = bool(facts.behind)
    return latched(memory.behind, lags, not lags, facts.behind_at, on_after=BEHIND_S, off_after=0)


def members_behind(view: View) -> list[Reason]:
    """Say which members lag: a leader that fails meanwhile leaves fewer that know everything."""
    facts, latch = view.facts, view.memory.behind
    if not latch.on:
        return []
    spare = (facts.members - 1) // 2 - len(facts.away) - len(facts.behind)
    params = {
        "behind": [list(item) for item in facts.behind],
        "members": facts.members,
        "spare": max(spare, 0),
    }
    return [reason(WATCH, "members_behind", latch.since, **params)]


def led_from(memory: Memory, facts: QueueFacts, now: float) -> tuple[str, tuple[float, str] | None]:
    """Return where it is led from, and when it moved from where, while that is news."""
    moved = memory.moved
    if moved is not None and now - moved[0] >= TOLD_S:
        moved = None
    if not facts.node or facts.node == memory.node:
        return memory.node, moved
    return facts.node, (now, memory.node) if memory.node else moved


def moved(view: View) -> list[Reason]:
    """Tell for some minutes that it is led from another node: its clients may have to go there."""
    if view.memory.moved is None:
        return []
    at, before = view.memory.moved
    return [reason(OK, "leader_moved", at, before=before, now=view.facts.node)]


def anew(view: View) -> list[Reason]:
    """Tell for some minutes that it is another queue of that name."""
    if view.memory.anew is None or view.now - view.memory.anew[0] >= TOLD_S:
        return []
    at, by = view.memory.anew
    return [reason(OK, "made_anew", at, by=by)]


def blocked(view: View) -> list[Reason]:
    """Say that an alarm of the broker stops its publishers, where it has any."""
    at = view.memory.active_at
    if not view.facts.alarms or at is None or view.now - at >= BLOCKED_S:
        return []
    return [reason(WATCH, "blocked", alarms=list(view.facts.alarms))]


def wake_at(view: View) -> float:
    """Return when what is told here is over."""
    events = (view.memory.moved, view.memory.anew)
    ends = [event[0] + TOLD_S for event in events if event is not None and event[0] + TOLD_S > view.now]
    return min(ends, default=FOREVER)
