"""PostgreSQL stopped and started again under real supervisors and consumers. OUTAGE in the environment: seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil
import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, Record, SupervisorHost
from consumers.supervisor.machine import spawn
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.consumers.supervisor.conftest import BOTH_WAYS, end_all, is_alive
from tests.consumers.supervisor.live.counting import Owners
from tests.consumers.supervisor.live.own_postgres import ALIAS, Cluster, cluster
from tests.support import amqp
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.broker,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="a server that can go away is needed"),
]

OUTAGE_S = float(os.environ.get("OUTAGE") or 20)  # longer than any lease


@pytest.fixture
def database(amqp_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[Cluster]:
    # Not `django_db`: it forbids every database but that of the run.
    with django_db_blocker.unblock(), cluster() as found:
        yield found


@pytest.fixture
def supervisor(database: Cluster, tmp_path: Path, way: str) -> Iterator[subprocess.Popen[bytes]]:
    with (tmp_path / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run_supervisor", "--name", "real"],
            cwd=ROOT,
            env={**database.environ, "MQADMIN_SUPERVISOR_ON_EXIT": "leave", "MQADMIN_FORK": way},
            stderr=log,
        )
    try:
        wait_until(SupervisorHost.objects.using(ALIAS).exists, 20)
        yield process
    finally:
        process.kill()
        process.wait()
        end_all()


def define(vhost: str, management: ManagementClient, name: str, **fields: object) -> Consumer:
    management.declare_queue(vhost, name)
    values = {"broker": "default", "vhost": vhost, "queue": name, "handler": "record", "desired": "running"}
    return Consumer.objects.using(ALIAS).create(name=name, **{**values, **fields})


def running(consumer: Consumer, replicas: int) -> list[ConsumerProcess]:
    rows = ConsumerProcess.objects.using(ALIAS).filter(consumer=consumer, state="running", ended_at=None)
    wait_until(lambda: rows.count() == replicas, 40, what=f"{replicas} of {consumer.name} running")
    return list(rows.order_by("replica"))


def is_over(row: ConsumerProcess) -> bool:
    return ConsumerProcess.objects.using(ALIAS).filter(pk=row.pk, ended_at__isnull=False).exists()


@BOTH_WAYS
def test_consumers_and_supervisor_outlive_a_database_that_is_gone(
    database: Cluster,
    supervisor: subprocess.Popen[bytes],
    broker_config: BrokerConfig,
    management: ManagementClient,
    vhost: str,
    tmp_path: Path,
) -> None:
    plain = define(vhost, management, "work", replicas=2)
    only = define(vhost, management, "only", single=True)
    kept, killed = running(plain, 2)
    [fenced] = running(only, 1)
    numbers = count()

    def publish() -> int:
        """Publish a message to each queue; return how many each has got so far."""
        number = next(numbers)
        for queue in ("work", "only"):
            amqp.publish(broker_config, vhost, queue, [b"{}"], message_id=f"m{number}")
        return number + 1

    with Owners(broker_config, vhost, "only") as owners:
        published = publish()
        wait_until(lambda: Record.objects.using(ALIAS).count() == 2, 20, what="it works")
        database.stop()
        began = time.monotonic()
        spawn.kill(killed.pid or 0)
        while time.monotonic() - began < OUTAGE_S:
            published = publish()
            assert supervisor.poll() is None, "the supervisor outlives its database"
            assert is_alive(kept.pid), "so does a consumer that may run twice"
        assert not is_alive(fenced.pid), "what must not run twice has let go"
        assert len(spawn.survivors()) == 1, "nothing is started that no row stands for"
        database.start()
        back = time.monotonic()
        wait_until(lambda: all(is_over(row) for row in (killed, fenced)), 30, what="their rows are closed")
        now = running(plain, 2)
        running(only, 1)
        print(f"all run again {time.monotonic() - back:.1f} s after the database is back")
        _all_recorded(broker_config, vhost, published)
    assert owners.most == 1
    assert kept.pk in {row.pk for row in now}
    _one_process_for_each_row()
    events = ConsumerEvent.objects.using(ALIAS).filter(process=kept).values_list("kind", flat=True)
    assert not {"killed", "crashed", "stopped", "lost", "displaced"} & set(events)
    said = (tmp_path / "supervisor.log").read_text()
    assert said.count("the database does not answer") == 1
    assert said.count("the database answers again") == 1


def _all_recorded(config: BrokerConfig, vhost: str, published: int) -> None:
    """Every message has its record and has left its queue: none was acked without one."""
    handled = Record.objects.using(ALIAS).order_by().values("queue", "message_id").distinct()
    wait_until(lambda: handled.count() == 2 * published, 40, what=f"all {published} of both")
    wait_until(lambda: not any(amqp.depth(config, vhost, queue) for queue in ("work", "only")), 10)


def _one_process_for_each_row() -> None:
    open_rows = ConsumerProcess.objects.using(ALIAS).filter(ended_at=None)
    expected = {row.pk: row.pid for row in open_rows}
    assert {pk: process.pid for pk, process in spawn.survivors().items()} == expected
    assert all(psutil.pid_exists(pid or 0) for pid in expected.values())
