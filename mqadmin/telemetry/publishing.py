"""A span of something that mqadmin publishes: begun before, ended when the broker has said what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from mqadmin.rabbit.headers import TRACEPARENT, TRACESTATE
from mqadmin.telemetry import carried, running

if TYPE_CHECKING:
    from opentelemetry.trace import Span


def begin(
    operation: str,
    where: str,
    *,
    parent: Publishing | None = None,
    published: Iterable[Mapping[Any, Any] | None] = (),
    **attributes: str | int,
) -> Publishing | None:
    """Begin a span, None where none are sent. Never raises.

    It is a part of `parent`, else of what this thread does, if that is traced. `published`: headers of messages, to
    whose traces it is linked: as many as `joining.MOST_LINKS`, however many there are.
    """
    tracer = running.tracer()
    if tracer is None:
        return None
    try:
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind, set_span_in_context

        from mqadmin.telemetry import joining

        named = {name.replace("__", "."): value for name, value in attributes.items()}
        span = tracer.start_span(
            f"{operation} {where}",
            None if parent is None else set_span_in_context(parent.span, Context()),
            SpanKind.PRODUCER,
            attributes={
                "messaging.system": "rabbitmq",
                "messaging.operation.name": operation,
                "messaging.operation.type": "send",
                **named,
            },
            links=joining.links(published),
        )
    except Exception as error:
        running.log.warning("telemetry: a span was not made: %s", type(error).__name__)
        return None
    return Publishing(span)


def current() -> dict[str, str]:
    """Return the headers by which another service goes on with what this thread does, if that is traced."""
    if running.tracer() is None:
        return {}
    from opentelemetry.trace import get_current_span

    headers: dict[str, str] = {}
    Publishing(get_current_span()).put_into(headers)
    return headers


class Publishing:
    """The span. Any one thread at a time."""

    def __init__(self, span: Span) -> None:
        self.span = span

    def put_into(self, headers: MutableMapping[str, Any]) -> None:
        """Have a message that is published now be a part of this. One that is not sampled says nothing."""
        context = self.span.get_span_context()
        if not context.trace_flags.sampled:
            return
        headers[TRACEPARENT] = carried.written(context.trace_id, context.span_id, context.trace_flags)
        state = context.trace_state.to_header()
        if state:
            headers[TRACESTATE] = state
        else:
            headers.pop(TRACESTATE, None)

    def end(self, failed: str = "", **attributes: str | int) -> None:
        """End it. `failed`: in a word, why; nothing that may be secret."""
        from opentelemetry.trace import Status, StatusCode

        for name, value in attributes.items():
            self.span.set_attribute(name.replace("__", "."), value)
        if failed:
            self.span.set_attribute("error.type", failed)
            self.span.set_status(Status(StatusCode.ERROR, failed))
        self.span.end()
