"""What managed consumers measured of late, for the verdicts on their queues: how long each message takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import Count

from consumers.models import Consumer, ConsumerMinute, ConsumerProcess
from consumers.records.minutes import BOUNDS_MS
from mqadmin.queues.health.facts import Handling

MINUTES = 3
MIDDLE = 1.2  # a bucket ends 1.4 times after it begins: its middle


def handling(broker: str, now: float) -> Mapping[tuple[str, str], Handling]:
    """Return what the running consumers of each queue measured, by (vhost, name). Three indexed reads."""
    rows = list(Consumer.objects.filter(broker=broker).exclude(desired=Consumer.Desired.STOPPED))
    if not rows:
        return {}
    running = _running(rows)
    first = int(now // 60) - MINUTES
    minutes: dict[int, list[ConsumerMinute]] = defaultdict(list)
    for row in ConsumerMinute.objects.filter(consumer__in=rows, minute__gt=first):
        minutes[row.consumer_id].append(row)
    by_queue: dict[tuple[str, str], list[Consumer]] = defaultdict(list)
    for consumer in rows:
        by_queue[consumer.vhost, consumer.queue].append(consumer)
    return {
        key: _of(consumers, running, [row for item in consumers for row in minutes[item.pk]], now)
        for key, consumers in by_queue.items()
    }


def _running(rows: Iterable[Consumer]) -> dict[int, int]:
    states = ConsumerProcess.State
    counted = ConsumerProcess.objects.filter(consumer__in=rows, state=states.RUNNING)
    return dict(counted.values_list("consumer_id").annotate(n=Count("pk")))


def _of(
    consumers: Iterable[Consumer], running: Mapping[int, int], minutes: Iterable[ConsumerMinute], now: float
) -> Handling:
    count, spent, last = 0, 0.0, None
    for row in minutes:
        for bucket, handled in enumerate(row.durations):
            count += handled
            spent += handled * BOUNDS_MS[min(bucket, len(BOUNDS_MS) - 1)] / MIDDLE / 1000
        if row.handled:
            last = max(last or 0.0, min(now, 60.0 * (row.minute + 1)))
    return Handling(
        seconds=spent / count if count else None,
        slots=sum(running.get(item.pk, 0) * item.concurrency for item in consumers),
        processes=sum(running.get(item.pk, 0) for item in consumers),
        last_at=last,
    )
