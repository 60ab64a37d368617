"""The monitor against a real broker: rows, changes only, faults in words, leases, a lost database."""

from __future__ import annotations

import http.server
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.core.acts import leases
from mqadmin.core.models import Lease
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.monitor import monitor, queue_store
from mqadmin.queues.monitor.observing import Key
from mqadmin.queues.monitor.queue_row import Row
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.queues.pages.broker_status import status_of
from mqadmin.rabbit.amqp import channel as connected
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import ManagementUnavailable, NoResponse, RabbitError, Refused
from tests.queues.conftest import ODD_NAMES
from tests.support import amqp
from tests.support.management import Management
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.broker


def counted(sampler: Sampler, vhost: str) -> dict[str, Queue]:
    """Sample until the broker has counted all queues of `vhost` (a new one takes seconds, in two steps)."""

    def rows() -> dict[str, Queue]:
        found = sampled(sampler, vhost)
        return found if all(row.facts and row.state for row in found.values()) else {}

    return wait_until(rows, 15, what="the broker to count")


def sampled(sampler: Sampler, vhost: str) -> dict[str, Queue]:
    """Take a sample and return the rows of `vhost` by name."""
    sampler.sample()
    return {row.name: row for row in Queue.objects.filter(vhost=vhost, gone_at__isnull=True)}


@pytest.mark.django_db
def test_a_sample_finds_queues_of_every_name(management: Management, vhost: str) -> None:
    for name in ODD_NAMES:
        management.declare_queue(vhost, name)
    sampler = Sampler("default", management)
    assert set(sampled(sampler, vhost)) == set(ODD_NAMES)
    broker = Broker.objects.get()
    assert broker.reachable
    assert broker.version
    assert broker.queue_count >= len(ODD_NAMES)

    def limit() -> int:
        sampler.sample()
        return Broker.objects.get().nodes[0]["mem_limit"] or 0

    wait_until(limit, 15, what="a node that has just started to tell of its memory")


@pytest.mark.django_db
def test_only_changed_rows_are_written(
    management: Management, broker_config: BrokerConfig, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        management.declare_queue(vhost, f"q{number}")
    sampler = Sampler("default", management)
    counted(sampler, vhost)
    quiet, write = False, queue_store.write
    handed: list[tuple[Key, Row]] = []

    def noted(broker: Broker, rows: Sequence[tuple[Key, Row]], at: float) -> None:
        handed.extend(rows)
        write(broker, rows, at)

    monkeypatch.setattr(queue_store, "write", noted)

    def sample() -> dict[str, Queue]:
        """Sample once more: only a queue of which the broker told something new may have been written.

        It tells of a new queue bit by bit, last of all since when it is idle, and when depends on its load.
        """
        nonlocal quiet
        before = dict(Queue.objects.filter(vhost=vhost).values_list("name", "changed_at"))
        known = {name: sampler._known[vhost, name].info for name in before}
        handed.clear()
        with CaptureQueriesContext(connection) as queries:
            rows = sampled(sampler, vhost)
        written = {name for name, row in rows.items() if row.changed_at != before[name]}
        told = {name for name, info in known.items() if sampler._known[vhost, name].info != info}
        assert written <= told
        # Others may use this broker: what is written of their vhosts is theirs.
        assert written == {name for (of, name), _row in handed if of == vhost}
        writes = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE"))]
        assert written or not any(vhost in sql for sql in writes)
        quiet = quiet or not written
        return rows

    wait_until(lambda: sample() and quiet, 15, what="a sample in which nothing changed")
    amqp.publish(broker_config, vhost, "q7", [b"x"] * 5)
    wait_until(lambda: sample()["q7"].ready == 5, 15, what="five ready")


@pytest.mark.parametrize(("listing", "pace"), [(0.2, 5.0), (1.0, 5.0), (2.0, 10.0), (60.0, 15.0)])
def test_a_broker_that_lists_slowly_is_asked_less_often(listing: float, pace: float) -> None:
    sampler = monitor.BrokerSampler("default", 5.0, threading.Event())
    sampler._sampler.listing_s = listing
    assert sampler.pace == pace


@pytest.mark.django_db
def test_what_a_retry_queue_lets_go_makes_no_inbox(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "order.processing")
    to = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "order.processing"}
    management.declare_queue(vhost, "retry.5s", arguments={"x-message-ttl": 5000, **to})
    sampler = Sampler("default", management)

    def rows() -> dict[str, Queue]:
        sampler._mapped_at = float("-inf")  # as if half a minute had passed
        sampler.sample()
        return {row.name: row for row in Queue.objects.filter(vhost=vhost)}

    with connected(broker_config, vhost) as channel:
        channel.basic_consume("order.processing", lambda *_: None)
        wait_until(lambda: rows()["order.processing"].consumers == 1, 20, what="a consumer that is counted")
        found = rows()
        assert (found["retry.5s"].is_delay, found["order.processing"].is_inbox) == (True, False)
        assert found["order.processing"].dead_letters_from == ["retry.5s"]
    wait_until(lambda: rows()["order.processing"].consumers == 0, 20, what="no consumer any more")
    assert not rows()["order.processing"].is_inbox


