from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import UnsafePeek
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.peek import assess, peek
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from mqadmin.rabbit.types import QueueDetail, QueueInfo
from tests.support import amqp
from tests.support.returns import bodies
from tests.support.waiting import wait_until


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
        (queue(state=None, members=("a", "b", "c"), online=("c",)), "3.10.8", False, None),
        (queue(members=("a", "b", "c"), online=("a", "b")), "3.10.8", True, None),
        (queue(arguments={"x-single-active-consumer": True}), "3.13.7", False, None),
        (queue(arguments={"x-single-active-consumer": True}), "4.3.0", False, None),
        (queue(arguments={"x-max-length": 9, "x-overflow": "reject-publish"}), "4.0.5", False, 20),
        (queue(arguments={"x-max-length": 9, "x-overflow": "reject-publish"}), "3.13.7", True, None),
        (queue(arguments={"x-max-length": 9}), "4.0.5", True, 20),
        (queue(arguments={"x-overflow": "reject-publish"}), "4.0.5", True, 20),
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
        (queue(effective_policy={"delayed-retry-type": "returned"}), "4.3.0", False, None),
        (queue(effective_policy={"delayed-retry-type": "failed"}), "4.3.0", True, None),
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
    risk = assess(queue(consumers=2), "RabbitMQ", "4.0.5")
    assert risk.warning is not None
    for word in ("redelivered", "limit of 20", "19 times or more", "copy", "killed", "consumers"):
        assert word in risk.warning
    single = assess(queue("classic", arguments={"x-single-active-consumer": True}), "RabbitMQ", "4.0.5")
    assert "single active consumer" in (single.warning or "")
    assert "order" in (assess(queue(), "RabbitMQ", "3.10.8").warning or "")


def test_lavinmq_drops_with_the_usual_mode_so_it_gets_another() -> None:
    assert assess(queue("classic"), "LavinMQ", "2.2.0").ackmode == "reject_requeue_true"


def test_policies_count_as_they_are_now() -> None:
    detail = queue(effective_policy={"delivery-limit": 50})
    assert assess(detail, "RabbitMQ", "3.10.8", [{"delivery-limit": 3}]).reason
    assert assess(detail, "RabbitMQ", "3.10.8", [{"delivery-limit": 30}]).delivery_limit == 30
    full = [{"max-length": 5}, {"overflow": "reject-publish"}]
    assert "full" in (assess(detail, "RabbitMQ", "3.10.8", full).reason or "")
    assert "hide" in (assess(queue(), "RabbitMQ", "4.3.0", [{"delayed-retry-type": "all"}]).reason or "")


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


@pytest.mark.broker
def test_without_a_limit_that_counts_they_may_be_looked_at_for_ever(
    management: ManagementClient, broker_config: BrokerConfig, vhost: str
) -> None:
    """3.10 has no limit unless one is set, 4.0 to 4.2 none where it is negative; from 4.3 a nack does not count."""
    is_3 = management.overview().version < "4"
    arguments: dict[str, Any] = {"x-queue-type": "quorum"} | ({} if is_3 else {"x-delivery-limit": -1})
    management.declare_queue(vhost, "q", arguments=arguments)
    amqp.publish(broker_config, vhost, "q", [b"1", b"2", b"3"])
    for _ in range(25):
        wait_until(lambda: amqp.depth(broker_config, vhost, "q") == 3)
        found = [(item.message.body, item.put_back) for item in peek(management, vhost, "q", 2)]
        assert found == [(b"1", "returned"), (b"2", "returned")]  # in their places again
    assert bodies(broker_config, vhost, "q", 3) == [b"1", b"2", b"3"]
