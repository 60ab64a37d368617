"""From what a message carries to a span's parent and links, as OpenTelemetry has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from mqadmin.telemetry import carried
from mqadmin.telemetry.carried import Carried

MOST_LINKS = 128  # of one span: OpenTelemetry's own bound


def context(headers: Mapping[Any, Any] | None) -> Context:
    """Return the context in which a message with these headers was published: an empty one where nobody says."""
    found = carried.read(headers)
    return Context() if found is None else set_span_in_context(NonRecordingSpan(_span(found)), Context())


def links(all_headers: Iterable[Mapping[Any, Any] | None]) -> list[Link]:
    """Return links to the spans that messages were published in: each once, the first MOST_LINKS."""
    found: dict[tuple[str, str], Link] = {}
    for headers in all_headers:
        span = carried.read(headers)
        if span is not None and (span.trace_id, span.span_id) not in found:
            found[span.trace_id, span.span_id] = Link(_span(span))
            if len(found) >= MOST_LINKS:
                break
    return list(found.values())


def _span(found: Carried) -> SpanContext:
    return SpanContext(
        int(found.trace_id, 16),
        int(found.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if found.is_sampled else TraceFlags.DEFAULT),
        trace_state=TraceState.from_header([found.state]) if found.state else None,
    )
