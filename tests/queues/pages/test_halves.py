"""Two columns of about the same height."""

from __future__ import annotations

import pytest

from mqadmin.queues.pages.halves import Part, balanced, rows


@pytest.mark.parametrize(
    ("attention", "others", "left", "right"),
    [
        # Nothing is wrong: the left column has room for what stands out.
        (132, [280, 229, 229, 0], ["0", "2"], ["1", "3"]),
        # Much is wrong: all else goes to the right.
        (1200, [280, 229, 229], [], ["0", "1", "2"]),
        (320, [], [], []),
    ],
)
def test_each_part_goes_below_the_shorter_column(
    attention: float, others: list[float], left: list[str], right: list[str]
) -> None:
    parts = [Part(str(number), height) for number, height in enumerate(others)]
    found = balanced(Part("attention", attention), Part("rates", 320), parts)
    assert [[part.template for part in column] for column in found] == [
        ["attention", *left],
        ["rates", *right],
    ]


def test_what_has_no_row_has_no_heading() -> None:
    assert rows(0) == 0
    assert rows(3) - rows(2) == rows(2) - rows(1) < rows(1)
