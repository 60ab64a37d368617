"""The list of queues as the page and the API ask for it: filter, counts, order, page."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q, QuerySet

from mqadmin.core import brokers
from mqadmin.core.remembered import Remembered
from mqadmin.core.rights import asking
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
    "broker": ("broker__slug", "vhost"),
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
    "redeliver_rate": ("redeliver_rate",),
    "owner": ("owner", "name"),
    "state": ("state", "name"),
    "policy": ("policy", "name"),
    "node": ("node", "name"),
    "memory": ("memory",),
    "message_bytes": ("message_bytes",),
    "capacity": ("capacity",),
    "ram": ("ram",),
    "persistent": ("persistent",),
    "bytes_ram": ("bytes_ram",),
    "bytes_persistent": ("bytes_persistent",),
}

MOST_STEPS = 20
STEP = 100  # rows that "show more" adds to the groups that are open
GROUPS = ("prefix", "owner", "vhost", "broker")

SHOWN: dict[str, Q] = {
    **{level: Q(health=level) for level in Queue.Health.values},
    "unconsumed": Q(consumers=0),
    "dead-letter": Q(is_inbox=True),
}


@dataclass(frozen=True)
class QueueSearch:
    """What is asked for. `broker`: a slug, or `brokers.EVERY`; `q`: a search (`queues.search`).

    `show`: one key of SHOWN, "" for all.

    `group`: one of GROUPS, "" for none; `open`: the names of the groups whose queues are shown, `rows` of each.
    """

    broker: str
    q: str = ""
    vhost: str = ""
    type: str = ""
    show: str = ""
    sort: str = DEFAULT_SORT
    page: int = 1
    per: int = SIZES[1]
    group: str = ""
    open: tuple[str, ...] = ()
    rows: int = STEP

    @classmethod
    def read(cls, broker: str, values: Mapping[str, str], opened: Sequence[str] = ()) -> QueueSearch:
        """Return the query of an address; what makes no sense is left out. `opened`: the groups that are."""
        sort, show, group = values.get("sort", ""), values.get("show", ""), values.get("group", "")
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
            group=group if group in GROUPS else "",
            open=tuple(name[:255] for name in opened[:50]) if group in GROUPS else (),
            rows=max(STEP, min(whole(values.get("rows", ""), 4) or STEP, MOST_STEPS * STEP)),
        )

    def address(self, **changes: Any) -> str:
        """Return the query string of this query with `changes`; defaults are left out."""
        values = {**self._values, "page": 1, **changes}
        usual = _usual()
        told = {name: values[name] for name in _TOLD if values[name] != usual[name]}
        return "?" + urlencode({"broker": self.broker, **told}, doseq=True)

    @cached_property
    def _values(self) -> dict[str, Any]:
        """What it asks for, by name: a page has some fifty addresses."""
        return {name: getattr(self, name) for name in _TOLD}

    def toggled(self, name: str) -> str:
        """Return the query string with a group opened, or closed if it is open."""
        opened = (*self.open, name) if name not in self.open else tuple(set(self.open) - {name})
        return self.address(open=tuple(sorted(opened)), page=self.page)

    @property
    def grouped(self) -> QueueSearch:
        """The query, but for which groups are open and the page: its groups are the same."""
        return replace(self, open=(), page=1, per=SIZES[1], rows=STEP)

    @property
    def is_filtered(self) -> bool:
        return bool(self.q or self.vhost or self.type or self.show)


_TOLD = ("q", "vhost", "type", "show", "sort", "per", "page", "group", "open", "rows")


@lru_cache(maxsize=1)
def _usual() -> dict[str, Any]:
    return QueueSearch("")._values


Key = tuple[int, datetime | None]
"""A queue's id and when it changed: what a page shows of it is the same while both are."""


@dataclass(frozen=True)
class Listing:
    """One page of queues, how many match each chip, and why the search could not be used (None if it could)."""

    page: Page[Any]
    keys: Sequence[Key]
    counts: Mapping[str, int | None]
    fault: Fault | None = None
    vhosts: Sequence[str] = ()
    types: Sequence[str] = ()

    @property
    def queues(self) -> list[Queue]:
        """The rows themselves."""
        by_id = Queue.objects.in_bulk([pk for pk, _changed in self.keys])
        return [by_id[pk] for pk, _changed in self.keys if pk in by_id]


class Pages(Paginator):  # type: ignore[type-arg]
    """Pages of what is counted already."""

    def __init__(self, rows: Any, per: int, count: int) -> None:
        super().__init__(rows, per)
        self.__dict__["count"] = count  # a cached property


