"""`run_consumer` as a person, systemd or a container runs it: what it says, and what it does when stopped."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from consumers.models import Consumer, ConsumerProcess, Record
from consumers.process import terminal
from consumers.process.record_sink import RecordSink
from consumers.runtime.outcome import Handled
from mqadmin.rabbit.config import BrokerConfig
from tests.consumers.handlers.deliveries import delivery
from tests.support import amqp
from tests.support.consumers import make_consumer, make_process
from tests.support.processes import ROOT
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.broker, pytest.mark.processes]

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.+)")


class Running:
    """A `run_consumer` and what it said so far."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path) -> None:
        self.process = process
        self._path = path

    @property
    def text(self) -> str:
        return self._path.read_text()

    @property
    def said(self) -> list[str]:
        """The lines without their times; every line must have one."""
        return [
            found[1] if (found := LINE.fullmatch(line)) else f"?? {line}" for line in self.text.splitlines()
        ]


@pytest.fixture
def consumer(broker_config: BrokerConfig, vhost: str) -> Consumer:
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("q", durable=True)
    return make_consumer(name="work", vhost=vhost, queue="q", handler="tests.by_body", desired="running")


@contextlib.contextmanager
def run(environ: Mapping[str, str], path: Path, *arguments: str) -> Iterator[Running]:
    environ = {**environ, "MQADMIN_HANDLERS": "tests.support.handlers"}
    command = [sys.executable, "manage.py", "run_consumer", *arguments]
    with open(path, "wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield Running(process, path)
    finally:
        process.kill()
        process.wait()


def test_it_says_what_happens_and_not_each_message(
    process_environ: dict[str, str], broker_config: BrokerConfig, consumer: Consumer, tmp_path: Path
) -> None:
    amqp.publish(broker_config, consumer.vhost, "q", [b"log:a line of the handler"] * 20 + [b"fail"])
    with run(process_environ, tmp_path / "out", "work") as running:
        wait_until(lambda: "21 handled" in running.text, 30, what="a summary")
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(patient(20)) == 0
        said = running.said
    assert said[0] == f"consumer work: queue q in {consumer.vhost}, handler tests.by_body"
    assert said.index("connecting") < said.index("running")
    summary = next(line for line in said if "in hand" in line)
    assert re.fullmatch(r"21 handled, 1 failed, [\d.]+/s, 0 in hand", summary)
    assert said.count(summary) == 1  # nothing more happened
    assert said[-3:] == ["draining", "21 handled, 1 failed", "ended: stopped as asked"]
    assert "a line of the handler" not in running.text
    assert not [line for line in said if line.startswith("??")]


def test_verbose_says_each_message_and_what_handlers_log(
    process_environ: dict[str, str], broker_config: BrokerConfig, consumer: Consumer, tmp_path: Path
) -> None:
    amqp.publish(broker_config, consumer.vhost, "q", [b"log:a line of the handler", b"fail"])
    with run(process_environ, tmp_path / "out", "work", "--verbose") as running:
        wait_until(lambda: "dead-lettered m1" in running.text, 30)
        assert "a line of the handler" in running.said
        assert any(re.fullmatch(r"acked m0 \([\d.]+ ms\)", line) for line in running.said)
        [failed] = [line for line in running.said if line.startswith("dead-lettered")]
        assert re.fullmatch(r"dead-lettered m1 \([\d.]+ ms\): RuntimeError: no luck with m1", failed)


def test_one_that_is_stopped_says_how_to_start_it(
    process_environ: dict[str, str], consumer: Consumer, tmp_path: Path
) -> None:
    Consumer.objects.update(desired="stopped")
    with run(process_environ, tmp_path / "out", "work") as running:
        assert running.process.wait(patient(30)) == 3
        assert "work is stopped in mqadmin. Start it on its page" in running.text
        assert "manage.py run_consumer work --run" in running.text
    with run(process_environ, tmp_path / "out", "wrok") as running:
        assert running.process.wait(patient(30)) == 3
        assert "No consumer is called 'wrok'. Defined: work." in running.text
    assert not ConsumerProcess.objects.exists()


def test_run_runs_a_stopped_one_and_obeys_what_is_said_afterwards(
    process_environ: dict[str, str], broker_config: BrokerConfig, consumer: Consumer, tmp_path: Path
) -> None:
    Consumer.objects.update(desired="stopped")
    with run(process_environ, tmp_path / "out", "work", "--run") as running:
        amqp.publish(broker_config, consumer.vhost, "q", [b"x"])
        wait_until(Record.objects.exists, 30)
        wait_until(_looked_again(consumer), 10)
        assert Consumer.objects.get().desired == "stopped"
        assert "draining" not in running.said
        Consumer.objects.update(desired="paused")
        wait_until(lambda: "paused" in running.said, 10)
        Consumer.objects.update(desired="stopped")
        assert running.process.wait(patient(20)) == 0
        assert running.said[-1] == "ended: stopped as asked"


def _looked_again(consumer: Consumer) -> Any:
    """Return whether the process has reported itself twice since now: it reads what is wanted each time."""
    first = consumer.processes.get().heartbeat_at
    seen: set[Any] = {first}

    def look() -> bool:
        seen.add(consumer.processes.get().heartbeat_at)
        return len(seen) > 2

    return look


def test_what_is_wrong_with_it_is_its_last_word(
    process_environ: dict[str, str], consumer: Consumer, tmp_path: Path
) -> None:
    Consumer.objects.update(handler="no.such")
    with run(process_environ, tmp_path / "out", "work") as running:
        assert running.process.wait(patient(30)) == 3
        assert running.said[-1].startswith("ended: No handler is named 'no.such'. Registered: ")
    assert ConsumerProcess.objects.get().state == "failed"


def test_a_second_signal_ends_it_at_once_and_its_row_says_so(
    process_environ: dict[str, str], broker_config: BrokerConfig, consumer: Consumer, tmp_path: Path
) -> None:
    amqp.publish(broker_config, consumer.vhost, "q", [b"sleep:600"])
    with run(process_environ, tmp_path / "out", "work") as running:
        wait_until(lambda: ConsumerProcess.objects.filter(in_flight=1).exists(), 30)
        running.process.send_signal(signal.SIGINT)
        wait_until(lambda: "draining: 1 in hand" in running.text, 20)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(patient(10)) == 128 + signal.SIGTERM
    row = ConsumerProcess.objects.get()
    assert (row.state, row.exit_reason) == ("stopped", "ended at once by a second signal")
    assert row.ended_at is not None
    assert row.consumer.events.filter(kind="killed").exists()


def test_one_that_may_run_once_only_is_not_started_beside_another(
    process_environ: dict[str, str], consumer: Consumer, tmp_path: Path
) -> None:
    Consumer.objects.update(single=True)
    alive = ConsumerProcess.objects.filter(state="running", ended_at=None)
    with run(process_environ, tmp_path / "first", "work") as first:
        wait_until(alive.exists, 30)
        with run(process_environ, tmp_path / "second", "work") as second:
            assert second.process.wait(patient(30)) == 75
            assert f"it may run once only, and process {first.process.pid} on " in second.text
        with run(process_environ, tmp_path / "third", "work", "--wait") as third:
            wait_until(lambda: "work waits: it may run once only" in third.text, 30)
            assert alive.count() == 1
            first.process.kill()  # without a word: its row stays, but this machine knows better
            wait_until(lambda: alive.filter(pid=third.process.pid).exists(), 30)


def test_of_several_that_wait_for_one_that_may_run_once_only_one_runs(
    process_environ: dict[str, str], consumer: Consumer, tmp_path: Path
) -> None:
    Consumer.objects.update(single=True, desired="stopped")
    with contextlib.ExitStack() as stack:
        pods = [
            stack.enter_context(run(process_environ, tmp_path / str(number), "work", "--wait"))
            for number in range(3)
        ]
        wait_until(lambda: all("is stopped in mqadmin" in pod.text for pod in pods), 40)
        Consumer.objects.update(desired="running")
        waits = "work waits: it may run once only"
        wait_until(lambda: sum(waits in pod.text for pod in pods) == 2, 30)
        assert ConsumerProcess.objects.count() == 1
        wait_until(lambda: ConsumerProcess.objects.filter(state="running").exists(), 30)


def test_it_ends_although_a_handler_left_a_thread_behind(
    process_environ: dict[str, str], consumer: Consumer, broker_config: BrokerConfig, tmp_path: Path
) -> None:
    """Python would wait for it, and nobody would start the consumer again."""
    amqp.publish(broker_config, consumer.vhost, "q", [b"thread:600"])
    with run(process_environ, tmp_path / "out", "work") as running:
        wait_until(Record.objects.exists, 30)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(patient(30)) == 0
        assert running.said[-1] == (
            "ended although handlers left behind what does not end: left behind [warning]"
        )


def test_a_terminal_does_not_obey_what_a_publisher_wrote(caplog: pytest.LogCaptureFixture) -> None:
    consumer = make_consumer()
    sink = terminal.Loud(RecordSink(consumer, make_process(consumer).pk))
    message = delivery(b"", message_id="é\x1b[2J\nended: all is well\u202e")
    with caplog.at_level("INFO", "mqadmin.consumer"):
        sink.commit([Handled(message, "acked", 0.0, 0.5)])
    assert caplog.messages == ["acked é\\x1b[2J\\nended: all is well\\u202e (500.0 ms)"]
