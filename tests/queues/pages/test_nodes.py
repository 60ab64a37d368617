"""What the overview shows of a node, as a real broker reports it."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from mqadmin.queues.pages import nodes
from mqadmin.rabbit.management_api.client import ManagementClient


@pytest.mark.broker
def test_nothing_that_is_shown_of_a_node_is_unknown(management: ManagementClient) -> None:
    [node] = management.nodes()
    shown = nodes.shown(asdict(node))
    assert None not in shown.values()
    assert "–" not in shown.values(), "for how long it runs is known"
    assert shown["is_down"] is False
    assert [limit.label for limit in shown["limits"]][:2] == ["Memory", "Disk"]
    assert all(limit.share is None or 0 < limit.share < 1 for limit in shown["limits"])
    assert "–" not in " ".join(limit.words for limit in shown["limits"])


def test_a_node_beside_its_limits() -> None:
    told = {"mem_used": 80, "mem_limit": 100, "disk_free": 4_000_000, "disk_free_limit": 1_000_000}
    shown = nodes.shown({"name": "rabbit@a", **told, "fd_used": 900, "fd_total": 1000})["limits"]
    assert [(limit.share, limit.tone) for limit in shown] == [(0.8, "amber"), (0.25, "green"), (0.9, "amber")]
    # What a broker does not tell of is no bar, and descriptors are left out: RabbitMQ 4 counts none.
    bare = nodes.shown({"name": "rabbit@a", "disk_free": 1, "fd_used": 0, "fd_total": 1000})["limits"]
    assert [(limit.label, limit.share) for limit in bare] == [("Memory", None), ("Disk", None)]


def test_a_node_that_runs_out_of_descriptors_is_not_green() -> None:
    node = {"name": "rabbit@a", "running": True, "fd_used": 940, "fd_total": 1000}
    shown = nodes.shown(node)
    assert (shown["tone"], shown["state"]) == ("amber", "descriptors nearly used up")
