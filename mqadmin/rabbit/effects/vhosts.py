"""What a virtual host loses, and what its limits let in. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mqadmin.rabbit.effects.change import Change, DeleteVhost, DeleteVhostLimit, PutVhostLimit
from mqadmin.rabbit.effects.effect import Level, Statement
from mqadmin.rabbit.effects.state import VhostState
from mqadmin.rabbit.types import QueueInfo


def statements(state: VhostState, after: VhostState, change: Change) -> Iterator[Statement]:
    """Yield what is to be said of the virtual host as a whole."""
    if isinstance(change, DeleteVhost):
        count = sum(info.total or 0 for info in state.queues.values())
        params = {"queues": len(state.queues), "messages": count, "connections": state.connections}
        yield Statement("vhost_gone", "loses", params=params)
    if isinstance(change, PutVhostLimit | DeleteVhostLimit):
        yield from _limit(state, after, change.name)


def queue_gone(info: QueueInfo, change: Change) -> Iterator[Statement]:
    """Yield what is to be said of a queue that is deleted: none of its messages is dead-lettered."""
    lost = info.total
    level: Level = "stops" if lost == 0 else "loses"
    yield Statement("deleted", level, info.name, {"messages": lost, "unacked": info.unacked})
    if info.consumers and not isinstance(change, DeleteVhost):
        yield Statement("consumers_cut", "stops", info.name, {"count": info.consumers})


def _limit(state: VhostState, after: VhostState, name: str) -> Iterator[Statement]:
    kinds = {
        "max-queues": ("queues", len(state.queues)),
        "max-connections": ("connections", state.connections),
    }
    if name not in kinds:
        return
    kind, count = kinds[name]
    was, now = state.limits.get(name), after.limits.get(name)
    params = {"limit": now, "count": count}
    if _reached(now, count) and not (_reached(was, count) and was == now):
        yield Statement(f"{kind}_full", "stops", params=params)  # type: ignore[arg-type]
    elif _reached(was, count) and not _reached(now, count):
        yield Statement(f"{kind}_open", "tells", params=params)  # type: ignore[arg-type]


def _reached(limit: int | None, count: int | None) -> bool:
    """Whether nothing more is let in (rabbit_vhost_limit); a negative limit is none."""
    return limit is not None and (limit == 0 or (count is not None and 0 <= limit <= count))
