"""Acks that never arrive: told by the record, whatever ended the channel. Real processes, a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mqadmin.local.node import Node
from mqadmin.rabbit.config import BrokerConfig, load
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.consumers.runtime.child import Child
from tests.consumers.runtime.conftest import close_connections
from tests.support import amqp
from tests.support.node_control import call
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.processes]

LIMIT_MS = 2000


@pytest.fixture
def impatient(restartable_broker: Node) -> Iterator[BrokerConfig]:
    """A broker that lets nobody hold a message for longer than LIMIT_MS, and looks every second."""
    node = restartable_broker
    call(node, "application", "set_env", "rabbit", "consumer_timeout", LIMIT_MS)
    call(node, "application", "set_env", "rabbit", "channel_tick_interval", 1000)
    yield load({"RABBITMQ_URL": node.amqp_url, "RABBITMQ_MANAGEMENT_URL": node.management_url})["default"]
    call(node, "application", "set_env", "rabbit", "consumer_timeout", 1_800_000)
    call(node, "application", "set_env", "rabbit", "channel_tick_interval", 60_000)


def test_a_message_held_too_long_is_said_to_come_again(impatient: BrokerConfig, tmp_path: Any) -> None:
    """The broker closes the channel while the handler works; its record says that the ack never arrived."""
    with temporary_vhost(impatient) as vhost:
        with amqp.channel(impatient, vhost) as ch:
            ch.queue_declare("work", durable=True)
        amqp.publish(impatient, vhost, "work", [b"sleep:5"])
        with Child(impatient, tmp_path, vhost=vhost, queue="work", spec={"prefetch": 1}) as child:
            child.wait_event("held_too_long")
            [record, *_] = child.wait_records(1)
            gauges = wait_until(lambda: (found := child.gauges())["unacked"] and found, what="it counted")
        assert record["outcome"] == "acked"
        assert "held longer than 2 s, its consumer timeout" in record["ack_lost"]
        assert gauges["held"]["times"] >= 1
        assert gauges["held"]["timeout_ms"] == LIMIT_MS
        assert (gauges["unacked"], gauges["failed"]) == (1, 0)
        wait_until(lambda: amqp.depth(impatient, vhost, "work") == 1, what="the message back in its queue")


def test_a_connection_lost_while_handling_is_on_the_record(
    start: Any, queue: str, management: ManagementClient, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"sleep:6"])
    child = start(queue, spec={"prefetch": 1})
    child.wait_state("running")
    close_connections(management, vhost)
    [record, *_] = child.wait_records(1)
    assert record["outcome"] == "acked"
    assert "closed the connection" in record["ack_lost"]
    again = child.wait_records(2)[1]
    assert (again["redelivered"], again["ack_lost"]) == (True, "")


def test_a_connection_lost_between_commit_and_ack_is_on_the_record(
    start: Any,
    queue: str,
    management: ManagementClient,
    broker_config: BrokerConfig,
    vhost: str,
    tmp_path: Any,
) -> None:
    """The commit begins while the channel stands and ends when it is gone: a second commit says so."""
    hold = tmp_path / "hold"
    hold.touch()
    amqp.publish(broker_config, vhost, queue, [b"ok"])
    child = start(queue, spec={"prefetch": 1}, commit_waits_for=str(hold))
    wait_until(lambda: (tmp_path / "hold.reached").exists(), what="the commit begun")
    close_connections(management, vhost)
    child.wait_event("disconnected")
    hold.unlink()
    wait_until(lambda: any("late" in line for line in child.records()), what="the second commit")
    [first, *_] = [line for line in child.records() if "outcome" in line]
    [late] = [line for line in child.records() if "late" in line]
    assert first["ack_lost"] == ""
    assert late["late"] == first["id"]
    assert "closed the connection" in late["ack_lost"]


def test_taken_back_on_request_its_ack_is_not_awaited(
    start: Any, queue: str, broker_config: BrokerConfig, vhost: str
) -> None:
    amqp.publish(broker_config, vhost, queue, [b"sleep:1"])
    child = start(queue, spec={"prefetch": 1})
    child.wait_state("running")
    wait_until(lambda: child.gauges()["in_flight"] == 1, what="the message in hand")
    child.wish("redeliver")
    first, second = child.wait_records(2)[:2]
    assert "as somebody asked" in first["ack_lost"]
    assert second["ack_lost"] == ""


@pytest.mark.parametrize("mode", [{}, {"pull_interval": 0.2}], ids=["push", "pull"])
def test_a_quorum_queue_that_takes_back_itself_is_understood(
    mode: dict[str, Any], start: Any, management: ManagementClient, broker_config: BrokerConfig, vhost: str
) -> None:
    """RabbitMQ 4.3 ends the subscription, says no reason, and ignores the late ack on a channel that stays open."""
    version = management.overview().version
    if tuple(map(int, version.split(".")[:2])) < (4, 3):
        pytest.skip(f"{version} closes the channel")
    with amqp.channel(broker_config, vhost) as ch:
        ch.queue_declare(
            "held", durable=True, arguments={"x-queue-type": "quorum", "x-consumer-timeout": LIMIT_MS}
        )
    amqp.publish(broker_config, vhost, "held", [b"sleep:5"])
    child = start("held", spec={"prefetch": 1, **mode})
    child.wait_event("held_too_long")
    [record, *_] = child.wait_records(1)
    assert "held longer than its consumer timeout" in record["ack_lost"]
    assert not any("was deleted" in str(line.get("text")) for line in child.states())
