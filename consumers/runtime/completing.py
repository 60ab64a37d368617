"""Outcomes that are certain: committed, then RabbitMQ is told; or best effort, the other way round."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from pika.adapters.select_connection import IOLoop

from consumers.runtime.channel.settling import UNKNOWN_LOSS, Settling
from consumers.runtime.committer import Committer
from consumers.runtime.outcome import Handled
from consumers.runtime.sink import Sink
from consumers.runtime.spec import ConsumerSpec

BEST_EFFORT_WAITING = 20_000  # outcomes of acked messages that wait for the store; more are dropped


class Completing:
    """Takes outcomes from any thread to the store and to RabbitMQ, in the order that the records ask for.

    An outcome whose message RabbitMQ cannot be told of (its channel is gone, whyever) is recorded with
    `ack_lost`: before its commit where that is known by then, else with a second commit of the same outcome.

    `settled(n)`: that many are done with, I/O thread. Counters since the start: `unacked` are those of `processed`
    that RabbitMQ was not told of; what was released counts in none.
    """

    def __init__(
        self,
        loop: IOLoop,
        spec: ConsumerSpec,
        sink: Sink,
        settling: Settling,
        *,
        settled: Callable[[int], None],
        trouble: Callable[[str], None],
        fatal: Callable[[BaseException], None],
        unbegun: Callable[[], int],
    ) -> None:
        self._loop = loop
        self._spec = spec
        self._sink = sink
        self._settling = settling
        self._settled = settled
        self._committer: Committer[Handled] = Committer(
            self._commit,
            committed=self._committed,
            trouble=trouble,
            fatal=fatal,
            most_waiting=BEST_EFFORT_WAITING if spec.ack_first else 0,
            enough=spec.prefetch // 2,
            more=unbegun,
        )
        self._done: deque[Handled] = deque()  # to be settled before they are committed: best effort
        self.processed = self.failed = self.retried = self.unacked = 0

    def start(self) -> None:
        self._committer.start()

    def finish(self, timeout: float) -> int:
        """Commit what is left, end the thread; return how many records were dropped."""
        self._committer.stop(timeout)
        return self._committer.dropped

    def put(self, handled: Handled) -> None:
        """Hand over one outcome. Any thread."""
        if self._spec.ack_first:
            self._done.append(handled)
            self._loop.add_callback_threadsafe(self._settle_first)
        else:
            self._committer.put(handled)

    def _settle_first(self) -> None:
        group = [self._done.popleft() for _ in range(len(self._done))]
        self._settle(group)
        for handled in group:
            self._committer.put(handled)

    def _commit(self, group: Sequence[Handled]) -> None:
        """Commit a group, with what is known by now of acks that cannot be sent. Committer thread."""
        current = self._settling.generation
        for handled in () if self._spec.ack_first else group:
            if (
                handled.delivery.generation != current
                and not handled.ack_lost
                and handled.outcome != "released"
            ):
                handled.ack_lost = self._settling.why_lost(handled.delivery)
        self._sink.commit(group)

    def _committed(self, group: Sequence[Handled]) -> None:
        """A group's outcomes are durable. Committer thread."""
        fresh = []
        for handled in group:
            if handled.delivery.committed is not None:
                handled.delivery.committed.set()
            if not handled.recorded:
                handled.recorded = True
                fresh.append(handled)
        if fresh and not self._spec.ack_first:
            self._loop.add_callback_threadsafe(partial(self._settle, fresh))

    def _settle(self, group: Sequence[Handled]) -> None:
        for handled in group:
            self.processed += handled.outcome != "released"
            self.failed += handled.failed
            self.retried += handled.outcome == "retried"
        for handled in self._settling.settle(group):
            if handled.outcome == "released":
                continue
            self.unacked += 1
            if not handled.ack_lost:
                handled.ack_lost = self._settling.why_lost(handled.delivery) or UNKNOWN_LOSS
                if handled.recorded:
                    self._committer.put(handled)
        self._settled(len(group))
