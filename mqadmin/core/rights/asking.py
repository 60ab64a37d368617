"""Who asks just now, and for what: known to all code that works for a request, or for what one began.

Nobody asks where mqadmin works by itself (the monitor, the consumers, a command on the server): there nothing is
limited. In a request somebody always asks, if only somebody who may nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeVar

from mqadmin.core.rights.rules import LEVELS, Needed, Rights

T = TypeVar("T")
Of = Literal["everything", "rows", "vhost", "broker"]  # what a level is needed of: see `core.permissions`


class Asking:
    """Somebody who asks. Who that is, and what they may, is read when it matters first; `needed` is what is being
    done just now, `of` what it is needed of."""

    __slots__ = ("_read", "_who", "needed", "of", "says")

    def __init__(
        self,
        read: Callable[[], tuple[str, Rights]],
        needed: Needed = "view",
        says: Callable[[Needed], str] = str,
    ) -> None:
        self._read = read
        self.says = says  # the sentence for who lacks a level
        self._who: tuple[str, Rights] | None = None
        self.needed: Needed = needed
        self.of: Of = "everything"

    @property
    def name(self) -> str:
        """The account, "" for none."""
        return self._known()[0]

    @property
    def rights(self) -> Rights:
        return self._known()[1]

    def _known(self) -> tuple[str, Rights]:
        if self._who is None:
            self._who = self._read()
        return self._who

    def becomes(self, name: str, rights: Rights) -> None:
        """It is somebody else who asks: a token was read."""
        self._who = name, rights

    @property
    def is_limited(self) -> bool:
        """Whether it depends on a thing if they may do with it what is needed.

        Not where they may nothing of it with anything: who reaches what needs it was asked for that before.
        """
        rights = self.rights
        return not rights.is_plain and rights.everywhere < LEVELS[self.needed]


_now: ContextVar[Asking | None] = ContextVar("asking", default=None)


def now() -> Asking | None:
    """Return who asks; None where nobody does."""
    return _now.get()


def limited() -> Asking | None:
    """Return who asks, where that one may not do all that is needed with everything; else None."""
    asking = _now.get()
    return asking if asking is not None and asking.is_limited else None


@contextmanager
def asks(asking: Asking | None) -> Iterator[None]:
    """Have somebody ask within the block; None: nobody, as where mqadmin works by itself."""
    token = _now.set(asking)
    try:
        yield
    finally:
        _now.reset(token)


@contextmanager
def needing(needed: Needed) -> Iterator[None]:
    """Within the block, who asks needs another level."""
    asking = _now.get()
    if asking is None:
        yield
        return
    before, asking.needed = asking.needed, needed
    try:
        yield
    finally:
        asking.needed = before


def mark() -> tuple[object, ...]:
    """Return what an answer is to be remembered by besides what it is about: () where nothing is limited."""
    asking = limited()
    return () if asking is None else (asking.needed, asking.rights)


def carried(asking: Asking, parts: Iterable[T]) -> Iterator[T]:
    """Yield what is made while it is sent, each part of it made for who asked."""
    each = iter(parts)
    while True:
        with asks(asking):
            try:
                part = next(each)
            except StopIteration:
                return
        yield part
