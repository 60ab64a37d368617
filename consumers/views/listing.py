"""All consumers of a broker: are they running, and if not, why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from consumers.definitions import mass
from consumers.models import Consumer
from consumers.records.minutes import points
from consumers.status import summary
from consumers.status.filtering import ConsumerSearch, choices
from consumers.status.summary import Summary
from consumers.views import buttons
from consumers.views.buttons import Button
from mqadmin.core import brokers, permissions
from mqadmin.core.pages import rendering
from mqadmin.queues.models import Queue


@dataclass(frozen=True)
class Row:
    """One line of the table. `queue_id`: the queue's row, None when the monitor has not seen it."""

    summary: Summary
    buttons: list[Button]
    more: list[Button]
    queue_id: int | None

    @property
    def more_label(self) -> str:
        return _("More for %(name)s") % {"name": self.summary.consumer.name}


@permissions.view
@require_GET
def consumer_list(request: HttpRequest) -> HttpResponse:
    """The tiles and the table; both are live, the filter between them is not."""
    broker = brokers.current(request)
    wanted = ConsumerSearch.read(request.GET)
    found = summary.summaries(Consumer.objects.filter(broker=broker).order_by("is_collector", "name"))
    queue_ids = _queue_ids(broker, found)
    shown = [item for item in found if wanted.takes(item)]
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
        "new_href": reverse("consumer_new") + (f"?{urlencode({'broker': broker})}" if broker else ""),
        "wanted": wanted,
        "choices": choices(),
        "defined": len(found),
        "is_fragment": rendering.wants_fragment(request),
        "rows": rows,
        "tiles": _tiles(broker, found),
        "none_defined": not found,
        "supervised": summary.supervised(),
        "is_steady": all(item.status.is_steady for item in found),
        "to_stop": len(mass.chosen("stop", [item.consumer for item in shown], collectors=False)),
        "to_start": len(mass.chosen("start", [item.consumer for item in shown], collectors=False)),
        "filter_query": wanted.query(broker),
    }
    return rendering.page(request, "consumers/list.html", context, fragment="consumers/_list.html")


def _queue_ids(broker: str, found: list[Summary]) -> dict[tuple[str, str], int]:
    names = {item.consumer.queue for item in found}
    rows = Queue.objects.filter(broker__slug=broker, name__in=names, gone_at=None)
    return {(vhost, name): pk for vhost, name, pk in rows.values_list("vhost", "name", "pk")}


def _tiles(broker: str, found: list[Summary]) -> dict[str, Any]:
    handled = [sum(minute) for minute in zip(*(item.hour.handled for item in found), strict=True)]
    failed = [sum(minute) for minute in zip(*(item.hour.failed for item in found), strict=True)]
    delayed = summary.retry_depths([broker]).get(broker)
    total, lost = sum(handled), sum(failed)
    return {
        "running": sum(item.status.state == "running" for item in found),
        "wanted": sum(item.consumer.desired == Consumer.Desired.RUNNING for item in found),
        "handled": total,
        "handled_points": points(handled),
        "failed": lost,
        "failed_points": points(failed),
        "failed_percent": 100 * lost / total if total else None,
        "delayed": None if delayed is None else sum(delayed.values()),
        "in_flight": sum(item.in_flight for item in found),
    }
