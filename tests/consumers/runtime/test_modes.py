"""Ways to consume beside push with manual ack: pull, batches, auto-ack, best-effort records; and `redeliver`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.consumers.runtime.conftest import DLX, close_connections, get, queue_facts
from tests.support import amqp
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.processes]


# --- pull -----------------------------------------------------------------------------------------------------


def test_r3_pull_takes_what_is_there_and_does_not_spin_when_idle(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str, management: ManagementClient
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"ok"] * 40)
    began = time.monotonic()
    child = start(queue, spec={"pull_interval": 0.05, "prefetch": 7})
    child.wait_records(40)

    def looks() -> int:
        return int(queue_facts(management, vhost, queue).get("message_stats", {}).get("get_empty", 0))

    # The sixth comes after 1.5 s when rests grow, after 0.3 s when they do not.
    found = wait_until(lambda: (n := looks()) >= 6 and n, 30, what="looks at the empty queue")
    assert found < (time.monotonic() - began) / 0.05 / 3, "the rests of an idle consumer grow"
    amqp.publish(broker_config, vhost, queue, [b"ok"])
    child.wait_records(41, timeout=40)
    assert child.stop() == 0
    assert amqp.depth(broker_config, vhost, queue) == 0


def test_pull_has_no_more_in_hand_than_its_prefetch(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"sleep:0.4", *[b"ok"] * 9])
    child = start(queue, spec={"pull_interval": 0.05, "prefetch": 3})
    wait_until(lambda: amqp.depth(broker_config, vhost, queue) == 7, 10, what="three in hand")
    child.wait_records(10)
    assert child.stop() == 0


def test_pull_pauses_resumes_and_fails_like_push(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    child = start(queue, spec={"pull_interval": 0.05}, **DLX)
    child.wait_state("running")
    child.wish("paused")
    child.wait_state("paused")
    amqp.publish(broker_config, vhost, queue, [b"fail"])
    assert amqp.depth(broker_config, vhost, queue) == 1
    child.wish("running")
    [record] = child.wait_records(1)
    assert record["outcome"] == "dead_lettered"
    assert len(amqp.drain(broker_config, vhost, "dead", expect=1)) == 1
    assert child.stop() == 0


def test_pull_waits_for_a_queue_that_is_not_there(
    start: Any, broker_config: BrokerConfig, vhost: str
) -> None:
    child = start("later", spec={"pull_interval": 0.05})
    child.wait_event("unsubscribed")
    with amqp.channel(broker_config, vhost) as ch:
        ch.queue_declare("later", durable=True)
    amqp.publish(broker_config, vhost, "later", [b"ok"])
    child.wait_records(1, timeout=30)


# --- batches --------------------------------------------------------------------------------------------------


def test_r17_a_batch_is_full_by_size_or_by_time(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"ok"] * 25)
    child = start(queue, batch=True, spec={"batch_size": 10, "batch_seconds": 0.4, "prefetch": 50})
    records = child.wait_records(25)
    assert {record["outcome"] for record in records} == {"acked"}
    sizes = [record["log"][0][2] for record in records]
    assert (sizes.count("one of 10"), sizes.count("one of 5")) == (20, 5)
    assert child.stop() == 0
    assert amqp.depth(broker_config, vhost, queue) == 0


def test_a_batch_handler_may_give_each_message_its_own_result(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"ok", b"fail", b"ok", b"fail"])
    spec = {"batch_size": 4, "batch_seconds": 5, "prefetch": 4}
    records = start(queue, batch=True, spec=spec, **DLX).wait_records(4)
    outcomes = {record["id"]: record["outcome"] for record in records}
    assert outcomes == {"m0": "acked", "m1": "dead_lettered", "m2": "acked", "m3": "dead_lettered"}
    letters = amqp.drain(broker_config, vhost, "dead", expect=2)
    assert {letter.properties.message_id for letter in letters} == {"m1", "m3"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"fail all", "the whole batch failed"),
        (b"too few", "0 results were returned for 3 messages"),
    ],
)
def test_what_a_batch_handler_raises_fails_all_of_it(
    body: bytes, error: str, start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"ok", body, b"ok"])
    spec = {"batch_size": 3, "batch_seconds": 5, "prefetch": 3}
    records = start(queue, batch=True, spec=spec, **DLX).wait_records(3)
    assert {(record["outcome"], record["error"]) for record in records} == {("dead_lettered", error)}
    assert len(amqp.drain(broker_config, vhost, "dead", expect=3)) == 3


def test_a_batch_that_waits_to_become_full_goes_back_at_a_stop(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"ok"] * 3)
    child = start(queue, batch=True, spec={"batch_size": 10, "batch_seconds": 60, "prefetch": 10})
    wait_until(lambda: amqp.depth(broker_config, vhost, queue) == 0, 10, what="three in hand")
    assert child.stop() == 0
    assert child.records() == []
    assert amqp.depth(broker_config, vhost, queue) == 3


# --- auto-ack -------------------------------------------------------------------------------------------------


def test_r2_auto_ack_takes_at_most_once(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"sleep:0.3", b"ok", b"fail"])
    child = start(queue, spec={"auto_ack": True}, **DLX)
    child.wait_state("running")
    wait_until(lambda: amqp.depth(broker_config, vhost, queue) == 0, 5, what="gone when delivered")
    child.wait_records(3)
    assert len(amqp.drain(broker_config, vhost, "dead", expect=1)) == 1
    child.process.kill()
    child.process.wait()
    assert amqp.depth(broker_config, vhost, queue) == 0, "nothing comes back"


def test_auto_acked_messages_survive_a_lost_connection(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str, management: ManagementClient
) -> None:
    child = start(queue, spec={"auto_ack": True, "prefetch": 10}, **DLX)
    child.wait_state("running")
    amqp.publish(broker_config, vhost, queue, [b"sleep:4", b"fail", b"ok"])
    wait_until(lambda: amqp.depth(broker_config, vhost, queue) == 0, 5, what="delivered")
    close_connections(management, vhost)
    child.wait_event("disconnected")
    records = child.wait_records(3, timeout=30)
    assert {(r["id"], r["outcome"]) for r in records} == {
        ("m0", "acked"),
        ("m1", "dead_lettered"),
        ("m2", "acked"),
    }
    assert len(amqp.drain(broker_config, vhost, "dead", expect=1)) == 1
    assert child.stop() == 0


# --- records --------------------------------------------------------------------------------------------------


def test_nothing_is_acked_while_durable_records_cannot_be_written(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.touch()
    amqp.publish(broker_config, vhost, queue, [b"ok"] * 5)
    child = start(queue, store_gone=str(gone))
    child.wait_state("waiting")
    assert child.gauges()["in_flight"] == 5
    gone.unlink()
    child.wait_records(5)
    assert child.stop() == 0
    assert amqp.depth(broker_config, vhost, queue) == 0


def test_best_effort_records_do_not_hold_up_the_acks(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.touch()
    amqp.publish(broker_config, vhost, queue, [b"ok", b"fail", b"ok"])
    child = start(queue, store_gone=str(gone), spec={"ack_first": True}, **DLX)
    child.wait_event("records")
    wait_until(lambda: child.gauges()["in_flight"] == 0, 10, what="all acked")
    assert child.records() == []
    assert len(amqp.drain(broker_config, vhost, "dead", expect=1)) == 1, "the copy is confirmed all the same"
    gone.unlink()
    child.wait_records(3)
    assert child.stop() == 0
    assert amqp.depth(broker_config, vhost, queue) == 0


# --- control --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pull_interval", [0, 0.05])
def test_r4_recover_has_what_is_in_hand_delivered_again(
    pull_interval: float, start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"sleep:0.5", *[b"ok"] * 5])
    child = start(queue, spec={"prefetch": 10, "pull_interval": pull_interval})
    wait_until(lambda: amqp.depth(broker_config, vhost, queue) == 0, 10, what="all in hand")
    child.wish("redeliver")
    child.wait_event("redeliver")
    wait_until(
        lambda: {r["id"] for r in child.records() if r["redelivered"]} == {f"m{n}" for n in range(6)},
        15,
        what="all of them once more",
    )
    assert child.stop() == 0, "no ack was sent for what RabbitMQ took back"
    assert amqp.depth(broker_config, vhost, queue) == 0
    assert not [line for line in child.states() if line.get("event") in ("unsubscribed", "disconnected")]


def test_r5_prefetch_priority_tag_and_exclusiveness_are_what_rabbitmq_sees(
    start: Any, queue: str, management: ManagementClient, vhost: str
) -> None:
    spec = {"prefetch": 17, "consumer_priority": 5, "exclusive": True}
    child = start(queue, spec=spec, name="orders")
    child.wait_state("running")

    def seen() -> list[dict[str, Any]]:
        return [item for item in get(management, "/api/consumers") if item["queue"]["vhost"] == vhost]

    [consumer] = wait_until(seen, 15, what="the subscription in RabbitMQ's list")
    assert consumer["consumer_tag"] == f"mqadmin.orders.test-host.{child.process.pid}"
    assert consumer["prefetch_count"] == 17
    assert consumer["arguments"] == {"x-priority": 5}
    assert (consumer["exclusive"], consumer["ack_required"]) == (True, True)


def test_a_second_exclusive_consumer_waits_and_says_why(start: Any, queue: str, tmp_path: Path) -> None:
    first = start(queue, spec={"exclusive": True})
    first.wait_state("running")
    second = start(queue, spec={"exclusive": True}, folder="second")
    second.wait_event("unsubscribed")
    [reason, *_] = [line["reason"] for line in second.states() if line.get("state") == "waiting"]
    assert "exclusive" in reason
    assert first.stop() == 0
    second.wait_state("running")


def test_connection_errors_may_have_a_policy_of_their_own(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"refused", b"fail"])
    policy = {"attempts": 2, "first_delay": 0.1}
    records = start(queue, connection_retry=policy, **DLX).wait_records(4)
    refused = [(r["attempt"], r["outcome"]) for r in records if r["id"] == "m0"]
    assert refused == [(1, "retried"), (2, "retried"), (3, "dead_lettered")]
    assert [r["outcome"] for r in records if r["id"] == "m1"] == ["dead_lettered"]


def test_r16_faults_are_counted_by_kind(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    child = start(queue, **DLX)
    child.wait_state("running")
    with amqp.channel(broker_config, vhost) as ch:
        ch.queue_delete(queue)
    child.wait_event("unsubscribed")
    assert child.gauges()["channel_errors"] >= 1
    with amqp.channel(broker_config, vhost) as ch:
        ch.queue_declare(queue, durable=True)
    amqp.publish(broker_config, vhost, queue, [b"fail", b"ok"])
    child.wait_records(2, timeout=30)
    wait_until(lambda: child.gauges()["processed"] == 2, 5, what="both counted")
    assert child.gauges()["failed"] == 1
