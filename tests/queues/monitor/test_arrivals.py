"""How old the oldest message is, by known traffic: within two sample intervals, as far as anybody looked."""

from __future__ import annotations

import random
from collections import deque

import msgpack
import pytest

from mqadmin.queues.monitor.arrivals import Arrivals, Lag

INTERVAL = 5


class Traffic:
    """A queue second by second: the times at which what waits came, and the broker's counts of it."""

    def __init__(self, *, counted: bool) -> None:
        self.waiting: deque[int] = deque()
        self.counted = counted
        self.published = self.left = 0

    def second(self, now: int, came: int, gone: int) -> None:
        self.waiting.extend([now] * came)
        self.published += came
        for _message in range(min(gone, len(self.waiting))):
            self.waiting.popleft()
            self.left += 1

    def seen_by(self, arrivals: Arrivals, now: int) -> None:
        count = len(self.waiting)
        arrivals.observe(
            now,
            ready=count,
            total=count,
            published=self.published if self.counted else None,
            left=self.left if self.left or self.counted else None,
        )


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_the_oldest_is_as_old_as_it_is(seed: int, counted: bool) -> None:
    dice = random.Random(seed)
    traffic, arrivals = Traffic(counted=counted), Arrivals()
    came, gone, compared = 10, 10, 0
    for now in range(4000):
        if dice.random() < 0.01:
            came, gone = dice.choice([0, 1, 20, 200]), dice.choice([0, 2, 30, 150])
        traffic.second(now, came, gone)
        if now % INTERVAL == 0:
            traffic.seen_by(arrivals, now)
            found = arrivals.lag(now)
            if not traffic.waiting:
                assert found is None
                continue
            assert found is not None
            if found.at_least:
                assert traffic.waiting[0] <= now - found.seconds + 1
            else:
                assert found.seconds == pytest.approx(now - traffic.waiting[0], abs=2 * INTERVAL), now
                compared += 1
    assert compared > 200


def test_what_was_there_before_is_at_least_so_old() -> None:
    arrivals = Arrivals()
    arrivals.observe(100, ready=10, total=10, published=500, left=490)
    arrivals.observe(160, ready=10, total=10, published=500, left=490)
    assert arrivals.lag(160) == Lag(60, at_least=True)
    arrivals.observe(165, ready=5, total=5, published=500, left=495)
    assert arrivals.lag(165) == Lag(65, at_least=True)
    arrivals.observe(170, ready=2, total=2, published=502, left=502)
    found = arrivals.lag(170)
    assert found is not None
    assert not found.at_least
    assert found.seconds <= INTERVAL


def as_stored(arrivals: Arrivals) -> Arrivals:
    return Arrivals.read(msgpack.unpackb(msgpack.packb(arrivals.stored())))


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_a_restart_forgets_nothing_that_was_seen(seed: int, counted: bool) -> None:
    dice = random.Random(seed)
    traffic, arrivals, compared = Traffic(counted=counted), Arrivals(), 0
    looked, away = 0, 0
    for now in range(6000):
        traffic.second(now, dice.choice([0, 3, 3, 40]), dice.choice([0, 5, 12]) if now % 900 > 600 else 0)
        if now % 1500 == 700:
            arrivals, away = as_stored(arrivals), now + 300
        if now % INTERVAL or now < away:
            continue
        count = len(traffic.waiting)
        arrivals.observe(
            now,
            ready=count,
            total=count,
            published=traffic.published if counted else None,
            left=traffic.left,
            since=looked,
            blind=now - looked > 30,
        )
        looked = now
        found = arrivals.lag(now)
        if found is None:
            assert not traffic.waiting
        elif found.at_least:
            assert traffic.waiting[0] <= now - found.seconds + 1
        else:
            # What is stored is thinned: a moment that is left out lies near the line between others.
            assert found.seconds == pytest.approx(now - traffic.waiting[0], abs=6 * INTERVAL)
            compared += 1
    assert compared > 300


