"""The list of queues as the page and the API ask for it: filter, counts, order, page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q, QuerySet

from mqadmin.queues.models import Queue
from mqadmin.queues.search import language
from mqadmin.queues.search.language import LONGEST, BadQuery, Fault
from mqadmin.rabbit.numbers import whole

SIZES = (50, 100, 200)
DEFAULT_SORT = "-health"

# What each sort means; the first key may be turned round, the others break its ties.
SORTS: dict[str, tuple[str, ...]] = {
    "health": ("health_rank", "-total"),
    "name": ("name", "vhost"),
    "vhost": ("vhost", "name"),
    "type": ("type", "name"),
    "ready": ("ready",),
    "unacked": ("unacked",),
    "total": ("total",),
    "publish_rate": ("publish_rate",),
    "deliver_rate": ("deliver_rate",),
    "ack_rate": ("ack_rate",),
    "growth": ("growth",),
    "consumers": ("consumers",),
    "clears_in": ("clears_in",),
    "oldest_at": ("oldest_at",),  # ascending: who waits longest
}

SHOWN: dict[str, Q] = {
    **{level: Q(health=level) for level in Queue.Health.values},
    "unconsumed": Q(consumers=0),
    "dead-letter": Q(is_inbox=True),
}


@dataclass(frozen=True)
class QueueSearch:
    """What is asked for. `q`: a search (`queues.search`); `show`: one key of SHOWN, "" for all."""

    broker: str
    q: str = ""
    vhost: str = ""
    type: str = ""
    show: str = ""
    sort: str = DEFAULT_SORT
    page: int = 1
    per: int = SIZES[1]

    @classmethod
    def read(cls, broker: str, values: Mapping[str, str]) -> QueueSearch:
        """Return the query of an address; what makes no sense is left out."""
        sort, show = values.get("sort", ""), values.get("show", "")
        per, page = values.get("per", ""), whole(values.get("page", ""), 7)
        return cls(
            broker=broker,
            q=values.get("q", "").strip()[:LONGEST],
            vhost=values.get("vhost", "")[:255],
            type=values.get("type", "")[:20],
            show=show if show in SHOWN else "",
            sort=sort if sort.lstrip("-") in SORTS else DEFAULT_SORT,
            page=1 if page is None else page,
            per=int(per) if per in map(str, SIZES) else SIZES[1],
        )

    def address(self, **changes: Any) -> str:
        """Return the query string of this query with `changes`; defaults are left out."""
        query = replace(self, page=1, **{key: value for key, value in changes.items() if key != "page"})
        query = replace(query, page=changes.get("page", 1))
        plain = QueueSearch(self.broker)
        names = ("q", "vhost", "type", "show", "sort", "per", "page")
        values = {
            name: getattr(query, name) for name in names if getattr(query, name) != getattr(plain, name)
        }
        return "?" + urlencode({"broker": self.broker, **values})

    @property
    def is_filtered(self) -> bool:
        return bool(self.q or self.vhost or self.type or self.show)


@dataclass(frozen=True)
class Listing:
    """One page of queues, how many match each chip, and why the search could not be used (None if it could)."""

    page: Page[Any]
    queues: Sequence[Queue]
    counts: Mapping[str, int]
    fault: Fault | None = None
    vhosts: Sequence[str] = field(default_factory=list)
    types: Sequence[str] = field(default_factory=list)


def present(broker: str) -> QuerySet[Queue]:
    """Return the queues that the broker still has."""
    return Queue.objects.filter(broker__slug=broker, gone_at__isnull=True)


def ordering(sort: str) -> list[Any]:
    """Return the ORDER BY for a sort of SORTS ("-" in front: descending); unknown values last either way."""
    first, *rest = SORTS[sort.lstrip("-")]
    down = sort.startswith("-")
    keys = [F(first).desc(nulls_last=True) if down else F(first).asc(nulls_last=True)]
    for name in rest:
        keys.append(F(name[1:]).desc(nulls_last=True) if name.startswith("-") else F(name).asc())
    return [*keys, F("name").asc(), F("vhost").asc()]


def listing(query: QueueSearch) -> Listing:
    """Return the page that `query` asks for. A search that cannot be read, or takes too long, finds nothing and
    says why."""
    base = present(query.broker)
    vhosts = list(base.order_by("vhost").values_list("vhost", flat=True).distinct())
    types = list(base.order_by("type").values_list("type", flat=True).distinct())
    fault = None
    try:
        found = matching(query)
    except BadQuery as error:
        found, fault = base.none(), Fault.of(query.q, error)
    counts = found.aggregate(
        all=Count("pk"), **{_key(name): Count("pk", filter=q) for name, q in SHOWN.items()}
    )
    page = Paginator(shown(query, found).order_by(*ordering(query.sort)), query.per).get_page(query.page)
    all_counts = {"all": counts["all"], **{name: counts[_key(name)] for name in SHOWN}}
    return Listing(page, list(page), all_counts, fault, vhosts, types)


def matching(query: QueueSearch) -> QuerySet[Queue]:
    """Return the queues that match, whatever their chip. Raises BadQuery."""
    found = present(query.broker)
    if query.vhost:
        found = found.filter(vhost=query.vhost)
    if query.type:
        found = found.filter(type=query.type)
    return language.read(query.q).apply(found)


def shown(query: QueueSearch, found: QuerySet[Queue]) -> QuerySet[Queue]:
    """Return those of the queues that the chip shows."""
    return found.filter(SHOWN[query.show]) if query.show else found


def _key(name: str) -> str:
    return f"n_{name.replace('-', '_')}"
