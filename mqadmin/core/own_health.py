"""mqadmin's own work as metrics: bulk acts by their state, and whether anybody carries them out."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from mqadmin.core.acts import leases, operations, signs
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
    yield from _signs()


def _signs() -> Iterator[Metric]:
    """Yield who is there of those that say so in a lease."""
    ages = {lease: age for lease, age in leases.ages("").items() if lease in _SAID}
    for lease, (within, up, age) in _SAID.items():
        seen = ages.get(lease)
        yield GaugeMetricFamily(f"mqadmin_{lease}_up", up, value=seen is not None and seen <= within)
        if seen is not None:
            yield GaugeMetricFamily(f"mqadmin_{lease}_age_seconds", age, value=max(seen, 0.0))


_SAID = {
    operations.WORKER: (
        operations.WORKER_S,
        "1 while Celery's beat, its broker and a worker are there; 0 once nothing came for a minute.",
        "Seconds since a worker took what beat sends every few seconds.",
    ),
    signs.BEAT: (
        signs.SILENT_S,
        "1 while Celery's beat tries to send what is due, whether its broker answers or not.",
        "Seconds since beat last said that it is there.",
    ),
    signs.WEB: (
        signs.SILENT_S,
        "1 while a web process says that it is there: of several, any.",
        "Seconds since a web process last said that it is there.",
    ),
}
