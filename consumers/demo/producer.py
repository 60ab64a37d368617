"""The demo's producer: a steady trickle of confirmed, mandatory messages."""

from __future__ import annotations

import logging
import math
import random
import time
from collections import Counter
from collections.abc import Callable

from consumers.demo.messages import Author
from consumers.supervisor.machine.wake import Wake
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher

TICK_S = 0.25
TIMEOUT_S = 5.0
WAVE_S = 240.0  # traffic swells and ebbs over four minutes, so that a chart has something to show
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 15.0

log = logging.getLogger("mqadmin.demo")


class Producer:
    """Publishes what its author writes, some messages a second of each kind. Main thread only."""

    def __init__(self, publisher: Publisher, author: Author | None = None) -> None:
        self._publisher = publisher
        author = author or Author(random.Random())
        self._sources: list[tuple[float, Callable[[], Outgoing]]] = [
            (2.0, author.task),
            (2.5, author.thread_job),
            (1.5, author.ticket),
            (3.0, author.order),
            (2.0, author.log_entry),
        ]
        self._owed = [0.0] * len(self._sources)
        self._trouble = ""
        self._pause = 0.0

    def run(self, wake: Wake) -> None:
        """Publish until `wake.stopping`."""
        began = before = time.monotonic()
        while not wake.stopping:
            wake.wait(self._pause or TICK_S)
            now = time.monotonic()
            # After a pause the trickle goes on, it does not burst.
            self.publish(self.due(min(now - before, 1.0), now - began))
            before = now

    def due(self, elapsed: float, age: float) -> list[Outgoing]:
        """Return what is to be published after `elapsed` seconds, `age` seconds after the start."""
        swell = 1 + 0.4 * math.sin(2 * math.pi * age / WAVE_S)
        messages = []
        for index, (rate, write) in enumerate(self._sources):
            self._owed[index] += rate * swell * elapsed
            while self._owed[index] >= 1:
                self._owed[index] -= 1
                messages.append(write())
        return messages

    def publish(self, messages: list[Outgoing]) -> int:
        """Publish; return how many the broker took. Trouble is told once, and its end too."""
        if not messages:
            return 0
        try:
            receipts = self._publisher.publish_batch(messages, timeout_s=TIMEOUT_S)
        except RabbitError as error:
            self._note(str(error))
            return 0
        bad = [receipt for receipt in receipts if not receipt.ok]
        reasons = Counter(receipt.detail or receipt.reason for receipt in bad)
        self._note("; ".join(f"{count} x {reason}" for reason, count in sorted(reasons.items())))
        return len(receipts) - len(bad)

    def _note(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log.warning("the demo's messages do not arrive, trying on: %s", trouble)
        if self._trouble and not trouble:
            log.info("the demo's messages arrive again")
        self._trouble = trouble
        self._pause = min(max(self._pause * 2, RETRY_FIRST_S), RETRY_MAX_S) if trouble else 0.0
