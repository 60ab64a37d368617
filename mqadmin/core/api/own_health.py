"""mqadmin's own work as metrics: bulk acts by their state, and whether anybody carries them out."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from mqadmin.core.acts import leases, operations
from mqadmin.core.models import Operation


def families() -> Iterator[Metric]:
    """Yield the operations and the workers, in three queries."""
    rows = Operation.objects.order_by().values_list("status").annotate(n=Count("pk"))
    counts = dict(rows.values_list("status", "n"))
    states = GaugeMetricFamily(
        "mqadmin_operations", "Bulk acts that are kept, by their state.", labels=["state"]
    )
    for state in Operation.Status.values:
        states.add_metric([state], counts.get(state, 0))
    yield states
    waiting = Operation.objects.filter(status=Operation.Status.PENDING, not_before=None)
    oldest = waiting.aggregate(at=Min("created_at"))["at"]
    age = 0.0 if oldest is None else (timezone.now() - oldest).total_seconds()
    yield GaugeMetricFamily(
        "mqadmin_operation_waits_seconds",
        "How long the bulk act that waits longest for a worker has waited; 0 when none does.",
        value=max(age, 0.0),
    )
    seen = leases.ages(operations.WORKER).get(operations.WORKER)
    yield GaugeMetricFamily(
        "mqadmin_worker_up",
        "1 while Celery's beat, its broker and a worker are there; 0 once nothing came for a minute.",
        value=seen is not None and seen <= operations.WORKER_S,
    )
    if seen is not None:
        yield GaugeMetricFamily(
            "mqadmin_worker_age_seconds",
            "Seconds since a worker took what beat sends every few seconds.",
            value=max(seen, 0.0),
        )
