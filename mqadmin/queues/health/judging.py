"""The verdict: `remember` folds one observation into a `Memory`, `judge` turns facts and memory into a `Verdict`.

Neither has a clock, a database or a broker: the monitor feeds them, tests feed them tables. Each trouble has one
home, a module of this room with what is remembered of it and how it is judged. A new rule is a function of a `View`
in `RULES` (or in `WORK`, where consumers should be at it); what it has to remember, a latch, goes into `remember`.
"""

from __future__ import annotations

from collections.abc import Callable

from mqadmin.queues.health import availability, backlog, consuming, letters, losses, silence, waiting
from mqadmin.queues.health.facts import IDLE, OK, RANK, UNKNOWN, QueueFacts, Reason, Verdict, View, reason
from mqadmin.queues.health.memory import Memory, slope

Rule = Callable[[View], list[Reason]]

IDLE_AFTER_S = 60.0

RULES: tuple[Rule, ...] = (
    losses.limit,
    losses.eaten,
    availability.blocked,
    availability.members_behind,
    silence.silent,
    consuming.too_few,
    backlog.over_limits,
    backlog.readers_behind,
    waiting.waits_long,
    letters.waiting,
    letters.delayed,
    availability.moved,
    availability.anew,
)
# Of queues whose messages consumers should take away: not of streams, nor of those that only hold them for a while.
WORK: tuple[Rule, ...] = (
    backlog.standing,
    backlog.hoarded,
    consuming.cramped,
    consuming.redelivered,
)


def remember(memory: Memory, facts: QueueFacts, now: float) -> Memory:
    """Return `memory` with one more observation. The result equals `memory` when there is nothing new."""
    if facts.total is None or facts.consumers is None or facts.ready is None:
        return memory
    is_first = memory.total is None
    grew = 0 if memory.total is None else facts.total - memory.total
    came = _counted(memory.published, facts.published) or grew > 0 or bool(facts.publish_rate)
    worked = came or grew != 0 or _counted(memory.left, facts.left) or _is_active(facts, now)
    window = memory.window_with(facts.total, now)
    growth = slope(window, facts.total, now)
    ledger = losses.ledger(memory, facts, now)
    node, moved = availability.led_from(memory, facts, now)
    limits = facts.limits
    return Memory(
        total=facts.total,
        published=facts.published,
        left=facts.left,
        window=window,
        consumers_seen=facts.consumers or memory.consumers_seen,
        active_at=_active_at(memory, worked, now),
        idle_at=facts.idle_since if is_first else memory.idle_at,
        arrivals=memory.arrivals_with(grew, now) if facts.is_inbox else memory.arrivals,
        usual=silence.usual(memory, facts, came, now),
        ledger=ledger,
        node=node,
        moved=moved,
        anew=memory.anew,
        growing=backlog.growing(memory, facts, growth, now),
        absent=consuming.absent(memory, facts, now),
        stalled=backlog.stalled(memory, facts, now),
        redelivering=consuming.redelivering(memory, facts, now),
        full=losses.full(memory, facts, now),
        losing=losses.losing(memory.losing, ledger, memory, facts, now),
        hoarding=backlog.hoarding(memory, facts, growth, now),
        lagging=backlog.lagging(memory, facts, now),
        over_ready=backlog.over(memory.over_ready, facts.ready, limits.ready, now),
        over_unacked=backlog.over(memory.over_unacked, facts.unacked, limits.unacked, now),
        few=consuming.few(memory, facts, now),
        waiting=waiting.waiting(memory, facts, now),
        behind=availability.behind(memory, facts),
    )


def judge(facts: QueueFacts, memory: Memory, now: float) -> Verdict:
    """Return the verdict for `facts`; `memory` already includes them (see `remember`)."""
    if availability.is_down(facts):
        return _verdict(availability.down(facts), None)
    reasons = letters.lost(facts) + availability.members_away(facts)
    if facts.total is None or facts.ready is None or facts.consumers is None:
        return _verdict(reasons or [reason(UNKNOWN, "not_reported")], None)
    growth = memory.slope(facts.total, now)
    is_idle = memory.active_at is None or now - memory.active_at >= IDLE_AFTER_S
    view = View(facts, memory, now, growth, backlog.clears_in(facts, memory, growth), is_idle)
    for rule in RULES:
        reasons += rule(view)
    if facts.type != "stream" and not facts.is_delay:
        for rule in (consuming.nobody,) if consuming.is_deserted(view) else WORK:
            reasons += rule(view)
    reasons += letters.quiet(view, bool(reasons))
    return _verdict(reasons, view)


def _verdict(reasons: list[Reason], view: View | None) -> Verdict:
    """Return the worst first. Without a view no number is known, and time alone changes nothing."""
    ordered = tuple(sorted(reasons, key=lambda item: -RANK[item["level"]]))
    worst = ordered[0]["level"] if ordered else OK
    if view is None:
        return Verdict(worst, ordered, None, None, settled=True)
    if worst in (OK, IDLE):
        is_idle = view.idle and not view.facts.delayed
        worst = IDLE if is_idle or worst == IDLE else OK
    settled = view.idle and view.memory.settled(view.facts.total or 0)
    wakes = (availability.wake_at(view), silence.wake_at(view), waiting.wake_at(view)) if settled else ()
    wake_at = min(wakes, default=view.now)
    return Verdict(worst, ordered, view.clears_in, view.growth, settled, wake_at)


def _counted(before: int | None, now: int | None) -> bool:
    """Whether a counter moved on. One that begins anew says nothing."""
    return before is not None and now is not None and now > before


def _is_active(facts: QueueFacts, now: float) -> bool:
    """Whether it works, by its rates, or by what mqadmin's own consumers did after it was counted."""
    own = facts.handling
    if own is not None and own.last_at is not None and now - own.last_at < IDLE_AFTER_S:
        return True
    return bool(facts.publish_rate or facts.deliver_rate or facts.ack_rate)


def _active_at(memory: Memory, active: bool, now: float) -> float | None:
    if not active:
        return memory.active_at
    # Coarse on purpose: a busy queue's row is not rewritten for this alone.
    recent = memory.active_at is not None and now - memory.active_at < IDLE_AFTER_S / 2
    return memory.active_at if recent else now
