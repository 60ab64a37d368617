"""Whiles and amounts as people write them. Pure."""

from __future__ import annotations

import pytest
from django import forms

from mqadmin.alerts.forms.fields import AmountField, WhileField, seconds, written


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("90", 90),
        ("90s", 90),
        (" 10m ", 600),
        ("10 min", 600),
        ("1.5h", 5400),
        ("2D", 172_800),
        ("0", 0),
        ("", None),
        ("-5m", None),
        ("5 weeks", None),
        ("1e9", None),
        ("١٠m", None),
    ],
)
def test_a_while_in_seconds(text: str, found: float | None) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize("value", [0, 1, 45, 60, 90, 600, 3600, 5400, 86_400, 90_000])
def test_a_while_is_read_as_it_is_written(value: int) -> None:
    assert seconds(written(value)) == value


def test_what_is_no_while_is_refused() -> None:
    assert WhileField().clean("4h") == 14_400
    with pytest.raises(forms.ValidationError, match="90s, 10m, 4h"):
        WhileField().clean("soon")


@pytest.mark.parametrize(
    ("text", "found"), [("1 000", 1000), ("0.5", 0.5), ("-2", -2), ("15m", 900), ("", None)]
)
def test_an_amount(text: str, found: float | None) -> None:
    assert AmountField().clean(text) == found


@pytest.mark.parametrize("text", ["many", "nan", "inf", "1e400"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(forms.ValidationError):
        AmountField().clean(text)
