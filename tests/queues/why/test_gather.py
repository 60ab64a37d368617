"""Why a queue is stuck, of a real one: its consumer is full and acks nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pika
import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.local.node import Node
from mqadmin.queues.models import Broker
from mqadmin.queues.why import gather
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import HOSTILE, Api, make_queue
from tests.support import amqp
from tests.support.management import Management
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _own_brokers(_broker: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(gather, "FRESH_S", 0)
    brokers.forget()
    yield
    brokers.forget()


def test_a_consumer_that_is_full(
    api: Api,
    viewer: Client,
    broker: Broker,
    management: Management,
    broker_config: BrokerConfig,
    vhost: str,
) -> None:
    name = f"q {HOSTILE}"
    management.declare_queue(vhost, name)
    management.declare_exchange(vhost, HOSTILE, type="fanout")
    management.bind(vhost, HOSTILE, name, HOSTILE)
    queue = make_queue(broker, name, vhost)
    sent = int(time.time()) - 600
    with amqp.channel(broker_config, vhost) as channel:
        channel.basic_qos(prefetch_count=2)
        channel.basic_consume(name, lambda *_message: None, consumer_tag=HOSTILE)
        for _number in range(5):
            channel.basic_publish("", name, b"x", pika.BasicProperties(timestamp=sent))

        def found() -> dict[str, Any] | None:
            channel.connection.process_data_events(0)
            answer = api.get(f"/queues/{queue.pk}/why").json()
            bad = {step["code"]: step["text"] for step in answer["steps"] if step["ok"] is False}
            # RabbitMQ collects the timestamp of the head apart from the counts, on a timer of its own: the two
            # drift apart while a broker runs (tried: 0 s after 40 min, 0.5 s after 4 h; 5 s at the most).
            head = api.get(f"/queues/{queue.pk}").json()["head_at"]
            is_full = "holds 2 unacked" in bad.get("delivered", "") and "acked" in bad
            return answer if is_full and head is not None else None

        answer = wait_until(found, 30, what="the consumer is full")
        assert (answer["stuck"], answer["seen"]) == (True, "live")
        page = html(viewer.get(reverse("queue_detail", args=[queue.pk])))
    assert "Its consumer is full" in page
    assert "By its publisher" in page
    assert HOSTILE not in page


def test_members_of_a_quorum_queue(management: Management, vhost: str, broker_config: BrokerConfig) -> None:
    management.declare_queue(vhost, "q", arguments={"x-queue-type": "quorum"})
    amqp.publish(broker_config, vhost, "q", [b"x"])
    found = management.replicas(vhost, "q")
    if management.overview().version.startswith("3."):
        assert found == []
    else:
        assert [(member.role, member.behind) for member in found] == [("leader", 0)]


def test_what_the_broker_does_not_tell_is_not_known(api: Api, broker: Broker, vhost: str) -> None:
    queue = make_queue(broker, "gone", vhost)
    answer = api.get(f"/queues/{queue.pk}/why").json()
    assert (answer["seen"], answer["stuck"], len(answer["steps"])) == ("gone", True, 1)


def test_the_way_through_exchanges_and_who_publishes(
    viewer: Client, restartable_broker: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who publishes where is kept by a broker that was told to (`rates_mode`)."""
    node = restartable_broker
    monkeypatch.setenv("RABBITMQ_URL", node.amqp_url)
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", node.management_url)
    brokers.forget()
    management = brokers.client("default")
    management.declare_exchange("/", HOSTILE, type="topic")
    for name in ("inner", "outer/%2F"):
        management.declare_exchange("/", name, type="topic")
    management.declare_queue("/", "behind")
    management.bind("/", "inner", "behind", "#")
    management.bind("/", "outer/%2F", "inner", HOSTILE, destination_type="exchange")
    management.declare_exchange("/", "front", type="direct", arguments={"alternate-exchange": "inner"})
    management.bind("/", "inner", "outer/%2F", "back", destination_type="exchange")
    queue = make_queue(Broker.objects.create(slug="default", reachable=True), "behind", "/")
    parameters = pika.URLParameters(node.amqp_url)
    parameters.client_properties = {"connection_name": f"shop {HOSTILE}"}
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()

        def publishes() -> str | None:
            channel.basic_publish("outer/%2F", HOSTILE, b"x")
            connection.process_data_events(0)
            text = html(viewer.get(reverse("queue_detail", args=[queue.pk])))
            # The statistics of its connection, which has the name, may come seconds later.
            return text if ">→ outer/%2F<" in text and "<b>shop " in text else None

        text = wait_until(publishes, 30, what="the broker to tell who publishes")
    finally:
        connection.close()
    assert "Passed on by" in text
    assert "back → outer/%2F" in text
    assert "unroutable → inner" in text
    assert "rates_mode" not in text
