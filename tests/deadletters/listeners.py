"""Somebody who consumes from a queue of a test, so that what is requeued there is handled."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mqadmin.rabbit import amqp
from tests.deadletters.conftest import Place
from tests.support.waiting import patient, wait_until


class Listener:
    """Acks what arrives and remembers it, in a thread of its own."""

    def __init__(self, place: Place, queue: str) -> None:
        self.bodies: list[bytes] = []
        self._place, self._queue = place, queue
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._consume, daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        assert self._ready.wait(patient(10)), "nobody listens"
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join(patient(10))

    def wait(self, count: int) -> None:
        """Wait until so many have arrived, and no more."""
        wait_until(lambda: len(self.bodies) >= count, what=f"{count} messages")
        assert len(self.bodies) == count

    def _consume(self) -> None:
        with amqp.channel(self._place.config, self._place.vhost) as channel:
            for method, _properties, body in channel.consume(self._queue, inactivity_timeout=0.05):
                self._ready.set()
                if self._stop.is_set():
                    return
                if method is not None:
                    self.bodies.append(body)
                    channel.basic_ack(method.delivery_tag)


@contextmanager
def holding(place: Place, queue: str = "orders") -> Iterator[None]:
    """Consume without settling: what was taken is back in the queue afterwards."""
    with amqp.channel(place.config, place.vhost) as channel:
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(queue, lambda *_args: None)
        yield
