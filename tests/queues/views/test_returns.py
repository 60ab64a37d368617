"""What RabbitMQ 4.3 says of returned messages and of priorities: on a queue's page, in its verdict, in the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.queues.models import Queue
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.queues.pages import returns
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.types import ConsumerInfo, QueueDetail, QueueInfo
from tests.queues.conftest import Api
from tests.support import amqp
from tests.support.management import Management
from tests.support.waiting import wait_until

DELAYED = {
    "x-queue-type": "quorum",
    "x-delayed-retry-type": "all",
    "x-delayed-retry-min": 60_000,
    "x-delayed-retry-max": 90_000,
}


@pytest.fixture
def delayed(management: Management, broker_config: BrokerConfig, vhost: str) -> Queue:
    """A queue with three messages ready, of two priorities, and two that wait for a delayed retry."""
    major, minor = map(int, management.overview().version.split(".")[:2])
    if (major, minor) < (4, 3):
        pytest.skip("this RabbitMQ has no delayed retry")
    management.declare_queue(vhost, "later", arguments=DELAYED)
    amqp.publish(broker_config, vhost, "later", [b"a", b"b"], priority=7)
    amqp.publish(broker_config, vhost, "later", [b"c", b"d", b"e"])
    with amqp.channel(broker_config, vhost) as channel:
        for _ in range(2):
            method, _properties, _body = channel.basic_get("later")
            channel.basic_nack(method.delivery_tag)
    amqp.publish(broker_config, vhost, "later", [b"f"], priority=2)
    wait_until(lambda: management.queue(vhost, "later").info.delayed == 2, 20, what="the broker counts them")
    Sampler("default", brokers.client("default")).sample()
    return Queue.objects.get(vhost=vhost, name="later")


@pytest.mark.broker
@pytest.mark.django_db
def test_delayed_messages_are_no_emptiness(operator: Client, delayed: Queue) -> None:
    assert {"code": "delayed", "level": "ok", "params": {"count": 2}} in delayed.health_reasons
    page = operator.get(reverse("queue_detail", args=[delayed.pk])).content.decode()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "2 returned messages wait for a delayed retry." in text
    assert " Delayed 2 " in text
    assert "The next delayed message is ready again at " in text
    assert "Ready by priority: 4: 3, 2: 1" in text
    assert "Delayed retry 1 min up to 1 min 30 s for each return" in text
    assert "Delivery limit 20" in text


@pytest.mark.broker
@pytest.mark.django_db
def test_the_api_says_it_too(api: Api, delayed: Queue) -> None:
    found = api.get(f"/queues/{delayed.pk}").json()
    assert (found["ready"], found["delayed"], found["total"]) == (4, 2, 6)
    assert found["by_priority"] == {"4": 3, "2": 1}
    assert (found["delivery_limit"], found["delayed_retry"]) == (20, "all (min: 60000ms, max: 90000ms)")
    assert found["next_retry_at"]


def reader(timeout_ms: int | None) -> ConsumerInfo:
    return ConsumerInfo("/", "q", "t", True, False, 1, True, None, None, None, None, timeout_ms=timeout_ms)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"delayed_retry": "disabled"}, []),
        ({"delayed_retry": "of a kind unknown"}, ["of a kind unknown"]),
        ({"delayed_retry": "failed (min: 5000ms, max: 5000ms)"}, ["5 s for each failed delivery"]),
        (
            {"consumer_details": (reader(1_800_000), reader(3_000), reader(None))},
            ["3 s, 30 min, then the consumer is cancelled"],
        ),
        ({"dying": 3}, ["3"]),
    ],
)
def test_the_settings_in_words(fields: dict[str, Any], expected: list[str]) -> None:
    told = returns.told(QueueDetail(QueueInfo("/", "q", "quorum"), **fields))
    assert [text for _name, text in told] == expected


def test_a_classic_queue_applies_no_timeout() -> None:
    detail = QueueDetail(QueueInfo("/", "q", "classic"), consumer_details=(reader(1_800_000),))
    assert returns.told(detail) == []
