"""The bound on messages a second, which has no clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.rabbit.publishing.pace import Pace


@given(st.floats(0.1, 10_000), st.integers(1, 5_000))
def test_no_stretch_of_time_carries_more_than_the_bound(per_second: float, count: int) -> None:
    pace, now, sent = Pace(per_second), 100.0, 0
    most = pace.at_once(500)
    for _ in range(50):
        now += pace.wait(now)
        size = min(pace.at_once(500), count)
        pace.take(size, now)
        sent += size
        assert sent <= (now - 100.0) * per_second * 1.000001 + most
        now += 0.001


def test_without_a_bound_nothing_waits() -> None:
    pace = Pace(0)
    pace.take(100_000, 1.0)
    assert (pace.at_once(500), pace.at_once(0), pace.wait(1.0)) == (500, 0, 0)
    assert Pace(0.01).at_once(500) == 1
    assert Pace(1).at_once(0) == 0


def test_turns_are_even_and_what_was_not_used_is_not_made_up_for() -> None:
    pace = Pace(100)
    assert [pace.take(1, 5.0) for _ in range(50)] == pytest.approx([turn / 100 for turn in range(50)])
    assert pace.take(10, 100.0) == 0
    assert pace.take(1, 100.0) == pytest.approx(0.1)
    assert pace.wait(100.0) == pytest.approx(0.11)
    assert Pace(0).take(1, 1.0) == 0
