"""The deadline of handlers, looked at in the I/O thread: what is overdue is settled by policy."""

from __future__ import annotations

from collections.abc import Callable

from pika.adapters.select_connection import IOLoop

from consumers.runtime.handling.running import Finished, Policies, overdue
from consumers.runtime.handling.time_limit import TimeLimit
from consumers.runtime.spec import ConsumerSpec

_LOOK_S = 0.25  # between two looks, or a quarter of the deadline where that is shorter


class Deadlines:
    """Ends what is overdue, and the process when a thread cannot be had back. I/O thread only."""

    def __init__(
        self,
        loop: IOLoop,
        spec: ConsumerSpec,
        watch: TimeLimit,
        *,
        finished: Callable[[Finished], None],
        recycle: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._spec = spec
        self._watch = watch
        self._finished = finished
        self._recycle = recycle
        self._policies = Policies(spec.retry, spec.connection_retry)

    def start(self) -> None:
        """Look from now on, where the consumer has a deadline."""
        if self._spec.timeout:
            self._look()

    def _look(self) -> None:
        for late in self._watch.overdue():
            for finished in overdue(late, self._spec.timeout, self._policies):
                self._finished(finished)
        stuck = self._watch.stuck()
        if stuck:
            self._recycle(
                f"{stuck} of {self._spec.concurrency} handler threads hang in code that cannot be interrupted: "
                "the process ends and is started anew."
            )
        else:
            self._loop.call_later(min(_LOOK_S, self._spec.timeout / 4), self._look)
