"""Waiting that a signal ends at once."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterable
from types import FrameType


class Wake:
    """Installed in the main thread. `stopping` turns true at SIGTERM or SIGINT; SIGCHLD only wakes.

    The handlers do next to nothing: Python writes each signal into a pipe, and `wait` sleeps on that.
    """

    def __init__(self) -> None:
        self.stopping = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._earlier_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._earlier = {
            number: signal.signal(number, handler)
            for number, handler in (
                (signal.SIGTERM, self._stop),
                (signal.SIGINT, self._stop),
                (signal.SIGCHLD, self._child),
            )
        }

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _child(self, _number: int, _frame: FrameType | None) -> None:
        """Needed: without a handler Python writes nothing into the pipe."""

    def wait(self, seconds: float, also: Iterable[int] = ()) -> bool:
        """Wait at most `seconds`; return whether a signal came or one of the descriptors `also` is readable."""
        poll = select.poll()  # not `select`: it knows the first 1,024 descriptors only
        for descriptor in (self._reader, *also):
            poll.register(descriptor, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(max(0.0, seconds) * 1000)]
        if self._reader in ready:
            os.read(self._reader, 4096)
        return bool(ready)

    def close(self) -> None:
        """Give the signals back."""
        signal.set_wakeup_fd(self._earlier_fd)
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)
