"""Steps as they are written, and what a coarser point says."""

from __future__ import annotations

import pytest

from mqadmin.history import kinds, steps
from mqadmin.history.kinds import Number
from mqadmin.history.steps import Window


@pytest.fixture
def _two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kinds.KINDS, "two", (Number("length"), Number("rate", 100, "mean")))


def test_they_are_read() -> None:
    assert steps.read("5s:2h, 1m:2d,10m:90d") == ((5, 7200), (60, 172_800), (600, 7_776_000))


@pytest.mark.parametrize(
    "text", ["", "5s", "5:2h", "0s:2h", "5s:2h,7s:3h", "5s:2h,10s:1h", "5s:2h,5s:3h", "5s:2h;1m:2d"]
)
def test_what_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"form|multiple"):
        steps.read(text)


@pytest.mark.usefixtures("_two")
def test_a_window_tells_the_peak_of_a_length_and_the_mean_of_a_rate() -> None:
    window = Window(60)
    window.add(1, "two", (10, 0), (70, 600), 630)
    window.add(1, "two", (70, 600), (20, 0), 640)
    assert not window.is_over(659)
    assert window.is_over(660)
    assert window.close({1: "two"}) == (600, {1: (70, 100)})
    # What it ended with was not that: it is written with the next.
    assert window.close({1: "two"}) == (660, {1: (20, 0)})
    assert window.start is None


@pytest.mark.usefixtures("_two")
def test_a_window_that_ends_in_a_pause_says_so_afterwards() -> None:
    window = Window(60)
    window.add(1, "two", None, (5, 100), 600)
    window.pause(610)
    assert window.close({1: "two"}) == (600, {1: (5, 100)})
    assert window.close({1: "two"}) == (660, {1: (None, None)})
