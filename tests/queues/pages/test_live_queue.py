"""A queue asked for at a broker that hangs: once, and not by everybody who looks."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mqadmin.core import brokers, patience
from mqadmin.queues.models import Broker
from mqadmin.queues.pages import live_queue
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.queues.conftest import make_queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def connections(server: socket.socket) -> int:
    count = 0
    try:
        while True:
            server.accept()[0].close()
            count += 1
    except BlockingIOError:
        return count


def test_it_is_left_alone_for_a_moment(
    broker: Broker, broker_config: BrokerConfig, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://guest:guest@127.0.0.1:{silent.getsockname()[1]}"
    config = replace(broker_config, management_url=url, timeout_s=0.3)
    monkeypatch.setattr(brokers, "client", lambda _slug: ManagementClient(config))
    monkeypatch.setattr(patience, "HANGS_S", 0.2)
    monkeypatch.setattr(patience, "_hung", {})
    queue = make_queue(broker, "work")
    first, second = live_queue.ask(queue), live_queue.ask(queue)
    assert first.error is not None
    assert second.error is first.error
    assert connections(silent) == 1
    monkeypatch.setattr(patience, "_hung", {broker.slug: (0.0, first.error)})
    live_queue.ask(queue)
    assert connections(silent) == 1, "the moment is over: it is asked again"
