"""The rows of a listing in memory: sorted and searched, once for all who ask the same of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from mqadmin.administration.lists import matching, packing
from mqadmin.administration.lists.kinds import Kind
from mqadmin.administration.models import Listing, Packed
from mqadmin.core.query.syntax import All, Node
from mqadmin.core.remembered import Remembered

KEPT_TABLES = 12  # of each of two generations, in each process
KEPT_ANSWERS = 30


class Table:
    """The rows of one listing. Any thread may read it; nobody changes it.

    `values` are rows as they were packed; `row(place)` makes the dataclass of one.
    """

    def __init__(self, kind: Kind, digest: str, values: list[list[Any]]) -> None:
        self.kind = kind
        self.digest = digest
        self.values = values
        self._place = kind.columns
        self._lowered: dict[str, list[str]] = {}
        self._orders: dict[str, list[int]] = {}
        self._answers: Remembered[list[int]] = Remembered(KEPT_ANSWERS)

    def __len__(self) -> int:
        return len(self.values)

    def row(self, place: int) -> Any:
        """Return the row at a place as the dataclass of its kind."""
        return self.kind.row(*self.values[place])

    def before(self, identity: tuple[Any, ...]) -> Any:
        """Return the row of that identity, None for none."""
        place = self.places.get(identity)
        return None if place is None else self.row(place)

    def column(self, name: str) -> list[Any]:
        """Return a column's value of each row."""
        place = self._place[name]
        return [row[place] for row in self.values]

    def lowered(self, name: str) -> list[str]:
        """Return a column of texts in lower case, made once."""
        if name not in self._lowered:
            self._lowered[name] = [str(value or "").lower() for value in self.column(name)]
        return self._lowered[name]

    def find(self, node: Node, sort: str, now: datetime, asked: object) -> list[int]:
        """Return the places of the rows that match `node`, in the order of `sort`.

        `asked` is what the answer is known by, besides the sort: None is never kept. Raises BadQuery for a pattern
        that takes too long.
        """
        known = None if asked is None else self._answers.get((asked, sort))
        if known is not None:
            return known
        order = self.order(sort)
        found = order if node == All() else matching.matching(node, self, order, now)
        return found if asked is None else self._answers.put((asked, sort), found)

    def order(self, sort: str) -> list[int]:
        """Return all places in the order of `sort`; what is not known comes last."""
        if sort not in self._orders:
            first, *others = self.kind.sorts[sort.removeprefix("-")]
            order = list(self._by(tuple(others) or self.kind.identity))
            column = self._keys(first)
            known = [place for place in order if column[place] is not None]
            known.sort(key=column.__getitem__, reverse=sort.startswith("-"))
            self._orders[sort] = known + [place for place in order if column[place] is None]
        return self._orders[sort]

    def _by(self, names: Sequence[str]) -> list[int]:
        """Return all places by these columns, upwards."""
        key = "+".join(names)
        if key not in self._orders:
            order = list(range(len(self.values)))
            for name in reversed(names):
                column = self._keys(name)
                absent = [place for place in order if column[place] is None]
                order = [place for place in order if column[place] is not None] if absent else order
                order.sort(key=column.__getitem__)
                order = absent + order
            self._orders[key] = order
        return self._orders[key]

    def _keys(self, name: str) -> list[Any]:
        place = self._place[name]
        is_text = any(isinstance(row[place], str) for row in self.values[:100])
        return self.lowered(name) if is_text else self.column(name)

    @cached_property
    def places(self) -> dict[tuple[Any, ...], int]:
        """Where the row of each identity stands."""
        columns = [self._place[name] for name in self.kind.identity]
        return {tuple(row[at] for at in columns): place for place, row in enumerate(self.values)}


def table(kind: Kind, listing: Listing) -> Table:
    """Return the rows of a listing, from memory where they are the same. Empty if there are none."""
    if not listing.digest:
        return Table(kind, "", [])
    key = (listing.broker, listing.kind)
    known = _tables.get(key)
    if known is not None and known.digest == listing.digest:
        return known
    # It may be newer than the listing: then it is written together with a newer one.
    packed = Packed.objects.get(listing=listing)
    return _tables.put(key, Table(kind, packed.digest, packing.unpack(bytes(packed.rows))))


_tables: Remembered[Table] = Remembered(KEPT_TABLES)
forget = _tables.forget
