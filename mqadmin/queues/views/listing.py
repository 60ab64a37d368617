"""The list of queues."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_safe

from mqadmin.core import brokers, hooks, permissions
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import exporting, listing, presenting, rights, saved
from mqadmin.queues.pages.broker_status import status_of
from mqadmin.queues.pages.choosing import FIELDS
from mqadmin.queues.pages.listing import QueueSearch
from mqadmin.queues.search import completing
from mqadmin.queues.search.language import LONGEST, BadQuery
from mqadmin.rabbit.numbers import whole


@dataclass(frozen=True)
class Sort:
    """The head of a column: where a click leads, and whether the table is sorted by it ("up", "down", "")."""

    href: str
    direction: str


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
    query = QueueSearch.read(slug, request.GET.dict())
    found = listing.listing(query)
    now = time.time()
    status = status_of(slug) if slug else None
    context = {
        "query": query,
        "found": found,
        "rows": [presenting.row(queue, now) for queue in _held(found.queues, request.GET.get("hold", ""))],
        "sorts": {name: _sort(query, name) for name in listing.SORTS},
        "chips": _chips(query, found.counts),
        "sizes": [(size, query.address(per=size)) for size in listing.SIZES],
        "broker_status": status,
        "notes": rights.notes(status.broker) if status else [],
        "is_empty": not listing.present(slug).exists(),
        "everything": query.address(q="", vhost="", type="", show=""),
        "asked": [("broker", slug), *((name, value) for name in FIELDS if (value := getattr(query, name)))],
        "acts": [(item, permissions.denial(request.user, item.needs)) for item in hooks.queue_acts()],
        "everything_shown": query.address(per=listing.SIZES[1]),
        "query_fault": found.fault,
        "is_refresh": "queues-table" in request.headers.get("HX-Source", ""),
        "views": list(saved.SHELF.visible(request.user.get_username())),
        "view_urls": {"save": "queue_view_save", "delete": "queue_view_delete"},
        "view_now": saved.SHELF.plain(request.GET.urlencode()) if query.is_filtered else "",
        "here": request.path + query.address(page=query.page),
    }
    return rendering.page(request, "queues/list.html", context, fragment="queues/_list.html")


@permissions.view
@require_GET
def queue_complete(request: HttpRequest) -> HttpResponse:
    """Offer what the word before the cursor (`at`) of the search `q` could become."""
    query = request.GET.get("q", "")[:LONGEST]
    at = whole(request.GET.get("at", ""), 5)
    found = completing.offers(brokers.current(request), query, len(query) if at is None else at)
    response = render(request, "core/_offers.html", {"offers": found})
    response["Cache-Control"] = "private, max-age=20"
    return response


@permissions.view
@require_GET
def queue_export(request: HttpRequest, kind: str) -> HttpResponse:
    """All queues that the search shows, in the order of the list, as CSV or JSON."""
    query = QueueSearch.read(brokers.current(request), request.GET.dict())
    try:
        found = listing.shown(query, listing.matching(query)).order_by(*listing.ordering(query.sort))
    except BadQuery as error:
        raise Refusal(error.message, "bad_query", status=422) from error
    answer = StreamingHttpResponse(exporting.WRITERS[kind](found), content_type=exporting.CONTENT_TYPES[kind])
    moment = timezone.localtime().strftime("%Y-%m-%d-%H%M%S")
    answer["Content-Disposition"] = f'attachment; filename="queues-{moment}.{kind}"'
    return cast(HttpResponse, answer)  # the decorators know no other kind


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


def _sort(query: QueueSearch, name: str) -> Sort:
    direction = {name: "up", f"-{name}": "down"}.get(query.sort, "")
    up_first = name in ("name", "vhost", "type")
    turned = name if direction == "down" or (not direction and up_first) else f"-{name}"
    return Sort(query.address(sort=turned), direction)


def _chips(query: QueueSearch, counts: Mapping[str, int]) -> list[Chip]:
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
