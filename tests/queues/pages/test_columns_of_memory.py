"""Capacity and memory, as the console tells them: as columns, for sorting, searching and in files."""

from __future__ import annotations

import csv
import io
from typing import Any

import pika
import pytest
from django.test import Client

from mqadmin.core.pages.formats import size
from mqadmin.queues.models import Broker
from mqadmin.queues.pages import columns
from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.queues.conftest import make_queue
from tests.queues.pages.test_versions import bdi
from tests.support.pages import html
from tests.support.waiting import wait_until

NEW = ("capacity", "ram", "persistent", "bytes_ram", "bytes_persistent")


def test_they_are_chosen_sorted_by_searched_and_written(viewer: Client, broker: Broker) -> None:
    values: dict[str, Any] = {
        "capacity": 0.5, "ram": 12, "persistent": 7, "bytes_ram": 3_000, "bytes_persistent": 9_000_000
    }  # fmt: skip
    make_queue(broker, "known", **values)
    make_queue(broker, "unknown")
    viewer.cookies[columns.QUEUES.cookie] = ".".join(NEW)
    text = html(viewer.get("/queues/"))
    for shown in ("50 %", ">12<", ">7<", size(3_000), size(9_000_000)):
        assert shown in text, shown
    for name in NEW:
        listed = bdi(html(viewer.get("/queues/", {"sort": f"-{name}"})))
        assert listed.index(">known<") < listed.index(">unknown<")  # what is not known is last
    for term in ("capacity<0.6", "ram>10", "persistent:7"):
        found = bdi(html(viewer.get("/queues/", {"q": term})))
        assert (">known<" in found, ">unknown<" in found) == (True, False), term
    answer = viewer.get("/queues/export.csv", {"sort": "name"})
    known, unknown = csv.DictReader(io.StringIO(b"".join(answer).decode()))  # type: ignore[call-overload]
    assert [known[name] for name in NEW] == [str(values[name]) for name in NEW]
    assert [unknown[name] for name in NEW] == [""] * 5


@pytest.mark.broker
def test_the_broker_is_asked_for_them(broker_config: BrokerConfig, vhost: str) -> None:
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("orders", durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", "orders", b"12345", pika.BasicProperties(delivery_mode=2))
        client = ManagementClient(broker_config)

        def seen() -> Any:
            found = next(iter(client.queues(vhost)), None)
            return found if found is not None and found.persistent == 1 else None

        found = wait_until(seen, what="the message that is persistent")
    assert found.bytes_persistent == 5
    assert found.ram is not None
    assert found.bytes_ram is not None
