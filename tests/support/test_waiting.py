"""A wait is given up by what the machine is like then, not by what it was like when the run began."""

from __future__ import annotations

import pytest

from tests.support import waiting
from tests.support.waiting import wait_until


class Clock:
    """Moves on with each sleep only, and by `measuring` seconds with each measuring of the machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, slowness: float, measuring: float = 0.0) -> None:
        self.now, self.measured, self._measuring, self._slowness = 0.0, 0, measuring, slowness
        monkeypatch.setenv("MQADMIN_TEST_PATIENCE", "1")
        monkeypatch.setattr(waiting.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(waiting.time, "sleep", self._sleep)
        monkeypatch.setattr(waiting, "slowness", self._slow)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _slow(self) -> float:
        self.measured += 1
        self.now += self._measuring
        return self._slowness


def test_what_is_there_is_returned_and_nothing_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, slowness=1)
    assert wait_until(lambda: clock.now >= 9 and "there", 10) == "there"
    assert clock.measured == 0


def test_a_machine_that_has_become_slower_has_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, slowness=3)
    assert wait_until(lambda: clock.now >= 29, 10)
    assert clock.measured == 1


def test_it_fails_all_the_same_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, slowness=3)
    with pytest.raises(AssertionError, match="not within 30 s: 'the moon'"):
        wait_until(lambda: "", 10, what="the moon")
    assert 30 <= clock.now < 31


def test_what_came_while_it_was_measured_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process was stopped in between, perhaps: the last look is after the measuring, never before."""
    clock = Clock(monkeypatch, slowness=1, measuring=5)
    assert wait_until(lambda: clock.now >= 12, 10)


@pytest.mark.parametrize(("takes", "least", "most"), [(0.001, 140, 151), (0.1, 10, 12)])
def test_what_takes_long_to_ask_is_asked_less_often(
    monkeypatch: pytest.MonkeyPatch, takes: float, least: int, most: int
) -> None:
    clock = Clock(monkeypatch, slowness=1)
    asked = 0
    monkeypatch.setattr(waiting.time, "thread_time", lambda: asked * takes)

    def ask() -> bool:
        nonlocal asked
        asked += 1
        return clock.now >= 3

    assert wait_until(ask, 10, interval=0.02)
    assert least <= asked <= most
