"""The time limit of a handler: its message is settled in time, its thread is interrupted, or given up on."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from consumers.runtime.api import Delivery
from consumers.runtime.handling import running
from consumers.runtime.handling.retry_policy import HandlerDeadline
from consumers.runtime.handling.running import Policies
from consumers.runtime.outcome import Finished
from consumers.runtime.spec import ConsumerSpec

if TYPE_CHECKING:
    from pika.adapters.select_connection import IOLoop

GRACE = 2.0  # seconds for an interrupted thread to come back
_LOOK_S = 0.25  # between two looks, or a quarter of the limit where that is shorter
_ABSORB = 0.05  # seconds in which an interrupt that was sent arrives: at the thread's next byte code


class HandlerTimeout(BaseException):
    """Raised inside a handler past its deadline. Not an Exception, so that `except Exception` lets it through."""


@dataclass(eq=False, slots=True)
class Slot:
    """One handler at work. Whoever claims it first, its thread or the time limit, decides about the message."""

    deliveries: Sequence[Delivery]
    thread: int
    started_at: float
    began: float
    claimed: threading.Lock = field(default_factory=threading.Lock)
    sent: threading.Event = field(default_factory=threading.Event)
    interrupted: float = 0.0

    def claim(self) -> bool:
        return self.claimed.acquire(blocking=False)

    def absorb(self) -> None:
        """Wait for the interrupt that was sent to this thread. Raises HandlerTimeout, or it came before."""
        self.sent.wait(1)
        deadline = time.monotonic() + _ABSORB
        while time.monotonic() < deadline:
            time.sleep(0.001)


@dataclass(frozen=True)
class Overdue:
    """The messages of a handler past its deadline: epoch seconds, seconds, and where its thread was."""

    deliveries: Sequence[Delivery]
    started_at: float
    duration: float
    stack: str


class TimeLimit:
    """Who handles what since when. `begin` and `end` in handler threads, the rest in the I/O thread."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._slots: set[Slot] = set()

    def begin(self, deliveries: Sequence[Delivery]) -> Slot:
        slot = Slot(deliveries, threading.get_ident(), time.time(), time.monotonic())
        self._slots.add(slot)
        return slot

    def end(self, slot: Slot) -> None:
        self._slots.discard(slot)

    def overdue(self) -> list[Overdue]:
        """Take the messages past their deadline from their threads, and interrupt those. I/O thread."""
        now = time.monotonic()
        found = []
        for slot in list(self._slots):
            if now - slot.began < self.timeout or slot.interrupted or not slot.claim():
                continue
            slot.interrupted = now
            stack = _stack(slot.thread)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(slot.thread), ctypes.py_object(HandlerTimeout)
            )
            slot.sent.set()
            found.append(Overdue(slot.deliveries, slot.started_at, now - slot.began, stack))
        return found

    def stuck(self) -> int:
        """Return how many interrupted threads have not come back: native code that no exception reaches."""
        now = time.monotonic()
        return sum(1 for slot in list(self._slots) if slot.interrupted and now - slot.interrupted > GRACE)


class Enforcer:
    """Ends what is overdue, and the process when a thread cannot be had back. I/O thread only."""

    def __init__(
        self,
        loop: IOLoop,
        spec: ConsumerSpec,
        time_limit: TimeLimit,
        *,
        finished: Callable[[Finished], None],
        recycle: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._spec = spec
        self._time_limit = time_limit
        self._finished = finished
        self._recycle = recycle
        self._policies = Policies(spec.retry, spec.connection_retry)

    def start(self) -> None:
        """Look from now on, where the consumer has a time limit."""
        if self._spec.timeout:
            self._look()

    def _look(self) -> None:
        for late in self._time_limit.overdue():
            for finished in _finished(late, self._spec.timeout, self._policies):
                self._finished(finished)
        stuck = self._time_limit.stuck()
        if stuck:
            self._recycle(
                f"{stuck} of {self._spec.concurrency} handler threads hang in code that cannot be interrupted: "
                "the process ends and is started anew."
            )
        else:
            self._loop.call_later(min(_LOOK_S, self._spec.timeout / 4), self._look)


def _finished(late: Overdue, timeout: float, policies: Policies) -> list[Finished]:
    """Return the end of the messages whose handler missed its deadline: the failure policy decides."""
    error = HandlerDeadline(f"not handled within {timeout:g} s")
    return [
        Finished(
            delivery=delivery,
            outcome=policies.decide(delivery, error),
            started_at=late.started_at,
            duration=late.duration,
            error_type="TimeoutError",
            error=str(error),
            traceback=late.stack[-running.MAX_TRACEBACK :],
            timed_out=True,
        )
        for delivery in late.deliveries
    ]


def _stack(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    if frame is None:
        return ""
    lines = traceback.format_stack(frame)
    # The thread's own start is of no use to anyone who looks for where the handler hung.
    first = next((n for n, line in enumerate(lines) if running.__file__ in line), -1)
    return "Stack at the deadline (most recent call last):\n" + "".join(lines[first + 1 :])
