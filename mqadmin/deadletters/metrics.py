"""Parked dead letters as a metric: one query, answered from an index alone."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count

from mqadmin.core import brokers
from mqadmin.core.exposition import Family, labels
from mqadmin.deadletters.models import DeadLetter


def families() -> Iterator[Family]:
    """Return how many letters wait for a decision, by the queue they died in.

    Queues of one name in several virtual hosts count together: the index knows no virtual host, and without it
    every letter would be read.
    """
    rows = (
        DeadLetter.objects.filter(broker__in=list(brokers.configs()), status=DeadLetter.Status.PARKED)
        .order_by()
        .values_list("broker", "source_queue")
        .annotate(count=Count("pk"))
    )
    yield Family(
        "mqadmin_dead_letters_parked",
        "gauge",
        "Captured dead letters that wait for a decision, by the queue they died in.",
        [(labels(broker=broker, queue=queue), count) for broker, queue, count in sorted(rows)],
    )
