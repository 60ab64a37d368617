"""Handler threads: they take deliveries, run the handler and pass on what came of it. No pika here."""

from __future__ import annotations

import heapq
import threading
import time
import traceback as tracebacks
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from consumers.runtime import logs, policy
from consumers.runtime.api import Delivery
from consumers.runtime.doubt import Doubt
from consumers.runtime.outcome import Ack, DeadLetter, Decision
from consumers.runtime.pace import Pace
from consumers.runtime.spec import RetryPolicy
from consumers.runtime.watch import HandlerTimeout, Overdue, Watch

Handler = Callable[[Delivery], object]

MAX_TRACEBACK = 20_000
MAX_ERROR = 5_000
_QUICK = 0.002  # seconds: handlers faster than this are given several messages at a time


@dataclass(slots=True)
class Finished:
    """A handler has returned or raised; what becomes of the message is decided, not yet done."""

    delivery: Delivery
    decision: Decision
    started_at: float
    duration: float
    error_type: str = ""
    error: str = ""
    traceback: str = ""
    timed_out: bool = False


class Intake:
    """Deliveries in hand that no handler has begun. Any thread.

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

    def put(self, delivery: Delivery) -> None:
        with self._changed:
            if self._by_priority:
                entry = (-delivery.priority, delivery.generation, delivery.tag, delivery)
                heapq.heappush(self._heap, entry)
            else:
                self._fifo.append(delivery)
            self._changed.notify()

    def put_back(self, deliveries: list[Delivery]) -> None:
        """Give back, first in line, what was taken and not begun. `returned` is called while held."""
        with self._changed:
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
        """Return up to `most` deliveries, waiting for one; [] once closed."""
        with self._changed:
            while not self._closed and (self._held or not (self._fifo or self._heap)):
                self._changed.wait()
            if self._closed:
                return []
            if self._by_priority:
                return [heapq.heappop(self._heap)[-1]]
            return [self._fifo.popleft() for _ in range(min(most, len(self._fifo)))]

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
                self._changed.wait(left)
            return not (self._held or self._closed)

    def close(self) -> None:
        """End the threads that wait in `take`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Pool:
    """N threads that run one handler. `finished` is called in those threads, once for each delivery."""

    def __init__(
        self,
        handler: Handler,
        *,
        concurrency: int,
        retry: RetryPolicy,
        intake: Intake,
        finished: Callable[[Finished], None],
        watch: Watch,
        pace: Pace,
        doubt: Doubt | None = None,
    ) -> None:
        self._handler = handler
        self._retry = retry
        self._watch = watch
        self._pace = pace
        self._doubt = doubt
        self._intake = intake
        self._finished = finished
        # Taking several at a time saves a lock each; but one thread must not sit on what another could run.
        self._share = 32 if concurrency == 1 else 1
        self._threads = [
            threading.Thread(target=self._work, name=f"handler-{number}", daemon=True)
            for number in range(1, concurrency + 1)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        most = 1
        while deliveries := self._intake.take(most):
            for number, delivery in enumerate(deliveries, start=1):
                wait = self._pace.turn()
                if wait and not self._intake.rest(wait):
                    self._intake.put_back(deliveries[number - 1 :])
                    break
                began = time.perf_counter()
                self._one(delivery)
                most = self._share if time.perf_counter() - began < _QUICK else 1
                if most < len(deliveries) or self._intake.held:
                    self._intake.put_back(deliveries[number:])
                    break

    def _one(self, delivery: Delivery) -> None:
        if self._doubt is not None and delivery.redelivered:
            with self._doubt.about(delivery) as deaths:
                if deaths >= self._doubt.most:
                    self._finished(crashed(delivery, deaths))
                else:
                    self._handle(delivery)
        else:
            self._handle(delivery)

    def _handle(self, delivery: Delivery) -> None:
        if not self._watch.timeout:
            self._finished(run(self._handler, delivery, self._retry))
            return
        slot = self._watch.begin(delivery)
        finished: Finished | None = None
        try:
            finished = run(self._handler, delivery, self._retry)
            if not slot.claim():
                finished = None
                slot.absorb()
        except HandlerTimeout:
            finished = None  # it is sent only once the watch has taken the message
        self._watch.end(slot)
        if finished is not None:
            self._finished(finished)


def crashed(delivery: Delivery, deaths: int) -> Finished:
    """Return the end of a message that must not be handled again: it killed the process each time."""
    reason = f"crashed the consumer {deaths} times"
    return Finished(delivery, DeadLetter(reason), time.time(), 0.0, error_type="Crash", error=reason)


def overdue(late: Overdue, timeout: float, retry: RetryPolicy) -> Finished:
    """Return the end of a message whose handler missed its deadline: the failure policy decides."""
    error = TimeoutError(f"not handled within {timeout:g} s")
    return Finished(
        delivery=late.delivery,
        decision=policy.decide(late.delivery.attempt, error, retry),
        started_at=late.started_at,
        duration=late.duration,
        error_type="TimeoutError",
        error=str(error),
        traceback=late.stack[-MAX_TRACEBACK:],
        timed_out=True,
    )


def run(handler: Handler, delivery: Delivery, retry: RetryPolicy) -> Finished:
    """Run `handler` on `delivery` in this thread and decide what becomes of the message. Never raises."""
    started_at = time.time()
    clock = time.perf_counter()
    logs.begin(delivery)
    try:
        handler(delivery)
    except BaseException as error:  # SystemExit in a handler is a failed message, not the end of a thread
        duration = time.perf_counter() - clock
        return Finished(
            delivery=delivery,
            decision=policy.decide(delivery.attempt, error, retry),
            started_at=started_at,
            duration=duration,
            error_type=type(error).__qualname__,  # the traceback says which module's
            error=_words(error),
            traceback=_trace(error),
        )
    finally:
        logs.end()
    return Finished(delivery, _ACK, started_at, time.perf_counter() - clock)


_ACK = Ack()


def _words(error: BaseException) -> str:
    try:
        return str(error)[:MAX_ERROR]
    except Exception:  # a broken __str__ must not cost the message its outcome
        return ""


def _trace(error: BaseException) -> str:
    """The traceback without the runtime's own frame, its end kept where it is too long."""
    where = error.__traceback__.tb_next if error.__traceback__ else None
    try:
        text = "".join(tracebacks.format_exception(type(error), error, where))
    except Exception:
        return ""
    return text if len(text) <= MAX_TRACEBACK else "…" + text[-MAX_TRACEBACK:]
