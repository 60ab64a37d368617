"""Celery tasks of the core: nudges that start work whose truth is in the database."""

from __future__ import annotations

import logging
import os
import socket

from mqadmin.celery import app
from mqadmin.core import hooks
from mqadmin.core.acts import leases, operations
from mqadmin.core.rows import giving_back
from mqadmin.stack import with_room

log = logging.getLogger(__name__)


@app.task(name=operations.TASK)
@with_room
def run_operation(operation_id: int) -> bool:
    """Carry out one operation, unless another worker has it."""
    return operations.execute(operation_id)


@app.task(name="mqadmin.core.resume_operations")
def resume_operations() -> list[int]:
    """Find operations whose nudge was lost or whose worker died, and carry them out here, one by one.

    Beat sends it every few seconds: that it comes says that beat, RabbitMQ and a worker are there.
    """
    leases.beat(operations.WORKER, f"{socket.gethostname()[:60]}:{os.getpid()}", operations.WORKER_S)
    return [pk for pk in operations.orphans() if operations.execute(pk)]


@app.task(name="mqadmin.core.retention")
def retention() -> list[str]:
    """Delete what is old, app by app; one that fails is logged and does not stop the others."""
    done = []
    for function in (*hooks.retention(), giving_back.give_back):
        try:
            text = function()
        except Exception:
            log.exception("retention: %s failed", getattr(function, "__qualname__", function))
            continue
        if text:
            done.append(text)
    for text in done:
        log.info("retention: %s", text)
    return done
