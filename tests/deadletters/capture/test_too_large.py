"""Letters above the cap stay in their queue: real collectors, classic and quorum queues (guarantee 2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from consumers.models import Consumer, ConsumerProcess
from mqadmin.deadletters.capture import tracking, windows
from mqadmin.deadletters.models import DeadLetter, TrackedQueue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from tests.support.management import Management
from tests.support.processes import killed_at, manage
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

QUEUE = "orders.dlq"
LARGE = b"L" * 1_001
IN_A_HURRY = """
from django.core.management import call_command
from consumers.process import collectors
collectors.ASK_SECONDS = 0.1
call_command("run_consumer", "collect")
"""
TYPES = [{}, {"x-queue-type": "quorum"}, {"x-queue-type": "quorum", "x-delivery-limit": 20}]


@pytest.fixture
def channel(broker_config: BrokerConfig, vhost: str) -> Iterator[BlockingChannel]:
    with amqp.channel(broker_config, vhost) as opened:
        opened.confirm_delivery()
        yield opened


@pytest.fixture
def environ(process_environ: dict[str, str]) -> dict[str, str]:
    return {**process_environ, "MQADMIN_LETTER_BYTES": "1000"}


def collector(vhost: str, **fields: Any) -> Consumer:
    consumer = Consumer.objects.create(
        name="collect",
        broker="default",
        vhost=vhost,
        queue=QUEUE,
        handler="collect",
        desired="running",
        is_collector=True,
        exclusive=True,
        **{"prefetch": 4, **fields},
    )
    TrackedQueue.objects.create(
        broker="default", vhost=vhost, queue=QUEUE, consumer=consumer, tracked_by="ann"
    )
    return consumer


def publish(channel: BlockingChannel, *bodies: bytes, queue: str = QUEUE) -> None:
    for body in bodies:
        channel.basic_publish("", queue, body)


def small(first: int, count: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


def ready(channel: BlockingChannel, queue: str = QUEUE) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count or 0)


def stored() -> Counter[bytes]:
    return Counter(bytes(body) for body in DeadLetter.objects.values_list("body", flat=True))


def settled(count: int) -> None:
    rows = windows.settled()
    wait_until(lambda: rows.count() == count, 20, what=f"{count} letters captured and acked")


def words() -> str:
    return tracking.too_large(TrackedQueue.objects.get())


@pytest.mark.parametrize("arguments", TYPES)
def test_large_ones_stay_and_all_others_are_captured(
    arguments: dict[str, Any], channel: BlockingChannel, vhost: str, environ: dict[str, str]
) -> None:
    channel.queue_declare(QUEUE, durable=True, arguments=arguments)
    # More of them than the prefetch, so that they would block the queue if they counted.
    publish(channel, *small(0, 5), *[LARGE] * 6, *small(5, 9), b"x" * 1_000, LARGE)
    collector(vhost)
    with manage(environ, "run_consumer", "collect"):
        settled(15)
        told = "7 letters larger than 1000 bytes stay in queue orders.dlq"
        wait_until(lambda: words() == told, 5, what="the collector tells")
        publish(channel, *small(14, 20), LARGE, *small(34, 3))
        settled(38)
        wait_until(lambda: words().startswith("8 letters"), 5)
        assert ready(channel) == 0, "held, so that nobody reads them again and again"
    wait_until(lambda: ready(channel) == 8, 5, what="the large ones are back")
    assert stored() == Counter([*small(0, 37), b"x" * 1_000])
    assert not DeadLetter.objects.exclude(maybe_duplicate_of=None).exists()
    for _ in range(8):
        _method, _properties, body = channel.basic_get(QUEUE, auto_ack=True)
        assert body == LARGE


def test_before_a_queue_gives_one_up_it_is_put_aside(
    channel: BlockingChannel, vhost: str, environ: dict[str, str]
) -> None:
    channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 7})
    publish(channel, *small(0, 3), LARGE, LARGE, *small(3, 3))
    collector(vhost)
    channel.queue_declare(f"{QUEUE}.aside", durable=True, arguments={"x-queue-type": "classic"})
    for session in range(8):  # each ends with a return of what it held
        with manage(environ, "run_consumer", "collect"):
            wait_until(words, 10)
            settled(6)
        aside = ready(channel, f"{QUEUE}.aside")
        assert aside if session > 2 else not aside or session == 2
        wait_until(lambda aside=aside: ready(channel) + aside == 2, 5)  # type: ignore[misc]
        ConsumerProcess.objects.all().delete()
        if aside == 2:
            break
    assert ready(channel) == 0
    assert ready(channel, f"{QUEUE}.aside") == 2
    _method, _properties, body = channel.basic_get(f"{QUEUE}.aside")
    assert body == LARGE
    assert stored() == Counter(small(0, 6))


@pytest.mark.parametrize(("limit", "returns", "aside"), [(20, 17, 1), (7, 6, 1), (7, 4, 0)])
def test_any_letter_is_put_aside_before_a_queue_gives_it_up(
    limit: int, returns: int, aside: int, channel: BlockingChannel, vhost: str, environ: dict[str, str]
) -> None:
    """As when collectors die of it, again and again."""
    arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": limit}
    channel.queue_declare(QUEUE, durable=True, arguments=arguments)
    channel.queue_declare(f"{QUEUE}.aside", durable=True, arguments={"x-queue-type": "classic"})
    publish(channel, b"often")
    for _ in range(returns):
        found: Any = wait_until(lambda: (got := channel.basic_get(QUEUE))[0] and got)
        channel.basic_reject(found[0].delivery_tag)  # from 4.3 on a nack does not count
    collector(vhost)
    publish(channel, *small(0, 9))
    told = f"1 was put aside into queue {QUEUE}.aside, before it was returned too often" if aside else ""
    with manage(environ, "run_consumer", "collect"):
        settled(10 - aside)
        wait_until(lambda: words() == told, 10)
    assert (ready(channel), ready(channel, f"{QUEUE}.aside")) == (0, aside)
    assert stored() == Counter([*[b"often"] * (1 - aside), *small(0, 9)])


def test_a_letter_that_came_past_the_limit_is_captured(
    channel: BlockingChannel, vhost: str, environ: dict[str, str]
) -> None:
    """From RabbitMQ 4.3 on it brings the count that it died of. No collector returned it."""
    limit: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 3}
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": QUEUE}
    channel.queue_declare(QUEUE, durable=True, arguments=limit)
    channel.queue_declare("orders", durable=True, arguments=limit | dead)
    publish(channel, b"poison", queue="orders")
    for _ in range(4):
        found: Any = wait_until(lambda: (got := channel.basic_get("orders"))[0] and got)
        channel.basic_reject(found[0].delivery_tag)
    collector(vhost)
    with manage(environ, "run_consumer", "collect"):
        settled(1)
    assert words() == ""
    assert DeadLetter.objects.get().reason == "delivery_limit"


def test_a_limit_that_a_policy_sets_meanwhile_is_kept_to(
    channel: BlockingChannel, vhost: str, environ: dict[str, str], management: Management
) -> None:
    channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_declare(f"{QUEUE}.aside", durable=True, arguments={"x-queue-type": "classic"})
    publish(channel, LARGE)
    consumer = Consumer.objects.filter(pk=collector(vhost).pk)
    with manage(environ, "shell", "--command", IN_A_HURRY):
        wait_until(words, 20, what="the large one is held")
        management.set_policy(vhost, "few", f"^{QUEUE}$", {"delivery-limit": 10}, apply_to="queues")
        told = wait_until(lambda: management.queue(vhost, QUEUE).info.effective_policy, 20)
        assert told == {"delivery-limit": 10}
        for _ in range(5):
            consumer.update(desired="paused")
            wait_until(lambda: ready(channel) == 1, 10, what="the large one is back in its queue")
            consumer.update(desired="running")
            wait_until(lambda: ready(channel) == 0, 10, what="it is taken again")
        wait_until(
            lambda: ready(channel, f"{QUEUE}.aside") == 1, 10, what="five returns are left: it is aside"
        )
    assert ready(channel) == 0


@pytest.mark.parametrize("arguments", TYPES[:2])
@pytest.mark.parametrize(
    ("target", "when"),
    [("mqadmin.deadletters.capture.capture:LetterSink.commit_window", "after"),
     ("mqadmin.deadletters.capture.capture:LetterSink.settled", "before")],
)  # fmt: skip
def test_killed_with_some_held_nothing_is_lost_or_doubled(
    target: str,
    when: str,
    arguments: dict[str, Any],
    channel: BlockingChannel,
    vhost: str,
    environ: dict[str, str],
) -> None:
    channel.queue_declare(QUEUE, durable=True, arguments=arguments)
    publish(channel, b"same", LARGE, b"same", *small(0, 10), LARGE, *small(10, 3))
    collector(vhost, prefetch=6)
    with killed_at(environ, target, when, 2, "run_consumer", "collect") as dead:
        assert dead.wait(patient(30)) == -9
    with manage(environ, "run_consumer", "collect"):
        wait_until(lambda: DeadLetter.objects.count() == 15 and ready(channel) == 0, 20)
    wait_until(lambda: ready(channel) == 2, 5)
    assert stored() == Counter([b"same", b"same", *small(0, 13)])
    assert not DeadLetter.objects.exclude(maybe_duplicate_of=None).exists()


def test_a_pause_gives_them_back_and_resume_takes_up_again(
    channel: BlockingChannel, vhost: str, environ: dict[str, str]
) -> None:
    channel.queue_declare(QUEUE, durable=True)
    publish(channel, b"1", LARGE, b"2")
    consumer = collector(vhost)
    with manage(environ, "run_consumer", "collect"):
        settled(2)
        wait_until(words, 5)
        Consumer.objects.filter(pk=consumer.pk).update(desired="paused")
        wait_until(lambda: ready(channel) == 1, 10, what="the large one is back in its queue")
        _method, _properties, body = channel.basic_get(QUEUE, auto_ack=True)
        assert body == LARGE
        publish(channel, b"3")
        Consumer.objects.filter(pk=consumer.pk).update(desired="running")
        settled(3)
        wait_until(lambda: words() == "", 5)
