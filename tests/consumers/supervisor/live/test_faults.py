"""Faults and replacements with the real supervisor and real consumers, on a real broker."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from consumers.definitions import definitions
from consumers.models import Consumer, ConsumerEvent, ConsumerProcess
from consumers.supervisor.machine import spawn
from mqadmin.core.acts.audit import Actor
from mqadmin.rabbit.config import BrokerConfig
from tests.consumers.supervisor.conftest import BOTH_WAYS, Define, Launch, SteppedSupervisor, is_alive
from tests.support import amqp
from tests.support.waiting import patient, wait_until

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.broker,
]


@pytest.fixture
def supervisor_environ(process_environ: dict[str, str]) -> dict[str, str]:
    return {**process_environ, "MQADMIN_HANDLERS": "tests.support.usage_handlers"}


def running(count: int) -> list[ConsumerProcess]:
    rows = ConsumerProcess.objects.filter(state="running", ended_at=None).order_by("replica")
    return wait_until(
        lambda: (found := list(rows.all())) and len(found) == count and found, 30, what=f"{count} running"
    )


@BOTH_WAYS
def test_supervisor_and_consumer_killed_together_are_both_replaced(launch: Launch, define: Define) -> None:
    define()
    first = launch()
    [row] = running(1)
    first.kill()
    spawn.kill(row.pid or 0)
    first.wait()
    wait_until(lambda: not is_alive(row.pid), 10)
    launch()
    wait_until(lambda: ConsumerProcess.objects.get(pk=row.pk).ended_at, 20, what="the old row is closed")
    [new] = running(1)
    assert new.pk != row.pk
    assert len(spawn.survivors()) == 1


def test_a_kill_is_heeded_without_a_supervisor_too(launch: Launch, define: Define) -> None:
    consumer = define()
    supervisor = launch()
    [row] = running(1)
    supervisor.kill()
    supervisor.wait()
    definitions.kill(consumer=consumer, by=Actor("anna"))
    wait_until(lambda: not is_alive(row.pid), 20)
    assert ConsumerEvent.objects.filter(kind="killed", process=row).exists()
    launch()
    wait_until(lambda: ConsumerProcess.objects.get(pk=row.pk).ended_at, 20)
    [new] = running(1)
    row.refresh_from_db()
    assert (row.state, row.exit_reason, new.crashes) == ("stopped", "killed, as asked", 0)


def test_a_rolling_restart_always_leaves_one_consuming(
    launch: Launch, define: Define, broker_config: BrokerConfig, vhost: str
) -> None:
    consumer = define(replicas=3)
    launch()
    before = {row.pk for row in running(3)}
    least = [3]
    over = threading.Event()

    def watch() -> None:
        with amqp.channel(broker_config, vhost) as channel:
            while not over.wait(0.01):
                count = channel.queue_declare("work", passive=True).method.consumer_count or 0
                least[0] = min(least[0], int(count))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        Consumer.objects.filter(pk=consumer.pk).update(nudge=F("nudge") + 1, rolling=True)
        rows = ConsumerProcess.objects.filter(state="running", ended_at=None).exclude(pk__in=before)
        wait_until(lambda: rows.count() == 3, 60, what="three new ones")
    finally:
        over.set()
        watcher.join(10)
    print(f"at least {least[0]} of 3 were consuming")
    assert least[0] == 2, "one after another"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL is there for several hosts")
def test_a_second_host_on_sqlite_is_refused_in_words(launch: Launch) -> None:
    launch("host-a")
    second = launch("host-b", wait=False)
    _, words = second.communicate(timeout=patient(20))
    assert second.returncode == 1
    assert "set DATABASE_URL to PostgreSQL" in words.decode()
    assert "Traceback" not in words.decode()


def test_hours_open_and_close(stepped: SteppedSupervisor) -> None:
    today = timezone.localdate()
    closed = stepped.define(
        "calm-hours", schedule=f"*; not {today - timedelta(days=1)}..{today + timedelta(days=1)}"
    )
    for _ in range(3):
        stepped.supervisor.step()
    assert not closed.processes.exists()
    Consumer.objects.filter(pk=closed.pk).update(schedule="")
    row = stepped.ready(closed)
    Consumer.objects.filter(pk=closed.pk).update(schedule=closed.schedule)
    stepped.until(lambda: stepped.process(closed) is None)
    assert not is_alive(row.pid)
    assert ConsumerEvent.objects.filter(process=row, kind="stopped").exists()