def present(broker: str) -> QuerySet[Queue]:
    """Return the queues that the broker still has, or those of all brokers: `brokers.EVERY`."""
    rows = Queue.objects.filter(gone_at__isnull=True)
    if broker == brokers.EVERY:
        return rows.filter(broker__slug__in=brokers.within(broker))
    return rows.filter(broker__slug=broker)


def has_vhosts(broker: str) -> bool:
    """Whether the broker's queues are in several virtual hosts."""
    return len(present(broker).order_by().values("vhost").distinct()[:2]) > 1


def ordering(sort: str) -> list[Any]:
    """Return the ORDER BY for a sort of SORTS ("-" in front: descending); unknown values last either way."""
    first, *rest = SORTS[sort.lstrip("-")]
    down = sort.startswith("-")
    # Said only where there are unknown values: SQLite goes by no index then.
    last = True if "__" not in first and Queue._meta.get_field(first).null else None
    keys = [F(first).desc(nulls_last=last) if down else F(first).asc(nulls_last=last)]
    for name in rest:
        keys.append(F(name[1:]).desc(nulls_last=True) if name.startswith("-") else F(name).asc())
    # By its id at last: of two brokers the names may be the same.
    return [*keys, F("name").asc(), F("vhost").asc(), F("pk").asc()]


def listing(query: QueueSearch, version: Hashable = None) -> Listing:
    """Return the page that `query` asks for. A search that cannot be read, or takes too long, finds nothing and
    says why.

    `version`: what the broker's queues are known by; the same query of the same version is answered from memory.
    """
    if version is None:
        return _listed(query, None)
    # After each sample many ask at the same moment: one of them reads.
    return _pages.made((query, version, asking.mark()), lambda: _listed(query, version))


def _listed(query: QueueSearch, version: Hashable) -> Listing:
    facets = _facets(query.broker, version)
    fault = None
    try:
        found = matching(query)
        counts = _counted(found) if query.q else facets.counts(query)
    except BadQuery as error:
        found, fault = Queue.objects.none(), Fault.of(query.q, error)
        counts = {}
    rows = shown(query, found).order_by(*ordering(query.sort)).values_list("pk", "changed_at")
    page = Pages(rows, query.per, counts.get(query.show or "all", 0)).get_page(query.page)
    # Of a search that cannot be read nothing is known, not 0.
    known_counts = {name: counts.get(name) for name in ("all", *SHOWN)}
    return Listing(page, list(page), known_counts, fault, facets.vhosts, facets.types)


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


@dataclass(frozen=True)
class Facets:
    """How many queues of a broker there are of each kind: (vhost, type, health, unconsumed, inbox) -> count."""

    kinds: Mapping[tuple[str, str, str, bool, bool], int]

    @property
    def vhosts(self) -> list[str]:
        return sorted({kind[0] for kind in self.kinds})

    @property
    def types(self) -> list[str]:
        return sorted({kind[1] for kind in self.kinds})

    def counts(self, query: QueueSearch) -> dict[str, int]:
        """Return how many match each chip."""
        counts = dict.fromkeys(("all", *SHOWN), 0)
        for (vhost, kind, health, unconsumed, is_inbox), count in self.kinds.items():
            if query.vhost not in ("", vhost) or query.type not in ("", kind):
                continue
            for name in _chips(health, unconsumed, is_inbox):
                counts[name] += count
        return counts


def _facets(broker: str, version: Hashable) -> Facets:
    if version is None:
        return _read_facets(broker)
    return _known.made((broker, version, asking.mark()), lambda: _read_facets(broker))


def _read_facets(broker: str) -> Facets:
    rows = present(broker).order_by()
    found: dict[tuple[str, str, str, bool, bool], int] = {}
    # In the order of the index `queues_listed`, so that nothing is sorted.
    counted = rows.values_list("vhost", "type", "health", "is_inbox", "consumers").annotate(n=Count("pk"))
    for vhost, queue_type, health, is_inbox, consumers, count in counted:
        key = (vhost, queue_type, health, consumers == 0, is_inbox)
        found[key] = found.get(key, 0) + count
    return Facets(found)


_pages: Remembered[Listing] = Remembered(100)
_known: Remembered[Facets] = Remembered(20)


def _chips(health: str, unconsumed: bool, is_inbox: bool) -> set[str]:
    return {"all", health, "unconsumed" if unconsumed else "all", "dead-letter" if is_inbox else "all"}


def _counted(found: QuerySet[Queue]) -> dict[str, int]:
    counts = found.aggregate(
        all=Count("pk"), **{_key(name): Count("pk", filter=q) for name, q in SHOWN.items()}
    )
    return {"all": counts["all"], **{name: counts[_key(name)] for name in SHOWN}}


def _key(name: str) -> str:
    return f"n_{name.replace('-', '_')}"
