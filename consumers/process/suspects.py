"""What is noted of messages that were in hand when a process died: `runtime.handling.poison.DeathNotes`."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from datetime import datetime

import psutil
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from consumers.models import ConsumerProcess, Suspect
from consumers.process.process_reporter import HEARTBEAT
from consumers.records.database_faults import unavailable
from consumers.runtime.api import Delivery

LISTEN_S = 3 * HEARTBEAT  # a process of another host that is not heard of for so long is taken for dead
_LOOK_S = 0.25
_DIED = (ConsumerProcess.State.BACKOFF, ConsumerProcess.State.FAILED)  # seen dead, its row not closed yet


class SuspectNotes:
    """The notes of one process of one consumer. Any thread, each over its own connection."""

    def __init__(self, *, consumer_id: int, process_id: int) -> None:
        self._consumer_id = consumer_id
        self._process_id = process_id
        self._looked: dict[int, tuple[float, bool]] = {}  # process -> when, and whether it died by itself

    def known(self, delivery: Delivery) -> int:
        """Return how many processes have died with the message in hand, for all that is known by its doing: who was
        killed from outside was not. Raises SinkUnavailable.

        Takes up to LISTEN_S seconds where the last one that had it runs on another host, or where its supervisor
        has not said yet how it ended.
        """
        try:
            noted = Suspect.objects.filter(consumer_id=self._consumer_id, key=delivery.key).first()
            if noted is None:
                return 0
            # Noted by a process that lives, perhaps this one: it lost its connection, not its life.
            died = noted.process_id != self._process_id and self._died(noted.process_id)
        except (OperationalError, InterfaceError) as error:
            raise unavailable(error) from error
        return noted.deaths + died

    def begin(self, delivery: Delivery, deaths: int) -> None:
        """Note that this process handles the message now, after so many deaths. Raises SinkUnavailable."""
        try:
            Suspect.objects.update_or_create(
                consumer_id=self._consumer_id,
                key=delivery.key,
                defaults={"deaths": deaths, "process_id": self._process_id, "noted_at": timezone.now()},
            )
        except (OperationalError, InterfaceError) as error:
            raise unavailable(error) from error

    def _died(self, process_id: int) -> bool:
        """Whether another process died by itself; for many messages of one process it is looked for once."""
        looked = self._looked.get(process_id)
        if looked is None or time.monotonic() - looked[0] > LISTEN_S:
            died = not _lives(process_id) and not _was_killed(process_id)
            looked = time.monotonic(), died
            self._looked[process_id] = looked
        return looked[1]


def _lives(process_id: int) -> bool:
    """Whether a process still runs: looked for on this host, listened to where it runs on another."""
    row = ConsumerProcess.objects.filter(pk=process_id).first()
    if row is not None and row.host == socket.gethostname():
        return _runs(row)
    heard = row and row.heartbeat_at
    until = time.monotonic() + LISTEN_S
    while heard is not None and time.monotonic() < until:
        last = _heard(process_id)
        if last != heard:
            return last is not None
        threading.Event().wait(_LOOK_S)
    return False


def _was_killed(process_id: int) -> bool:
    """Whether a process that is dead was killed from outside, as its supervisor says; without one nobody knows."""
    until = time.monotonic() + LISTEN_S
    while True:
        row = ConsumerProcess.objects.filter(pk=process_id).first()
        if row is None or not row.supervisor:
            return False
        if row.ended_at is not None or row.state in _DIED:
            return row.kills > 0
        if time.monotonic() >= until:
            return False
        threading.Event().wait(_LOOK_S)


def _runs(row: ConsumerProcess) -> bool:
    try:
        found = psutil.Process(row.pid or 0)
        return found.create_time() == row.pid_created and found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _heard(process_id: int) -> datetime | None:
    """Return when a process was last heard of, None for one that ended or was seen dead."""
    rows = ConsumerProcess.objects.filter(pk=process_id, ended_at=None).exclude(state__in=_DIED)
    return rows.values_list("heartbeat_at", flat=True).first()


def forget(consumer_id: int, deliveries: Iterable[Delivery]) -> None:
    """Delete the notes of messages that were handled. Inside the transaction that records them."""
    keys = [delivery.key for delivery in deliveries if delivery.redelivered]
    if keys:
        Suspect.objects.filter(consumer_id=consumer_id, key__in=keys).delete()
