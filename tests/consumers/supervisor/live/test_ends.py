"""How real consumers end, and what of theirs is left then: with the real supervisor, on a real broker."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from django.db.models import F
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, Record
from consumers.supervisor.machine import output, spawn
from mqadmin.rabbit.config import BrokerConfig
from tests.consumers.supervisor.conftest import BOTH_WAYS, Define, Launch, is_alive
from tests.support import amqp
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.broker,
]

FAULTS = "tests.consumers.supervisor.live.forking_handlers,tests.support.usage_handlers"


@pytest.fixture
def supervisor_environ(process_environ: dict[str, str]) -> dict[str, str]:
    return {**process_environ, "MQADMIN_HANDLERS": FAULTS}


def running(*but: ConsumerProcess) -> ConsumerProcess:
    """Wait for a process that runs and is none of these."""
    rows = ConsumerProcess.objects.filter(state="running", ended_at=None).exclude(pk__in=[r.pk for r in but])
    wait_until(rows.exists, 20, what="a running process")
    return rows.get()


def child_of(row: ConsumerProcess) -> int:
    """Wait until its handler has started a process, and return its pid."""
    said = wait_until(lambda: re.search(r"child (\d+)", output.tail(row.pk) or ""), 10)
    assert said
    return int(said[1])


@BOTH_WAYS
def test_a_killed_consumer_consumes_again_and_the_page_can_say_why(
    launch: Launch, define: Define, broker_config: BrokerConfig, vhost: str
) -> None:
    define()
    launch()
    row = running()
    began = time.monotonic()
    os.kill(row.pid or 0, signal.SIGKILL)
    amqp.publish(broker_config, vhost, "work", [b"{}"])
    wait_until(Record.objects.exists, 20)
    print(f"handles again {time.monotonic() - began:.1f} s after it was killed")
    new = running(row)
    assert (new.restarts, new.crashes, new.kills) == (1, 0, 1)
    assert ConsumerEvent.objects.get(kind="killed").text == "exit 137: killed from outside (SIGKILL)"
    assert list(spawn.survivors()) == [new.pk]


@BOTH_WAYS
def test_one_that_ignores_sigterm_is_killed_with_all_that_it_started(
    launch: Launch, define: Define, broker_config: BrokerConfig, vhost: str
) -> None:
    define(handler="tests.fork", stop_seconds=1.0)
    launch()
    row = running()
    amqp.publish(broker_config, vhost, "work", [b"sleep 600"])
    child = child_of(row)
    os.kill(row.pid or 0, signal.SIGSTOP)  # deaf to every signal but one
    Consumer.objects.update(desired="stopped")
    wait_until(lambda: not is_alive(row.pid), 20, what="killed")
    wait_until(lambda: not is_alive(child), 5, what="with its child")
    wait_until(lambda: not ConsumerProcess.objects.filter(ended_at=None).exists(), 10)
    row.refresh_from_db()
    assert row.state == "stopped"
    assert re.fullmatch(r"killed: it had not stopped after [4-9] s", row.exit_reason)
    assert amqp.depth(broker_config, vhost, "work") == 1, "what it had in hand is back"


@pytest.mark.parametrize(
    ("adopted", "way"),
    [(False, "off"), (False, "on"), (True, "on")],
    ids=["started by itself", "forked", "adopted"],
)
def test_what_a_consumer_started_does_not_outlive_it(
    adopted: bool,
    launch: Launch,
    define: Define,
    broker_config: BrokerConfig,
    vhost: str,
) -> None:
    define(handler="tests.fork")
    supervisor = launch()
    row = running()
    if adopted:
        supervisor.kill()
        supervisor.wait()
        launch()
        wait_until(ConsumerEvent.objects.filter(kind="adopted").exists, 20)
    amqp.publish(broker_config, vhost, "work", [b"sleep 600"])
    child = child_of(row)
    os.kill(row.pid or 0, signal.SIGKILL)
    wait_until(lambda: not is_alive(child), 10, what="the child is gone too")
    assert child_of(running(row)) != child, "the message came back and started another"


def test_a_stranger_with_the_pid_of_a_consumer_is_left_alone(launch: Launch, define: Define) -> None:
    define()
    first = launch()
    row = running()
    first.kill()
    spawn.kill(row.pid or 0)
    first.wait()
    wait_until(lambda: not is_alive(row.pid), 10)
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as stranger:
        # What the kernel does once it has gone round all pids, which takes a while.
        long_ago = F("pid_created") - 60
        ConsumerProcess.objects.filter(pk=row.pk).update(pid=stranger.pid, pid_created=long_ago)
        launch()
        new = running(row)
        Consumer.objects.update(desired="stopped")
        wait_until(lambda: not ConsumerProcess.objects.filter(ended_at=None).exists(), 20)
        assert new.pid != stranger.pid
        assert psutil.Process(stranger.pid).status() == psutil.STATUS_SLEEPING
        stranger.kill()
    row.refresh_from_db()
    assert row.ended_at is not None


def test_a_full_disk_for_output_holds_up_neither_consumer_nor_supervisor(
    launch: Launch, define: Define, broker_config: BrokerConfig, vhost: str
) -> None:
    consumer = define(handler="tests.use")
    now = timezone.now()
    probe = ConsumerProcess.objects.create(consumer=consumer, state_since=now, started_at=now, ended_at=now)
    output.folder().mkdir(parents=True, exist_ok=True)
    files = [output.path(pk) for pk in range(probe.pk + 1, probe.pk + 41)]
    for file in files:
        file.unlink(missing_ok=True)
        file.symlink_to("/dev/full")
    try:
        launch()
        row = running()
        assert os.readlink(f"/proc/{row.pid}/fd/1") == "/dev/full"
        amqp.publish(broker_config, vhost, "work", [b"print:a log:b"] * 3)
        wait_until(lambda: Record.objects.filter(outcome="acked").count() == 3, 20)
        os.kill(row.pid or 0, signal.SIGKILL)
        assert running(row).kills == 1
        assert ConsumerEvent.objects.get(kind="killed").text.startswith("exit 137")
    finally:
        for file in files:
            Path(file).unlink(missing_ok=True)
