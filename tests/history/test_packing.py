"""Points as bytes and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mqadmin.history import packing

NUMBERS = st.one_of(st.none(), st.integers(-(2**40), 2**60))
ROWS = st.lists(NUMBERS, min_size=3, max_size=3).map(tuple)


@given(st.dictionaries(st.integers(0, 2**32 - 1), ROWS), st.integers(0, 2**32 - 1))
def test_a_moment(points: dict[int, tuple[int | None, ...]], other: int) -> None:
    data = packing.moment(points)
    assert dict(packing.all_of(data)) == points
    for series, values in points.items():
        assert packing.one(data, series) == values
    assert packing.one(data, other) == points.get(other)
    parts = [dict(packing.all_of(data, part=part, parts=3)) for part in range(3)]
    assert {series: values for part in parts for series, values in part.items()} == points
    assert sum(map(len, parts)) == len(points)


@given(st.lists(st.tuples(st.integers(0, 2**40), ROWS)))
def test_a_chunk(points: list[tuple[int, tuple[int | None, ...]]]) -> None:
    assert packing.points(packing.chunk(points)) == points


def test_points_written_before_a_number_was_added_have_none_for_it() -> None:
    data = packing.chunk([(5, (1,)), (6, (2, 7))])
    assert packing.points(data) == [(5, (1, None)), (6, (2, 7))]
