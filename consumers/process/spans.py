"""What a consumer process does with each message, as spans of OpenTelemetry: handled, tried again, dead-lettered.

The names of attributes: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/. Nothing of a body,
other headers or an error's words is in a span: they are in the record, which has its readers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from consumers.runtime.api import Delivery
from consumers.runtime.outcome import Acked, DeadLettered, Finished, Outcome, Retried
from consumers.runtime.spec import ConsumerSpec
from mqadmin.rabbit.headers import OWN_TRACEPARENT, REQUEUE_ID
from mqadmin.telemetry import carried, joining

SHORT = 255  # characters of a value

log = logging.getLogger("mqadmin.telemetry")


class Spans:
    """The runtime's `Tracing` over OpenTelemetry. A span that is not sampled leaves no trace anywhere.

    A fault in here costs a span, never a message.
    """

    def __init__(self, tracer: Tracer, spec: ConsumerSpec) -> None:
        self._tracer = tracer
        self._queue = spec.queue
        self._always: dict[str, Any] = {
            "messaging.system": "rabbitmq",
            "server.address": spec.broker.host,
            "server.port": spec.broker.port,
        }
        self._has_failed = False

    def begin(self, deliveries: Sequence[Delivery]) -> object:
        """Begin the span that a handler runs in, and make it this thread's: what it traces is below that."""
        return self._safely(lambda: self._begin(deliveries))

    def leave(self, here: Any) -> None:
        """Make it no more this thread's."""
        if here is not None:
            self._safely(lambda: detach(here))

    def finished(self, finished: Finished) -> None:
        """End the span, with what becomes of the message; that of a batch with its last."""
        span = finished.delivery.span
        if isinstance(span, _Together):
            self._safely(lambda: span.finished(finished))
        elif isinstance(span, Span) and span.is_recording():
            self._safely(lambda: _end(span, finished))

    def leaving(self, finished: Finished) -> Leaving | None:
        """Begin the span of a copy."""
        found = finished.delivery.span
        span = found.span if isinstance(found, _Together) else found
        if not isinstance(span, Span) or not span.get_span_context().trace_flags.sampled:
            return None
        leaving: Leaving | None = self._safely(lambda: self._leaving(finished.delivery, span))
        return leaving

    def _begin(self, deliveries: Sequence[Delivery]) -> object:
        first = deliveries[0]
        attributes = dict(self._always)
        attributes["messaging.operation.name"] = attributes["messaging.operation.type"] = "process"
        context, links = Context(), None
        if len(deliveries) == 1:
            attributes.update(_described(first, self._queue))
            context = joining.context(first.received_headers)
        else:
            attributes["messaging.batch.message_count"] = len(deliveries)
            attributes["messaging.destination.name"] = self._queue
            links = joining.links(delivery.received_headers for delivery in deliveries)
        span = self._tracer.start_span(
            f"process {self._queue}", context, SpanKind.CONSUMER, attributes=attributes, links=links
        )
        is_sampled = span.get_span_context().trace_flags.sampled
        shared = span if len(deliveries) == 1 else _Together(span, len(deliveries))
        for delivery in deliveries:
            delivery.span = shared
            if is_sampled and (len(deliveries) == 1 or not delivery.trace_id):
                delivery.traced_as = f"{span.get_span_context().trace_id:032x}"
        return attach(set_span_in_context(span, context))

    def _leaving(self, delivery: Delivery, span: Span) -> Leaving:
        context, links = set_span_in_context(span, Context()), None
        here = f"{span.get_span_context().trace_id:032x}"
        if delivery.trace_id != here:  # of a batch: a message's copy stays in the message's trace
            context = joining.context(delivery.received_headers)
            links = [Link(span.get_span_context())]
        attributes = {**self._always, **_described(delivery, "")}
        attributes["messaging.operation.type"] = "send"
        copy = self._tracer.start_span(
            "retry", context, SpanKind.PRODUCER, attributes=attributes, links=links
        )
        return Leaving(copy, self._queue, self._safely)

    def _safely(self, what: Callable[[], Any]) -> Any:
        try:
            return what()
        except Exception as error:
            if not self._has_failed:
                self._has_failed = True
                log.warning("telemetry: a span was not made: %s", type(error).__name__)
            return None


