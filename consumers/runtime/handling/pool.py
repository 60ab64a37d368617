"""Handler threads: they take deliveries, run the handler and pass on what came of it. No pika here."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

from consumers.runtime.api import Delivery
from consumers.runtime.handling import running
from consumers.runtime.handling.dedupe import Claims, key_of
from consumers.runtime.handling.intake import Intake
from consumers.runtime.handling.poison import PoisonGuard, until_it_works
from consumers.runtime.handling.running import Handler, Policies
from consumers.runtime.handling.time_limit import HandlerTimeout, TimeLimit
from consumers.runtime.outcome import Finished
from consumers.runtime.spec import ConsumerSpec
from consumers.runtime.tracing import Tracing
from mqadmin.rabbit.publishing.pace import Pace
from mqadmin.stack import with_room

_QUICK = 0.002  # seconds: handlers faster than this are given several messages at a time
_SHARE = 32  # so many at most


class Pool:
    """N threads that run one handler. `finished` is called in those threads, once for each delivery.

    What a handler raises becomes an outcome. Anything else ends a thread, and `fatal` gets it: what such a thread
    had in hand would stay there for ever.
    """

    def __init__(
        self,
        spec: ConsumerSpec,
        handler: Handler,
        *,
        intake: Intake,
        finished: Callable[[Finished], None],
        fatal: Callable[[BaseException], None],
        time_limit: TimeLimit,
        poison_guard: PoisonGuard | None = None,
        claims: Claims | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._spec = spec
        self._handler = handler
        self._policies = Policies(spec.retry, spec.connection_retry)
        self._time_limit = time_limit
        self._pace = Pace(spec.rate_limit)
        self._poison_guard = poison_guard
        self._claims = claims
        self._tracing = tracing
        self._intake = intake
        self._finished = _unless_forked(finished)
        self._fatal = fatal
        # Taking several at a time saves a lock each; but one thread must not sit on what another could run.
        self._share = _SHARE if spec.concurrency == 1 else 1
        self._set_aside = 0  # taken by the only thread, and not begun
        work = self._work_in_batches if spec.is_batch else self._work
        to_the_end = with_room(self._to_the_end)
        self._threads = [
            threading.Thread(target=to_the_end, args=(work,), name=f"handler-{number}", daemon=True)
            for number in range(1, spec.concurrency + 1)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def unbegun(self) -> int:
        """How many messages wait for a thread, about. Any thread."""
        return len(self._intake) + self._set_aside

    def _to_the_end(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._fatal(error)

    def _work(self) -> None:
        most = 1
        while taken := self._intake.take(most):
            deliveries = self._claimed(taken) if self._claims is not None else taken
            for number, delivery in enumerate(deliveries, start=1):
                wait = self._pace.take(1, time.monotonic())
                if wait and not self._intake.rest(wait):
                    self._not_begun(deliveries[number - 1 :])
                    break
                if self._share > 1:  # then this is the only thread
                    self._set_aside = len(deliveries) - number
                began = time.perf_counter()
                self._one(delivery)
                most = self._share if time.perf_counter() - began < _QUICK else 1
                if number < len(deliveries) and (most < len(deliveries) or self._intake.held):
                    self._not_begun(deliveries[number:])
                    break
            self._set_aside = 0

    def _work_in_batches(self) -> None:
        spec = self._spec
        while taken := self._intake.take_batch(spec.batch_size, spec.batch_seconds):
            wait = self._pace.take(len(taken), time.monotonic())
            if wait and not self._intake.rest(wait):
                self._not_begun(taken)
                continue
            deliveries = self._claimed(taken) if self._claims is not None else taken
            together = [d for d in deliveries if self._poison_guard is None or not d.redelivered]
            for delivery in deliveries:
                # What may have killed a process is handled alone, to tell which of a batch it was.
                if self._poison_guard is not None and delivery.redelivered:
                    self._one(delivery)
            if together:
                self._handle(together)

    def _not_begun(self, deliveries: Sequence[Delivery]) -> None:
        """Give back what was taken. What is claimed leaves through a commit, which ends the claim."""
        for delivery in deliveries:
            if delivery.claim:
                self._finished(running.unbegun(delivery))
        self._intake.put_back([delivery for delivery in deliveries if not delivery.claim])

    def _claimed(self, deliveries: list[Delivery]) -> list[Delivery]:
        """Claim the messages that have a key and return what is to be handled; the rest is finished here."""
        claims = self._claims
        keys = {delivery: key_of(delivery, self._spec.dedupe) for delivery in deliveries}
        wanted = list(dict.fromkeys(key for key in keys.values() if key))
        if claims is None or not wanted:
            return deliveries
        answers = dict(zip(wanted, until_it_works(lambda: claims.claim(wanted)), strict=True))
        mine = []
        for delivery, key in keys.items():
            answer = answers.get(key, "mine")
            if answer == "done":
                self._finished(running.duplicate(delivery))
            elif answer == "busy":
                self._finished(running.busy(delivery))
            else:
                if key:
                    delivery.claim = key
                    answers[key] = "busy"  # for its twin among these
                mine.append(delivery)
        return mine

    def _one(self, delivery: Delivery) -> None:
        if self._poison_guard is not None and delivery.redelivered:
            with self._poison_guard.about(delivery) as deaths:
                if deaths >= self._poison_guard.most:
                    self._finished(running.crashed(delivery, deaths))
                else:
                    self._handle([delivery])
        elif self._time_limit.timeout or self._spec.is_batch:
            self._handle([delivery])
        else:
            self._finished(running.run(self._handler, delivery, self._policies, self._tracing))

    def _handle(self, deliveries: list[Delivery]) -> None:
        """Run the handler once, within its deadline where there is one."""
        finished: list[Finished] = []
        if not self._time_limit.timeout:
            finished = self._run(deliveries)
        else:
            slot = self._time_limit.begin(deliveries)
            try:
                finished = self._run(deliveries)
                if not slot.claim():
                    finished = []
                    slot.absorb()
            except HandlerTimeout:
                finished = []  # it is sent only once the time limit has taken the messages
            self._time_limit.end(slot)
        for item in finished:
            self._finished(item)

    def _run(self, deliveries: list[Delivery]) -> list[Finished]:
        if self._spec.is_batch:
            return running.run_batch(self._handler, deliveries, self._policies, self._tracing)
        return [running.run(self._handler, deliveries[0], self._policies, self._tracing)]


def _unless_forked(finished: Callable[[Finished], None]) -> Callable[[Finished], None]:
    """Return `finished`, which in a copy of this process, made by a handler that forked, ends that copy.

    The copy would go on with the messages that it finds in hand: they are the original's.
    """
    pid = os.getpid()

    def done(item: Finished) -> None:
        if os.getpid() != pid:
            os._exit(0)
        finished(item)

    return done
