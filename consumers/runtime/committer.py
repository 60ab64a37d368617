"""Group commit: outcomes that are ready together are committed together, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from consumers.runtime.sink import SinkUnavailable
from mqadmin.stack import with_room

T = TypeVar("T")
MOST = 500  # rows in one transaction: enough to be fast, few enough to let others write
LINGER, PAUSE = 0.005, 0.002  # seconds
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0

log = logging.getLogger("mqadmin.consumer")


class Committer(Generic[T]):
    """Commits what it is given, in order, as soon as it can; what arrives meanwhile makes the next group.

    So one message alone is committed at once, and a thousand in a few transactions. While the store cannot be
    written nothing is dropped and nothing reported as committed: `trouble` is called with the reason, and with
    "" once it works again. Any other exception is a defect: `fatal` gets it, and nothing is committed any more.
    All callbacks run in the committer's thread.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[T]], None],
        *,
        committed: Callable[[Sequence[T]], None],
        trouble: Callable[[str], None],
        fatal: Callable[[BaseException], None],
        most_waiting: int = 0,
        enough: int = 1,
        more: Callable[[], object] = bool,
    ) -> None:
        """`most_waiting`: what comes while so many wait is dropped, and counted; 0: nothing ever is.

        While `more()` says that others are about to come, a group is not committed before it has `enough`, or
        for LINGER seconds: fewer and fuller commits while much is in hand. After a large group the next waits for
        half as many, for PAUSE seconds: its acks are about to bring more. `more` is called in any thread.
        """
        self._most_waiting = most_waiting
        self._enough = min(enough, MOST)
        self._more = more
        self.dropped = 0
        self._commit = commit
        self._committed = committed
        self._trouble = trouble
        self._fatal = fatal
        self._waiting: list[T] = []
        self._half = 0  # of the last group
        self._idle = False  # it waits for something to do
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=with_room(self._work), name="committer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, item: T) -> None:
        """Hand over one outcome. Any thread."""
        with self._changed:
            if self._most_waiting and len(self._waiting) >= self._most_waiting:
                self.dropped += 1
                return
            self._waiting.append(item)
            count = len(self._waiting)
            if self._idle and (count == 1 or count >= self._wanted()):
                self._changed.notify()

    def stop(self, timeout: float) -> bool:
        """Commit what is there and end the thread; False when that took longer than `timeout` seconds."""
        with self._changed:
            self._stopping.set()
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            while group := self._next():
                self._until_committed(group)
                self._committed(group)
        except BaseException as error:
            self._fatal(error)

    def _next(self) -> list[T]:
        with self._changed:
            self._idle = True
            while not self._waiting and not self._stopping.is_set():
                self._changed.wait()
            began = time.monotonic()
            while len(self._waiting) < self._wanted() and not self._stopping.is_set():
                left = began + (LINGER if self._more() else PAUSE) - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            self._idle = False
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            self._half = len(group) // 2
            return group

    def _wanted(self) -> int:
        """How many a group is waited for to have, for a moment: half of the last one's after a large one."""
        return self._enough if self._more() else min(self._half, self._enough)

    def _until_committed(self, group: Sequence[T]) -> None:
        wait = _FIRST_WAIT
        failed = False
        while True:
            try:
                self._commit(group)
            except SinkUnavailable as error:
                if not failed:
                    log.warning("the records cannot be written: %s", error)
                failed = True
                self._trouble(str(error))
                # At a stop we go on trying too: the process is killed at its deadline, the messages return.
                threading.Event().wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            else:
                if failed:
                    self._trouble("")
                return
