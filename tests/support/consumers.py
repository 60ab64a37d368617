"""Rows of consumers for tests: a definition, its processes, what it handled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from consumers.models import Consumer, ConsumerProcess, Record, SupervisorHost
from consumers.records.minutes import MinuteCounter

NAMES = iter(range(1, 1_000_000))


def make_consumer(**fields: Any) -> Consumer:
    """Make a definition; it is told to be stopped unless `desired` says otherwise."""
    values: dict[str, Any] = {
        "name": f"consumer-{next(NAMES)}",
        "broker": "default",
        "queue": "orders",
        "handler": "record",
    }
    return Consumer.objects.create(**{**values, **fields})


def make_process(consumer: Consumer, **fields: Any) -> ConsumerProcess:
    """Make a supervised process that runs and has just reported itself."""
    now = timezone.now()
    values: dict[str, Any] = {
        "host": "host-a",
        "supervisor": "host-a",
        "replica": consumer.processes.filter(ended_at=None).count(),
        "pid": 4000 + next(NAMES),
        "revision": consumer.revision,
        "nudge": consumer.nudge,
        "state": ConsumerProcess.State.RUNNING,
        "state_since": now,
        "started_at": now - timedelta(minutes=3),
        "heartbeat_at": now,
    }
    return ConsumerProcess.objects.create(consumer=consumer, **{**values, **fields})


def make_supervisor(name: str = "host-a", heartbeat_at: datetime | None = None) -> SupervisorHost:
    """Make a supervisor that has just shown itself."""
    now = timezone.now()
    return SupervisorHost.objects.create(name=name, pid=1, started_at=now, heartbeat_at=heartbeat_at or now)


def make_record(consumer: Consumer, **fields: Any) -> Record:
    """Make the record of a message that was acked just now."""
    values: dict[str, Any] = {
        "queue": consumer.queue,
        "routing_key": "order.created",
        "message_id": f"m-{next(NAMES)}",
        "outcome": Record.Outcome.ACKED,
        "started_at": timezone.now(),
        "duration_ms": 12.5,
        "size": 20,
    }
    return Record.objects.create(consumer=consumer, **{**values, **fields})


def count(process: ConsumerProcess, *handled: tuple[float, str, float]) -> None:
    """Count (seconds ago, outcome, milliseconds) as the process itself would."""
    now = timezone.now().timestamp()
    counter = MinuteCounter(consumer_id=process.consumer_id, process_id=process.pk)
    counter.write(counter.count([(now - ago, outcome, took) for ago, outcome, took in handled]))
