"""What consumers add to the line of what happened: starts, crashes, kills, decisions about their number."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from consumers.models import ConsumerEvent
from consumers.status import tones
from mqadmin.history.happenings import MOST, Asked, Happening

# A connection that comes and goes says nothing by itself; an act of a person stands in the audit log.
_LEFT_OUT = ("connected", "asked", "adopted", "redeliver")


def happenings(asked: Asked) -> Iterable[Happening]:
    """Yield the events of the broker's consumers."""
    rows = ConsumerEvent.objects.filter(
        consumer__broker=asked.broker, at__gte=asked.since, at__lte=asked.until
    ).exclude(kind__in=_LEFT_OUT)
    if asked.queue is not None:
        vhost, name = asked.queue
        rows = rows.filter(consumer__vhost=vhost, consumer__queue=name)
    for event in rows.select_related("consumer").order_by("-id")[:MOST]:
        name = event.consumer.name
        yield Happening(
            event.at,
            event.text,
            name,
            tones.EVENT.get(event.kind, "grey"),
            reverse("consumer_detail", args=[name]),
        )
