"""The runtime against a real broker, in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from consumers.runtime.process import RECYCLED
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.consumers.runtime.conftest import DLX, close_connections
from tests.support import amqp
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.processes]


def test_every_message_is_recorded_and_acked(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    ids = amqp.publish(broker_config, vhost, queue, [b"ok"] * 300)
    child = start(queue, spec={"prefetch": 50, "concurrency": 3})
    records = child.wait_records(300)
    assert sorted(r["id"] for r in records) == sorted(ids)
    assert {r["outcome"] for r in records} == {"acked"}
    assert max(r["group"] for r in records) > 1, "outcomes are committed in groups"
    assert child.stop() == 0
    assert amqp.depth(broker_config, vhost, queue) == 0, "all of them were acked"


def test_a_failure_leaves_as_a_confirmed_copy_with_the_error(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    with amqp.channel(broker_config, vhost) as ch:
        ch.basic_publish(
            "in", "order.created", b"fail", amqp.pika.BasicProperties(message_id="m0", headers={"a": 1.5})
        )
    child = start(queue, **DLX)
    [record] = child.wait_records(1)
    assert record["outcome"] == "dead_lettered"
    assert record["error"] == "no luck with m0"
    assert "by_body" in record["traceback"]
    [letter] = amqp.drain(broker_config, vhost, "dead", expect=1)
    assert letter.body == b"fail"
    assert letter.routing_key == "order.created"
    assert letter.headers["a"] == 1.5
    assert letter.headers["mqadmin-death-queue"] == "work"
    assert letter.headers["mqadmin-error-type"] == "RuntimeError"
    assert letter.headers["mqadmin-error-message"] == "no luck with m0"
    assert "by_body" in letter.headers["mqadmin-error-trace"]
    assert letter.headers["mqadmin-origin-exchange"] == "in"
    child.stop()
    assert amqp.depth(broker_config, vhost, queue) == 0


@pytest.mark.parametrize("target", [None, ["no-such-exchange", None], ["in-nowhere", "k"]])
def test_a_failure_without_a_usable_target_is_parked(
    target: list[str | None] | None, start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    with amqp.channel(broker_config, vhost) as ch:
        ch.exchange_declare("in-nowhere", "direct", durable=True)
    amqp.publish(broker_config, vhost, queue, [b"fail", b"fail", b"ok"])
    child = start(queue, dead_letter=target)
    records = child.wait_records(3)
    assert sorted(r["outcome"] for r in records) == ["acked", "dead_lettered", "dead_lettered"]
    parked = amqp.drain(broker_config, vhost, "mqadmin.parking", expect=2)
    assert {letter.properties.message_id for letter in parked} == {"m0", "m1"}
    child.stop()
    assert amqp.depth(broker_config, vhost, queue) == 0


def test_copies_that_differ_only_in_their_headers_are_told_apart(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    """A headers exchange takes every other copy: none that it returned counts as confirmed."""
    with amqp.channel(broker_config, vhost) as ch:
        ch.exchange_declare("sorted", "headers", durable=True)
        # It confirms later than an exchange returns.
        ch.queue_declare("slow", durable=True, arguments={"x-queue-type": "quorum"})
        ch.queue_bind("slow", "sorted", arguments={"x-match": "all", "wanted": True})
        for number in range(200):
            properties = amqp.pika.BasicProperties(
                message_id=f"m{number}", headers={"wanted": number % 2 == 0}, delivery_mode=2
            )
            ch.basic_publish("in", "same", b"fail", properties)
    child = start(queue, dead_letter=["sorted", "same"], spec={"prefetch": 200, "concurrency": 4})
    child.wait_records(200)
    taken = amqp.drain(broker_config, vhost, "slow", expect=100)
    parked = amqp.drain(broker_config, vhost, "mqadmin.parking", expect=100)
    assert sorted(letter.properties.message_id for letter in taken) == sorted(
        f"m{n}" for n in range(0, 200, 2)
    )
    assert {letter.properties.message_id for letter in parked} == {f"m{n}" for n in range(1, 200, 2)}
    child.stop()
    assert amqp.depth(broker_config, vhost, queue) == 0


def test_a_reject_says_why(start: Any, queue: str, broker_config: BrokerConfig, vhost: str) -> None:
    amqp.publish(broker_config, vhost, queue, [b"reject:no such customer"])
    start(queue, **DLX).wait_records(1)
    [letter] = amqp.drain(broker_config, vhost, "dead", expect=1)
    assert letter.headers["mqadmin-death-reason"] == "no such customer"


def test_reject_on_failure_leaves_dead_lettering_to_the_broker(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"ok", b"fail", b"ok"])
    start(queue, spec={"reject_on_failure": True, "concurrency": 2}).wait_records(3)
    [letter] = amqp.drain(broker_config, vhost, "dead", expect=1)
    assert letter.properties.message_id == "m1"
    assert letter.headers["x-death"][0]["reason"] == "rejected"


def test_retries_come_back_through_delay_queues_with_their_origin(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    with amqp.channel(broker_config, vhost) as ch:
        ch.basic_publish("in", "order.paid", b"fail", amqp.pika.BasicProperties(message_id="m0"))
    child = start(queue, retry={"attempts": 2, "first_delay": 0.1, "factor": 3}, **DLX)
    records = child.wait_records(3)
    assert [(r["attempt"], r["outcome"]) for r in records] == [
        (1, "retried"),
        (2, "retried"),
        (3, "dead_lettered"),
    ]
    assert {(r["exchange"], r["routing_key"]) for r in records} == {("in", "order.paid")}
    [letter] = amqp.drain(broker_config, vhost, "dead", expect=1)
    assert letter.routing_key == "order.paid"
    assert letter.headers["mqadmin-attempt"] == 3


def test_a_delay_exchange_that_is_gone_is_declared_again(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str, management: ManagementClient
) -> None:
    """Held for missing until the next connection, it would keep what is to wait there in hand."""
    child = start(queue, retry={"attempts": 1, "first_delay": 0.1}, **DLX)
    amqp.publish(broker_config, vhost, queue, [b"fail"])
    child.wait_records(2)
    delays = [item.name for item in management.queues(vhost) if item.name.startswith("mqadmin.delay.")]
    assert delays
    with amqp.channel(broker_config, vhost) as channel:
        for name in delays:
            channel.exchange_delete(name)
    amqp.publish(broker_config, vhost, queue, [b"fail"])
    records = child.wait_records(4)
    assert [record["outcome"] for record in records[2:]] == ["retried", "dead_lettered"]
    assert child.stop() == 0


def test_a_handler_past_its_deadline_is_interrupted_and_its_thread_goes_on(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"spin:60", b"ok"])
    child = start(queue, spec={"timeout": 0.3}, **DLX)
    late, after = sorted(child.wait_records(2), key=lambda record: str(record["id"]))
    assert (late["id"], late["outcome"], late["error"]) == ("m0", "timed_out", "not handled within 0.3 s")
    assert "by_body" in late["traceback"]
    assert "Stack at the deadline" in late["traceback"]
    assert (after["id"], after["outcome"]) == ("m1", "acked")
    [letter] = amqp.drain(broker_config, vhost, "dead", expect=1)
    assert letter.headers["mqadmin-error-type"] == "TimeoutError"
    assert child.stop() == 0
    assert amqp.depth(broker_config, vhost, queue) == 0


def test_a_thread_that_cannot_be_interrupted_is_given_up_and_the_process_ends_to_start_anew(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"sleep:120", *[b"ok"] * 20])
    child = start(queue, spec={"timeout": 0.3, "concurrency": 2}, **DLX)
    assert child.process.wait(patient(20)) == RECYCLED
    child.wait_event("recycled")
    outcomes = {r["id"]: r["outcome"] for r in child.records()}
    assert outcomes["m0"] == "timed_out"
    assert list(outcomes.values()).count("acked") == 20, "the other thread did not wait for it"
    assert amqp.depth(broker_config, vhost, queue) == 0


def test_a_deadline_follows_the_retry_policy(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"spin:60"])
    retry = {"attempts": 1, "first_delay": 0.1}
    records = start(queue, spec={"timeout": 0.2}, retry=retry, **DLX).wait_records(2)
    assert [(r["attempt"], r["outcome"]) for r in records] == [(1, "timed_out"), (2, "timed_out")]
    assert len(amqp.drain(broker_config, vhost, "dead", expect=1)) == 1


def test_a_handler_that_exits_fails_its_message_only(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"exit", b"ok"])
    records = start(queue, **DLX).wait_records(2)
    assert {(r["id"], r["outcome"]) for r in records} == {("m0", "dead_lettered"), ("m1", "acked")}


def test_log_lines_stay_with_their_message(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [f"log:line {n}".encode() for n in range(40)])
    child = start(queue, spec={"concurrency": 4, "prefetch": 20})
    for record in child.wait_records(40):
        [[_offset, level, text]] = record["log"]
        assert (level, text) == ("WARNING", f"line {record['id'][1:]}")


def test_stop_finishes_what_is_begun_and_gives_the_rest_back(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"ok", *[b"sleep:0.8"] * 9])
    child = start(queue, spec={"prefetch": 10, "concurrency": 2})
    child.wait_records(1)
    assert child.stop() == 0
    handled = len(child.records())
    assert 1 < handled <= 5, "what was begun is finished, what was not is not"
    assert amqp.depth(broker_config, vhost, queue) == 10 - handled


def test_pause_keeps_the_process_and_resume_goes_on(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    child = start(queue)
    child.wait_state("running")
    child.wish("paused")
    child.wait_state("paused")
    amqp.publish(broker_config, vhost, queue, [b"ok"])
    assert amqp.depth(broker_config, vhost, queue) == 1
    child.wish("running")
    child.wait_records(1)
    assert child.stop() == 0


def test_the_highest_priority_in_hand_runs_first(start: Any, broker_config: BrokerConfig, vhost: str) -> None:
    with amqp.channel(broker_config, vhost) as ch:
        ch.queue_declare("work", durable=True, arguments={"x-max-priority": 10})
        for number, priority in enumerate([1, 9, 5, 9, 0]):
            fields = amqp.pika.BasicProperties(message_id=f"m{number}", priority=priority, delivery_mode=2)
            ch.basic_publish("", "work", b"sleep:0.05", fields)
    records = start("work", spec={"by_priority": True, "prefetch": 10}).wait_records(5)
    # The first to arrive is begun at once, whatever comes after it; the broker sends the highest first.
    assert [r["id"] for r in records] == ["m1", "m3", "m2", "m0", "m4"]


def test_a_deleted_queue_is_waited_for(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    child = start(queue)
    child.wait_state("running")
    with amqp.channel(broker_config, vhost) as ch:
        ch.queue_delete(queue)
    child.wait_event("unsubscribed")
    with amqp.channel(broker_config, vhost) as ch:
        ch.queue_declare(queue, durable=True)
    amqp.publish(broker_config, vhost, queue, [b"ok"])
    child.wait_records(1, timeout=30)


def test_a_lost_connection_is_made_again_and_nothing_is_lost(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str, management: ManagementClient
) -> None:
    child = start(queue, spec={"prefetch": 5})
    child.wait_state("running")
    amqp.publish(broker_config, vhost, queue, [b"sleep:0.3"] * 8)
    child.wait_records(1)
    close_connections(management, vhost)
    wait_until(lambda: {r["id"] for r in child.records()} == {f"m{n}" for n in range(8)}, 40)
    assert child.stop() == 0
    # What was handled but could not be acked comes back; the stop may have been quicker than its second time.
    assert all(message.redelivered for message in amqp.drain(broker_config, vhost, queue))


def test_killed_between_commit_and_ack_comes_back_marked(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str, tmp_path: Path
) -> None:
    """Guarantee 1: whatever RabbitMQ considers settled is in the records."""
    amqp.publish(broker_config, vhost, queue, [b"ok"] * 200)
    first = start(queue, die_after_commits=3, spec={"prefetch": 20})
    assert first.process.wait(patient(20)) == -9
    recorded = {r["id"] for r in first.records()}
    left = wait_until(lambda: amqp.depth(broker_config, vhost, queue), what="messages back in the queue")
    assert recorded
    second = start(queue, spec={"prefetch": 20})
    wait_until(lambda: {r["id"] for r in second.records()} == {f"m{n}" for n in range(200)}, 20)
    assert second.stop() == 0
    assert amqp.depth(broker_config, vhost, queue) == 0
    again = [r for r in second.records() if r["redelivered"]]
    twice = len(second.records()) - 200
    assert twice == len([r for r in again if r["id"] in recorded]), "a second handling is always marked"
    assert left + len(recorded) >= 200, "nothing left the queue without a record"