@pytest.mark.django_db
def test_dead_letter_routes_are_found(management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "dlx", type="fanout")
    management.declare_queue(vhost, "dead")
    management.bind(vhost, "dlx", "dead")
    management.declare_queue(vhost, "work", arguments={"x-dead-letter-exchange": "dlx"})
    management.declare_queue(vhost, "lost", arguments={"x-dead-letter-exchange": "nowhere"})
    management.declare_queue(vhost, "hold", arguments={"x-dead-letter-exchange": "", "x-message-ttl": 4000})
    sampler = Sampler("default", management)
    rows = counted(sampler, vhost)
    assert rows["work"].dead_letters_to == ["dead"]
    assert (rows["dead"].dead_letters_from, rows["dead"].is_inbox) == (["work"], True)
    assert (rows["lost"].dead_letter_fault, rows["lost"].health) == ("exchange_missing", "broken")
    assert (rows["hold"].is_delay, rows["hold"].delay_ms, rows["hold"].clears_in) == (True, 4000, 4.0)
    # A binding that comes later is found without the queues changing.
    management.declare_exchange(vhost, "nowhere", type="fanout")
    management.bind(vhost, "nowhere", "dead")
    sampler.sample(time.time() + 31)
    assert Queue.objects.get(vhost=vhost, name="lost").dead_letters_to == ["dead"]


@pytest.mark.django_db
def test_deleted_queues_are_marked_gone_then_deleted_unless_tracked(
    management: Management, vhost: str
) -> None:
    for name in ("one", "two"):
        management.declare_queue(vhost, name)
    sampler = Sampler("default", management)
    sampled(sampler, vhost)
    Queue.objects.filter(vhost=vhost, name="two").update(tracked=True)
    for name in ("one", "two"):
        management.delete_queue(vhost, name)
    assert sampled(sampler, vhost) == {}
    assert Queue.objects.filter(vhost=vhost, gone_at__isnull=False).count() == 2
    Queue.objects.filter(vhost=vhost).update(gone_at=timezone.now() - timedelta(days=2))
    sampler.sample()
    assert list(Queue.objects.filter(vhost=vhost).values_list("name", flat=True)) == ["two"]
    management.declare_queue(vhost, "two")
    row = sampled(sampler, vhost)["two"]
    assert row.tracked


