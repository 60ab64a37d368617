"""How many consumers a queue has, as its broker counts them."""

from __future__ import annotations

import threading

from mqadmin.rabbit.config import BrokerConfig
from tests.support import amqp


class Owners:
    """Counts the consumers of a queue again and again, at the broker: `most` at a time. A context."""

    def __init__(self, config: BrokerConfig, vhost: str, queue: str) -> None:
        self.most = 0
        self._where = config, vhost, queue
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count)

    def __enter__(self) -> Owners:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _count(self) -> None:
        config, vhost, queue = self._where
        with amqp.channel(config, vhost) as channel:
            while not self._over.wait(0.005):
                found = channel.queue_declare(queue, passive=True).method.consumer_count or 0
                self.most = max(self.most, int(found))
