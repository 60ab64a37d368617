"""How many messages are ready in a queue, by a passive declare, where a zero may be no answer at all.

A quorum queue asks its leader and waits 250 ms: one that is busy for longer, or away, has "no message, no consumer"
told to the client (rabbit_quorum_queue:stat/2; tried on 3.10.8, 4.0.5 and 4.3.6, with a leader that was suspended).
A queue would be taken for empty, and deleted with what is in it. So two zeros are believed only where they came
before that wait was over. A consumer that is counted proves that the leader was asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel
from pika.frame import Method

from mqadmin.rabbit.errors import NoResponse

LEADER_WAIT_S = 0.25  # rabbit_quorum_queue:stat/1
SECONDS = 5.0  # that a leader is asked again and again
_AGAIN_S = 0.1
_ROUND_TRIPS = 3
_FAR_S = 0.1  # a round trip that takes longer is one to a broker far away, not one on a machine that is busy


def counted(channel: BlockingChannel, queue: str) -> tuple[int, int]:
    """Return how many messages are ready in a queue this instant, and how many consumers it has.

    Raises NoResponse where the broker does not know for SECONDS; what pika raises.
    """
    end = time.monotonic() + SECONDS
    far: float | None = None
    while True:
        began = time.monotonic()
        found = channel.queue_declare(queue, passive=True).method
        took = time.monotonic() - began
        ready, consumers = int(found.message_count or 0), int(found.consumer_count or 0)
        if is_sure(ready, consumers, took):
            return ready, consumers
        far = _round_trip(channel) if far is None else far
        if is_sure(ready, consumers, took, far):
            return ready, consumers
        if time.monotonic() > end:
            raise NoResponse(
                f"The broker cannot say how many messages are in “{queue}”: its leader does not answer in time."
            )
        channel.connection.sleep(_AGAIN_S)


def is_sure(ready: int, consumers: int, took: float, round_trip: float = 0.0) -> bool:
    """Whether an answer that took so many seconds tells what is in the queue. `round_trip`: what any answer takes.

    Pure. A machine that is busy has long round trips too: only those to a broker far away are taken into account.
    """
    far = round_trip * 0.8 if round_trip > _FAR_S else 0.0
    return bool(ready or consumers) or took < LEADER_WAIT_S + far


def _round_trip(channel: BlockingChannel) -> float:
    """Return the seconds that the quickest of some answers took that no queue has a part in."""
    shortest = float("inf")
    for _ in range(_ROUND_TRIPS):
        began = time.monotonic()
        channel.connection.channel().close()
        shortest = min(shortest, (time.monotonic() - began) / 2)  # opened and closed: two round trips
    return shortest


class Answers:
    """The same for callbacks: how long the broker's answers take, and whether one is sure. For one thread."""

    def __init__(self) -> None:
        self._shortest = float("inf")

    def timed(self, callback: Callable[[Method[Any]], None]) -> Callable[[Method[Any]], None]:
        """Return a callback for a question that is asked now, and that no queue has a part in."""
        began = time.monotonic()

        def answered(frame: Method[Any]) -> None:
            self._shortest = min(self._shortest, time.monotonic() - began)
            callback(frame)

        return answered

    def judged(self, callback: Callable[[Method[Any], bool], None]) -> Callable[[Method[Any]], None]:
        """Return a callback for a passive declare that is sent now; `callback` is told whether it is sure."""
        began = time.monotonic()

        def answered(frame: Method[Any]) -> None:
            found, took = frame.method, time.monotonic() - began
            known = self._shortest if self._shortest < float("inf") else 0.0
            callback(frame, is_sure(found.message_count, found.consumer_count, took, known))

        return answered
