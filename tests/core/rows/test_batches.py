"""Batches by number and by bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.core.rows import batches


@given(st.lists(st.integers(0, 60)), st.integers(1, 5), st.integers(1, 50))
def test_nothing_is_lost_and_each_batch_fits_or_is_one(sizes: list[int], most: int, most_bytes: int) -> None:
    found = list(batches.split(iter(sizes), size=int, most=most, most_bytes=most_bytes))
    assert [size for batch in found for size in batch] == sizes
    for batch in found:
        assert 0 < len(batch) <= most
        assert len(batch) == 1 or sum(batch) <= most_bytes


def test_the_first_that_fit_at_least_one_and_no_more_is_read() -> None:
    pairs = iter([("a", 30), ("b", 20), ("c", 1), ("d", 1)])
    assert batches.fitting(pairs, most_bytes=50) == ["a", "b"]
    assert next(pairs) == ("d", 1)
    assert batches.fitting([("large", 51), ("b", 1)], most_bytes=50) == ["large"]
    assert batches.fitting([]) == []


@pytest.mark.parametrize(("mean", "count"), [(0, 7), (1, 7), (10, 5), (49.9, 1), (1_000, 1)])
def test_how_many_by_their_mean_size(mean: float, count: int) -> None:
    assert batches.count(mean, 7, most_bytes=50) == count
