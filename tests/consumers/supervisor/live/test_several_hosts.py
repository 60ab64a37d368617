"""Several supervisors on one PostgreSQL: real supervisors and consumers under different names, on one machine."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

import psutil
import pytest
from django.db import connection
from django.db.models import F

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, SupervisorHost
from consumers.supervisor import rows
from consumers.supervisor.machine import spawn
from consumers.supervisor.reconcile import Start
from mqadmin.rabbit.config import BrokerConfig
from tests.consumers.supervisor.conftest import Define, Launch, is_alive
from tests.consumers.supervisor.live.counting import Owners
from tests.rabbit.proxy import Proxy
from tests.support.waiting import patient, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.broker,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is for one host"),
]

Supervisor = subprocess.Popen[bytes]


def running(consumer: Consumer) -> list[ConsumerProcess]:
    return list(consumer.processes.filter(ended_at=None, state="running").order_by("replica"))


def hosts_of(consumer: Consumer) -> Counter[str]:
    return Counter(row.host for row in running(consumer))


def kill_host(name: str, supervisor: Supervisor) -> None:
    """What a power cut does to a host: supervisor and consumers are gone at once."""
    supervisor.kill()
    supervisor.wait()
    for process in spawn.survivors(name).values():
        spawn.kill(process.pid)


def test_replicas_spread_and_move_when_a_host_dies(launch: Launch, define: Define) -> None:
    a = launch("host-a")
    launch("host-b")
    consumer = define(replicas=4)
    wait_until(lambda: hosts_of(consumer) == {"host-a": 2, "host-b": 2}, 30, what=str(hosts_of(consumer)))
    began = time.monotonic()
    kill_host("host-a", a)
    wait_until(lambda: hosts_of(consumer) == {"host-b": 4}, 30, what="all four on host-b")
    print(f"taken over after {time.monotonic() - began:.1f} s")
    assert ConsumerEvent.objects.filter(consumer=consumer, kind="lost").count() == 2


def test_consumers_whose_supervisor_alone_died_stay_where_they_are(launch: Launch, define: Define) -> None:
    a = launch("host-a")
    consumer = define()
    wait_until(lambda: hosts_of(consumer) == {"host-a": 1}, 30)
    [row] = running(consumer)
    launch("host-b")
    a.kill()
    a.wait()
    died = row.lease_until
    assert died
    # Longer than any lease of the dead supervisor: the process renews its own.
    wait_until(
        lambda: ConsumerProcess.objects.get(pk=row.pk).lease_until > died + rows.timedelta(seconds=14), 30
    )
    assert running(consumer) == [row]
    launch("host-a")
    wait_until(lambda: ConsumerEvent.objects.filter(consumer=consumer, kind="adopted").exists(), 20)
    assert running(consumer) == [row]


def test_labels_capacity_and_draining(launch: Launch, define: Define) -> None:
    launch("host-a", "--label", "zone=north", "--capacity", "1")
    launch("host-b", "--label", "zone=south", "--label", "gpu")
    picky = define("picky", placement="gpu")
    nowhere = define("nowhere", placement="zone=west")
    wait_until(lambda: hosts_of(picky) == {"host-b": 1}, 30)
    SupervisorHost.objects.filter(name="host-b").update(drained=True)
    more = define("more", replicas=3)
    wait_until(lambda: hosts_of(more) == {"host-a": 1}, 30)
    Consumer.objects.filter(pk=picky.pk).update(nudge=F("nudge") + 1)
    wait_until(lambda: not picky.processes.filter(ended_at=None).exists(), 30, what="nobody may run it now")
    SupervisorHost.objects.filter(name="host-b").update(drained=False)
    wait_until(lambda: hosts_of(picky) == {"host-b": 1}, 30)
    wait_until(lambda: hosts_of(more) == {"host-a": 1, "host-b": 2}, 30)
    assert not nowhere.processes.exists()


@pytest.mark.parametrize("supervisor_gone", [False, True], ids=["cut off", "cut off without its supervisor"])
def test_what_must_not_run_twice_never_does_although_its_host_is_cut_off_from_the_database(
    supervisor_gone: bool,
    launch: Launch,
    define: Define,
    process_environ: dict[str, str],
    broker_config: BrokerConfig,
    vhost: str,
) -> None:
    database = urlsplit(process_environ["DATABASE_URL"])
    with Proxy(database.hostname or "", database.port or 5432) as line:
        url = database._replace(netloc=f"{database.netloc.rpartition('@')[0]}@127.0.0.1:{line.port}").geturl()
        a = launch("host-a", DATABASE_URL=url)
        consumer = define(single=not supervisor_gone)
        wait_until(lambda: hosts_of(consumer) == {"host-a": 1}, 30)
        [row] = running(consumer)
        if supervisor_gone:  # what was asked of it since it was started counts as well
            Consumer.objects.update(single=True)
            wait_until(lambda: ConsumerProcess.objects.get(pk=row.pk).heartbeat_at > row.heartbeat_at, 10)
        launch("host-b")
        if supervisor_gone:
            a.kill()
            a.wait()
        owners = Owners(broker_config, vhost, consumer.queue)
        with owners:
            line.freeze()
            began = time.monotonic()
            wait_until(lambda: hosts_of(consumer) == {"host-b": 1}, 40, what="taken over")
            print(f"taken over after {time.monotonic() - began:.1f} s")
        line.thaw()
    assert owners.most == 1, "two owners at a time"
    assert not is_alive(row.pid)


def test_two_that_race_for_one_replica_200_times_never_both_win(define: Define) -> None:
    consumer = define(exclusive=True, desired="paused")
    [definition] = rows.desired(rows.database_now())
    together = threading.Barrier(2)
    won: dict[str, list[int]] = {"host-a": [], "host-b": []}

    def race(name: str) -> None:
        try:
            for number in range(200):
                together.wait(patient(30))
                if rows.claim(Start(consumer.pk, 0), definition, name) is not None:
                    won[name].append(number)
                together.wait(patient(30))
                if name == "host-a":
                    ConsumerProcess.objects.filter(ended_at=None).update(ended_at=rows.database_now())
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=[name]) for name in won]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient(60))
    print(f"won: { ({name: len(rounds) for name, rounds in won.items()}) }")
    assert sorted(won["host-a"] + won["host-b"]) == list(range(200))


def test_stopping_a_stopped_process_does_not_make_its_host_lose_others(
    launch: Launch, define: Define
) -> None:
    """A process that is frozen (SIGSTOP) keeps its replica while its supervisor lives, then is replaced."""
    launch("host-a")
    consumer = define()
    wait_until(lambda: hosts_of(consumer) == {"host-a": 1}, 30)
    [row] = running(consumer)
    os.kill(row.pid or 0, signal.SIGSTOP)
    try:
        lease = row.lease_until
        assert lease
        wait_until(
            lambda: ConsumerProcess.objects.get(pk=row.pk).lease_until > lease + rows.timedelta(seconds=4), 20
        )
        assert ConsumerProcess.objects.get(pk=row.pk).ended_at is None
    finally:
        if psutil.pid_exists(row.pid or 0):
            os.kill(row.pid or 0, signal.SIGCONT)
