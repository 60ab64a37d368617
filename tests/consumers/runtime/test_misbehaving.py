"""Handlers that misbehave, and queues that are not what they should be: no message is lost or stuck for it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from mqadmin.rabbit.config import BrokerConfig
from tests.consumers.runtime.conftest import DLX
from tests.support import amqp
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.processes]

LONGEST = "mqadmin.delay.4200000000"


@pytest.mark.parametrize(
    ("body", "error_type"),
    [
        ("timedelta", "TypeError"),
        ("nan", "ValueError"),
        ("set later", "Retry"),
        ("bare", "BareRetry"),
        ("wordless", "Reject"),
    ],
)
def test_what_a_handler_raises_wrongly_fails_its_message_only(
    body: str, error_type: str, start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [body.encode(), b"ok"])
    child = start(queue, handler="misbehaving", **DLX)
    records = child.wait_records(2)
    found = {record["id"]: (record["outcome"], record["error_type"]) for record in records}
    assert found == {"m0": ("dead_lettered", error_type), "m1": ("acked", "")}
    assert len(amqp.drain(broker_config, vhost, "dead", expect=1)) == 1
    assert child.stop() == 0


@pytest.mark.parametrize("body", ["forever", "centuries"])
def test_a_delay_is_as_long_as_rabbitmq_can_wait(
    body: str, start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [body.encode(), b"ok"])
    child = start(queue, handler="misbehaving", **DLX)
    records = child.wait_records(2)
    assert {record["id"]: record["outcome"] for record in records} == {"m0": "retried", "m1": "acked"}
    assert amqp.depth(broker_config, vhost, LONGEST) == 1
    assert child.stop() == 0


def test_what_cannot_be_logged_is_no_failure(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"unloggable"])
    [record] = start(queue, handler="misbehaving", **DLX).wait_records(1)
    assert record["outcome"] == "acked"
    assert ["cannot be formatted" in line[2] for line in record["log"]] == [True, True]


@pytest.mark.parametrize("attempts", [0, 1])
def test_a_copy_is_of_the_message_as_it_came_whatever_its_handler_did_to_it(
    attempts: int, start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    headers = {"mine": "as it came", "list": [1], "table": {"deep": 2}}
    amqp.publish(broker_config, vhost, queue, [b"rewrite"], headers=headers)
    child = start(queue, handler="misbehaving", retry={"attempts": attempts, "first_delay": 0.1}, **DLX)
    child.wait_records(1 + attempts)
    [letter] = amqp.drain(broker_config, vhost, "dead", expect=1)
    assert {name: letter.headers[name] for name in headers} == headers
    assert "added" not in letter.headers
    assert letter.body == b"rewrite"
    assert child.stop() == 0


def test_a_thread_that_cannot_go_on_ends_the_process(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    """It would keep what it has in hand for ever, in a process that says it runs."""
    amqp.publish(broker_config, vhost, queue, [b"ok"], headers={"mqadmin-requeue-id": "1"})
    child = start(queue, claims_broken=True)
    assert child.process.wait(patient(15)) == 1
    assert child.records() == []
    wait_until(lambda: amqp.depth(broker_config, vhost, queue) == 1, 10, what="the message back in its queue")


def test_a_delay_queue_that_is_gone_is_declared_again(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    """Its exchange is still there, so RabbitMQ closes nothing: it returns what it cannot route."""
    child = start(queue, retry={"attempts": 1, "first_delay": 0.1}, **DLX)
    amqp.publish(broker_config, vhost, queue, [b"fail"])
    child.wait_records(2)
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_delete("mqadmin.delay.100")
    amqp.publish(broker_config, vhost, queue, [b"fail"])
    records = child.wait_records(4)
    assert [record["outcome"] for record in records[2:]] == ["retried", "dead_lettered"]
    assert child.stop() == 0


def test_a_parking_queue_that_is_gone_is_declared_again(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    child = start(queue)
    amqp.publish(broker_config, vhost, queue, [b"fail"])
    child.wait_records(1)
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_delete("mqadmin.parking")
    amqp.publish(broker_config, vhost, queue, [b"fail"])
    child.wait_records(2)
    assert len(amqp.drain(broker_config, vhost, "mqadmin.parking", expect=1)) == 1


def test_a_parking_queue_of_another_making_is_used_as_it_is(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    """RabbitMQ refuses to declare it as a quorum queue, and closes the channel over it each time."""
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("mqadmin.parking", durable=True)
    amqp.publish(broker_config, vhost, queue, [b"fail", b"fail", b"ok"])
    child = start(queue)
    records = child.wait_records(3)
    assert sorted(record["outcome"] for record in records) == ["acked", "dead_lettered", "dead_lettered"]
    parked = amqp.drain(broker_config, vhost, "mqadmin.parking", expect=2)
    assert {letter.properties.message_id for letter in parked} == {"m0", "m1"}
    assert child.stop() == 0


def test_a_delay_queue_of_another_making_is_not_published_to(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    """Nothing would bring back what waits there. It is said, and once the queue is gone the retry is made."""
    with amqp.channel(broker_config, vhost) as channel:
        channel.exchange_declare("mqadmin.delay.100", "fanout", durable=True)
        channel.queue_declare("mqadmin.delay.100", durable=True)
        channel.queue_bind("mqadmin.delay.100", "mqadmin.delay.100")
    amqp.publish(broker_config, vhost, queue, [b"fail", b"ok"])
    child = start(queue, retry={"attempts": 1, "first_delay": 0.1}, **DLX)
    child.wait_event("copy_refused")
    assert [record["outcome"] for record in child.wait_records(1)] == ["acked"]
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_delete("mqadmin.delay.100")
    child.wait_records(3, timeout=60)
    assert len(amqp.drain(broker_config, vhost, "dead", expect=1)) == 1
    assert child.stop() == 0


def test_a_target_that_leads_straight_back_is_none(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    """Through the default exchange under its own key a message would be handled again at once, for ever."""
    amqp.publish(broker_config, vhost, queue, [b"fail"])
    child = start(queue, dead_letter=["", None])
    child.wait_records(1)
    [parked] = amqp.drain(broker_config, vhost, "mqadmin.parking", expect=1)
    assert parked.properties.message_id == "m0"
    assert child.stop() == 0
    assert len(child.records()) == 1


def test_a_pause_loses_nothing_that_was_acked_when_it_was_delivered(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    """What arrives between the cancel and its answer, too."""
    child = start(queue, spec={"auto_ack": True})
    child.wait_state("running")
    expected = [f"{number}" for number in range(6_000)]

    def send() -> None:
        with amqp.channel(broker_config, vhost) as channel:
            for name in expected:
                channel.basic_publish("", queue, b"ok", amqp.pika.BasicProperties(message_id=name))

    sender = threading.Thread(target=send)
    sender.start()
    for times in range(1, 13):
        child.wish("paused")
        child.wait_state("paused", times)
        child.wish("running")
        child.wait_state("running", times + 1)
    sender.join()
    wait_until(lambda: amqp.depth(broker_config, vhost, queue) == 0, 20, what="all delivered")
    child.wish("paused")
    child.wait_state("paused", 13)
    assert child.stop() == 0, "everything in hand is handled first"
    assert sorted(record["id"] for record in child.records()) == sorted(expected)


def test_a_stop_right_after_a_pause_is_no_slower(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    child = start(queue, spec={"stop_seconds": 120})
    child.wait_state("running")
    child.wish("paused\nstopped")
    assert child.process.wait(patient(20)) == 0


def test_resumed_in_the_instant_of_its_connection_it_consumes_on_one_channel(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"ok"] * 20)
    child = start(queue, resume_when_connected=True)
    child.wait_records(20)
    assert child.stop() == 0
    assert amqp.depth(broker_config, vhost, queue) == 0


def test_a_copy_of_the_process_does_not_handle_what_the_original_has_in_hand(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str, tmp_path: Path
) -> None:
    """A handler that forks, and whose other half returns."""
    notes = tmp_path / "notes"
    ids = amqp.publish(broker_config, vhost, queue, [b"fork", *[f"note:{notes}".encode()] * 8])
    child = start(queue, handler="misbehaving", spec={"prefetch": 20})
    child.wait_records(9)
    family = psutil.Process(child.process.pid)
    wait_until(
        lambda: not [one for one in family.children() if one.status() != "zombie"], 15, what="one half"
    )
    assert sorted(notes.read_text().split()) == sorted(ids[1:])
    assert child.stop() == 0


def test_a_dead_letter_exchange_that_is_there_again_is_used_again(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    child = start(queue, **DLX)
    child.wait_state("running")
    with amqp.channel(broker_config, vhost) as channel:
        channel.exchange_delete("dlx")
    amqp.publish(broker_config, vhost, queue, [b"fail"])
    child.wait_event("parked")
    child.wait_records(1)
    with amqp.channel(broker_config, vhost) as channel:
        channel.exchange_declare("dlx", "topic", durable=True)
        channel.queue_bind("dead", "dlx", "#")

    def is_used() -> bool:
        amqp.publish(broker_config, vhost, queue, [b"fail"])
        return amqp.depth(broker_config, vhost, "dead") > 0

    wait_until(is_used, 40, what="a dead letter")
    assert child.gauges()["connections"] == 1
    assert child.stop() == 0
