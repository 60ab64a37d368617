"""Dedupe with real `run_consumer` processes on the real database: across crashes, replicas and restarts (R10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from consumers.models import Consumer, ConsumerProcess, HandledKey, Record, Suspect
from mqadmin.rabbit.config import BrokerConfig
from tests.support import amqp
from tests.support.processes import killed_at, manage
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

Environ = dict[str, str]


@pytest.fixture
def channel(broker_config: BrokerConfig, vhost: str) -> Iterator[BlockingChannel]:
    with amqp.channel(broker_config, vhost) as ch:
        ch.queue_declare("dead", durable=True)
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
        ch.queue_declare("work", durable=True, arguments=arguments)
        ch.confirm_delivery()
        yield ch


@pytest.fixture
def environ(process_environ: Environ) -> Environ:
    return {**process_environ, "MQADMIN_HANDLERS": "tests.support.handlers"}


def define(vhost: str, **fields: Any) -> Consumer:
    values = {
        "name": "work",
        "broker": "default",
        "vhost": vhost,
        "queue": "work",
        "handler": "tests.by_body",
        "desired": "running",
        "prefetch": 20,
        "dedupe_key": "message_id",
    }
    return Consumer.objects.create(**{**values, **fields})


def send(channel: BlockingChannel, body: bytes, message_id: str | None = None, **headers: Any) -> None:
    properties = pika.BasicProperties(message_id=message_id, delivery_mode=2, headers=headers)
    channel.basic_publish("", "work", body, properties, mandatory=True)


def outcomes() -> Counter[str]:
    return Counter(Record.objects.values_list("outcome", flat=True))


def settled(**wanted: int) -> None:
    """Wait for these outcomes. A copy that came while its twin was in hand was released once or more before."""
    try:
        wait_until(lambda: outcomes() - Counter(released=99) == wanted, 20, what=f"{wanted}")
    except AssertionError as error:
        raise AssertionError(f"{error}, have {outcomes()}") from None


def test_r10_a_message_handled_before_is_acked_unhandled_also_after_a_restart(
    channel: BlockingChannel, vhost: str, environ: Environ
) -> None:
    define(vhost)
    send(channel, b"ok", "order-1")
    send(channel, b"ok", "order-1")
    send(channel, b"ok", "order-2")
    with manage(environ, "run_consumer", "work"):
        settled(acked=2, duplicate=1)
    send(channel, b"fail", "order-1")  # the handler would fail on it
    with manage(environ, "run_consumer", "work"):
        settled(acked=2, duplicate=2)
    assert amqp_empty(channel)


def test_two_copies_at_once_in_two_processes_are_handled_once(
    channel: BlockingChannel, vhost: str, environ: Environ
) -> None:
    define(vhost, prefetch=1)
    for _copy in range(2):
        send(channel, b"sleep:1.5", "order-1")
    with manage(environ, "run_consumer", "work"), manage(environ, "run_consumer", "work"):
        wait_until(
            lambda: outcomes()["acked"] == 1 and outcomes()["duplicate"] == 1, 30, what=str(outcomes())
        )
    assert outcomes()["released"] >= 1, "the second came back while the first was in hand"
    assert amqp_empty(channel)


def test_a_crash_before_the_record_does_not_make_the_message_a_duplicate(
    channel: BlockingChannel, vhost: str, environ: Environ
) -> None:
    define(vhost)
    send(channel, b"ok", "order-1")
    commit = "consumers.process.record_sink:RecordSink.commit"
    with killed_at(environ, commit, "before", 1, "run_consumer", "work") as dead:
        assert dead.wait(patient(30)) == -9
    assert list(HandledKey.objects.values_list("done", flat=True)) == [False]
    Consumer.objects.get().processes.update(heartbeat_at="2020-01-01T00:00Z")  # else its claim holds for 30 s
    with manage(environ, "run_consumer", "work"):
        settled(acked=1)
    assert Record.objects.get().redelivered


def test_a_crash_after_the_record_makes_it_one(
    channel: BlockingChannel, vhost: str, environ: Environ
) -> None:
    define(vhost)
    send(channel, b"ok", "order-1")
    commit = "consumers.process.record_sink:RecordSink.commit"
    with killed_at(environ, commit, "after", 1, "run_consumer", "work") as dead:
        assert dead.wait(patient(30)) == -9
    with manage(environ, "run_consumer", "work"):
        settled(acked=1, duplicate=1)
    assert amqp_empty(channel)


@pytest.mark.any_database
def test_what_failed_may_come_again(channel: BlockingChannel, vhost: str, environ: Environ) -> None:
    define(vhost, retry_attempts=1, retry_first_delay=0.1)
    send(channel, b"fail", "order-1")
    with manage(environ, "run_consumer", "work"):
        settled(retried=1, dead_lettered=1)
        send(channel, b"ok", "order-1")
        settled(retried=1, dead_lettered=1, acked=1)


def test_the_second_copy_of_one_requeue_is_dropped_and_another_requeue_is_not(
    channel: BlockingChannel, vhost: str, environ: Environ
) -> None:
    """A person who replays a message wants it handled, whatever its id; what he did not want is two of it."""
    define(vhost, dedupe_key="")
    for requeue_id in ("a", "a", "b"):
        send(channel, b"ok", "order-1", **{"mqadmin-requeue-id": requeue_id})
    with manage(environ, "run_consumer", "work"):
        settled(acked=2, duplicate=1)


@pytest.mark.any_database
def test_the_key_may_be_a_value_in_the_json_and_what_has_none_is_handled_each_time(
    channel: BlockingChannel, vhost: str, environ: Environ
) -> None:
    """What else a key may be: tests/consumers/runtime/handling/test_dedupe_keys.py."""
    define(vhost, dedupe_key="json", dedupe_path="at")
    first, same, other = (
        b'{"at": 1764403200.123456789}',
        b'{"at": 1764403200.123456789, "again": true}',
        b'{"at": 1764403200.123456788}',  # no float tells these two times apart
    )
    for body in (first, same, other, b"{}", b"{}"):
        send(channel, body)
    with manage(environ, "run_consumer", "work"):
        settled(acked=4, duplicate=1)


def amqp_empty(channel: BlockingChannel) -> bool:
    return int(channel.queue_declare("work", passive=True).method.message_count or 0) == 0


@pytest.mark.any_database
def test_poison_is_recognised_where_its_claim_makes_it_wait(
    channel: BlockingChannel, vhost: str, environ: Environ
) -> None:
    """The claim of the dead holds for a while, so each time a copy waits in place of what was redelivered."""
    define(vhost, deaths_limit=2)
    send(channel, b"die", "order-1")
    codes = []
    for _ in range(5):
        waited = outcomes()["released"]
        with manage(environ, "run_consumer", "work") as process:
            if codes:
                wait_until(lambda before=waited: outcomes()["released"] > before, 30, what="one that waits")
                dead = ConsumerProcess.objects.filter(pid__isnull=False).exclude(pid=process.pid)
                dead.update(heartbeat_at="2020-01-01T00:00Z")
            wait_until(lambda process=process: process.poll() or outcomes()["dead_lettered"], 30)
            codes.append(process.poll())
        if codes[-1] is None:
            break
    assert codes == [99, 99, 99, None], "the first leaves no note"
    letter = Record.objects.get(outcome="dead_lettered")
    assert (letter.error, letter.redelivered) == ("crashed the consumer 2 times", True)
    assert not Suspect.objects.exists()
