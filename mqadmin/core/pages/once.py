"""What a page asks for several times, from places that know nothing of each other, is read once for it.

Only within `reading()`: while it is rendered, and in a view that changes nothing. Never for another request.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")
_read: ContextVar[dict[Hashable, Any] | None] = ContextVar("read", default=None)


@contextmanager
def reading() -> Iterator[None]:
    """Within, a function that is `once` is called once for the same arguments."""
    if _read.get() is not None:
        yield
        return
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def once(function: Callable[[str], T]) -> Callable[[str], T]:
    """Let a page that is rendered call a function once. What it returns is changed by nobody."""

    @wraps(function)
    def asked(slug: str) -> T:
        known = _read.get()
        if known is None:
            return function(slug)
        key = (function, slug)
        if key not in known:
            known[key] = function(slug)
        return known[key]  # type: ignore[no-any-return]

    return asked
