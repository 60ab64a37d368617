"""Letters of real neighbours: workers of other frameworks fail, their letters are explained and requeued, and the
same workers handle them then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from consumers.models import Consumer
from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import Operation
from mqadmin.deadletters.capture import windows
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.config import BrokerConfig
from tests.deadletters.real.apps import common
from tests.support import amqp
from tests.support.processes import ROOT, manage
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

APPS = "tests.deadletters.real.apps"
BY = Actor("ann", "shell")


@dataclass
class Neighbour:
    """One service: how it is run and fed, in a vhost of its own, and what it did."""

    config: BrokerConfig
    vhost: str
    environ: dict[str, str]
    folder: Path
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / "worker.log"
        user = self.config.amqp_url.partition("://")[2].rpartition("@")[0]
        self.environ = {
            **self.environ,
            common.URL: f"amqp://{user}@{self.config.host}:{self.config.port}/{self.vhost}",
            common.JOURNAL: str(self.folder / "journal"),
            common.REPAIRED: str(self.folder / "repaired"),
        }

    def send(self, *command: str) -> None:
        subprocess.run([sys.executable, *command], cwd=ROOT, env=self.environ, check=True, timeout=60)

    @contextmanager
    def working(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Have its worker run meanwhile; then it is killed, with all its processes."""
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environ,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def repair(self) -> None:
        Path(self.environ[common.REPAIRED]).touch()

    def done(self) -> list[str]:
        journal = Path(self.environ[common.JOURNAL])
        return sorted(journal.read_text().split()) if journal.exists() else []


@pytest.fixture
def neighbour(
    broker_config: BrokerConfig, vhost: str, process_environ: dict[str, str], tmp_path: Path
) -> Neighbour:
    brokers.forget()
    return Neighbour(broker_config, vhost, process_environ, tmp_path)


@pytest.fixture
def channel(broker_config: BrokerConfig, vhost: str) -> Iterator[BlockingChannel]:
    with amqp.channel(broker_config, vhost) as opened:
        yield opened


def fail(neighbour: Neighbour, queue: str, count: int, *worker: str) -> None:
    """Have the worker fail until `count` letters are in `queue`."""

    def dead() -> bool:
        return amqp.depth(neighbour.config, neighbour.vhost, queue) >= count

    with neighbour.working(*worker):
        wait_until(dead, 40, 0.2, what=f"{count} letters in {queue}; see {neighbour.log}")
    assert neighbour.done() == []


def collect(neighbour: Neighbour, queue: str, count: int) -> list[DeadLetter]:
    """Capture what is in `queue` with the real collector; return the letters."""
    Consumer.objects.create(
        name="collect",
        broker="default",
        vhost=neighbour.vhost,
        queue=queue,
        handler="collect",
        is_collector=True,
        desired="running",
        prefetch=500,
        exclusive=True,
    )
    with manage(neighbour.environ, "run_consumer", "collect"):
        settled = windows.settled()
        wait_until(lambda: settled.count() == count, 30, what=f"{count} letters stored")
    assert amqp.depth(neighbour.config, neighbour.vhost, queue) == 0
    return list(DeadLetter.objects.order_by("pk"))


def requeue_all(neighbour: Neighbour) -> Operation:
    """Requeue every letter to where it came from, as a worker of ours does."""
    chosen = selection.all_that_match(selection.Filter(broker="default", vhost=neighbour.vhost))
    operation = requeue.start(selection=chosen, to=To(), by=BY)
    operations.execute(operation.pk)
    operation.refresh_from_db()
    return operation


def handled(neighbour: Neighbour, jobs: list[str], *worker: str) -> None:
    """Have the repaired worker do all `jobs`, each once, and leave nothing behind."""
    neighbour.repair()
    with neighbour.working(*worker):
        wait_until(
            lambda: len(neighbour.done()) >= len(jobs), 40, 0.2, what=f"{jobs} done; see {neighbour.log}"
        )
    assert neighbour.done() == jobs


