"""What managed consumers tell the verdicts on their queues."""

from __future__ import annotations

import pytest

from consumers.models import Consumer, ConsumerMinute, ConsumerProcess
from consumers.records.minutes import BOUNDS_MS
from consumers.status import measured
from tests.support.consumers import make_consumer, make_process

pytestmark = pytest.mark.django_db

NOW = 1_800_000_030.0
MINUTE = int(NOW // 60)


def test_the_handling_time_of_a_queue_and_how_many_are_handled_at_once() -> None:
    first = make_consumer(name="first", queue="orders", desired=Consumer.Desired.RUNNING, concurrency=4)
    second = make_consumer(name="second", queue="orders", desired=Consumer.Desired.RUNNING, concurrency=1)
    make_consumer(name="stopped", queue="mail", desired=Consumer.Desired.STOPPED)
    running = make_process(first, state=ConsumerProcess.State.RUNNING)
    make_process(second, state=ConsumerProcess.State.RUNNING)
    make_process(second, replica=1, state=ConsumerProcess.State.WAITING)
    slow = next(place for place, bound in enumerate(BOUNDS_MS) if bound > 250)
    for minute, count in ((MINUTE - 1, 30), (MINUTE - 9, 500)):
        ConsumerMinute.objects.create(
            consumer=first, process=running, minute=minute, handled=count, durations=[0] * slow + [count]
        )
    found = measured.handling(first.broker, NOW)
    (key,) = found
    assert key == (first.vhost, "orders")
    assert (found[key].slots, found[key].processes, found[key].last_at) == (5, 2, 60.0 * MINUTE)
    assert found[key].seconds == pytest.approx(0.25, rel=0.3)
