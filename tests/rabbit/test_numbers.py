"""Whole numbers in texts from outside."""

from __future__ import annotations

import pytest

from mqadmin.rabbit.numbers import whole


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("007", 7),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("9" * 5_000, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1_0", None),
        ("1.0", None),
        ("٣", None),
        ("²", None),
    ],
)
def test_only_ascii_digits_that_fit(text: str, number: int | None) -> None:
    assert whole(text) == number


def test_fewer_digits_where_less_makes_sense() -> None:
    assert (whole("99", 2), whole("100", 2)) == (99, None)
