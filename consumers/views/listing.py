"""All consumers of a broker: are they running, and if not, why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from consumers import status, summary
from consumers.minutes import points
from consumers.models import Consumer
from consumers.summary import Summary
from consumers.views import buttons
from consumers.views.buttons import Button
from mqadmin.core import brokers, permissions, rendering
from mqadmin.queues.models import Queue

TROUBLE = "trouble"  # beside the states: every one in which it does not do what it was told to


@dataclass(frozen=True)
class Row:
    """One line of the table. `queue_id`: the queue's row, None when the monitor has not seen it."""

    summary: Summary
    buttons: list[Button]
    more: list[Button]
    queue_id: int | None


@dataclass(frozen=True)
class Filter:
    """Which consumers. `q`: text in name, queue or handler; `state`: one of `choices`, "" for any."""

    q: str = ""
    state: str = ""

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Filter:
        """Return the filter of an address; what makes no sense is left out."""
        state = values.get("state", "")
        return cls(values.get("q", "").strip()[:255], state if state in dict(choices()) else "")

    @property
    def is_empty(self) -> bool:
        return self == Filter()

    def takes(self, item: Summary) -> bool:
        """Whether a consumer matches."""
        wanted, consumer = self.q.casefold(), item.consumer
        if self.state == TROUBLE and not item.status.is_trouble:
            return False
        if self.state not in ("", TROUBLE, item.status.state):
            return False
        return any(wanted in text.casefold() for text in (consumer.name, consumer.queue, consumer.handler))


def choices() -> list[tuple[str, str]]:
    """Return what a consumer can be filtered by, each with its word."""
    return [(TROUBLE, _("in trouble")), *((str(state), word) for state, word in status.labels().items())]


@permissions.view
@require_GET
def consumer_list(request: HttpRequest) -> HttpResponse:
    """The tiles and the table; both are live, the filter between them is not."""
    broker = brokers.current(request)
    wanted = Filter.read(request.GET)
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
        "wanted": wanted,
        "choices": choices(),
        "defined": len(found),
        "is_fragment": rendering.wants_fragment(request),
        "rows": rows,
        "tiles": _tiles(broker, found),
        "none_defined": not found,
        "supervised": summary.supervised(),
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
