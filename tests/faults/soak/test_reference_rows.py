"""Rows R19 to R22 of the reference systems: a slow handler, a burst, a crash in mid-message, a broker restarted."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from consumers.models import Record
from tests.faults.soak.harness import QUEUE, Place, Soak
from tests.faults.soak.scenarios import CLIENT
from tests.faults.soak.sizes import SIZE, TIMEOUT
from tests.support.length import FULL, IN_FULL
from tests.support.processes import ROOT

pytestmark = [
    pytest.mark.broker,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(TIMEOUT),
]

PRODUCERS = 5


@pytest.mark.parametrize(
    ("heartbeat", "seconds", "what"),
    [
        (2, 7, "spin"),
        pytest.param(2, 7, "ok", marks=IN_FULL),
        pytest.param(30, 70, "ok", marks=IN_FULL),
        pytest.param(30, 70, "spin", marks=IN_FULL),
    ],
)
def test_r19_a_handler_slower_than_the_heartbeat_keeps_its_connection(
    place: Place, heartbeat: int, seconds: int, what: str
) -> None:
    title = f"R19: {seconds} s of {what}, heartbeat {heartbeat} s"
    with Soak(place, title, heartbeat=heartbeat, replicas=1) as soak:
        soak.send({"m0": f"{what}:{seconds}"})
        soak.start()
        [found] = soak.until(lambda: soak.connections.named(CLIENT), 20, what="the connection is listed")
        assert found["timeout"] == heartbeat, "RabbitMQ watches as closely as the test says"
        account = soak.finish(SIZE.patience + seconds)
        account.check()
        assert not account.twice
        assert soak.events("disconnected") == 0
        assert soak.events("connected") == 1


def test_r20_a_burst_of_five_producers_is_caught_up_with(place: Place) -> None:
    body = "ok:0.001"
    with Soak(place, f"R20: {PRODUCERS} producers x {SIZE.burst}", prefetch=200) as soak:
        soak.start()
        seconds = "10" if FULL else "1"
        program = [sys.executable, "-m", "tests.support.soak_producer", place.vhost, QUEUE]
        commands = [
            [*program, str(number * SIZE.burst), str(SIZE.burst), seconds, body]
            for number in range(PRODUCERS)
        ]
        producers = [
            subprocess.Popen(command, cwd=ROOT, env=dict(place.environ), stdout=subprocess.PIPE)
            for command in commands
        ]
        took = [float(producer.communicate(timeout=300)[0]) for producer in producers]
        assert [producer.returncode for producer in producers] == [0] * PRODUCERS
        soak.done["seconds of publishing"] = round(max(took))
        soak.expect({f"m{number}": body for number in range(PRODUCERS * SIZE.burst)})
        soak.done["still to do when all was published"] = len(soak.ids) - soak.handled()
        account = soak.finish(SIZE.patience)
        account.check()
        assert account.outcomes == {"acked": PRODUCERS * SIZE.burst}


def test_r21_a_consumer_killed_in_mid_message(place: Place) -> None:
    with Soak(place, "R21: kill -9 in mid-message") as soak:
        soak.send({"m0": "ok:3"})
        soak.start()
        [call] = soak.until(soak.calls, 20, what="the message is in hand")
        psutil.Process(call.pid).kill()
        soak.done["kills"] += 1
        account = soak.finish(SIZE.patience)
        account.check()
        first, second = account.calls
        assert (first.redelivered, second.redelivered) == (False, True)
        assert second.pid != first.pid
        assert list(Record.objects.values_list("outcome", "redelivered")) == [("acked", True)]


def test_r22_the_broker_restarted_with_nine_hundred_to_go(own_place: Place) -> None:
    node = own_place.node
    assert node is not None
    with Soak(own_place, "R22: 1000 messages, 100 handled, broker restarted") as soak:
        soak.load(1_000, span=5)
        soak.start()
        soak.progress(100)
        soak.done["handled before the restart"] = before = soak.handled()
        soak.restart(node)
        account = soak.finish(SIZE.patience)
        account.check()
        assert 100 <= before < 1_000
        assert len(account.calls) >= 1_000
