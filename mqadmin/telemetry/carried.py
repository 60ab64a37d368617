"""What a message carries of a trace (W3C Trace Context in its headers): read, or ignored. Pure.

Anybody may have written it: what is not exactly of the form counts as not there.
https://www.w3.org/TR/trace-context/#traceparent-header
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.headers import OWN_TRACEPARENT, TRACEPARENT, TRACESTATE

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST = 512  # characters: a later version may be longer, and no list of states need be
_NO_TRACE, _NO_SPAN, _NO_VERSION = "0" * 32, "0" * 16, "ff"


@dataclass(frozen=True, slots=True)
class Carried:
    """A span that is told of in a message: in lower hexadecimal digits. `state`: the `tracestate` beside it."""

    trace_id: str
    span_id: str
    is_sampled: bool
    state: str = ""


def read(headers: Mapping[Any, Any] | None) -> Carried | None:
    """Return whose part the handling of a message is: the span of mqadmin's that sent this copy of it, else the one
    that the message was published in; None where nobody says.

    A copy keeps `traceparent` as it was published, and has ours beside it: believed where it is of the same trace,
    since whoever publishes a copy with all headers may have begun another.
    """
    if not headers:
        return None
    published = _parsed(headers.get(TRACEPARENT))
    own = _parsed(headers.get(OWN_TRACEPARENT))
    found = own if own and (published is None or published.trace_id == own.trace_id) else published
    if found is None or published is None:
        return found
    state = _text(headers.get(TRACESTATE))
    return Carried(found.trace_id, found.span_id, found.is_sampled, state) if state else found


def trace_id(headers: Mapping[Any, Any] | None) -> str:
    """Return the id of the trace that a message is of, "" where nobody says."""
    if not headers or not (TRACEPARENT in headers or OWN_TRACEPARENT in headers):
        return ""
    found = _parsed(headers.get(TRACEPARENT)) or _parsed(headers.get(OWN_TRACEPARENT))
    return found.trace_id if found else ""


def trace_of(text: str) -> str:
    """Return the trace id in a `traceparent` that somebody typed, or the text itself where it is one, else ""."""
    lowered = text.strip().lower()
    found = _parsed(lowered)
    if found:
        return found.trace_id
    return lowered if _TRACE_ID.fullmatch(lowered) and lowered != _NO_TRACE else ""


def written(trace: int, span: int, flags: int) -> str:
    """Return a `traceparent` of version 00."""
    return f"00-{trace:032x}-{span:016x}-{flags & 0xFF:02x}"


def _parsed(value: Any) -> Carried | None:
    text = _text(value)
    found = _FORM.fullmatch(text) if text else None
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == _NO_VERSION or trace == _NO_TRACE or span == _NO_SPAN or (version == "00" and more):
        return None
    return Carried(trace, span, bool(int(flags, 16) & 1))


def _text(value: Any) -> str:
    """Return a header's value as text: publishers write texts of AMQP, or bytes."""
    if isinstance(value, bytes):
        if len(value) > _LONGEST or not value.isascii():
            return ""
        value = value.decode("ascii")
    return value if isinstance(value, str) and len(value) <= _LONGEST and value.isascii() else ""
