"""The standing rules in the hands of a monitor: at once for queues that appear, and once a minute for all."""

from __future__ import annotations

from datetime import UTC, datetime

from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.standing import applying

EVERY_S = 60.0


class Keeper:
    """Applies the rules to one broker's queues. For one thread."""

    def __init__(self) -> None:
        self._applied_at = float("-inf")

    def keep(self, broker: Broker, at: float, *, are_new: bool) -> None:
        """Bring the rows up to date where queues appeared, or a minute went by."""
        if not are_new and at - self._applied_at < EVERY_S:
            return
        applying.apply(Queue.objects.filter(broker=broker), datetime.fromtimestamp(at, UTC))
        self._applied_at = at
