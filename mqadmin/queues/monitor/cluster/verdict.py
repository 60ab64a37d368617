"""The verdict on a broker: what is known of it, and what is remembered, give its reasons. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mqadmin.queues.monitor.cluster import clients, nodes
from mqadmin.queues.monitor.cluster.facts import (
    WATCH,
    WINDOW_MINUTES,
    Condition,
    Deprecated,
    Facts,
    Life,
    Memory,
    State,
)

SLOW_S = 5.0
BEGAN_ANEW_S = 5.0  # an uptime is told every five seconds
# What mqadmin itself lives by, and RabbitMQ does not take away yet.
_SILENT = frozenset({"management_metrics_collection"})


def judge(memory: Memory, facts: Facts, now: float) -> Memory:
    """Return `memory` with one more observation: `Memory.reasons` are the reasons that hold now."""
    memory = _remember(memory, facts, now)
    found = [
        *nodes.conditions(facts, memory, now),
        *clients.conditions(facts, memory),
        *(_deprecated(item) for item in facts.deprecated if item.feature not in _SILENT),
        _slow(facts),
    ]
    states = {}
    for condition in found:
        state = _state(memory.states.get(condition.key), condition, now)
        if state is not None:
            states[condition.key] = state
    return replace(memory, states=states)


def _state(state: State | None, found: Condition, now: float) -> State | None:
    """Return what becomes of a condition by this observation; None: nothing is left to say of it."""
    reason = {"code": found.code, "level": found.level, "params": dict(found.params)}
    if found.holds:
        since = state.since if state is not None else found.since or now
        on = (state is not None and state.on) or now - since >= found.after
        return State(reason, since, on)
    if state is None or not state.on:
        return None
    if found.eases is False:
        return State(reason, state.since, on=True)
    ending = now if state.ending is None else state.ending
    if now - ending >= found.rest:
        return None
    return replace(state, ending=ending)  # with the words of when it held


def _remember(memory: Memory, facts: Facts, now: float) -> Memory:
    dropped, returned = facts.overview.dropped, facts.overview.returned
    return replace(
        memory,
        at=now,
        lives=_lives(memory, facts, now),
        counts=(dropped, returned),
        unroutable=(
            _rate(memory.counts[0], dropped, memory.at, now),
            _rate(memory.counts[1], returned, memory.at, now),
        ),
        window=_window(memory, facts, now),
    )


def _rate(before: int | None, count: int | None, at: float | None, now: float) -> float | None:
    """A counter that is not told yet has counted nothing; one that went back began anew."""
    if count is None or at is None or now <= at:
        return None
    return max(0, count - (before or 0)) / (now - at)


def _window(memory: Memory, facts: Facts, now: float) -> tuple[tuple[int, int, int], ...]:
    connections, channels = facts.overview.connections, facts.overview.channels
    minute = int(now // 60)
    if connections is None or channels is None:
        return ()
    if memory.window and memory.window[-1][0] == minute:
        return memory.window
    kept = [point for point in memory.window if minute - point[0] <= WINDOW_MINUTES]
    return (*kept, (minute, connections, channels))


def _lives(memory: Memory, facts: Facts, now: float) -> Mapping[str, Life]:
    found = {}
    for node in facts.nodes or ():
        life = memory.lives.get(node.name)
        if node.uptime_s is None or not node.running:
            if life is not None:
                found[node.name] = life
            continue
        restarted = life.restarted if life is not None else None
        if life is not None and _began_anew(life, node.uptime_s, now):
            restarted = now - node.uptime_s
        found[node.name] = Life(node.uptime_s, now, restarted)
    return found


def _began_anew(life: Life, uptime: float, now: float) -> bool:
    """Its uptime went back, or all of it lies in a while in which nobody looked."""
    return uptime < life.uptime or uptime + BEGAN_ANEW_S < now - life.at


def _deprecated(item: Deprecated) -> Condition:
    params = {"feature": item.feature, "queues": list(item.queues)}
    return Condition(f"deprecated:{item.feature}", WATCH, "deprecated", params, holds=True)


def _slow(facts: Facts) -> Condition:
    params = {"seconds": round(facts.listing_s, 1), "queues": facts.queues}
    slow = facts.listing_s >= SLOW_S
    return Condition("listing", WATCH, "slow_listing", params, holds=slow, after=1.0, rest=30.0)
