"""The list of queues."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_safe

from mqadmin.core import brokers, hooks, permissions
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import once, rendering, shared
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import columns, exporting, grouping, listing, presenting, saved, seeing
from mqadmin.queues.pages.broker_status import BrokerStatus, status_now
from mqadmin.queues.pages.choosing import FIELDS
from mqadmin.queues.pages.grouping import Group
from mqadmin.queues.pages.listing import Key, Listing, QueueSearch
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
    count: int | None  # None: not known, as the search cannot be read
    href: str
    is_on: bool
    tone: str = ""


@permissions.view.of("rows")
@require_safe
def queue_list(request: HttpRequest) -> HttpResponse:
    """All queues of a broker: filtered, sorted, a page of them; everything in the address.

    What nobody changed since is answered before a queue is read. While the pointer is over the table the page asks
    to `hold` its rows: they stay in their places, and those that would come are counted.
    """
    with once.reading():
        return _queue_list(request)


@dataclass(frozen=True)
class _Asked:
    """A request for the list: what it is known by, and which rows are to stay where they are."""

    request: HttpRequest
    query: QueueSearch
    now: float
    statuses: Mapping[str, BrokerStatus]
    shown: tuple[str, ...]
    known_by: Hashable
    hold: Sequence[int]
    is_refresh: bool

    @classmethod
    def read(cls, request: HttpRequest) -> _Asked:
        scope, now = brokers.scope(request), time.time()
        query = QueueSearch.read(scope, request.GET.dict(), request.GET.getlist("open"))
        # Before any queue, so that none is older than what it is known by.
        statuses = {slug: status_now(slug) for slug in brokers.within(scope)}
        shown = (*(("broker",) if scope == brokers.EVERY else ()), *columns.QUEUES.chosen(request.COOKIES))
        known_by = (scope, *(_known_by(status, query, now) for status in statuses.values() or [None]))
        hold = _let_go(request)
        is_refresh = "queues-table" in request.headers.get("HX-Source", "")
        return cls(request, query, now, statuses, shown, known_by, hold, is_refresh)


def _queue_list(request: HttpRequest) -> HttpResponse:
    asked = _Asked.read(request)
    parts = (asked.known_by, asked.shown)
    version = ""
    # Any other fragment has the saved views in it as well, of which these versions know nothing.
    if asked.is_refresh and not asked.hold:
        answer = shared.answer(request, "queues/_list.html", lambda: _context(asked), *parts, [])
        if answer is not None:
            return answer
    elif asked.is_refresh:
        plain, version = (rendering.version(request, *parts, hold) for hold in ([], asked.hold))
        same = rendering.unchanged(request, plain) or rendering.unchanged(request, version)
        if same is not None:
            return same
    context = _context(asked)
    if version and not context["is_held"]:
        version = plain
    return rendering.page(request, "queues/list.html", context, fragment="queues/_list.html", version=version)


def _context(asked: _Asked) -> dict[str, object]:
    """Read the queues that are shown; return what the page is made of."""
    query, statuses, shown, now = asked.query, asked.statuses, asked.shown, asked.now
    is_every = query.broker == brokers.EVERY
    found = listing.listing(query, asked.known_by)
    keys, waiting = _held(query.broker, found.keys, asked.hold)
    titles = seeing.titles(statuses) if is_every else {}
    groups = _grouped(query, asked.known_by, asked.hold, now, shown, titles) if query.group else {}
    return {
        "query": query,
        "found": found,
        "rows": presenting.table(keys, now, shown, titles),
        **groups,
        "waiting": waiting,
        "is_held": bool(asked.hold) if query.group else keys != list(found.keys),
        "is_every": is_every,
        **seeing.context(statuses),
        "is_empty": not found.vhosts,
        "is_refresh": asked.is_refresh,
        **_heads(query, found, shown),
        **_bar(asked.request, query, found),
        # No refresh shows them.
        "views": [] if asked.is_refresh else list(saved.SHELF.visible(asked.request.user.get_username())),
    }


def _heads(query: QueueSearch, found: Listing, shown: tuple[str, ...]) -> dict[str, object]:
    """Return what leads to another order, other columns, another part of the queues."""
    return {
        "columns": shown,
        "shown": dict.fromkeys(shown, True),
        "is_broad": len(shown) > len(columns.USUAL) + 1 or not set(shown) <= {*columns.USUAL, "broker"},
        "choice": columns.QUEUES.offered(shown, reverse("queue_columns")),
        "sorts": {name: _sort(query, name) for name in listing.SORTS},
        "chips": _chips(query, found.counts),
        "groupings": [
            (name, label, query.address(group=name, open=())) for name, label in _groupings(query.broker)
        ],
        "sizes": [(size, query.address(per=size)) for size in listing.SIZES],
    }


def _bar(request: HttpRequest, query: QueueSearch, found: Listing) -> dict[str, object]:
    """Return what is done with the queues that are shown, and the search that finds them."""
    given = [("broker", query.broker), *((name, value) for name in FIELDS if (value := getattr(query, name)))]
    return {
        "asked": given,
        "acts": [(item, permissions.denial(request.user, item.needs, "rows")) for item in hooks.queue_acts()],
        "everything": query.address(q="", vhost="", type="", show=""),
        "everything_shown": query.address(per=listing.SIZES[1]),
        "query_fault": found.fault,
        "view_urls": {"save": "queue_view_save", "delete": "queue_view_delete"},
        "view_now": saved.SHELF.plain(request.GET.urlencode()) if query.is_filtered else "",
        "here": request.path + query.address(page=query.page),
    }


@permissions.view.of("rows")
@require_GET
def queue_complete(request: HttpRequest) -> HttpResponse:
    """Offer what the word before the cursor (`at`) of the search `q` could become."""
    query = request.GET.get("q", "")[:LONGEST]
    at = whole(request.GET.get("at", ""), 5)
    found = completing.offers(brokers.scope(request), query, len(query) if at is None else at)
    response = render(request, "core/_offers.html", {"offers": found})
    response["Cache-Control"] = "private, max-age=20"
    return response


@permissions.view.of("rows")
@require_GET
def queue_export(request: HttpRequest, kind: str) -> HttpResponse:
    """All queues that the search shows, in the order of the list, as CSV or JSON."""
    query = QueueSearch.read(brokers.scope(request), request.GET.dict())
    try:
        found = listing.shown(query, listing.matching(query)).order_by(*listing.ordering(query.sort))
    except BadQuery as error:
        raise Refusal(error.message, "bad_query", status=422) from error
    answer = StreamingHttpResponse(exporting.WRITERS[kind](found), content_type=exporting.CONTENT_TYPES[kind])
    moment = timezone.localtime().strftime("%Y-%m-%d-%H%M%S")
    answer["Content-Disposition"] = f'attachment; filename="queues-{moment}.{kind}"'
    return cast(HttpResponse, answer)  # the decorators know no other kind


@dataclass(frozen=True)
class OpenGroup:
    """A group of queues, the link that opens or closes it, its rows if it is open, and how many more it has.

    `more_href`: shows more of them, "" where no more fit; `list_href`: a list of them all.
    """

    group: Group
    href: str
    rows: presenting.Rows | None
    more: int
    more_href: str = ""
    list_href: str = ""


def _grouped(
    query: QueueSearch,
    known_by: Hashable,
    hold: Sequence[int],
    now: float,
    shown: tuple[str, ...],
    titles: Mapping[int, str],
) -> dict[str, object]:
    page = grouping.groups(query, known_by)
    order = {pk: place for place, pk in enumerate(hold)}
    groups = []
    for group in page:
        is_open = group.name in query.open
        keys = sorted(group.keys[: query.rows], key=lambda key: order.get(key[0], len(order)))
        rows = presenting.table(keys, now, shown, titles) if is_open else None
        place = OpenGroup(group, query.toggled(group.name), rows, group.count - len(keys))
        if rows and place.more:
            more = query.address(rows=query.rows + listing.STEP, page=query.page)
            place = replace(
                place,
                more_href=more if len(keys) < grouping.MOST_ROWS else "",
                list_href=grouping.alone(query, group.name),
            )
        groups.append(place)
    return {"groups": groups, "group_page": page}


def _groupings(scope: str) -> tuple[tuple[str, str], ...]:
    return (
        ("", _("No groups")),
        ("prefix", _("By first part of the name")),
        ("owner", _("By owner")),
        ("vhost", _("By virtual host")),
        *((("broker", _("By broker")),) if scope == brokers.EVERY else ()),
    )


def _known_by(status: BrokerStatus | None, query: QueueSearch, now: float) -> tuple[object, ...]:
    """Return what the table is known by: queues, how their broker is seen, and the minute, for what is drawn by it.

    A search may speak of ages, which change with nobody's write.
    """
    broker = status.broker if status else None
    if status is None or broker is None:
        return ("none", status.level if status else "", now // 1)
    at = None if status.ok else (status.at, broker.error, broker.error_code)
    return (broker.pk, broker.changes, status.level, at, repr(broker.unseen), now // (10 if query.q else 60))


def _let_go(request: HttpRequest) -> list[int]:
    """Return which rows the page holds, and take them out of the address, which links on it repeat."""
    hold = request.GET.get("hold", "")
    rest = request.GET.copy()
    rest.pop("hold", None)
    request.GET = rest  # type: ignore[assignment]
    return [number for pk in hold.split(",")[: listing.SIZES[-1]] if (number := whole(pk)) is not None]


def _held(scope: str, keys: Sequence[Key], hold: Sequence[int]) -> tuple[list[Key], int]:
    """Return the rows that a page is to show, and how many more would be on it.

    The page names those it has while the pointer is over them, so that none jumps away under a click: also not one
    that the broker does not have any more.
    """
    if not hold:
        return list(keys), 0
    rows = Queue.objects.filter(broker__slug__in=brokers.within(scope), pk__in=hold)
    changed = dict(rows.values_list("pk", "changed_at"))
    shown = [(pk, changed[pk]) for pk in dict.fromkeys(hold) if pk in changed]
    return shown, sum(pk not in changed for pk, _changed in keys)


_UP_FIRST = ("name", "broker", "vhost", "type", "state", "policy", "node", "oldest_at", "capacity")


def _sort(query: QueueSearch, name: str) -> Sort:
    direction = {name: "up", f"-{name}": "down"}.get(query.sort, "")
    up_first = name in _UP_FIRST
    turned = name if direction == "down" or (not direction and up_first) else f"-{name}"
    return Sort(query.address(sort=turned), direction)


def _chips(query: QueueSearch, counts: Mapping[str, int | None]) -> list[Chip]:
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
