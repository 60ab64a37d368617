"""All consumers of a broker: are they running, and if not, why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from consumers import summary
from consumers.minutes import points
from consumers.models import Consumer
from consumers.summary import Summary
from consumers.views import buttons
from consumers.views.buttons import Button
from mqadmin.core import brokers, permissions, rendering
from mqadmin.queues.models import Queue

DELAY_PREFIX = "mqadmin.delay."


@dataclass(frozen=True)
class Row:
    """One line of the table. `queue_id`: the queue's row, None when the monitor has not seen it."""

    summary: Summary
    buttons: list[Button]
    more: list[Button]
    queue_id: int | None


@permissions.view
@require_GET
def consumer_list(request: HttpRequest) -> HttpResponse:
    """The tiles and the table; both are one live part."""
    broker = brokers.current(request)
    q = request.GET.get("q", "").strip()
    found = summary.summaries(Consumer.objects.filter(broker=broker).order_by("is_collector", "name"))
    queue_ids = _queue_ids(broker, found)
    shown = [item for item in found if _matches(item.consumer, q)]
    rows = [
        Row(
            item,
            buttons.buttons(item),
            buttons.more(item),
            queue_ids.get((item.consumer.vhost, item.consumer.queue)),
        )
        for item in shown
    ]
    context = {
        "broker": broker,
        "q": q,
        "rows": rows,
        "tiles": _tiles(broker, found),
        "none_defined": not found,
        "supervised": summary.supervised(),
    }
    return rendering.page(request, "consumers/list.html", context, fragment="consumers/_list.html")


def _matches(consumer: Consumer, q: str) -> bool:
    wanted = q.casefold()
    return any(wanted in text.casefold() for text in (consumer.name, consumer.queue, consumer.handler))


def _queue_ids(broker: str, found: list[Summary]) -> dict[tuple[str, str], int]:
    names = {item.consumer.queue for item in found}
    rows = Queue.objects.filter(broker__slug=broker, name__in=names, gone_at=None)
    return {(vhost, name): pk for vhost, name, pk in rows.values_list("vhost", "name", "pk")}


def _tiles(broker: str, found: list[Summary]) -> dict[str, Any]:
    handled = [sum(minute) for minute in zip(*(item.hour.handled for item in found), strict=True)]
    failed = [sum(minute) for minute in zip(*(item.hour.failed for item in found), strict=True)]
    delayed = Queue.objects.filter(Q(name__startswith=DELAY_PREFIX), broker__slug=broker, gone_at=None)
    total, lost = sum(handled), sum(failed)
    return {
        "running": sum(item.status.state == "running" for item in found),
        "wanted": sum(item.consumer.desired == Consumer.Desired.RUNNING for item in found),
        "handled": total,
        "handled_points": points(handled),
        "failed": lost,
        "failed_points": points(failed),
        "failed_percent": 100 * lost / total if total else None,
        "delayed": delayed.aggregate(total=Sum("total"))["total"] or 0,
        "in_flight": sum(item.in_flight for item in found),
    }
