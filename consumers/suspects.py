"""What is noted of messages that were in hand when a process died: `consumers.runtime.doubt.Memory`."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from consumers.faults import unavailable
from consumers.models import Suspect
from consumers.runtime.api import Delivery
from mqadmin.rabbit.message import fingerprint


class SuspectMemory:
    """The notes of one process of one consumer. Any thread, each over its own connection."""

    def __init__(self, *, consumer_id: int, process_id: int) -> None:
        self._consumer_id = consumer_id
        self._process_id = process_id

    def known(self, delivery: Delivery) -> int:
        """Return how many processes have died with the message in hand. Raises SinkUnavailable."""
        try:
            noted = Suspect.objects.filter(consumer_id=self._consumer_id, key=key(delivery)).first()
        except (OperationalError, InterfaceError) as error:
            raise unavailable(error) from error
        if noted is None:
            return 0
        # Noted by this very process: it lost its connection, not its life.
        return noted.deaths + (noted.process_id != self._process_id)

    def begin(self, delivery: Delivery) -> None:
        """Note that this process handles the message now. Raises SinkUnavailable."""
        deaths = self.known(delivery)
        try:
            Suspect.objects.update_or_create(
                consumer_id=self._consumer_id,
                key=key(delivery),
                defaults={"deaths": deaths, "process_id": self._process_id, "noted_at": timezone.now()},
            )
        except (OperationalError, InterfaceError) as error:
            raise unavailable(error) from error


def key(delivery: Delivery) -> str:
    """Return what a message is recognised by when it comes back."""
    return fingerprint(delivery.message, delivery.queue)


def forget(consumer_id: int, deliveries: Iterable[Delivery]) -> None:
    """Delete the notes of messages that were handled. Inside the transaction that records them."""
    keys = [key(delivery) for delivery in deliveries if delivery.redelivered]
    if keys:
        Suspect.objects.filter(consumer_id=consumer_id, key__in=keys).delete()
