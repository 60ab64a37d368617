"""A quorum queue whose leader does not answer is said to be empty and unused: nobody here believes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.core import brokers
from mqadmin.local.node import Node
from mqadmin.rabbit import amqp, counting
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NoResponse
from mqadmin.rabbit.publishing.mover import Bounds, Mover, Progress
from tests.support.node_control import silent_leader
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.any_database, pytest.mark.any_version, pytest.mark.timeout(240)]

DEAD, FULL, WORK = "counting-dead", "counting-full", "counting-work"  # other tests use this node
QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture
def config(restartable_broker: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[BrokerConfig]:
    monkeypatch.setenv("RABBITMQ_URL", restartable_broker.amqp_url)
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", restartable_broker.management_url)
    brokers.forget()
    yield brokers.config("default")
    brokers.forget()


@pytest.fixture
def channel(config: BrokerConfig) -> Iterator[BlockingChannel]:
    """On a broker with quorum queues that hold three messages each: DEAD, and FULL, which takes no more."""
    with amqp.channel(config, "/") as open_channel:
        open_channel.queue_declare(DEAD, durable=True, arguments=QUORUM)
        open_channel.queue_declare(FULL, durable=True, arguments={**QUORUM, "x-max-length": 3})
        open_channel.confirm_delivery()
        for queue in (DEAD, FULL):
            for number in range(3):
                open_channel.basic_publish("", queue, b"%d" % number)
        yield open_channel
        for queue in (DEAD, FULL, WORK):
            open_channel.queue_delete(queue)


def bodies(channel: BlockingChannel, queue: str) -> list[bytes]:
    found = []
    while (item := channel.basic_get(queue, auto_ack=True))[0] is not None:
        found.append(item[2] or b"")
    return found


def moving(config: BrokerConfig, to: str, bounds: Bounds | None = None) -> Mover:
    return Mover(
        config, "/", DEAD, to, most=10, prefetch=10, adapt=lambda given: given, bounds=bounds or Bounds()
    )


def ended(mover: Mover) -> Progress:
    return mover.wait(patient(30))


def test_what_the_broker_says_is_the_trap(restartable_broker: Node, channel: BlockingChannel) -> None:
    with silent_leader(restartable_broker, DEAD):
        said = channel.queue_declare(DEAD, passive=True).method
    assert (said.message_count, said.consumer_count) == (0, 0)


def test_no_count_is_no_zero(
    restartable_broker: Node,
    config: BrokerConfig,
    channel: BlockingChannel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch, silent_leader(restartable_broker, DEAD):
        patch.setattr(counting, "SECONDS", 0.5)
        with pytest.raises(NoResponse, match="leader does not answer"):
            amqp.counts(config, "/", DEAD)
    assert amqp.counts(config, "/", DEAD) == (3, 0)
    channel.queue_purge(DEAD)
    assert amqp.counts(config, "/", DEAD) == (0, 0)


def test_a_count_waits_for_a_leader_that_comes_back(
    restartable_broker: Node,
    config: BrokerConfig,
    channel: BlockingChannel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, patience = threading.Event(), patient(60)
    monkeypatch.setattr(counting, "SECONDS", patience)
    judge = counting.is_sure

    def judged(*given: float) -> bool:
        asked.set()
        return judge(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(counting, "is_sure", judged)
    found: list[tuple[int, int]] = []
    with silent_leader(restartable_broker, DEAD):
        asking = threading.Thread(target=lambda: found.append(amqp.counts(config, "/", DEAD)))
        asking.start()
        assert asked.wait(patience)
    asking.join(patience)
    assert found == [(3, 0)]


def test_a_move_goes_on_when_the_leader_does(
    restartable_broker: Node, config: BrokerConfig, channel: BlockingChannel
) -> None:
    channel.queue_declare(WORK, durable=True)
    channel.queue_purge(WORK)
    with amqp.channel(config, "/") as plain, moving(config, WORK) as mover:
        plain.basic_publish("", DEAD, b"sooner")  # the first of a channel waits for the leader
        wait_until(lambda: mover.wait(0.05).moved == 4)
        with silent_leader(restartable_broker, DEAD):
            plain.basic_publish("", DEAD, b"later")
            plain.queue_declare(WORK, passive=True)
            assert not mover.wait(1.5).ended
        progress = ended(mover)
    assert (progress.moved, progress.ended, progress.fault) == (5, True, None)
    assert len(bodies(channel, WORK)) == 5


def test_a_full_queue_is_not_taken_for_an_empty_one(
    restartable_broker: Node, config: BrokerConfig, channel: BlockingChannel
) -> None:
    with ExitStack() as opened:
        with silent_leader(restartable_broker, FULL):
            mover = opened.enter_context(moving(config, FULL, Bounds(length=3)))
            assert not mover.wait(1.5).ended
        progress = ended(mover)
    assert (progress.moved, "no room" in progress.refusal) == (0, True)
    assert bodies(channel, FULL) == [b"0", b"1", b"2"]
    assert bodies(channel, DEAD) == [b"0", b"1", b"2"]
