"""The clock set back an hour, and forward again, under real supervisors and consumers.

On SQLite it is the clock of everything; on PostgreSQL that of this host alone, the database keeps the right time.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess
from consumers.supervisor.machine import spawn
from mqadmin.rabbit.config import BrokerConfig
from tests.consumers.supervisor.conftest import Define, Launch
from tests.consumers.supervisor.live.counting import Owners
from tests.support import amqp
from tests.support.length import IN_FULL
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.broker,
]

WATCH_S = float(os.environ.get("CLOCK_WATCH") or 12)  # longer than a lease
HOUR_S = 3600.0


class Clock:
    """The clock of the processes that this test starts."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.environ = {
            "TEST_CLOCK_FILE": str(file),
            "PYTHONPATH": str(Path(__file__).with_name("clock")),
        }

    def set(self, seconds: float) -> None:
        """Let it be wrong by so much for whoever looks at it from now on."""
        written = self._file.with_suffix(".new")
        written.write_text(str(seconds))
        written.replace(self._file)

    def told(self, seconds: float) -> set[int]:
        """The processes that looked at it while it was wrong by so much. With PostgreSQL few do: it has its own."""
        heard = Path(f"{self._file}.heard").read_text().split()
        return {
            int(pid) for pid, value in zip(heard[::2], heard[1::2], strict=True) if float(value) == seconds
        }


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def supervisor_environ(process_environ: dict[str, str], clock: Clock) -> dict[str, str]:
    return {**process_environ, **clock.environ, "MQADMIN_HANDLERS": "tests.support.handlers"}


def pids(consumer: Consumer) -> set[int | None]:
    rows = consumer.processes.filter(ended_at=None, state="running")
    return set(rows.values_list("pid", flat=True))


def test_consumers_go_on_and_are_never_doubled(
    launch: Launch, clock: Clock, define: Define, broker_config: BrokerConfig, vhost: str
) -> None:
    calm, only = (
        define("calm", handler="tests.by_body", replicas=2),
        define("only", handler="tests.by_body", single=True),
    )
    supervisor = launch()
    wait_until(lambda: (len(pids(calm)), len(pids(only))) == (2, 1), 30, what="all run")
    before = pids(calm), pids(only)
    with Owners(broker_config, vhost, "calm") as both, Owners(broker_config, vhost, "only") as one:
        clock.set(-HOUR_S)
        _nothing_happens_to(calm, only, before)
        supervisor.kill()
        supervisor.wait()
        supervisor = launch()  # it adopts what was started before the clock was set
        wait_until(lambda: ConsumerEvent.objects.filter(kind="adopted").count() == 3, 20)
        clock.set(0)  # while it watches what it did not start itself
        _nothing_happens_to(calm, only, before)
    assert (both.most, one.most) == (2, 1)
    assert supervisor.pid in clock.told(-HOUR_S)
    assert set(ConsumerEvent.objects.values_list("kind", flat=True)) <= {"started", "adopted", "connected"}
    Consumer.objects.update(desired="stopped")
    wait_until(lambda: not spawn.survivors(), 10, what="stopped as ever")
    wait_until(lambda: not ConsumerProcess.objects.filter(ended_at=None).exists(), 10)


def _nothing_happens_to(calm: Consumer, only: Consumer, before: tuple[set[int | None], ...]) -> None:
    until = time.monotonic() + WATCH_S

    def over() -> bool:
        assert (pids(calm), pids(only)) == before
        return time.monotonic() > until

    wait_until(over, WATCH_S + 10, 0.2)


@IN_FULL
def test_a_wait_after_a_crash_and_a_stop_take_no_longer(
    launch: Launch, clock: Clock, define: Define, broker_config: BrokerConfig, vhost: str
) -> None:
    consumer, stubborn = (
        define("crashing", handler="tests.by_body", deaths_limit=0),
        define("slow", handler="tests.by_body", stop_seconds=2.0),
    )
    supervisor = launch()
    wait_until(lambda: pids(consumer) and pids(stubborn), 30)
    amqp.publish(broker_config, vhost, "slow", [b"sleep:600"])
    amqp.publish(broker_config, vhost, "crashing", [b"die"])
    crashes = ConsumerEvent.objects.filter(consumer=consumer, kind="crashed")
    wait_until(lambda: crashes.count() == 3, 60, what="a wait of 4 s")
    Consumer.objects.filter(pk=stubborn.pk).update(desired="stopped")
    wait_until(lambda: stubborn.processes.exclude(stop_requested_at=None).exists(), 10)
    [pid] = pids_of_open(stubborn)
    clock.set(-HOUR_S)  # by which each would take longer
    wait_until(lambda: pid not in pids_of_open(stubborn), 10, what="the one that does not stop is killed")
    wait_until(lambda: crashes.count() == 4, 20, what="it was started again")
    with amqp.channel(broker_config, vhost) as channel:
        wait_until(lambda: channel.queue_purge("crashing").method.message_count, 30, 0.005)
    wait_until(lambda: pids(consumer), 30, what="it runs once nothing kills it any more")
    assert supervisor.pid in clock.told(-HOUR_S)


def pids_of_open(consumer: Consumer) -> list[int | None]:
    return list(consumer.processes.filter(ended_at=None).values_list("pid", flat=True))
