"""What happened to a broker, as it is stored: written when it is seen, deleted when old or too many."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from mqadmin.history import steps
from mqadmin.queues.models import BrokerEvent
from mqadmin.queues.monitor.cluster.changes import Event

MOST = 10_000  # of one broker: one that flaps for weeks does not fill the database


def write(slug: str, found: Iterable[Event]) -> None:
    """Store events. Raises django.db.Error."""
    rows = [
        BrokerEvent(
            broker=slug, at=datetime.fromtimestamp(event.at, UTC), kind=event.kind, params=dict(event.params)
        )
        for event in found
    ]
    if rows:
        BrokerEvent.objects.bulk_create(rows)


def forget() -> str:
    """Delete what is older than history is kept, and of each broker what is beyond MOST; in words what went."""
    oldest = timezone.now() - timedelta(seconds=steps.configured()[-1].kept)
    gone, _rows = BrokerEvent.objects.filter(at__lt=oldest).delete()
    for slug in BrokerEvent.objects.order_by().values_list("broker", flat=True).distinct():
        of_broker = BrokerEvent.objects.filter(broker=slug)
        last = of_broker.order_by("-id").values_list("id", flat=True)[MOST : MOST + 1].first()
        if last is not None:
            gone += of_broker.filter(id__lte=last).delete()[0]
    return f"{gone} events of brokers" if gone else ""
