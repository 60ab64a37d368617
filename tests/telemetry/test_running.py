"""What a process sends is begun once, ended in a moment, and is nobody's trouble."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator

import pytest
from celery import signals
from opentelemetry import trace

import mqadmin.celery  # noqa: F401  # it connects what it does to the signals
from mqadmin.telemetry import publishing, running
from tests.support.otlp import Receiver
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    running.stop()


def handlers() -> list[str]:
    return [type(handler).__name__ for handler in logging.getLogger().handlers]


def test_lines_and_spans_come_with_what_they_are_of(collector: Receiver) -> None:
    running.start("worker", **{"mqadmin.consumer": "c"})
    running.start("worker")
    assert handlers().count("Lines") == 1
    span = publishing.begin("forward", "q", messaging__message__id="m")
    assert span is not None
    with trace.use_span(span.span):
        assert (
            publishing.current()["traceparent"].split("-")[2]
            == f"{span.span.get_span_context().span_id:016x}"
        )
        logging.getLogger("mqadmin.test").warning("within %s", "it")
        logging.getLogger("opentelemetry.sdk").warning("of its own")
        try:
            raise KeyError("x")
        except KeyError:
            logging.getLogger("mqadmin.test").exception("failed")
    [lines] = [one for one in logging.getLogger().handlers if type(one).__name__ == "Lines"]
    wrong = logging.LogRecord("x", logging.CRITICAL, "x.py", 1, "without %d %d", (1,), None)
    lines.handle(wrong)  # a wrong format loses no line; pytest's own handlers would raise
    span.end("nacked", mqadmin__refused=2)
    running.stop()
    assert "Lines" not in handlers()

    [sent] = collector.named("forward q")
    assert sent.attributes["messaging.message.id"] == "m"
    assert (sent.attributes["error.type"], sent.attributes["mqadmin.refused"], sent.status) == (
        "nacked",
        2,
        2,
    )
    first, failed, without = collector.lines
    assert (first.text, first.severity, first.trace_id, first.span_id) == (
        "within it",
        "WARN",
        sent.trace_id,
        sent.span_id,
    )
    assert failed.attributes["exception.type"] == "KeyError"
    assert "test_running.py" in failed.attributes["exception.stacktrace"]
    assert (without.text[:24], without.trace_id) == ("'without %d %d' (cannot ", "")
    assert first.resource["mqadmin.process"] == "worker"
    assert first.resource["mqadmin.consumer"] == "c"
    assert first.resource["process.pid"] == str(os.getpid())
    assert publishing.begin("forward", "q") is None


@pytest.mark.parametrize("trouble", ["hanging", "refusing"])
def test_its_end_waits_for_nobody(collector: Receiver, trouble: str) -> None:
    """A collector that hangs is left alone after the second that it was given: else this test would take ten."""
    if trouble == "hanging":
        collector.hanging.set()
    collector.status = 503
    running.start("worker")
    span = publishing.begin("forward", "q")
    assert span is not None
    span.end()
    wait_until(lambda: "/v1/traces" in collector.requests)
    ended = threading.Event()
    threading.Thread(target=lambda: (running.stop(0.05), ended.set()), daemon=True).start()
    assert ended.wait(5)
    assert running.tracer() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/at/all.pem"),
        ("OTEL_TRACES_SAMPLER", "what"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_nobody(
    collector: Receiver, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    running.start("worker")
    if span := publishing.begin("forward", "q"):
        span.end()


def test_a_fork_sends_nothing_for_its_parent(collector: Receiver) -> None:
    running.start("worker")
    pid = os.fork()
    if not pid:
        running.stop()
        os._exit(3 if running.tracer() is not None else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert running.tracer() is not None


def test_a_worker_of_celery_sends_from_its_start_to_its_end(collector: Receiver) -> None:
    signals.worker_process_init.send(sender=None)
    assert running.tracer() is not None
    logging.getLogger("mqadmin.test").warning("here")
    signals.worker_shutdown.send(sender=None)
    assert running.tracer() is None
    assert [(line.text, line.resource["mqadmin.process"]) for line in collector.lines] == [("here", "worker")]
