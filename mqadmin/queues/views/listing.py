"""The list of queues."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mqadmin.core import brokers, permissions, rendering
from mqadmin.queues import listing, presenting
from mqadmin.queues.listing import Query
from mqadmin.queues.models import Queue
from mqadmin.queues.sight import sight
from mqadmin.rabbit.numbers import whole


@dataclass(frozen=True)
class Column:
    """The head of one column: where a click leads, and whether the table is sorted by it ("up", "down")."""

    label: str
    href: str
    direction: str
    title: str
    css: str


@dataclass(frozen=True)
class Chip:
    """A filter with its count."""

    label: str
    count: int
    href: str
    is_on: bool
    tone: str = ""


@permissions.view
@require_safe
def queue_list(request: HttpRequest) -> HttpResponse:
    """All queues of a broker: filtered, sorted, a page of them; everything in the address."""
    slug = brokers.current(request)
    query = Query.read(slug, request.GET.dict())
    found = listing.listing(query)
    now = time.time()
    context = {
        "query": query,
        "found": found,
        "rows": [presenting.row(queue, now) for queue in _held(found.queues, request.GET.get("hold", ""))],
        "columns": _columns(query),
        "chips": _chips(query, found.counts),
        "sizes": [(size, query.address(per=size)) for size in listing.SIZES],
        "sight": sight(slug) if slug else None,
        "is_empty": not listing.present(slug).exists(),
        "everything": query.address(q="", vhost="", type="", show=""),
        "here": request.path + query.address(page=query.page),
    }
    return rendering.page(request, "queues/list.html", context, fragment="queues/_table.html")


def _held(queues: Sequence[Queue], hold: str) -> Sequence[Queue]:
    """Return the queues in the order that `hold` names, while the same ones are on the page.

    The page asks for it while the pointer is over the table, so that no row jumps away under a click.
    """
    order = {
        number: place for place, pk in enumerate(hold.split(",")[:200]) if (number := whole(pk)) is not None
    }
    if {queue.pk for queue in queues} != set(order):
        return queues
    return sorted(queues, key=lambda queue: order[queue.pk])


def _columns(query: Query) -> list[Column]:
    number = "num wide"
    heads = (
        ("health", "", _("sort by health"), "dot", True),
        ("name", _("Queue"), _("sort by name"), "", False),
        ("ready", _("Ready"), _("messages that wait to be delivered"), "num", True),
        ("unacked", _("Unacked"), _("messages delivered and not acknowledged yet"), number, True),
        ("publish_rate", _("In /s"), _("messages that arrive per second"), number, True),
        ("ack_rate", _("Acked /s"), _("messages acknowledged per second"), number, True),
        (
            "growth",
            _("Last hour"),
            _("length in the last hour; sorts by how fast it grows now"),
            "wide",
            True,
        ),
        ("consumers", _("Consumers"), _("consumers subscribed to it"), number, True),
        ("clears_in", _("Clear in"), _("when the backlog is gone at the present rate"), number, True),
    )
    return [_column(query, name, label, title, css, down) for name, label, title, css, down in heads]


def _column(query: Query, name: str, label: str, title: str, css: str, down_first: bool) -> Column:
    direction = {name: "up", f"-{name}": "down"}.get(query.sort, "")
    turned = name if direction == "down" or (not direction and not down_first) else f"-{name}"
    return Column(label, query.address(sort=turned), direction, title, css)


def _chips(query: Query, counts: Mapping[str, int]) -> list[Chip]:
    entries = (
        ("", _("All"), ""),
        ("broken", _("Broken"), "red"),
        ("watch", _("Watch"), "amber"),
        ("ok", _("Working"), ""),
        ("idle", _("Idle"), ""),
        ("unknown", _("Unknown"), ""),
        ("unconsumed", _("No consumers"), ""),
        ("dead-letter", _("Dead-letter"), ""),
    )
    chips = []
    for key, label, tone in entries:
        count = counts[key or "all"]
        if key == "unknown" and not count and query.show != key:
            continue
        chips.append(Chip(label, count, query.address(show=key), query.show == key, tone if count else ""))
    return chips
