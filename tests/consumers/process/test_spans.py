"""Spans of handled messages, with OpenTelemetry's own SDK; what is sent over HTTP is in tests of live consumers."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from consumers.process.spans import Spans
from consumers.runtime.api import Delivery
from consumers.runtime.copies import copies
from consumers.runtime.handling import running
from consumers.runtime.handling.running import Policies
from consumers.runtime.outcome import DeadLettered, Finished
from consumers.runtime.spec import ConsumerSpec, DeadLetterTarget, RetryPolicy
from mqadmin.rabbit.config import load
from tests.consumers.handlers.deliveries import delivery

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
POLICIES = Policies(RetryPolicy(attempts=1))


class Told:
    """Spans that are kept in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        broker = load({"RABBITMQ_URL": "amqp://rabbit.example.com/"}, None)["default"]
        self.spec = ConsumerSpec(name="c", broker=broker, vhost="/", queue="q", host="h")
        self.spans = Spans(provider.get_tracer("test"), self.spec)

    def run(self, handler: Any, message: Delivery) -> Finished:
        finished = running.run(handler, message, POLICIES, self.spans)
        self.spans.finished(finished)
        return finished

    @property
    def ended(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())


@pytest.fixture
def told() -> Told:
    return Told()


def traced(number: int = 0) -> Delivery:
    return delivery(
        b"{}", message_id=f"m{number}", headers={"traceparent": PARENT.replace("4b", f"{number:02x}")}
    )


def test_the_span_is_the_handlers_own(told: Told) -> None:
    seen: list[Any] = []
    message = delivery(b"{}", headers={"traceparent": PARENT}, correlation_id="c-1", message_id="m")
    told.run(lambda _message: seen.append(trace.get_current_span()), message)
    [span] = told.ended
    assert seen[0].get_span_context() == span.context
    assert not trace.get_current_span().get_span_context().is_valid  # no more this thread's
    assert f"{span.context.trace_id:032x}" == TRACE == message.trace_id
    assert f"{span.parent.span_id:016x}" == SPAN
    attributes = dict(span.attributes or {})
    assert attributes["messaging.message.conversation_id"] == "c-1"
    assert attributes["server.address"] == "rabbit.example.com"
    assert "mqadmin.outcome" not in attributes
    assert span.status.is_unset


def test_what_failed_says_its_kind_and_no_word_of_it(told: Told) -> None:
    def fail(_message: Delivery) -> None:
        raise ValueError("hunter2")

    finished = told.run(fail, delivery(b"hunter2", headers={"x-token": "hunter2"}))
    [span] = told.ended
    assert "hunter2" not in span.to_json()
    assert span.status.description == "ValueError"
    assert dict(span.attributes or {})["mqadmin.outcome"] == "retried"
    assert "hunter2" in finished.error  # the record has it


def test_a_batch_is_one_span_with_links_and_each_copy_stays_in_its_own_trace(told: Told) -> None:
    messages = [traced(1), traced(2), delivery(b"{}")]
    many = running.run_batch(
        lambda _all: [None, ValueError("x"), KeyError("y")], messages, POLICIES, told.spans
    )
    for finished in many:
        told.spans.finished(finished)
    leaving = [told.spans.leaving(finished) for finished in many[1:]]
    for one in leaving:
        assert one is not None
        one.goes_to("mqadmin.delay.10", "q", retry=True)
        one.ended("confirmed")
    batch, second, third = told.ended
    assert [f"{link.context.trace_id:032x}"[:2] for link in batch.links] == ["01", "02"]
    assert dict(batch.attributes or {})["messaging.batch.message_count"] == 3
    assert dict(batch.attributes or {})["mqadmin.failed"] == 2
    assert batch.status.description == "ValueError"
    assert [message.trace_id[:2] for message in messages[:2]] == ["01", "02"]
    assert messages[2].trace_id == f"{batch.context.trace_id:032x}"
    assert f"{second.context.trace_id:032x}" == messages[1].trace_id
    assert second.links[0].context == batch.context
    assert third.parent == batch.context


def test_a_copy_that_is_not_taken_says_why(told: Told) -> None:
    finished = told.run(lambda _message: 1 / 0, traced(1))
    leaving = told.spans.leaving(finished)
    assert leaving is not None
    leaving.goes_to("", "dead", retry=False)
    leaving.ended("nacked")
    span = told.ended[-1]
    assert (span.name, dict(span.attributes or {})["error.type"]) == ("dead-letter q", "nacked")
    assert told.spans.leaving(Finished(delivery(b""), DeadLettered("x"), 0.0, 0.0)) is None  # never handled


def test_a_message_that_was_given_up_ends_its_span_elsewhere(told: Told) -> None:
    """The time limit takes the message; its thread comes back, or does not."""
    message, entered, go = traced(1), threading.Event(), threading.Event()

    def hang(_message: Delivery) -> None:
        entered.set()
        go.wait()

    thread = threading.Thread(target=running.run, args=(hang, message, POLICIES, told.spans))
    thread.start()
    entered.wait()
    late = Finished(message, DeadLettered("late"), 0.0, 1.0, error_type="TimeoutError", timed_out=True)
    told.spans.finished(late)
    assert [span.status.description for span in told.ended] == ["TimeoutError"]
    go.set()
    thread.join()
    assert len(told.ended) == 1


def test_a_fault_of_telemetry_costs_no_message(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def start_span(self, *_more: Any, **_others: Any) -> Any:
            raise RuntimeError("secret")

    spans = Spans(Broken(), told.spec)  # type: ignore[arg-type]
    for _ in range(3):
        finished = running.run(lambda _message: None, delivery(b"{}"), POLICIES, spans)
        spans.finished(finished)
        assert not finished.error
    assert [record.getMessage() for record in caplog.records] == [
        "telemetry: a span was not made: RuntimeError"
    ]


def test_full_headers_go_before_the_trace() -> None:
    """A frame of headers that has no room for the trace goes without it: the attempt is counted all the same."""
    own = {"mqadmin-traceparent": PARENT}
    roomy = copies.retry(delivery(b"", headers={"a": "x"}), 1, attempt=2, trace=own)
    assert roomy is not None
    assert roomy.properties.headers is not None
    assert roomy.properties.headers["mqadmin-traceparent"] == PARENT
    sizes = range(120_000, 131_000, 20)
    made = [
        copies.retry(delivery(b"", headers={"a": "x" * size, "traceparent": PARENT}), 1, attempt=2, trace=own)
        for size in sizes
    ]
    counted = [copy.properties.headers or {} for copy in made if copy is not None]
    assert {headers["mqadmin-attempt"] for headers in counted} == {2}
    assert {headers["traceparent"] for headers in counted} == {PARENT}
    assert {"mqadmin-traceparent" in headers for headers in counted} == {True, False}
    spec = Told().spec
    full = delivery(b"", headers={"a": "x" * 129_000})
    died = Finished(full, DeadLettered("r"), 0.0, 0.0, error_type="E", error="words")
    copy = copies.dead_letter(spec, died, "r", DeadLetterTarget("", "dead"), own)
    assert copy.properties.fits()
