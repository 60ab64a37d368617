"""JSON whose letters count."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.rabbit.reading import jsontext
from mqadmin.rabbit.reading.jsontext import Inexact, Infinite, Number, Style

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_json_writes_is_read_and_written_alike(value: Any) -> None:
    for is_ascii in (False, True):
        spaced = json.dumps(value, ensure_ascii=is_ascii)
        style = Style(", ", ": ", ascii=is_ascii)
        assert jsontext.written(jsontext.exact(spaced), style) == spaced
        assert jsontext.same(jsontext.strict(spaced), value)
    lines = json.dumps(value, indent=3, ensure_ascii=False)
    assert jsontext.written(value, Style(", ", ": ", "   "), "") == lines


@pytest.mark.parametrize(
    "text",
    [
        "12345678901234567.89",
        '{"a": 1, "a": 1}',
        "NaN",
        "1e999",
        "[-Infinity]",
        "1e-999",
        "0.30000000000000000001",
    ],
)
def test_what_would_be_read_as_something_else_is_refused(text: str) -> None:
    with pytest.raises(Inexact):
        jsontext.strict(text)


@pytest.mark.parametrize(
    "text",
    [
        "1.10",
        "1E5",
        "0.1",
        "0.10000000000000001",
        "0.1000000000000000055511151231257827021",
        "-0.0",
        "5e-324",
    ],
)
def test_a_number_that_a_float_holds_is_read(text: str) -> None:
    assert jsontext.strict(text) == float(text)


def test_what_is_infinite_is_told_apart() -> None:
    for text in ("NaN", "1e999"):
        with pytest.raises(Infinite):
            jsontext.strict(text)


def test_numbers_are_compared_by_what_they_say() -> None:
    one = Number("12345678901234567.89")
    assert one == Number("1234567890123456789e-2")
    assert one != Number("12345678901234567.88")
    assert Number("1.10") == 1.1
    assert Number("10E-1") == 1
    assert Number("1") != True  # noqa: E712 (JSON's true)
    assert Number("9007199254740993") != 9007199254740992
    assert Number("1e99999999999999999999") != Number("2e99999999999999999999")
    assert Number("1") != "1"


def test_values_that_python_takes_for_equal_are_not_the_same() -> None:
    assert not jsontext.same({"a": 1}, {"a": True})
    assert not jsontext.same([1], [1.0])
    assert jsontext.same({"a": 1, "b": 2}, {"b": 2, "a": 1})


def test_only_numbers_that_no_float_holds_stay_as_they_are_written() -> None:
    assert jsontext.double("1.50") == 1.5
    assert isinstance(jsontext.double("1.50"), float)
    assert repr(jsontext.double("1764403200.123456789")) == "1764403200.123456789"
