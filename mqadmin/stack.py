"""Room on Python's stack for what runs long, so that no call of a loop ends up at the edge of a piece of it.

CPython keeps the frames of a thread in pieces of 16 KB that it asks of the system (`push_chunk` in
Python/pystate.c, 3.11 and newer). A call that does not fit into the piece takes another one, and gives it back on
its return. Where a loop happens to stand just below an edge, each of its calls does so: a system call and a page
of memory that is zeroed, for each. Which loop it is changes with the depth at which it was called: a list's
rows took three to five times as long on some pages, and a benchmark of the same code moved by that from run to run.

A function that says it needs much begins a piece of its own, in which all that it calls has room.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_WORDS = 9_000
"""What the function says it needs, in words of 8 bytes: 72 KB. Its piece has the next power of two, 128 KB, and
56 KB of it are left for those that it calls; a page takes 19 KB, 107 calls deep. What is not used is no memory."""


def with_room(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function, which runs in a piece of the stack of its own. For what is called rarely and runs long.

    Any thread, and any interpreter: one that keeps its frames in another way runs it as it is.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    plain = cast(FunctionType, call)
    plain.__code__ = plain.__code__.replace(co_stacksize=_WORDS)
    return call
