"""A list as a page asks for it: search, order, page; and what it is known by before it is made."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext as _

from mqadmin.administration.listing import matching, packing
from mqadmin.administration.listing.kinds import Kind
from mqadmin.administration.listing.reading import Seen
from mqadmin.core.query import parser
from mqadmin.core.query.syntax import All, BadQuery, Condition, Fault, Node, leaves
from mqadmin.rabbit.numbers import whole

SIZES = (50, 100, 200)
LONGEST = 2_000  # characters of a search
MOST_PATTERNS = 10


@dataclass(frozen=True)
class Asked:
    """What is asked for of a list."""

    kind: Kind
    broker: str
    q: str = ""
    sort: str = ""
    page: int = 1
    per: int = SIZES[1]

    @classmethod
    def read(cls, kind: Kind, broker: str, values: Mapping[str, str]) -> Asked:
        """Return what an address asks for; what makes no sense is left out."""
        sort, per = values.get("sort", ""), values.get("per", "")
        return cls(
            kind=kind,
            broker=broker,
            q=values.get("q", "").strip()[:LONGEST],
            sort=sort if sort.removeprefix("-") in kind.sorts else kind.default_sort,
            page=whole(values.get("page", ""), 7) or 1,
            per=int(per) if per in map(str, SIZES) else SIZES[1],
        )

    def address(self, **changes: Any) -> str:
        """Return the query string of this list with `changes`; defaults are left out."""
        wanted = replace(self, **{"page": 1, **changes})
        plain = {"q": "", "sort": self.kind.default_sort, "per": SIZES[1], "page": 1}
        values = {name: getattr(wanted, name) for name in plain if getattr(wanted, name) != plain[name]}
        return "?" + urlencode({"broker": self.broker, **values})

    @cached_property
    def read_query(self) -> Node | BadQuery:
        """The search as a tree, or why it cannot be read."""
        try:
            return query(self.kind, self.q)
        except BadQuery as error:
            return error


@dataclass(frozen=True)
class Row:
    """A row of a page: the dataclass of its kind, the id of its element, all that it is made of.

    `shown` is what is drawn of it, made only for a row that is not drawn yet.
    """

    item: Any
    id: str
    key: Hashable
    broker: str
    shape: Callable[[str, Any], Any] | None = None

    @property
    def shown(self) -> Any:
        return self.shape(self.broker, self.item) if self.shape else self.item


@dataclass(frozen=True)
class Found:
    """One page of a list: `rows`, its place among all that match (`page`), `fault` of a search that is none."""

    rows: Sequence[Row]
    page: Page[int]
    fault: Fault | None


def query(kind: Kind, text: str) -> Node:
    """Return the tree of a search. Raises BadQuery, also for a pattern that is none or too many of them."""
    text = text.encode("utf-8", "replace").decode()
    node = parser.parse(text, kind.vocabulary)
    patterns = [leaf for leaf in leaves(node) if matching.check(leaf)]
    if len(patterns) > MOST_PATTERNS:
        leaf = patterns[MOST_PATTERNS]
        words = _("A search has at most %(n)d patterns and stars.") % {"n": MOST_PATTERNS}
        raise BadQuery(words, leaf.start, leaf.end)
    return node


def places(asked: Asked, seen: Seen) -> list[int]:
    """Return the places of all rows that match, in order. Raises BadQuery."""
    node = asked.read_query
    if isinstance(node, BadQuery):
        raise node
    known_by = None if _is_about_ages(node) else asked.q
    return seen.rows().find(node, asked.sort, seen.now, known_by)


def found(asked: Asked, seen: Seen, shape: Callable[[str, Any], Any] | None = None) -> Found:
    """Return the page that is asked for; a search that cannot be read finds nothing and says why."""
    fault, order = None, list[int]()
    try:
        order = places(asked, seen)
    except BadQuery as error:
        fault = Fault.of(asked.q, error)
    page = Paginator(order, asked.per).get_page(asked.page)
    table = seen.rows()
    rows = [_row(asked, table.row(place), table.values(place), shape) for place in page.object_list]
    return Found(rows, page, fault)


def known_by(asked: Asked, seen: Seen) -> Hashable:
    """Return what the page of a list is known by, besides its address and who asks."""
    node = asked.read_query
    age = seen.now.timestamp() // 10 if not isinstance(node, BadQuery) and _is_about_ages(node) else None
    return (seen.known_by, age)


def _row(asked: Asked, item: Any, values: list[Any], shape: Callable[[str, Any], Any] | None) -> Row:
    mark = packing.mark(values)
    identity = tuple(getattr(item, name) for name in asked.kind.identity)
    key = (asked.broker, asked.kind.name, mark)
    return Row(item, f"row-{packing.short(identity)}", key, asked.broker, shape)


def _is_about_ages(node: Node) -> bool:
    return node != All() and any(
        isinstance(leaf, Condition) and leaf.field.kind == "moment" for leaf in leaves(node)
    )