def requeued_whole(neighbour: Neighbour, letters: list[DeadLetter]) -> None:
    operation = requeue_all(neighbour)
    assert (operation.status, operation.done, operation.failed) == ("done", len(letters), 0)
    assert set(DeadLetter.objects.values_list("status", flat=True)) == {"requeued"}


@pytest.fixture
def no_nudges(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Operations are carried out by the tests themselves."""
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    return operations.nudge


def test_celery(neighbour: Neighbour, no_nudges: object) -> None:
    worker = [
        "-m",
        "celery",
        "-A",
        f"{APPS}.billing:app",
        "worker",
        "--concurrency",
        "1",
        "--loglevel",
        "info",
    ]
    worker += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    neighbour.send("-m", f"{APPS}.billing")
    fail(neighbour, "invoices.dead", 4, *worker)
    letters = collect(neighbour, "invoices.dead", 4)

    assert {one.framework for one in letters} == {"celery"}
    assert sorted(one.consumer for one in letters) == [
        "billing.lose_worker",
        "billing.refuse_invoice",
        "billing.send_invoice",
        "billing.send_invoice",
    ]
    for one in letters:
        assert (one.source_queue, one.return_queue, one.reason) == ("invoices", "invoices", "rejected")
        assert one.error == f"{one.consumer}: Celery leaves no error in its messages"
    groups = {one.consumer: one.group for one in letters}
    assert len(set(groups.values())) == 3, "each task is a cause of its own"
    requeued_whole(neighbour, letters)
    handled(neighbour, [f"celery-{number}" for number in (1, 2, 3, 4)], *worker)


def test_dramatiq(neighbour: Neighbour, no_nudges: object) -> None:
    worker = ["-m", "dramatiq", f"{APPS}.mailing", "--processes", "1", "--threads", "2", "--skip-logging"]
    neighbour.send("-m", f"{APPS}.mailing")
    fail(neighbour, "mails.XQ", 3, *worker)
    letters = collect(neighbour, "mails.XQ", 3)

    assert {one.framework for one in letters} == {"dramatiq"}
    retried = [one for one in letters if one.consumer == "send_mail"]
    assert len(retried) == 2
    for one in retried:
        assert (one.source_queue, one.return_queue, one.reason) == ("mails", "mails", "rejected")
        assert one.error_type == "LookupError"
        assert one.error.startswith("no account for job dramatiq-")
        assert one.death_count == 3, "two retries and the first attempt"
        assert "in book" in one.trace
    assert len({one.group for one in retried}) == 1, "the same error is one cause"
    (once,) = [one for one in letters if one.consumer == "send_once"]
    assert once.error == "", "dramatiq writes the error into the copy that it retries: here there was none"
    assert once.group != retried[0].group
    requeued_whole(neighbour, letters)
    handled(neighbour, [f"dramatiq-{number}" for number in (1, 2, 3)], *worker)


def test_faststream(neighbour: Neighbour, no_nudges: object) -> None:
    worker = ["-m", f"{APPS}.parcels"]
    neighbour.send(*worker, "send")
    fail(neighbour, "parcels.dead", 3, *worker)
    letters = collect(neighbour, "parcels.dead", 3)

    for one in letters:
        assert (one.source_queue, one.return_queue, one.reason) == ("parcels", "parcels", "rejected")
        assert (one.framework, one.error) == ("faststream", ""), "it leaves its name, and no error"
        assert (one.source_exchange, one.routing_keys) == ("parcels", ["parcel.new"])
        assert one.headers["tenant"] == "acme"
        assert one.properties["correlation_id"]
    assert len({one.group for one in letters}) == 1
    found = selection.Filter(broker="default", q="framework:faststream").found().rows
    assert {one.pk for one in found} == {one.pk for one in letters}
    assert not selection.Filter(broker="default", q="-framework:faststream").found().rows.exists()
    requeued_whole(neighbour, letters)
    handled(neighbour, [f"faststream-{number}" for number in (1, 2, 3)], *worker)