class _Together:
    """The span of a batch, until it is certain what becomes of each of its messages. One thread at a time."""

    def __init__(self, span: Span, left: int) -> None:
        self.span = span
        self._left = left
        self._kinds: list[str] = []

    def finished(self, finished: Finished) -> None:
        """Count one; the last ends the span, which is an error where one of them is."""
        self._left -= 1
        if finished.error_type:
            self._kinds.append(finished.error_type[:SHORT])
        if self._left:
            return
        if self._kinds:
            self.span.set_attribute("mqadmin.failed", len(self._kinds))
            _fail(self.span, self._kinds[0])
        self.span.end()


class Leaving:
    """The span of a copy, from the moment it is made until RabbitMQ has said what it is."""

    def __init__(self, span: Span, queue: str, safely: Callable[[Callable[[], Any]], Any]) -> None:
        self._span = span
        self._queue = queue
        self._safely = safely

    @property
    def headers(self) -> Mapping[str, str]:
        """Beside the message's own `traceparent`, which stays as it was published."""
        context = self._span.get_span_context()
        if not context.trace_flags.sampled:
            return {}
        return {OWN_TRACEPARENT: carried.written(context.trace_id, context.span_id, context.trace_flags)}

    def goes_to(self, exchange: str, routing_key: str, *, retry: bool) -> None:
        """Name the span by what it does, and say where it goes."""
        name = "retry" if retry else "dead-letter"

        def say() -> None:
            self._span.update_name(f"{name} {self._queue}")
            self._span.set_attribute("messaging.operation.name", name)
            self._span.set_attributes(_destination(exchange, routing_key))

        self._safely(say)

    def ended(self, receipt: str) -> None:
        """End the span."""

        def end() -> None:
            if receipt != "confirmed":
                self._span.set_attribute("error.type", receipt)
                self._span.set_status(Status(StatusCode.ERROR, receipt))
            self._span.end()

        self._safely(end)


def _end(span: Span, finished: Finished) -> None:
    # Each attribute of each message costs: that it was acked is not said.
    if not isinstance(finished.outcome, Acked):
        span.set_attribute("mqadmin.outcome", _outcome(finished.outcome))
    if finished.error_type:
        _fail(span, finished.error_type[:SHORT])
    span.end()


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.add_event("exception", {"exception.type": kind})
    span.set_status(Status(StatusCode.ERROR, kind))


def _outcome(outcome: Outcome) -> str:
    if isinstance(outcome, DeadLettered):
        return "dead_lettered"
    if isinstance(outcome, Retried):
        return "retried"
    return "released"


def _described(delivery: Delivery, queue: str) -> dict[str, Any]:
    """Return what is told of one message. `queue`: of whoever consumes it, "" of a copy."""
    found: dict[str, Any] = {"messaging.message.body.size": len(delivery.body)}
    if queue:
        found.update(_destination(delivery.exchange, delivery.routing_key, queue))
        found["messaging.rabbitmq.message.delivery_tag"] = delivery.tag
    if delivery.message_id:
        found["messaging.message.id"] = delivery.message_id[:SHORT]
    if conversation := delivery.correlation_id:
        found["messaging.message.conversation_id"] = conversation[:SHORT]
    if delivery.attempt > 1:
        found["mqadmin.attempt"] = delivery.attempt
    if delivery.redelivered:
        found["mqadmin.redelivered"] = True
    requeued = delivery.received_headers.get(REQUEUE_ID)
    if isinstance(requeued, str):
        found["mqadmin.requeue.id"] = requeued[:SHORT]
    return found


def _destination(exchange: str, routing_key: str, queue: str = "") -> dict[str, Any]:
    """Return exchange, routing key and queue as the conventions for RabbitMQ put them together."""
    parts = [exchange, routing_key]
    if queue != routing_key:
        parts.append(queue)
    name = ":".join(part for part in parts if part) or "amq.default"
    found = {"messaging.destination.name": name}
    if routing_key:
        found["messaging.rabbitmq.destination.routing_key"] = routing_key
    return found
