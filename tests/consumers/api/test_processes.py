"""Processes and what they print through the API."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.definitions.processes import REPLACE
from consumers.models import Consumer, ConsumerProcess
from tests.consumers.api.conftest import Api
from tests.support.consumers import make_consumer, make_process

pytestmark = pytest.mark.django_db

PROCESS_FIELDS = {
    "id", "host", "pid", "state", "state_reason", "started_at", "heartbeat_at", "restarts", "processed",
    "failed", "in_flight", "rate", "rss_bytes", "cpu_percent", "connected_at", "blocked_reason", "connections",
    "connection_errors", "channel_errors",
}  # fmt: skip


def test_processes(api_of: Api) -> None:
    process = make_process(make_consumer(name="orders"), rate=3.5, rss_bytes=1024)
    status, body = api_of("viewer").call("GET", "/consumers/orders/processes")
    assert status == 200
    assert set(body["items"][0]) >= PROCESS_FIELDS
    assert (body["items"][0]["id"], body["items"][0]["rate"]) == (process.pk, 3.5)


def test_output_is_bounded_or_says_why_not(api_of: Api, settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    process = make_process(make_consumer())
    viewer = api_of("viewer")
    status, body = viewer.call("GET", f"/processes/{process.pk}/output")
    assert (status, body["text"]) == (200, None)
    assert "not on this host" in body["reason"]
    (tmp_path / "output").mkdir()
    lines = "".join(f"line {number}\n" for number in range(50))
    (tmp_path / "output" / f"{process.pk}.out").write_text(lines)
    _status, body = viewer.call("GET", f"/processes/{process.pk}/output", tail=2)
    assert body["text"] == "line 48\nline 49"
    assert viewer.call("GET", "/processes/999999/output")[0] == 404


def test_the_api_acts_on_one(api_of: Any) -> None:
    consumer, other = make_consumer(name="orders", desired="running"), make_consumer()
    one, strange = make_process(consumer), make_process(other)
    operator = api_of("operator")

    assert operator.call("POST", "/consumers/orders/restart", {"process": strange.pk})[0] == 404
    assert operator.call("POST", "/consumers/orders/restart", {"process": one.pk})[0] == 202
    assert ConsumerProcess.objects.get(pk=one.pk).nudge == REPLACE
    assert operator.call("POST", "/consumers/orders/start", {"process": one.pk})[0] == 409
    status, body = operator.call("POST", "/consumers/orders/restart", {"rolling": False})
    assert (status, Consumer.objects.get(name="orders").rolling) == (202, False)
    assert body["status"]["rollout"] == "Restarting: 0 of 1 replaced"
