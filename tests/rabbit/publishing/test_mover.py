"""The mover alone, on a real broker: it never takes more than it can give away, and gives back without harm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api import peek
from mqadmin.rabbit.publishing import mover as mover_module
from mqadmin.rabbit.publishing.mover import Bounds, Mover, Progress
from tests.support import amqp
from tests.support.management import Management
from tests.support.returns import bodies, return_often
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.broker

LIMIT = 5
QUORUM = {"x-queue-type": "quorum", "x-delivery-limit": LIMIT}


@pytest.fixture
def channel(broker_config: BrokerConfig, vhost: str) -> Iterator[BlockingChannel]:
    with amqp.channel(broker_config, vhost) as open_channel:
        open_channel.queue_declare("work", durable=True)
        yield open_channel


@pytest.fixture
def counted(management: Management) -> Bounds:
    """What a move keeps to where every return counts, and where only a nack does not."""
    if peek.nack_is_harmless(management.overview().version):
        return Bounds(by_nack=True)
    return Bounds(returns=LIMIT)


def move(
    config: BrokerConfig,
    vhost: str,
    most: int,
    bounds: Bounds | None = None,
    *,
    to: str = "work",
    prefetch: int = 100,
) -> Progress:
    with Mover(
        config,
        vhost,
        "dead",
        to,
        most=most,
        prefetch=prefetch,
        adapt=lambda given: given,
        bounds=bounds,
    ) as mover:
        return mover.wait(patient(20))


def fill(config: BrokerConfig, vhost: str, count: int) -> None:
    amqp.publish(config, vhost, "dead", [b"%d" % number for number in range(count)])


def returns(config: BrokerConfig, vhost: str, expect: int) -> list[int]:
    wait_until(lambda: amqp.depth(config, vhost, "dead") == expect, what=f"{expect} ready")
    found = amqp.drain(config, vhost, "dead", expect=expect)
    return [item.headers.get("x-delivery-count", 0) for item in found]


@pytest.mark.parametrize("most", [1, 2, 7, 30])
def test_no_more_are_taken_than_are_moved(
    most: int, channel: BlockingChannel, broker_config: BrokerConfig, vhost: str, counted: Bounds
) -> None:
    channel.queue_declare("dead", durable=True, arguments=QUORUM)
    fill(broker_config, vhost, 60)
    told = move(broker_config, vhost, most, counted, prefetch=5)
    assert (told.moved, told.ended, told.fault) == (most, True, None)
    moved = bodies(broker_config, vhost, "work", most)
    assert moved == sorted(b"%d" % number for number in range(most))
    assert returns(broker_config, vhost, 60 - most) == [0] * (60 - most), "none of the others came back"


def test_stopped_it_gives_away_what_it_has_in_hand(
    channel: BlockingChannel,
    broker_config: BrokerConfig,
    vhost: str,
    counted: Bounds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel.queue_declare("dead", durable=True, arguments=QUORUM)
    fill(broker_config, vhost, 1_000)
    take = Mover._on_message

    def stopping(mover: Mover, *args: Any) -> None:
        take(mover, *args)
        if mover._acks.taken == 300:
            mover._stop()

    monkeypatch.setattr(Mover, "_on_message", stopping)
    told = move(broker_config, vhost, 1_000, counted)
    assert told.ended
    assert 300 <= told.moved < 1_000
    left = 1_000 - told.moved
    assert amqp.depth(broker_config, vhost, "work") == told.moved
    assert returns(broker_config, vhost, left) == [0] * left, "none of the others came back"


def test_what_is_refused_and_bears_no_return_goes_back_as_a_copy(
    channel: BlockingChannel, broker_config: BrokerConfig, vhost: str, counted: Bounds
) -> None:
    channel.queue_declare("dead", durable=True, arguments=QUORUM)
    channel.queue_declare("full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    channel.basic_publish("", "full", b"")
    fill(broker_config, vhost, 3)
    return_often(broker_config, vhost, "dead", b"0", LIMIT)
    for _ in range(LIMIT + 1):
        told = move(broker_config, vhost, 3, counted, to="full")
        assert "refused the message" in told.refusal
        assert (told.moved, told.ended) == (0, True)
        wait_until(lambda: amqp.depth(broker_config, vhost, "dead") == 3, what="all to be back")
    assert bodies(broker_config, vhost, "dead", 3) == [b"0", b"1", b"2"]


def test_what_can_go_neither_there_nor_back_is_held_until_it_can(
    channel: BlockingChannel,
    broker_config: BrokerConfig,
    vhost: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mover_module, "AGAIN_S", 0.1)
    small = {"x-max-length": 1, "x-overflow": "reject-publish"}
    for name in ("dead", "full"):  # classic: a quorum queue takes a few more than its length
        channel.queue_declare(name, durable=True, arguments=small)
    channel.basic_publish("", "full", b"")
    amqp.publish(broker_config, vhost, "dead", [b"0"], headers={"x-delivery-count": LIMIT})
    counted = Bounds(returns=LIMIT)
    settle = Mover._settle

    def others_fill(mover: Mover) -> None:
        if not mover._held:
            amqp.publish(broker_config, vhost, "dead", [b"other"])
        settle(mover)

    monkeypatch.setattr(Mover, "_settle", others_fill)
    with Mover(
        broker_config,
        vhost,
        "dead",
        "full",
        most=1,
        prefetch=10,
        adapt=lambda given: given,
        bounds=counted,
    ) as mover:
        wait_until(lambda: mover.wait(0.1).held == 1, what="it to be held")
        channel.queue_purge("dead")
        assert wait_until(lambda: mover.wait(0.1).ended, what="its end")
    assert bodies(broker_config, vhost, "dead", 1) == [b"0"]


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_it_publishes_no_more_than_the_destination_holds(
    kind: str, channel: BlockingChannel, broker_config: BrokerConfig, vhost: str
) -> None:
    channel.queue_declare("dead", durable=True)
    channel.queue_declare("small", durable=True, arguments={"x-queue-type": kind, "x-max-length": 5})
    amqp.publish(broker_config, vhost, "small", [b"mine", b"mine"])
    fill(broker_config, vhost, 12)
    told = move(broker_config, vhost, 12, Bounds(length=5), to="small")
    assert told.refusal == "It holds 5 messages at most, and there is no room for more."
    assert (told.moved, told.ended) == (3, True)
    assert bodies(broker_config, vhost, "small", 5) == [b"0", b"1", b"2", b"mine", b"mine"]
    assert bodies(broker_config, vhost, "dead", 9) == sorted(b"%d" % number for number in range(3, 12))


def test_nor_more_bytes(channel: BlockingChannel, broker_config: BrokerConfig, vhost: str) -> None:
    channel.queue_declare("dead", durable=True)
    amqp.publish(broker_config, vhost, "dead", [b"x" * 1_000] * 9)
    told = move(broker_config, vhost, 9, Bounds(size=5_000))
    assert "no room for more bytes" in told.refusal
    assert (told.moved, amqp.depth(broker_config, vhost, "work")) == (4, 4)  # with their properties
    wait_until(lambda: amqp.depth(broker_config, vhost, "dead") == 5)


def test_a_limit_that_comes_in_the_midst_of_it_is_kept_to(
    channel: BlockingChannel, broker_config: BrokerConfig, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.queue_declare("dead", durable=True)
    fill(broker_config, vhost, 1_000)
    take = Mover._on_message

    def limiting(mover: Mover, *args: Any) -> None:
        if mover._acks.taken == 300:
            mover._keep_to(Bounds(length=500))
        take(mover, *args)

    monkeypatch.setattr(Mover, "_on_message", limiting)
    told = move(broker_config, vhost, 1_000)
    assert told.moved == amqp.depth(broker_config, vhost, "work") == 500
    wait_until(lambda: amqp.depth(broker_config, vhost, "dead") == 500)


def test_that_another_gets_them_all_is_told(
    channel: BlockingChannel, broker_config: BrokerConfig, vhost: str
) -> None:
    channel.queue_declare("dead", durable=True, arguments={"x-single-active-consumer": True})
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume("dead", lambda *_args: None)
    fill(broker_config, vhost, 3)
    with Mover(broker_config, vhost, "dead", "work", most=3, prefetch=10, adapt=lambda given: given) as mover:
        wait_until(lambda: mover.wait(0.1).waiting == 2, what="it to tell how many wait")
        mover.stop()
        assert wait_until(lambda: mover.wait(0.1).ended)
