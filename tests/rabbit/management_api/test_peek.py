from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import UnsafePeek
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.peek import assess, peek
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from mqadmin.rabbit.types import QueueDetail, QueueInfo


def queue(type: str = "quorum", **more: Any) -> QueueDetail:
    return QueueDetail(QueueInfo("/", "q", type, **more))


@pytest.mark.parametrize(
    ("detail", "version", "allowed", "limit"),
    [
        (queue("classic"), "3.10.8", True, None),
        (queue("classic"), "4.1.0", True, None),
        (queue("stream"), "4.1.0", False, None),
        (queue("classic", exclusive=True), "4.1.0", False, None),
        (queue(state="minority"), "4.1.0", False, None),
        (queue(), "3.13.7", True, None),
        (queue(arguments={"x-delivery-limit": 3}), "3.13.7", False, 3),
        (queue(arguments={"x-delivery-limit": 50}), "3.13.7", True, 50),
        (queue(), "4.0.5", True, 20),
        (
            queue(arguments={"x-delivery-limit": 50}, effective_policy={"delivery-limit": 4}),
            "4.0.5",
            False,
            4,
        ),
        (queue(arguments={"x-delivery-limit": -1}), "4.0.5", True, None),
        (queue(delivery_limit=5, arguments={"x-delivery-limit": 50}), "4.2.5", False, 5),
        (queue(delivery_limit=0), "4.2.5", False, 0),
        (queue(), "4.3.0", True, None),
        (queue(arguments={"x-delivery-limit": 2}), "4.3.0", True, None),
        (queue(effective_policy={"delayed-retry-type": "all"}), "4.3.0", False, None),
        (queue(), "nonsense", False, None),
    ],
)
def test_what_a_peek_would_do(detail: QueueDetail, version: str, allowed: bool, limit: int | None) -> None:
    risk = assess(detail, "RabbitMQ", version)
    assert (risk.allowed, risk.delivery_limit) == (allowed, limit)
    assert bool(risk.reason) is not allowed
    assert bool(risk.warning) is allowed
    assert risk.ackmode == "ack_requeue_true"


def test_the_warning_names_what_changes() -> None:
    risk = assess(queue(consumers=2, arguments={"x-single-active-consumer": True}), "RabbitMQ", "4.0.5")
    assert risk.warning is not None
    for word in ("redelivered", "limit of 20", "consumers", "single active consumer"):
        assert word in risk.warning
    assert "order" in (assess(queue(), "RabbitMQ", "3.10.8").warning or "")


def test_lavinmq_drops_with_the_usual_mode_so_it_gets_another() -> None:
    assert assess(queue("classic"), "LavinMQ", "2.2.0").ackmode == "reject_requeue_true"


@pytest.fixture
def filled(management: ManagementClient, broker_config: BrokerConfig, vhost: str) -> str:
    management.declare_queue(vhost, "q", arguments={"x-queue-type": "quorum", "x-delivery-limit": 12})
    publisher = Publisher(broker_config, vhost)
    assert all(
        receipt.ok for receipt in publisher.publish_batch([Outgoing("", "q", b"1"), Outgoing("", "q", b"2")])
    )
    publisher.close()
    return vhost


@pytest.mark.broker
def test_looking_again_and_again_is_refused_before_it_harms(
    management: ManagementClient, filled: str
) -> None:
    assert {item.message.body for item in peek(management, filled, "q", 5)} == {b"1", b"2"}

    def look_until_refused() -> None:
        for _ in range(30):
            peek(management, filled, "q", 5)

    with pytest.raises(UnsafePeek, match="returned"):
        look_until_refused()
    # Both are still there for their consumers, whose own returns count too.
    left = management.get_messages(filled, "q", 5)
    assert {item.message.body for item in left} == {b"1", b"2"}


@pytest.mark.broker
def test_a_stream_is_not_touched(management: ManagementClient, vhost: str) -> None:
    management.declare_queue(vhost, "s", arguments={"x-queue-type": "stream"})
    with pytest.raises(UnsafePeek, match="stream"):
        peek(management, vhost, "s")


@pytest.mark.broker
def test_a_classic_queue_may_be_looked_at_often(
    management: ManagementClient, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "c")
    publisher = Publisher(broker_config, vhost)
    publisher.publish_batch([Outgoing("", "c", str(index).encode()) for index in range(3)])
    publisher.close()
    for _ in range(30):
        assert [item.message.body for item in peek(management, vhost, "c", 2)] == [b"0", b"1"]
