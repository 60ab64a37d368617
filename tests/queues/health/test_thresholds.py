"""What may be set for one queue: the table, and what is no threshold."""

from __future__ import annotations

import pytest

from mqadmin.queues.health import thresholds
from mqadmin.queues.health.thresholds import DEFAULT, Limits, limits


def test_what_is_stored_overrules_and_nonsense_is_left_out() -> None:
    stored = {
        "ready": 1000,
        "silent_s": 0,
        "growing_s": "soon",
        "full_percent": 101,
        "colour": 7,
        "unacked": True,
    }
    assert limits(stored) == Limits(ready=1000, silent_s=0)
    assert limits({}) is DEFAULT


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ready", 5, ""),
        ("ready", -1, "At least 0"),
        ("ready", "5", "A number is needed"),
        ("ready", float("nan"), "A number is needed"),
        ("full_percent", 101, "at most 100"),
        ("depth", 5, "There is no threshold “depth”. Known: ready, unacked"),
    ],
)
def test_what_cannot_be_a_threshold_is_told_why(name: str, value: object, words: str) -> None:
    fault = thresholds.fault(name, value)
    assert words in fault
    assert bool(words) == bool(fault)


def test_each_is_told_to_people() -> None:
    for threshold in thresholds.TABLE:
        assert threshold.unit in ("messages", "seconds", "percent", "consumers")
        assert str(threshold.label)
        assert str(threshold.help).endswith(".")
