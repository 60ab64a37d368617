"""Poison: messages that kill the process that handles them, recognised when they come back.

A message that comes back marked as redelivered was in somebody's hands before. Before such a one is handled
again that is written down; if the process dies, the next one finds the note. Messages that have a death on
them are handled one at a time, so that the next death tells which of them it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from consumers.runtime.api import Delivery
from consumers.runtime.sink import SinkUnavailable

T = TypeVar("T")

COMMIT_WAIT = 30.0  # seconds; longer only when the connection was lost, and the message comes back anyway


class DeathNotes(Protocol):
    """Where it is written down. Called in handler threads; both raise SinkUnavailable.

    A note is deleted with the commit of its message's record.
    """

    def known(self, delivery: Delivery) -> int:
        """Return how many processes have died with the message in hand, as far as is noted."""

    def begin(self, delivery: Delivery, deaths: int) -> None:
        """Note that this process handles the message now, and how many died of it before."""


class PoisonGuard:
    """Redelivered messages and the deaths that are known of them. `most` deaths: not handled any more."""

    def __init__(self, notes: DeathNotes, *, most: int) -> None:
        self.most = most
        self._notes = notes
        self._one_at_a_time = threading.Lock()

    @contextmanager
    def about(self, delivery: Delivery) -> Iterator[int]:
        """Handle a redelivered message inside: gives its known deaths, alone when there are any."""
        deaths = until_it_works(lambda: self._notes.known(delivery))
        if not deaths:
            until_it_works(lambda: self._notes.begin(delivery, 0))
            yield 0
            return
        with self._one_at_a_time:
            if deaths < self.most:
                until_it_works(lambda: self._notes.begin(delivery, deaths))
            delivery.committed = threading.Event()
            yield deaths
            # Its note goes with its commit. The next suspect must not kill the process before that: the death
            # would count for both.
            delivery.committed.wait(COMMIT_WAIT)


def until_it_works(call: Callable[[], T]) -> T:
    """Return what `call` does, once the store can be had. Handler threads: they do nothing without its answer."""
    wait = 0.2
    while True:
        try:
            return call()
        except SinkUnavailable:
            threading.Event().wait(wait)
            wait = min(wait * 2, 5.0)