def test_what_came_while_nobody_looked_waits_since_then_or_longer() -> None:
    arrivals = Arrivals()
    arrivals.observe(0, ready=0, total=0, published=100, left=100)
    arrivals.observe(5, ready=10, total=10, published=110, left=100)
    arrivals = as_stored(arrivals)
    arrivals.observe(605, ready=40, total=40, published=140, left=100, since=5, blind=True)
    assert arrivals.lag(605) == Lag(pytest.approx(602.5, abs=INTERVAL))
    arrivals.observe(610, ready=20, total=20, published=140, left=120)
    assert arrivals.lag(610) == Lag(5, at_least=True)
    arrivals.observe(615, ready=20, total=20, published=160, left=140)
    found = arrivals.lag(615)
    assert found == Lag(pytest.approx(2.5, abs=INTERVAL))


def test_a_broker_that_counts_anew_while_nobody_looks() -> None:
    arrivals = Arrivals()
    arrivals.observe(0, ready=0, total=0, published=1000, left=1000)
    arrivals.observe(5, ready=10, total=10, published=1010, left=1000)
    arrivals.observe(605, ready=20, total=20, published=20, left=10, since=5, blind=True)
    assert arrivals.lag(605) == Lag(0, at_least=True)
    arrivals.observe(610, ready=25, total=25, published=25, left=10)
    assert arrivals.lag(610) == Lag(5, at_least=True)


@pytest.mark.parametrize("counted", [True, False])
def test_a_purge_makes_it_young(counted: bool) -> None:
    traffic, arrivals = Traffic(counted=counted), Arrivals()
    for now in range(0, 300, INTERVAL):
        traffic.second(now, 10, 0)
        traffic.seen_by(arrivals, now)
    traffic.waiting.clear()
    for now in range(300, 400, INTERVAL):
        traffic.second(now, 10, 0)
        traffic.seen_by(arrivals, now)
    found = arrivals.lag(395)
    assert found is not None
    assert found.seconds == pytest.approx(95, abs=2 * INTERVAL + (0 if counted else 3 * INTERVAL))


def test_a_broker_that_counts_anew_changes_nothing() -> None:
    arrivals = Arrivals()
    arrivals.observe(0, ready=0, total=0, published=1000, left=1000)
    arrivals.observe(5, ready=10, total=10, published=1010, left=1000)
    arrivals.observe(10, ready=10, total=10, published=0, left=0)
    arrivals.observe(15, ready=20, total=20, published=10, left=0)
    found = arrivals.lag(15)
    assert found is not None
    assert found.seconds == pytest.approx(12.5, abs=INTERVAL)


def test_what_it_keeps_is_bounded() -> None:
    traffic, arrivals = Traffic(counted=True), Arrivals()
    for now in range(0, 50_000, INTERVAL):
        traffic.second(now, 1 + now % 3, 1)
        traffic.seen_by(arrivals, now)
    assert len(arrivals._times) <= 256


@pytest.mark.parametrize(
    ("total", "published"), [(10, 10), (0, 10), (10, None)], ids=["at once", "count first", "length first"]
)
def test_a_broker_that_counts_from_the_first_message_on(total: int, published: int | None) -> None:
    arrivals = Arrivals()
    arrivals.observe(0, ready=0, total=0, published=None, left=None)
    arrivals.observe(5, ready=total, total=total, published=published, left=None)
    arrivals.observe(10, ready=10, total=10, published=10, left=None)
    arrivals.observe(65, ready=10, total=10, published=10, left=None)
    found = arrivals.lag(65)
    assert found is not None
    assert not found.at_least
    assert found.seconds == pytest.approx(62.5, abs=INTERVAL)


def test_a_length_that_is_told_before_the_count() -> None:
    arrivals = Arrivals()
    arrivals.observe(0, ready=0, total=0, published=0, left=0)
    arrivals.observe(5, ready=10, total=10, published=10, left=0)
    arrivals.observe(50, ready=20, total=20, published=10, left=0)
    arrivals.observe(55, ready=5, total=5, published=10, left=15)
    found = arrivals.lag(55)
    assert found is not None
    assert found.seconds <= 55 - 5
    arrivals.observe(60, ready=5, total=5, published=20, left=15)
    assert arrivals.lag(60) == Lag(found.seconds + 5)
