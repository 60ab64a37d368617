"""Waiting, in a container, until a consumer is to run: where exiting would only mean to be started again."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connection

from consumers.models import Consumer
from consumers.process.pulse import EVERY
from consumers.supervisor import single
from consumers.supervisor.rows import database_now
from mqadmin.core import database

LOOK = 1.0  # seconds between two looks
ENDING = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger("mqadmin.consumer")


def until_wanted(name: str, alive: Callable[[], None]) -> Consumer | None:
    """Return the consumer once it is there and not told to be stopped; None when SIGTERM or SIGINT came first.

    Main thread. Calls `alive` every few seconds meanwhile. Each new reason to wait is logged once.
    """
    said, due = "", 0.0
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # waited for below instead
    try:
        while True:
            consumer, why = _look(name)
            if not why:
                return consumer
            if why != said:
                log.info("%s", why)
                said = why
            if time.monotonic() >= due:
                alive()
                due = time.monotonic() + EVERY
            if signal.sigtimedwait(ENDING, LOOK) is not None:
                log.info("ended while it waited")
                return None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _look(name: str) -> tuple[Consumer | None, str]:
    """Return the consumer and why it is not to run, "" when it is."""
    try:
        consumer = Consumer.objects.filter(name=name).first()
        other = single.holder(consumer, database_now()) if consumer is not None and consumer.single else None
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        return None, f"waiting for the database: {database.words(error)}"
    if consumer is None:
        return None, f"waiting until a consumer {name} is defined in mqadmin"
    if consumer.desired == Consumer.Desired.STOPPED:
        return consumer, f"{name} is stopped in mqadmin: waiting until it is started there"
    if other is not None:
        return consumer, f"{name} waits: {single.words(other)}"
    return consumer, ""
