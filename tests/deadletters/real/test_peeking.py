"""A quorum dead-letter queue that gives messages up after 20 returns, looked at a hundred times: none is lost."""

from __future__ import annotations

from typing import Any

import pika
import pytest

from consumers.models import Consumer
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.peek import peek
from tests.support import amqp
from tests.support.length import FULL
from tests.support.processes import manage
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]

LIMIT, LETTERS = 20, 5
LOOKS = 5 * LIMIT if FULL else LIMIT + LIMIT // 2


@pytest.fixture
def queue(management: ManagementClient, broker_config: BrokerConfig, vhost: str) -> str:
    """A quorum queue with a delivery limit of 20 and nowhere to put what is over it, and letters in it."""
    management.declare_queue(vhost, "dead", arguments={"x-queue-type": "quorum", "x-delivery-limit": LIMIT})
    amqp.publish(broker_config, vhost, "dead", [b"%d" % number for number in range(LETTERS)])
    return "dead"


def look(management: ManagementClient, vhost: str, queue: str, times: int) -> set[str]:
    """Look so often; return in which ways messages were put back."""
    return {item.put_back for _ in range(times) for item in peek(management, vhost, queue, 10)}


def still_there(config: BrokerConfig, vhost: str, queue: str) -> list[bytes]:
    wait_until(lambda: amqp.depth(config, vhost, queue) == LETTERS, what="all back in the queue")
    return sorted(found.body for found in amqp.drain(config, vhost, queue, expect=LETTERS))


def test_peeked_at(management: ManagementClient, broker_config: BrokerConfig, vhost: str, queue: str) -> None:
    assert "returned" in look(management, vhost, queue, LOOKS)
    assert still_there(broker_config, vhost, queue) == [b"%d" % number for number in range(LETTERS)]


@pytest.mark.parametrize("near", [1, LETTERS - 1])
def test_peeked_at_when_one_that_is_near_the_limit_is_not_the_first(
    near: int, management: ManagementClient, broker_config: BrokerConfig, vhost: str, queue: str
) -> None:
    parameters = broker_config.connection_parameters(vhost)
    for _ in range(14):
        with_one_back(parameters, queue, near)
    look(management, vhost, queue, LOOKS)
    assert still_there(broker_config, vhost, queue) == [b"%d" % number for number in range(LETTERS)]


def with_one_back(parameters: Any, queue: str, near: int) -> None:
    """Return one of them and publish the others anew, as a consumer does that fails on this one alone."""
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    taken: list[Any] = []

    def take() -> bool:  # a quorum queue has them back a moment after their channel was closed
        found = channel.basic_get(queue)
        taken.extend([found] if found[0] else [])
        return len(taken) == LETTERS

    wait_until(take, what="all letters")
    for method, properties, body in taken:
        if body == b"%d" % near:
            channel.basic_nack(method.delivery_tag or 0, requeue=True)
        else:
            channel.basic_publish("", queue, body or b"", properties)
            channel.basic_ack(method.delivery_tag or 0)
    connection.close()


@pytest.mark.processes
def test_tracked_on_and_off(
    management: ManagementClient,
    broker_config: BrokerConfig,
    vhost: str,
    queue: str,
    process_environ: dict[str, str],
) -> None:
    """Looked at ever so often, the letters are still captured; a collector paused and resumed takes all."""
    look(management, vhost, queue, LOOKS)
    collector = Consumer.objects.create(
        name="collect",
        broker="default",
        vhost=vhost,
        queue=queue,
        handler="collect",
        is_collector=True,
        desired="running",
        prefetch=2,
        exclusive=True,
    )
    for times in range(3):
        with manage(process_environ, "run_consumer", collector.name):
            count = LETTERS * (times + 1)
            wait_until(lambda count=count: DeadLetter.objects.count() >= count, 30, what=f"{count} letters")
        assert DeadLetter.objects.count() == count
        amqp.publish(broker_config, vhost, queue, [b"%d" % number for number in range(LETTERS)])
