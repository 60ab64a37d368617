"""The demo's consumers: R1, R6, R7, R8 and R9 as a person would define them in the form."""

from __future__ import annotations

from typing import Any

from consumers.definitions import definitions
from consumers.demo import topology
from consumers.models import Consumer
from mqadmin.core.acts.audit import Actor

CONSUMERS: tuple[dict[str, Any], ...] = (
    {"name": "tasks", "queue": topology.TASKS, "handler": "tasks.run", "prefetch": 1},
    {
        "name": "threads",
        "queue": topology.THREADS,
        "handler": "threads.work",
        "concurrency": 5,
        "prefetch": 20,
        "options": {"work_ms": 5},
    },
    {
        "name": "priority",
        "queue": topology.PRIORITY,
        "handler": "priority.work",
        "order": "priority",
        "prefetch": 50,
        "options": {"work_ms": 40},
    },
    {
        "name": "orders",
        "queue": topology.ORDERS,
        "handler": "orders.process",
        "concurrency": 2,
        "prefetch": 10,
        "options": {"stock_timeout_ms": 800},
    },
    {
        "name": "log-alerts",
        "queue": topology.LOGS_ERROR,
        "handler": "logs.alert",
        "prefetch": 20,
        "options": {"quiet_seconds": 30.0},
    },
    {"name": "log-store", "queue": topology.LOGS_ALL, "handler": "logs.store", "prefetch": 20},
)


def define(broker: str, by: Actor) -> list[Consumer]:
    """Define and start the consumers that are not there yet; return those. Raises definitions.Invalid."""
    known = set(Consumer.objects.values_list("name", flat=True))
    return [
        definitions.create(by=by, broker=broker, vhost=topology.VHOST, desired="running", **fields)
        for fields in CONSUMERS
        if fields["name"] not in known
    ]
