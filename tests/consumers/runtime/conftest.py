"""Consumer processes on a real broker, without Django."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.consumers.runtime.child import Child
from tests.support import amqp
from tests.support.waiting import wait_until

DLX = {"dead_letter": ["dlx", None]}


@pytest.fixture
def queue(broker_config: BrokerConfig, vhost: str) -> str:
    """A queue `work` whose dead letters go over exchange `dlx` to queue `dead`."""
    with amqp.channel(broker_config, vhost) as ch:
        ch.exchange_declare("dlx", "topic", durable=True)
        ch.queue_declare("dead", durable=True)
        ch.queue_bind("dead", "dlx", "#")
        ch.queue_declare("work", durable=True, arguments={"x-dead-letter-exchange": "dlx"})
        ch.exchange_declare("in", "topic", durable=True)
        ch.queue_bind("work", "in", "#")
    return "work"


@pytest.fixture
def start(broker_config: BrokerConfig, vhost: str, tmp_path: Path) -> Iterator[Any]:
    children: list[Child] = []

    def begin(queue: str, folder: str = "", **given: Any) -> Child:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        child = Child(broker_config, place, vhost=vhost, queue=queue, **given)
        children.append(child)
        return child

    yield begin
    for child in children:
        child.__exit__()


def get(management: ManagementClient, path: str) -> Any:
    """Ask RabbitMQ's management API for `path`, past mqadmin's own client."""
    config = management.config
    return requests.get(config.management_base + path, auth=config.auth(), timeout=10).json()


def queue_facts(management: ManagementClient, vhost: str, queue: str) -> dict[str, Any]:
    """Return all that RabbitMQ tells of one queue."""
    found: dict[str, Any] = get(management, f"/api/queues/{quote(vhost, safe='')}/{quote(queue, safe='')}")
    return found


def close_connections(management: ManagementClient, vhost: str) -> None:
    """Close every connection to `vhost` from the broker's side, once its statistics list one."""

    def listed() -> list[str]:
        return [
            item["name"]
            for item in get(management, "/api/connections")
            if item.get("vhost") == vhost and item.get("name")
        ]

    config = management.config
    for name in wait_until(listed, 15, what="a connection to close"):
        address = f"{config.management_base}/api/connections/{quote(name, safe='')}"
        requests.delete(address, auth=config.auth(), timeout=10)
