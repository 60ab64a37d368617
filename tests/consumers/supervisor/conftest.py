from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db.models import F

from consumers.models import Consumer, ConsumerProcess, SupervisorHost
from consumers.supervisor.loop import Supervisor
from consumers.supervisor.machine import output, spawn
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support.processes import ROOT
from tests.support.waiting import patient, wait_until

Launch = Callable[..., subprocess.Popen[bytes]]
Define = Callable[..., Consumer]
FAKE = str(Path(__file__).with_name("fake_child.py"))


class SteppedSupervisor:
    """A supervisor driven pass by pass, whose consumers do what the prefix of their name says."""

    def __init__(self, name: str = "host-a") -> None:
        self.supervisor = Supervisor(name, lambda name, _id: [sys.executable, FAKE, name.partition("-")[0]])

    def define(self, name: str, desired: str = "running", **fields: Any) -> Consumer:
        return Consumer.objects.create(
            name=name, broker="default", queue="q", handler="record", desired=desired, **fields
        )

    def until(self, predicate: Callable[[], Any], timeout: float = 10) -> Any:
        """Make passes until `predicate()`; return what it returned."""

        def passed() -> Any:
            self.supervisor.step()
            return predicate()

        return wait_until(passed, timeout)

    def process(self, consumer: Consumer, replica: int = 0) -> ConsumerProcess | None:
        """The visible row of a replica."""
        return ConsumerProcess.objects.filter(consumer=consumer, replica=replica, ended_at=None).first()

    def ready(self, consumer: Consumer, replica: int = 0) -> ConsumerProcess:
        """Make passes until the replica's process says it is ready."""

        def found() -> ConsumerProcess | None:
            row = self.process(consumer, replica)
            return row if row and "ready" in (output.tail(row.pk) or "") else None

        row = self.until(found)
        assert isinstance(row, ConsumerProcess)
        return row


def nudge(consumer: Consumer, **fields: Any) -> None:
    Consumer.objects.filter(pk=consumer.pk).update(nudge=F("nudge") + 1, **fields)


def is_alive(pid: int | None) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def stepped(transactional_db: None) -> Iterator[SteppedSupervisor]:
    yield SteppedSupervisor()
    end_all()


def end_all() -> None:
    """Kill what a test's supervisors started (each is marked with the run's own folder)."""
    for process in spawn.survivors().values():
        spawn.kill(process.pid)
    for child in psutil.Process().children():
        if child.status() == psutil.STATUS_ZOMBIE:
            child.wait(patient(1))


@pytest.fixture
def supervisor_environ(process_environ: dict[str, str]) -> dict[str, str]:
    """What `launch` starts supervisors with; a file that needs more has a fixture of this name."""
    return process_environ


BOTH_WAYS = pytest.mark.parametrize("way", ["on", "off"], ids=["forked", "by itself"])
"""For what must hold however consumers are started."""


@pytest.fixture
def way() -> str:
    """MQADMIN_FORK of the supervisors that `launch` starts."""
    return "on"


def is_forked(row: ConsumerProcess) -> bool:
    """Whether its process was forked; a mark that was written over is as long as any."""
    marked = psutil.Process(row.pid).environ()[spawn.MARK]
    return len(marked.rpartition(":")[2]) == spawn.ID_DIGITS


@pytest.fixture
def launch(transactional_db: None, supervisor_environ: dict[str, str], way: str) -> Iterator[Launch]:
    """Start real supervisors, which leave their consumers running when they end."""
    started: list[subprocess.Popen[bytes]] = []

    def run(name: str = "real", *options: str, wait: bool = True, **environ: str) -> subprocess.Popen[bytes]:
        """Start one, and `wait` until it has registered; else its standard error is kept for the test."""
        supervisor = subprocess.Popen(
            [sys.executable, "manage.py", "run_supervisor", "--name", name, *options],
            cwd=ROOT,
            env={"MQADMIN_SUPERVISOR_ON_EXIT": "leave", "MQADMIN_FORK": way, **supervisor_environ, **environ},
            stderr=None if wait else subprocess.PIPE,
        )
        started.append(supervisor)
        if wait:
            wait_until(lambda: SupervisorHost.objects.filter(pid=supervisor.pid).exists(), 20)
        return supervisor

    yield run
    for supervisor in started:
        supervisor.kill()
        supervisor.communicate()
    end_all()


@pytest.fixture
def define(transactional_db: None, vhost: str, management: ManagementClient) -> Define:
    """Define consumers that are to run, with queues of their own names."""

    def make(name: str = "work", **fields: Any) -> Consumer:
        management.declare_queue(vhost, name)
        values = {"broker": "default", "vhost": vhost, "queue": name, "handler": "record"}
        return Consumer.objects.create(name=name, **{"desired": "running", **values, **fields})

    return make
