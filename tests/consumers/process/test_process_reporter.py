"""What a process tells of itself: what it uses, when that is too much, and how it fares without a supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, Record
from consumers.process import process_reporter, usage
from consumers.process.usage import Ceiling, Meter, Use
from mqadmin.rabbit.config import BrokerConfig
from tests.support import amqp
from tests.support.consumers import make_consumer, make_process
from tests.support.processes import ROOT
from tests.support.waiting import patient, wait_until

real = [pytest.mark.broker, pytest.mark.processes, pytest.mark.django_db(transaction=True)]


# --- looking at itself ---------------------------------------------------------------------------------------


def test_memory_of_what_a_handler_started_counts() -> None:
    hold = "import sys; held = b'x' * (80 << 20); print('ready', flush=True); sys.stdin.read()"
    shell = f'{sys.executable} -c "{hold}" & wait'  # a grandchild counts too
    before = Meter().look().rss
    command = ["sh", "-c", f"exec 3<&0; {shell.replace('& wait', '<&3 & wait')}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        during = Meter().look().rss
        assert child.stdin is not None
        child.stdin.close()
    assert during - before > 80 << 20
    assert Meter().look().rss - before < 40 << 20


def test_open_files_are_counted() -> None:
    before = usage.open_files(psutil.Process())
    descriptors = [os.open(os.devnull, os.O_RDONLY) for _ in range(100)]
    try:
        assert usage.open_files(psutil.Process()) - before == 100
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def test_points_of_the_last_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.time()
    meter = Meter()
    meter.look()
    assert meter.new_points() is None
    monkeypatch.setattr(usage, "EVERY", 0.0)
    use = meter.look()
    points = meter.new_points()
    assert points is not None
    assert points[0][2:] == [use.rss_mb, use.threads, use.open_files]
    assert int(began) <= points[0][0] <= time.time()
    assert meter.new_points() is None
    for _ in range(usage.POINTS + 5):
        meter.look()
    assert len(meter.new_points() or []) == usage.POINTS


def _use(mb: float) -> Use:
    return Use(int(mb * usage.MB), 0.0, 1, 1)


def test_a_peak_is_let_pass_and_staying_above_the_limit_is_not() -> None:
    ceiling = Ceiling(_use(90))
    looks = [600, 300, 600, 612, 613]
    said = [ceiling.passed(_use(mb), 512) for mb in looks]
    assert said[:3] == ["", "", ""]
    assert said[3] == "used 612 MB, more than its 512 MB: it finishes what is in hand and is started anew"
    assert Ceiling(_use(90)).passed(_use(9_000), 0) == ""


def test_a_limit_that_no_process_could_keep_is_told_and_not_kept() -> None:
    ceiling = Ceiling(_use(90))
    assert ceiling.useless(100) == ceiling.useless(0) == ""
    assert "not kept: it used 90 MB" in ceiling.useless(64)
    assert [ceiling.passed(_use(95), 64) for _ in range(5)] == [""] * 5


# --- in a real process ---------------------------------------------------------------------------------------


@pytest.fixture
def consumer(broker_config: BrokerConfig, vhost: str) -> Consumer:
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("q", durable=True)
    return make_consumer(name="work", vhost=vhost, queue="q", handler="tests.use", desired="running")


@contextlib.contextmanager
def run(environ: Mapping[str, str], path: str | Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `run_consumer work` with its output in `path`; killed at the end."""
    environ = {**environ, "MQADMIN_HANDLERS": "tests.support.usage_handlers"}
    command = [sys.executable, "manage.py", "run_consumer", "work", *arguments]
    with open(path, "wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def handled(outcome: str = "acked") -> int:
    return Record.objects.filter(outcome=outcome).count()


class TestMemory:
    pytestmark = [*real, pytest.mark.any_database]

    def test_a_process_above_its_limit_finishes_its_message_and_ends_to_be_started_anew(
        self,
        process_environ: dict[str, str],
        broker_config: BrokerConfig,
        consumer: Consumer,
        tmp_path: Path,
    ) -> None:
        Consumer.objects.update(memory_limit_mb=300)
        amqp.publish(broker_config, consumer.vhost, "q", [b"hold:300 sleep:7"])
        with run(process_environ, tmp_path / "out", "--verbose") as process:
            draining = wait_until(lambda: ConsumerProcess.objects.filter(state="draining").first(), 30)
            assert draining.state_reason.startswith("used ")
            assert "more than its 300 MB: it finishes what is in hand" in draining.state_reason
            assert draining.state_reason.endswith("1 in hand, at most 30 s")
            assert handled() == 0
            assert process.wait(patient(30)) == 75
        assert handled() == 1
        row = ConsumerProcess.objects.get()
        assert (row.state, row.crashes) == ("stopped", 0)
        assert "more than its 300 MB" in row.exit_reason
        assert row.rss_bytes > 300 << 20
        assert ConsumerEvent.objects.filter(kind="recycled", text=row.exit_reason).count() == 1

    def test_a_limit_below_what_it_needs_to_start_does_not_keep_it_from_working(
        self,
        process_environ: dict[str, str],
        broker_config: BrokerConfig,
        consumer: Consumer,
        tmp_path: Path,
    ) -> None:
        Consumer.objects.update(memory_limit_mb=16)
        amqp.publish(broker_config, consumer.vhost, "q", [b"sleep:6", b"sleep:0"])
        with run(process_environ, tmp_path / "out") as process:
            wait_until(lambda: handled() == 2, 40)
            assert process.poll() is None
        assert ConsumerEvent.objects.filter(kind="memory", text__contains="16 MB is not kept").count() == 1

    def test_what_it_uses_is_in_its_row(
        self, process_environ: dict[str, str], consumer: Consumer, tmp_path: Path
    ) -> None:
        began = time.time()
        with run(process_environ, tmp_path / "out"):
            row = wait_until(lambda: ConsumerProcess.objects.exclude(usage=[]).first(), 40)
        [point] = row.usage
        assert len(point) == 5
        assert int(began) <= point[0] <= time.time()
        assert 20 < point[2] < 2_000
        assert 3 < row.threads < 100
        assert 5 < row.open_files < 1_000


class TestOutput:
    pytestmark = [*real, pytest.mark.any_database]

    def test_a_consumer_goes_on_where_its_output_cannot_be_written(
        self, process_environ: dict[str, str], broker_config: BrokerConfig, consumer: Consumer
    ) -> None:
        amqp.publish(broker_config, consumer.vhost, "q", [b"print:a log:b"] * 3)
        with run(process_environ, "/dev/full") as process:
            wait_until(lambda: handled() == 3, 30)
            process.terminate()
            assert process.wait(patient(20)) == 0
        assert Record.objects.count() == 3

    def test_a_consumer_goes_on_on_a_full_disk(
        self,
        process_environ: dict[str, str],
        broker_config: BrokerConfig,
        consumer: Consumer,
        tmp_path: Path,
    ) -> None:
        """No write of output may grow a file beyond 4 KB: what comes later fails halfway through a line."""
        amqp.publish(broker_config, consumer.vhost, "q", [b"print:" + b"x" * 3_000] * 3)
        mounted = tmp_path / "full"
        mounted.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", mounted], check=False).returncode:
            pytest.skip("may not mount a file system")
        try:
            with run(process_environ, mounted / "out") as process:
                wait_until(lambda: handled() == 3, 30)
                process.terminate()
                assert process.wait(patient(20)) == 0
            assert (mounted / "out").stat().st_size == 4096
        finally:
            subprocess.run(["umount", mounted], check=True)


class TestWithoutSupervisor:
    pytestmark = real

    def test_one_that_waits_idles_runs_and_idles_again(
        self,
        process_environ: dict[str, str],
        broker_config: BrokerConfig,
        consumer: Consumer,
        tmp_path: Path,
    ) -> None:
        Consumer.objects.update(desired="stopped")
        amqp.publish(broker_config, consumer.vhost, "q", [b"sleep:0"])
        alive, out = tmp_path / "alive", tmp_path / "out"
        waiting = "work is stopped in mqadmin: waiting until it is started there"
        with run(process_environ, out, "--wait", "--alive", str(alive)) as process:
            wait_until(lambda: waiting in out.read_text(), 30)
            assert alive.exists()
            assert not ConsumerProcess.objects.exists()
            alive.unlink()
            Consumer.objects.update(desired="running")
            wait_until(lambda: handled() == 1, 30)
            wait_until(alive.exists, 10)
            Consumer.objects.update(desired="stopped")
            wait_until(lambda: out.read_text().count(waiting) == 2, 30)
            first = ConsumerProcess.objects.get()
            assert (first.state, first.exit_reason, first.pid) == ("stopped", "stopped as asked", process.pid)
            assert first.ended_at is not None
            Consumer.objects.update(desired="running")
            wait_until(lambda: ConsumerProcess.objects.filter(state="running", ended_at=None).exists(), 30)
            process.send_signal(signal.SIGTERM)
            assert process.wait(patient(20)) == 0
        assert ConsumerProcess.objects.filter(ended_at=None).count() == 0

    def test_one_that_waits_ends_by_a_signal(
        self, process_environ: dict[str, str], consumer: Consumer, tmp_path: Path
    ) -> None:
        Consumer.objects.all().delete()
        with run(process_environ, tmp_path / "out", "--wait") as process:
            wait_until(
                lambda: "waiting until a consumer work is defined" in (tmp_path / "out").read_text(), 30
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(patient(5)) == 0

    def test_the_page_kills_one_that_hangs(
        self,
        process_environ: dict[str, str],
        broker_config: BrokerConfig,
        consumer: Consumer,
        tmp_path: Path,
    ) -> None:
        amqp.publish(broker_config, consumer.vhost, "q", [b"sleep:600"])
        with run(process_environ, tmp_path / "out") as process:
            wait_until(lambda: ConsumerProcess.objects.filter(in_flight=1).exists(), 30)
            ConsumerProcess.objects.update(kill_requested_at=timezone.now())
            assert process.wait(patient(20)) == -signal.SIGKILL
        row = ConsumerProcess.objects.get()
        assert (row.state, row.exit_reason, row.in_flight) == ("stopped", "killed, as asked", 0)
        assert row.ended_at is not None


@pytest.mark.django_db
def test_a_new_process_closes_the_rows_of_those_that_ended_without_a_word() -> None:
    consumer = make_consumer()
    now = timezone.now()

    def left(**fields: Any) -> ConsumerProcess:
        return make_process(consumer, **{"supervisor": "", "host": "elsewhere", **fields})

    silent = left(heartbeat_at=now - timedelta(minutes=2))
    same_container = left(host=socket.gethostname(), pid=os.getpid())
    alive = left()
    supervised = make_process(consumer, heartbeat_at=now - timedelta(minutes=2), supervisor="host-a")
    mine = process_reporter.introduce(consumer, None)
    still = set(ConsumerProcess.objects.filter(ended_at=None).values_list("pk", flat=True))
    assert still == {alive.pk, supervised.pk, mine.pk}
    for row in (silent, same_container):
        row.refresh_from_db()
        assert row.exit_reason.startswith("ended without a word")
    assert not ConsumerProcess.objects.filter(pk=silent.pk, state="running").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["deleted meanwhile", "no\0 text", "half of \ud83d"], ids=ascii)
def test_what_cannot_be_told_keeps_no_process_from_hearing_what_is_wanted(text: str) -> None:
    consumer = make_consumer(desired="running")
    row = make_process(consumer, supervisor="")
    reporter = process_reporter.ProcessReporter(row)
    reporter.event("disconnected", text)
    if "deleted" in text:
        consumer.delete()
    else:
        Consumer.objects.update(desired="stopped")
    wishes: list[str] = []
    reporter.start(lambda: process_reporter.Gauges(0, 0, 0, 0), wishes.append)
    try:
        wait_until(lambda: "stopped" in wishes, 10)
    finally:
        reporter.finish(text)
    assert ConsumerEvent.objects.count() == ("deleted" not in text)


@pytest.mark.django_db(transaction=True)
def test_a_process_closes_the_rows_of_others_that_vanish_while_it_runs() -> None:
    """Under Kubernetes there may be no supervisor that would, and a pod that took its place is there at once."""
    consumer = make_consumer(desired="running")
    mine = make_process(consumer, supervisor="", pid=os.getpid(), host=socket.gethostname())
    gone = make_process(
        consumer, supervisor="", host="pod-1", heartbeat_at=timezone.now() - timedelta(minutes=2)
    )
    reporter = process_reporter.ProcessReporter(mine)
    reporter.start(lambda: process_reporter.Gauges(0, 0, 0, 0), lambda _wish: None)
    try:
        wait_until(lambda: ConsumerProcess.objects.filter(pk=gone.pk, ended_at__isnull=False).exists(), 10)
        assert ConsumerProcess.objects.get(pk=mine.pk).ended_at is None
    finally:
        reporter.finish("over")
