"""Where dead letters would go, or be lost, after a change. Pure.

A queue with a dead-letter exchange that is not there, or that routes nowhere, drops its dead letters in silence
(rabbit_dead_letter:publish/5).
"""

from __future__ import annotations

from mqadmin.rabbit.effects.effect import Statement
from mqadmin.rabbit.effects.state import VhostState
from mqadmin.rabbit.topology.routing import Route, RoutingTable
from mqadmin.rabbit.topology.topology import dead_letter_exchange, dead_letter_routing_key
from mqadmin.rabbit.types import QueueInfo


def statements(old: VhostState, new: VhostState) -> dict[str, tuple[Statement, ...]]:
    """Return what is to be said of the dead letters of each queue that there is after the change; by its name.

    Both with the policies and the alternate exchanges in force.
    """
    tables = table(old), table(new)
    found: dict[str, tuple[Statement, ...]] = {}
    for name, info in new.queues.items():
        said = _of_queue(old.queues.get(name), info, *tables)
        if said:
            found[name] = (said,)
    return found


def _of_queue(
    was: QueueInfo | None, now: QueueInfo, old: RoutingTable, new: RoutingTable
) -> Statement | None:
    exchange = dead_letter_exchange(now)
    before, after = _route(was, old), _route(now, new)
    if after is None:
        if before is None or was is None or not before.queues:
            return None
        return Statement("no_letters", "loses", params={"exchange": dead_letter_exchange(was)})
    why = _lost(after)
    if why and (before is None or not _lost(before)):
        return Statement("letters_lost", "loses", params={"exchange": exchange, "why": why})
    if before is not None and not why and before.queues != after.queues:
        return Statement(
            "letters_go",
            "tells",
            params={"exchange": exchange, "before": before.queues, "after": after.queues},
        )
    return None


def _lost(route: Route) -> str:
    if not route.exchange_exists:
        return "missing"
    return "nowhere" if route.certain and not route.queues else ""


def _route(info: QueueInfo | None, table: RoutingTable) -> Route | None:
    exchange = dead_letter_exchange(info) if info is not None else None
    if info is None or exchange is None or info.type == "stream":
        return None
    return table.route(info.vhost, exchange, dead_letter_routing_key(info))


def arriving(info: QueueInfo, routing: RoutingTable) -> tuple[str, ...]:
    """Return the queues that dead letters of a queue reach, or may; none where they are lost."""
    route = _route(info, routing)
    return route.queues if route is not None else ()


def table(state: VhostState) -> RoutingTable:
    """Return the routes of a virtual host."""
    names = [(state.vhost, name) for name in state.queues]
    return RoutingTable(names, state.bindings, state.exchanges.values())
