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
    assert 0 < shown["mem_used"] < shown["mem_limit"]
