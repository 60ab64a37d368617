"""What may be wrong with nodes: away, split, in alarm, close to a limit, begun anew, clocks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mqadmin.queues.monitor.cluster.facts import BROKEN, WATCH, Condition, Facts, Memory
from mqadmin.rabbit.types import NodeInfo

NEAR, CLEAR = 0.8, 0.75  # of a limit: from the one on it is close, below the other no more
LAST = 0.95
DISK_NEAR = 2.0  # times the free disk at which the alarm comes
RESTARTED_S = 600.0
CLOCK_S = 5.0  # a Date has whole seconds, and the answer takes a while


def conditions(facts: Facts, memory: Memory, now: float) -> Iterator[Condition]:
    """Yield what holds, or might, of each node that can be seen; of others only their alarms are known."""
    seen = {node.name: node for node in facts.nodes or ()}
    for alarm in facts.alarms or ():
        yield _alarm(alarm.resource, alarm.node, seen.get(alarm.node))
    for node in seen.values():
        yield from _presence(node, memory, now)
        if node.running:
            yield from _limits(node)
    yield from _clock(facts)


def _alarm(resource: str, name: str, node: NodeInfo | None) -> Condition:
    code = {"memory": "memory_alarm", "disk": "disk_alarm"}.get(resource, "alarm")
    params: dict[str, Any] = {"node": name, "resource": resource}
    if node is not None and resource == "memory":
        params |= {"used": node.mem_used, "limit": node.mem_limit}
    elif node is not None:
        params |= {"free": node.disk_free, "limit": node.disk_free_limit}
    return Condition(f"alarm:{resource}:{name}", BROKEN, code, params, holds=True)


def _presence(node: NodeInfo, memory: Memory, now: float) -> Iterator[Condition]:
    params: dict[str, Any] = {"node": node.name}
    yield Condition(f"down:{node.name}", BROKEN, "node_down", params, holds=not node.running)
    if node.running:
        params = {"node": node.name, "others": list(node.partitions)}
        yield Condition(f"split:{node.name}", BROKEN, "partitioned", params, holds=bool(node.partitions))
    life = memory.lives.get(node.name)
    if life is not None and life.restarted is not None:
        fresh = node.running and now - life.restarted < RESTARTED_S
        params = {"node": node.name, "started": int(life.restarted)}
        key = f"anew:{node.name}:{params['started']}"
        yield Condition(key, WATCH, "node_restarted", params, holds=fresh, since=life.restarted)


def _limits(node: NodeInfo) -> Iterator[Condition]:
    if not node.mem_alarm:  # then it is above
        yield from _near("memory_near", node.name, node.mem_used, node.mem_limit, last=2.0)
    yield from _near("descriptors_near", node.name, node.fd_used, node.fd_total)
    yield from _near("sockets_near", node.name, node.sockets_used, node.sockets_total)
    yield from _near("processes_near", node.name, node.proc_used, node.proc_total)
    free, limit = node.disk_free, node.disk_free_limit
    if free is not None and limit and not node.disk_free_alarm:
        yield Condition(
            f"disk_near:{node.name}",
            WATCH,
            "disk_near",
            {"node": node.name, "free": free, "limit": limit},
            holds=free <= DISK_NEAR * limit,
            eases=free > 1.1 * DISK_NEAR * limit,
        )


def _near(
    code: str, name: str, used: int | None, limit: int | None, *, last: float = LAST
) -> Iterator[Condition]:
    """`last`: the share from which on it is broken."""
    if used is None or not limit:
        return
    share = used / limit
    params = {"node": name, "used": used, "limit": limit, "percent": round(100 * share)}
    level = BROKEN if share >= last else WATCH
    yield Condition(f"{code}:{name}", level, code, params, holds=share >= NEAR, eases=share < CLEAR)


def _clock(facts: Facts) -> Iterator[Condition]:
    ahead, name = facts.overview.clock_ahead, facts.overview.node
    if ahead is not None:
        params = {"node": name, "seconds": round(ahead)}
        yield Condition(
            "clock", WATCH, "clock_differs", params, holds=abs(ahead) >= CLOCK_S, after=1.0, rest=15.0
        )
