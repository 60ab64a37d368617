"""Two real supervisors race for the same replicas, and the broker counts who consumes. RACES: how many (60)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import F
from pika.adapters.blocking_connection import BlockingChannel

from consumers.models import Consumer, ConsumerProcess, SupervisorHost
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.consumers.supervisor.conftest import end_all
from tests.support import amqp
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

RACES = int(os.environ.get("RACES") or 60)
AT_ONCE = 10  # replicas in each round: as many as a supervisor starts at a moment
ALONE_S = 1.0  # so long one waits for the other before a claim

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.broker,
    pytest.mark.timeout(120 + 5 * RACES),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is for one host"),
]


class Meeting:
    """Lets two supervisors make the same claim at the same moment. `met`: how often they did. A context."""

    def __init__(self) -> None:
        self.met = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._waiting: dict[str, threading.Event] = {}
        self._changed = threading.Condition()

    def __enter__(self) -> Meeting:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        for _ in range(2):
            line, _peer = self._listener.accept()
            threading.Thread(target=self._serve, args=[line], daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, line.makefile("rw") as file:
            for what in file:
                self._meet(what)
                file.write("go\n")
                file.flush()

    def _meet(self, what: str) -> None:
        """Return when the other asks the same, or does not for ALONE_S."""
        with self._changed:
            other = self._waiting.pop(what, None)
            if other is not None:
                self.met += 1
                other.set()
                return
            mine = self._waiting[what] = threading.Event()
        if not mine.wait(ALONE_S):
            with self._changed:
                self._waiting.pop(what, None)


@pytest.fixture
def consumers(transactional_db: None, vhost: str, management: ManagementClient) -> list[Consumer]:
    """Half of them must be alone by the broker's rule, half by mqadmin's own."""
    made = []
    for number in range(AT_ONCE):
        name = f"race-{number}"
        management.declare_queue(vhost, name)
        alone = "exclusive" if number % 2 else "single"
        values = {"broker": "default", "vhost": vhost, "queue": name, "handler": "record", alone: True}
        made.append(Consumer.objects.create(name=name, **values))
    return made


@pytest.fixture
def meeting(process_environ: dict[str, str], vhost: str, tmp_path: Path) -> Iterator[Meeting]:
    script = str(Path(__file__).with_name("racing_supervisor.py"))
    with Meeting() as meeting:
        arguments = [str(meeting.port), vhost, str(tmp_path / "refused")]
        started = [
            subprocess.Popen(
                [sys.executable, script, name, *arguments],
                cwd=ROOT,
                env={**process_environ, "PYTHONPATH": str(ROOT)},
            )
            for name in ("host-a", "host-b")
        ]
        try:
            wait_until(lambda: SupervisorHost.objects.count() == 2, 30)
            yield meeting
        finally:
            for supervisor in started:
                supervisor.kill()
                supervisor.wait()
            end_all()


def owners(channel: BlockingChannel, consumers: list[Consumer]) -> list[int]:
    """Return how many consumers each queue has, by its broker."""
    found = (channel.queue_declare(consumer.queue, passive=True).method for consumer in consumers)
    return [int(method.consumer_count or 0) for method in found]


def test_the_broker_never_sees_two_owners(
    meeting: Meeting,
    consumers: list[Consumer],
    broker_config: BrokerConfig,
    vhost: str,
    tmp_path: Path,
    process_environ: dict[str, str],
) -> None:
    refused = tmp_path / "refused"
    began = time.monotonic()
    with amqp.channel(broker_config, vhost) as channel:
        while meeting.met < RACES:
            Consumer.objects.update(desired="running", nudge=F("nudge") + 1)
            wait_until(lambda: owners(channel, consumers) == [1] * AT_ONCE, 60, what="one owner each")
            assert ConsumerProcess.objects.filter(ended_at=None).count() == AT_ONCE
            Consumer.objects.update(desired="stopped")
            wait_until(lambda: not any(owners(channel, consumers)), 60, what="none")
            wait_until(lambda: not ConsumerProcess.objects.filter(ended_at=None).exists(), 30)
        assert not refused.exists(), refused.read_text()
        won = {name: ConsumerProcess.objects.filter(host=name).count() for name in ("host-a", "host-b")}
        print(f"{meeting.met} races in {time.monotonic() - began:.0f} s, won: {won}")
        Consumer.objects.filter(pk=consumers[0].pk).update(desired="running", nudge=F("nudge") + 1)
        wait_until(lambda: owners(channel, consumers)[0], 30)
    # The counting counts: a second one, started past every claim, is refused and shows.
    command = [
        sys.executable,
        "-m",
        "tests.consumers.supervisor.live.racing_child",
        vhost,
        consumers[0].queue,
    ]
    second = subprocess.run([*command, str(refused)], cwd=ROOT, env=process_environ, check=False, timeout=30)
    assert (second.returncode, "exclusive" in refused.read_text()) == (9, True)
