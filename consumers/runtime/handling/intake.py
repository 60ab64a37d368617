"""Deliveries in hand that no handler has begun, and how handler threads take them."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable

from consumers.runtime.api import Delivery

_LONGEST_WAIT = 3_600.0  # seconds at a time: Python waits no hundred years


class Intake:
    """Deliveries that wait for a handler thread. Any thread.

    First in, first out, or highest priority first (then in order of arrival).
    """

    def __init__(self, *, by_priority: bool, returned: Callable[[], None] = lambda: None) -> None:
        self._by_priority = by_priority
        self._returned = returned
        self._held = False
        self._fifo: deque[Delivery] = deque()
        self._heap: list[tuple[int, int, int, Delivery]] = []
        self._changed = threading.Condition()
        self._closed = False

    def put(self, deliveries: list[Delivery]) -> None:
        """Add what came, in the order in which it came."""
        with self._changed:
            if self._by_priority:
                self._push(deliveries)
            else:
                self._fifo.extend(deliveries)
            self._changed.notify(len(deliveries))

    def put_back(self, deliveries: list[Delivery]) -> None:
        """Give back, first in line, what was taken and not begun. `returned` is called while held."""
        with self._changed:
            if self._by_priority:
                self._push(deliveries)
            else:
                self._fifo.extendleft(reversed(deliveries))
            self._changed.notify(len(deliveries))
            held = self._held
        if held:
            self._returned()

    def hold(self, held: bool) -> None:
        """While held nothing more is begun: what is there is about to go back to the queue."""
        with self._changed:
            self._held = held
            self._changed.notify_all()

    @property
    def held(self) -> bool:
        return self._held

    def take(self, most: int) -> list[Delivery]:
        """Return up to `most` deliveries, waiting for one; [] once closed. By priority always one."""
        with self._changed:
            while not self._closed and (self._held or not self._count()):
                self._changed.wait()
            if self._closed:
                return []
            return self._pop(1 if self._by_priority else most)

    def take_batch(self, most: int, seconds: float) -> list[Delivery]:
        """Return `most` deliveries, or what there is `seconds` after the first was seen; [] once closed.

        Held or closed meanwhile, nothing is taken: what waited for its batch to become full goes back. One
        thread's wait does not keep others from a full batch.
        """
        with self._changed:
            while not self._closed:
                while not self._closed and (self._held or not self._count()):
                    self._changed.wait()
                deadline = time.monotonic() + seconds
                while not (self._closed or self._held) and 0 < self._count() < most:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        break
                    self._changed.wait(left)
                if not (self._closed or self._held) and self._count():
                    return self._pop(most)
            return []

    def __len__(self) -> int:
        """How many wait now. Any thread."""
        return self._count()

    def _count(self) -> int:
        return len(self._heap) if self._by_priority else len(self._fifo)

    def _push(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            entry = (-delivery.priority, delivery.generation, delivery.tag, delivery)
            heapq.heappush(self._heap, entry)

    def _pop(self, most: int) -> list[Delivery]:
        count = min(most, self._count())
        if self._by_priority:
            return [heapq.heappop(self._heap)[-1] for _ in range(count)]
        return [self._fifo.popleft() for _ in range(count)]

    def empty(self) -> list[Delivery]:
        """Take out everything nobody has begun: at a stop, a pause or a lost channel."""
        with self._changed:
            rest = [*self._fifo, *(entry[-1] for entry in sorted(self._heap))]
            self._fifo.clear()
            self._heap.clear()
            return rest

    def rest(self, seconds: float) -> bool:
        """Wait so long; False when held or closed meanwhile."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (self._held or self._closed) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(min(left, _LONGEST_WAIT))
            return not (self._held or self._closed)

    def close(self) -> None:
        """End the threads that wait in `take`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
