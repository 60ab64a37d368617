"""The acks that committed outcomes add up to, against a model of RabbitMQ's own bookkeeping."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.runtime.channel.acks import AckLedger, Frames


def broker_applies(outstanding: set[int], frames: Frames) -> None:
    """What rabbit_channel does: an unknown tag closes the channel, a multiple ack covers all below it."""
    if frames.up_to:
        assert frames.up_to in outstanding
        outstanding -= {tag for tag in outstanding if tag <= frames.up_to}
    for tag in frames.single:
        assert tag in outstanding
        outstanding.remove(tag)


def test_in_order_settling_is_one_frame() -> None:
    ledger = AckLedger()
    for tag in range(1, 101):
        ledger.delivered(tag)
    assert ledger.settle(range(1, 101)) == Frames(up_to=100, single=())
    assert ledger.outstanding == 0


def test_behind_a_slow_message_acks_are_single() -> None:
    ledger = AckLedger()
    for tag in range(1, 5):
        ledger.delivered(tag)
    assert ledger.settle([2, 3]) == Frames(0, (2, 3))
    assert ledger.settle([1]) == Frames(1, ())
    assert ledger.settle([4]) == Frames(4, ())


@given(st.integers(1, 60), st.randoms(use_true_random=False))
def test_never_acks_what_was_not_committed(count: int, rng: random.Random) -> None:
    ledger = AckLedger()
    outstanding = set(range(1, count + 1))
    for tag in outstanding:
        ledger.delivered(tag)
    order = list(outstanding)
    rng.shuffle(order)
    committed: set[int] = set()
    while order:
        group = [order.pop() for _ in range(min(len(order), rng.randint(1, 7)))]
        rejected = [tag for tag in group if rng.random() < 0.2]
        acked = [tag for tag in group if tag not in rejected]
        outstanding -= set(rejected)
        broker_applies(outstanding, ledger.settle(acked, otherwise=rejected))
        committed |= set(group)
        assert outstanding == set(range(1, count + 1)) - committed
        assert ledger.outstanding == len(outstanding)


@pytest.mark.parametrize("tag", [1, 2])
def test_settling_twice_sends_nothing(tag: int) -> None:
    ledger = AckLedger()
    ledger.delivered(1)
    ledger.delivered(2)
    ledger.settle([tag])
    assert ledger.settle([tag]) == Frames(0, ())


def test_what_pika_gave_back_by_itself_holds_nothing_up() -> None:
    """It rejects what comes between a cancel and its answer: those tags are never seen here."""
    ledger = AckLedger()
    for tag in (1, 2, 6, 9):
        ledger.delivered(tag)
    assert ledger.outstanding == 4
    assert ledger.settle([1]) == Frames(1, ())
    assert ledger.settle([6]) == Frames(0, (6,))
    assert ledger.settle([2]) == Frames(2, ())
    assert ledger.settle([9]) == Frames(9, ())
    assert ledger.outstanding == 0
    ledger.delivered(10)
    assert ledger.settle([10]) == Frames(10, ())
