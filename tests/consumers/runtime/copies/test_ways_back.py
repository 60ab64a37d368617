"""What RabbitMQ does with a copy on its way back, whatever the message went through before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.consumers.runtime.conftest import DLX, close_connections
from tests.support import amqp
from tests.support.waiting import patient, wait_until
from tests.support.wire import Raw, connect, properties
from tests.support.wire_values import EVERYWHERE

pytestmark = [pytest.mark.broker, pytest.mark.processes]


def death(queue: str, reason: str) -> dict[str, Any]:
    """Return what RabbitMQ notes of one death."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return {"queue": queue, "reason": reason, "exchange": "", "routing-keys": [queue], "count": 1, "time": at}


@pytest.mark.parametrize(
    "deaths",
    [
        [death("work", "expired")],
        [death("work", "maxlen")],
        [death("wait", "expired"), death("work", "delivery_limit")],
        [death("wait", "expired"), death("work", "rejected")],
        [death("work", "expired"), death("other", "rejected")],
    ],
    ids=["expired", "no room", "returned too often", "rejected", "rejected elsewhere"],
)
def test_a_retry_comes_back_to_a_queue_in_which_the_message_had_died_before(
    deaths: list[dict[str, Any]], start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    """Moved back with its `x-death`, it would never come: RabbitMQ takes that for a circle."""
    amqp.publish(broker_config, vhost, queue, [b"fail"], headers={"x-death": deaths})
    child = start(queue, retry={"attempts": 2, "first_delay": 0.1}, **DLX)
    records = child.wait_records(3)
    assert [record["outcome"] for record in records] == ["retried", "retried", "dead_lettered"]
    [letter] = amqp.drain(broker_config, vhost, "dead", expect=1)
    noted = [*letter.headers["x-death"], *letter.headers.get("mqadmin-original-x-death", [])]
    assert [found for found in noted if not found["queue"].startswith("mqadmin.delay.")] == deaths
    assert child.stop() == 0


def test_retries_and_the_dead_letter_have_every_header_in_the_type_it_came_in(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    sent = Raw(properties(headers=EVERYWHERE), b"fail")
    with connect(broker_config, vhost) as wire:
        wire.publish("", queue, sent)
        child = start(queue, retry={"attempts": 2, "first_delay": 0.1}, **DLX)
        records = child.wait_records(3)
        assert [record["outcome"] for record in records] == ["retried", "retried", "dead_lettered"]
        letter = wait_until(lambda: wire.get("dead"), what="the dead letter")
    assert letter is not None
    assert letter.meaning()["headers"].items() >= sent.meaning()["headers"].items()
    assert child.stop() == 0


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_resumed_while_something_is_in_hand_it_keeps_its_connection(
    kind: str, start: Any, broker_config: BrokerConfig, vhost: str
) -> None:
    """RabbitMQ 3.10 ends it where a consumer comes back under its name while a quorum queue waits for its acks."""
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("work", durable=True, arguments={"x-queue-type": kind})
    child = start("work")
    child.wait_state("running")
    amqp.publish(broker_config, vhost, "work", [b"sleep:3", *[b"ok"] * 5])
    wait_until(lambda: amqp.depth(broker_config, vhost, "work") == 0, 10, what="all in hand")
    for times in (1, 2):
        child.wish("paused")
        child.wait_state("paused", times)
        child.wish("running")
        child.wait_state("running", times + 1)
    records = child.wait_records(6)
    assert child.gauges()["connections"] == 1
    assert child.stop() == 0
    assert sorted(record["id"] for record in records) == [f"m{number}" for number in range(6)]
    assert amqp.depth(broker_config, vhost, "work") == 0


def test_a_stop_waits_for_its_handlers_also_where_their_connection_is_gone(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str, management: ManagementClient
) -> None:
    """What they do is done, and recorded; only the ack comes too late."""
    amqp.publish(broker_config, vhost, queue, [b"sleep:8"])
    child = start(queue)
    wait_until(lambda: amqp.depth(broker_config, vhost, queue) == 0, 10, what="in hand")
    close_connections(management, vhost)
    child.wait_event("disconnected")
    assert child.records() == []
    assert child.stop(timeout=patient(30)) == 0
    assert [record["outcome"] for record in child.records()] == ["acked"]
    wait_until(lambda: amqp.depth(broker_config, vhost, queue) == 1, 10, what="the message back")