@pytest.mark.django_db
def test_many_queues_that_are_gone_at_once_cost_few_writes(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    names = [f"q{number}" for number in range(40)]
    with amqp.channel(broker_config, vhost) as channel:
        for name in names:
            channel.queue_declare(name, exclusive=True)
        sampler = Sampler("default", management)
        assert set(sampled(sampler, vhost)) == set(names)
    wait_until(lambda: not management.queues(vhost), 15, what="the broker to drop them")
    with CaptureQueriesContext(connection) as queries:
        sampler.sample()
    writes = [query["sql"] for query in queries if vhost in query["sql"] and "UPDATE" in query["sql"]]
    assert len(writes) == 1, "one statement for all: after a restart of the broker these are thousands"
    assert Queue.objects.filter(vhost=vhost, gone_at__isnull=False).count() == 40


@pytest.mark.django_db
def test_what_verdicts_remember_survives_a_restart(management: Management, vhost: str) -> None:
    management.declare_queue(vhost, "work")
    first = Sampler("default", management)
    counted(first, vhost)
    row = Queue.objects.filter(vhost=vhost).values_list("changed_at", "facts")

    def goes_on() -> bool:
        """Compare what two samplers make of the same; False when RabbitMQ told more in between."""
        first.sample()
        before = row.get()
        assert before[1]
        second = Sampler("default", management)
        second.sample()
        if second._known[vhost, "work"].info != first._known[vhost, "work"].info:
            return False
        assert row.get()[1] == before[1]
        return (
            row.get() == before
        )  # else it wrote a number that the first had left out as too little of a change

    wait_until(goes_on, 15, what="two samples of the same")


class _NotRabbit(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>It works!</html>")

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def other_server() -> Iterator[str]:
    """The address of an HTTP server that is not RabbitMQ."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _NotRabbit)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def failing(config: BrokerConfig, error_class: type[RabbitError]) -> Broker:
    """Sample through `config`, expect `error_class`, and return the row that tells of it."""
    sampler = Sampler("default", Management(config))
    with pytest.raises(error_class) as caught:
        sampler.sample()
    sampler.fail(caught.value)
    return Broker.objects.get()


@pytest.mark.django_db
def test_a_wrong_password_is_told_as_such(broker_config: BrokerConfig) -> None:
    base = broker_config.management_base.replace("http://", "http://guest:wrong@")
    row = failing(replace(broker_config, management_url=base), Refused)
    assert (row.reachable, row.error_code) == (False, "login_refused")
    assert "login" in status_of("default").title


@pytest.mark.django_db
def test_something_that_is_not_rabbitmq_is_told_as_such(
    broker_config: BrokerConfig, other_server: str
) -> None:
    row = failing(replace(broker_config, management_url=other_server), ManagementUnavailable)
    assert row.reachable is False
    assert "management API" in status_of("default").title


@pytest.mark.django_db
def test_a_broker_that_is_down_keeps_its_last_snapshot(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "work")
    rows = sampled(Sampler("default", management), vhost)
    when = Broker.objects.get().sampled_at
    row = failing(replace(broker_config, management_url="http://127.0.0.1:1"), NoResponse)
    assert (row.reachable, row.sampled_at, row.version != "") == (False, when, True)
    assert Queue.objects.filter(pk=rows["work"].pk, gone_at__isnull=True).exists()


@pytest.mark.django_db(transaction=True)
def test_two_monitors_never_sample_one_broker(management: Management, vhost: str) -> None:
    stop = threading.Event()
    assert leases.acquire("monitor:default", "somebody else", 60)
    threads = monitor.start(["default"], 0.05, stop)
    try:
        assert not Broker.objects.filter(sampled_at__isnull=False).exists()
        assert leases.acquire("monitor:default", "somebody else", 60)
        leases.release("monitor:default", "somebody else")
        wait_until(lambda: Broker.objects.filter(sampled_at__isnull=False).exists(), 10, what="a sample")
    finally:
        stop.set()
        for thread in threads:
            thread.join(patient(10))
    assert not any(thread.is_alive() for thread in threads)
    assert not Lease.objects.filter(name="monitor:default").exists()


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_does_not_delay_the_others(
    broker_config: BrokerConfig, monkeypatch: pytest.MonkeyPatch, management: Management
) -> None:
    dead = replace(broker_config, slug="dead", management_url="http://127.0.0.1:1")
    monkeypatch.setattr(brokers, "_configs", {"dead": dead, "default": broker_config})
    stop = threading.Event()
    threads = monitor.start(["dead", "default"], 0.1, stop)
    try:
        wait_until(lambda: Broker.objects.filter(slug="dead", reachable=False).exists(), 10, what="a fault")
        wait_until(
            lambda: Broker.objects.filter(slug="default", reachable=True).exists(), 10, what="a sample"
        )
    finally:
        stop.set()
        for thread in threads:
            thread.join(patient(10))
        brokers.forget()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_gone_is_waited_for(
    management: Management, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, broken = leases.acquire, threading.Event()
    broken.set()
    asked: list[float] = []

    def acquire(name: str, holder: str, seconds: float) -> bool:
        asked.append(time.monotonic())
        if broken.is_set():
            raise OperationalError("database is locked")
        return real(name, holder, seconds)

    monkeypatch.setattr(leases, "acquire", acquire)
    monkeypatch.setattr(monitor, "DATABASE_WAIT_S", 0.05)
    stop = threading.Event()
    threads = monitor.start(["default"], 0.05, stop)
    try:
        wait_until(lambda: len(asked) >= 3, 10, what="three attempts")
        assert all(thread.is_alive() for thread in threads)
        broken.clear()
        wait_until(lambda: Broker.objects.filter(reachable=True).exists(), 10, what="a sample")
    finally:
        stop.set()
        for thread in threads:
            thread.join(patient(10))


def test_run_monitor_without_a_broker_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.management.base import CommandError

    monkeypatch.setattr(brokers, "_configs", {})
    with pytest.raises(CommandError, match="No broker is configured"):
        call_command("run_monitor")
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()), "no signal stays blocked for whoever called it"


@pytest.mark.any_database
@pytest.mark.processes
def test_run_monitor_ends_cleanly_on_sigterm(process_environ: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run_monitor", "--interval", "0.2"],
        env=process_environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_until(lambda: Broker.objects.filter(reachable=True).exists(), 20, what="a sample")
        assert Lease.objects.filter(name="monitor:default").exists()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=patient(10))
    finally:
        process.kill()
    assert process.returncode == 0
    assert b"monitor: stopped" in output
    assert b"Traceback" not in output
    assert not Lease.objects.filter(name="monitor:default").exists()
