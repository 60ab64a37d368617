"""The edge of a piece of the stack is met without room, and not with it: each call at an edge costs page faults."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest

from mqadmin.stack import with_room

_CALLS = 500
_DEPTHS = 400  # more than two pieces of 16 KB


def _one() -> None:
    """What a loop calls."""


def _loop() -> int:
    """Return how many pages of memory its calls were given anew."""
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _number in range(_CALLS):
        _one()
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


def _at(depth: int, function: Callable[[], int]) -> int:
    return _at(depth - 1, function) if depth else function()


def _met() -> list[int]:
    """Return the depths at which the loop stands at an edge."""
    return [depth for depth in range(_DEPTHS) if _at(depth, _loop) >= _CALLS // 2]


def test_room_is_left_by_the_edges_of_the_stack() -> None:
    assert _met()  # else this shows nothing
    assert with_room(_met)() == []


def test_what_is_given_and_returned_passes_through() -> None:
    @with_room
    def told(one: int, *, two: str) -> tuple[int, str]:
        """What it is for."""
        return one, two

    assert told(1, two="b") == (1, "b")
    assert told.__name__ == "told"
    assert told.__doc__ == "What it is for."
    with pytest.raises(ZeroDivisionError):
        with_room(lambda: 1 / 0)()
