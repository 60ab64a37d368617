"""The alarms by which a broker stops its publishers. Pure; their words stand in `queues.pages.alarms`."""

from __future__ import annotations

from collections.abc import Iterable

from mqadmin.rabbit.types import NodeInfo


def names(nodes: Iterable[NodeInfo]) -> tuple[str, ...]:
    """Return which of "disk" and "memory" block publishers somewhere in the cluster."""
    return tuple(sorted({alarm["resource"] for alarm in in_force(nodes)}))


def in_force(nodes: Iterable[NodeInfo]) -> list[dict[str, str]]:
    """Return [{"node", "resource"}] of the resource alarms in force."""
    found = []
    for node in nodes:
        if node.mem_alarm:
            found.append({"node": node.name, "resource": "memory"})
        if node.disk_free_alarm:
            found.append({"node": node.name, "resource": "disk"})
    return found
