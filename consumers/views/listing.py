"""All consumers of a broker, or of all brokers: are they running, and if not, why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from consumers.definitions import mass
from consumers.files import truth
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
    """One line of the table. `queue_id`: the queue's row, None when the monitor has not seen it.

    `broker`: the title of its broker, where those of several are shown.
    """

    summary: Summary
    buttons: list[Button]
    more: list[Button]
    queue_id: int | None
    broker: str = ""

    @property
    def more_label(self) -> str:
        return _("More for %(name)s") % {"name": self.summary.consumer.name}


@permissions.view.of("rows")
@require_GET
def consumer_list(request: HttpRequest) -> HttpResponse:
    """The tiles and the table; both are live, the filter between them is not."""
    broker, scope = brokers.current(request), brokers.scope(request)
    slugs = brokers.within(scope)
    titles = brokers.titles() if scope == brokers.EVERY else {}
    wanted = ConsumerSearch.read(request.GET)
    found = summary.summaries(Consumer.objects.filter(broker__in=slugs).order_by("is_collector", "name"))
    queue_ids = _queue_ids(slugs, found)
    shown = [item for item in found if wanted.takes(item)]
    rows = [
        Row(
            item,
            buttons.theirs(buttons.buttons(item), item.consumer),
            buttons.theirs(buttons.more(item), item.consumer),
            queue_ids.get((item.consumer.broker, item.consumer.vhost, item.consumer.queue)),
            titles.get(item.consumer.broker, ""),
        )
        for item in shown
    ]
    context = {
        "broker": scope,
        "is_part": not permissions.may(request.user, "view"),
        "is_every": bool(titles),
        "new_href": reverse("consumer_new") + (f"?{urlencode({'broker': broker})}" if broker else ""),
        "wanted": wanted,
        "choices": choices(),
        "defined": len(found),
        "is_fragment": rendering.wants_fragment(request),
        "rows": rows,
        "tiles": _tiles(slugs, found),
        "drift": truth.drift(),
        "none_defined": not found,
        "supervised": summary.supervised(),
        "is_steady": all(item.status.is_steady for item in found),
        "to_stop": len(mass.chosen("stop", [item.consumer for item in shown], collectors=False)),
        "to_start": len(mass.chosen("start", [item.consumer for item in shown], collectors=False)),
        "filter_query": wanted.query(scope),
    }
    return rendering.page(request, "consumers/list.html", context, fragment="consumers/_list.html")


def _queue_ids(slugs: Sequence[str], found: list[Summary]) -> dict[tuple[str, str, str], int]:
    names = {item.consumer.queue for item in found}
    rows = Queue.objects.filter(broker__slug__in=slugs, name__in=names, gone_at=None)
    values = rows.values_list("broker__slug", "vhost", "name", "pk")
    return {(slug, vhost, name): pk for slug, vhost, name, pk in values}


def _tiles(slugs: Sequence[str], found: list[Summary]) -> dict[str, Any]:
    handled = [sum(minute) for minute in zip(*(item.hour.handled for item in found), strict=True)]
    failed = [sum(minute) for minute in zip(*(item.hour.failed for item in found), strict=True)]
    delayed = summary.retry_depths(slugs)
    total, lost = sum(handled), sum(failed)
    return {
        "running": sum(item.status.state == "running" for item in found),
        "wanted": sum(item.consumer.desired == Consumer.Desired.RUNNING for item in found),
        "handled": total,
        "handled_points": points(handled),
        "failed": lost,
        "failed_points": points(failed),
        "failed_percent": 100 * lost / total if total else None,
        # Of a broker that was never sampled it is not known, nor is the sum then.
        "delayed": sum(sum(item.values()) for item in delayed.values())
        if len(delayed) == len(slugs)
        else None,
        "in_flight": sum(item.in_flight for item in found),
    }
