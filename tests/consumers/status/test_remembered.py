"""What history keeps of consumers: their processes, and what they handled in the last full minute."""

from __future__ import annotations

import time

import pytest

from consumers.models import Consumer, ConsumerMinute, ConsumerProcess
from consumers.status import remembered
from mqadmin.history import reading, steps
from mqadmin.history.recording import Key, Recorder
from tests.support.consumers import make_consumer, make_process

pytestmark = pytest.mark.django_db


def test_a_consumer_as_it_is_now_and_as_a_line() -> None:
    consumer = make_consumer(name="orders", desired=Consumer.Desired.RUNNING, replicas=3)
    make_consumer(name="stopped", desired=Consumer.Desired.STOPPED)
    running = make_process(consumer, state=ConsumerProcess.State.RUNNING, rss_bytes=70 * 2**20 + 17)
    waits = make_process(consumer, replica=1, state=ConsumerProcess.State.WAITING, rss_bytes=2**20)
    minute = int(time.time() // 60)
    for process, at, handled, failed in (
        (running, minute - 1, 90, 6),
        (waits, minute - 1, 30, 0),
        (running, minute, 5, 5),
    ):
        ConsumerMinute.objects.create(
            consumer=consumer, process=process, minute=at, handled=handled, failed=failed
        )
    found = remembered.source(consumer.broker)
    if int(time.time() // 60) == minute:
        assert found[Key("consumer", "", "orders")] == (3, 1, 2.0, 0.1, 71 * 2**20)
    assert found[Key("consumer", "", "stopped")] == (0, 0, 0, 0, 0)
    now = 1_800_000_000
    Recorder(consumer.broker, steps.configured(), gap=30).record(now, found)
    lines = reading.read(
        consumer.broker,
        "consumer",
        "",
        "orders",
        since=now,
        until=now + 5,
        steps=steps.configured(),
        now=now + 5,
    ).lines
    assert lines["wanted"] == [3]
    assert lines["running"] == [1]
