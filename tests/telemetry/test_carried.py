"""What a message carries of a trace: read as W3C Trace Context says, hostile values ignored."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.telemetry import carried
from mqadmin.telemetry.carried import Carried

TRACE, SPAN, OWN_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (PARENT, Carried(TRACE, SPAN, True)),
        (PARENT.encode(), Carried(TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-00", Carried(TRACE, SPAN, False)),
        (f"00-{TRACE}-{SPAN}-03", Carried(TRACE, SPAN, True)),
        (f"cc-{TRACE}-{SPAN}-01-what-will-be", Carried(TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"cc-{TRACE}-{SPAN}-01.what", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (PARENT.upper(), None),
        (f" {PARENT}", None),
        (f"{PARENT}\n", None),
        (f"cc-{TRACE}-{SPAN}-01-{'x' * 600}", None),
        (PARENT.replace("4", "４"), None),
        (b"\xff\xfe", None),
        ("", None),
        (None, None),
        (7, None),
        ([PARENT], None),
        ({"traceparent": PARENT}, None),
    ],
)
def test_forms(value: Any, found: Carried | None) -> None:
    assert carried.read({"traceparent": value}) == found
    assert carried.trace_id({"traceparent": value}) == (found.trace_id if found else "")


@given(st.one_of(st.text(), st.binary(), st.integers(), st.none(), st.lists(st.text())))
def test_nothing_raises(value: Any) -> None:
    headers = {"traceparent": value, "mqadmin-traceparent": value, "tracestate": value}
    carried.read(headers)
    carried.trace_id(headers)
    carried.read({value: value} if isinstance(value, str | bytes) else None)


def test_our_own_span_counts_where_it_is_of_the_same_trace() -> None:
    own = f"00-{TRACE}-{OWN_SPAN}-01"
    other = f"00-{'a' * 32}-{SPAN}-01"
    assert carried.read({"traceparent": PARENT, "mqadmin-traceparent": own}) == Carried(TRACE, OWN_SPAN, True)
    assert carried.read({"mqadmin-traceparent": own}) == Carried(TRACE, OWN_SPAN, True)
    assert carried.read({"traceparent": other, "mqadmin-traceparent": own}) == Carried("a" * 32, SPAN, True)
    assert carried.trace_id({"traceparent": other, "mqadmin-traceparent": own}) == "a" * 32


def test_the_state_goes_with_the_span_that_it_was_published_with() -> None:
    found = carried.read({"traceparent": PARENT, "tracestate": b"vendor=1"})
    assert found == Carried(TRACE, SPAN, True, "vendor=1")
    assert carried.read({"traceparent": "nothing", "tracestate": "vendor=1"}) is None
    assert carried.read({"traceparent": PARENT, "tracestate": "x" * 513}) == Carried(TRACE, SPAN, True)


def test_what_is_written_is_read() -> None:
    text = carried.written(int(TRACE, 16), int(SPAN, 16), 1)
    assert text == PARENT
    assert carried.trace_of(f" {PARENT.upper()} ") == TRACE
    assert carried.trace_of(TRACE.upper()) == TRACE
    assert carried.trace_of("0" * 32) == ""
    assert carried.trace_of("order 17") == ""
