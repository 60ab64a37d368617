"""Room in the queues that batches are published to: no batch goes over what a queue holds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mqadmin.queues.acts import destination
from mqadmin.rabbit.errors import NotFound
from mqadmin.rabbit.topology import arriving
from mqadmin.rabbit.types import QueueInfo

AGAIN_SECONDS = 10.0  # how old the limits may be that are kept to


@dataclass
class _Known:
    """A bounded queue, `at` a moment; `bytes_left`: it took so many more then, without those `published` since."""

    info: QueueInfo | None
    at: float
    bytes_left: int | None = None
    published: int = 0


class Room:
    """What the queues of one virtual host have room for, of all that one act publishes there. One thread.

    How many messages there are is asked of the broker for each batch; the limits, and how many bytes there are,
    every AGAIN_SECONDS.
    """

    def __init__(self, broker: str, vhost: str) -> None:
        self._broker, self._vhost = broker, vhost
        self._known: dict[str, _Known] = {}

    def is_bounded(self, queue: str) -> bool:
        """Whether anything limits what the queue holds. Raises RabbitError."""
        return self._queue(queue).info is not None

    def take(self, queue: str, sizes: Sequence[int]) -> int:
        """Return for how many of these messages, by the sizes of their bodies, there is room now; they count as
        published. What was published before must be confirmed by now. Raises RabbitError."""
        known = self._queue(queue)
        if known.info is None:
            return len(sizes)
        messages, _bytes = arriving.room(destination.exactly(self._broker, known.info))
        most = len(sizes) if messages is None else min(messages, len(sizes))
        for index, item in enumerate(sizes[:most]):
            if known.bytes_left is not None and known.published + item > known.bytes_left:
                return index
            known.published += item
        return most

    def why_not(self, queue: str) -> str:
        """Say that there is no room for more."""
        info = self._queue(queue).info
        if info is None:
            return ""
        return _("“%(queue)s” holds at most %(limit)s, and has no room for more.") % {
            "queue": queue,
            "limit": destination.limits(info),
        }

    def _queue(self, name: str) -> _Known:
        known = self._known.get(name)
        if known is None or time.monotonic() - known.at > AGAIN_SECONDS:
            # The statistics may not count yet what was published since they were asked for last.
            known = self._known[name] = self._ask(name, known.published if known else 0)
        return known

    def _ask(self, name: str, published: int) -> _Known:
        now = time.monotonic()
        try:
            info = destination.now(self._broker, self._vhost, name)
        except NotFound:  # the broker returns what goes there, and says so
            return _Known(None, now)
        messages, most = arriving.room(info)
        if messages is None and most is None:
            return _Known(None, now)
        return _Known(info, now, None if most is None else most - published)
