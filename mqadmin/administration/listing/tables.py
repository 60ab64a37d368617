"""The rows of a listing in memory: sorted and searched, once for all who ask the same of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from mqadmin.administration.listing import matching, packing
from mqadmin.administration.listing.columns import Column
from mqadmin.administration.listing.kinds import Kind
from mqadmin.administration.models import Listing, Packed
from mqadmin.core.query.syntax import All, Node
from mqadmin.core.remembered import Remembered
from mqadmin.core.rights import asking
from mqadmin.core.rights.rules import NONE

KEPT_TABLES = 12  # of each of two generations, in each process
KEPT_PARTS = 40  # the same, of what teams see of them
KEPT_ANSWERS = 30


class Table:
    """The rows of one listing. Any thread may read it; nobody changes it.

    `columns` in the order of the kind's, [] for no rows; `row(place)` makes the dataclass of one.
    """

    def __init__(self, kind: Kind, digest: str, columns: list[Column]) -> None:
        self.kind = kind
        self.digest = digest
        self._place = kind.columns
        self._columns = columns or [Column([], []) for _name in self._place]
        self._orders: dict[str, list[int]] = {}
        self._answers: Remembered[list[int]] = Remembered(KEPT_ANSWERS)

    def __len__(self) -> int:
        return len(self._columns[0].codes)

    def row(self, place: int) -> Any:
        """Return the row at a place as the dataclass of its kind."""
        return self.kind.row(*self.values(place))

    def values(self, place: int) -> list[Any]:
        """Return the row at a place as it was packed: a value of each column."""
        return [column[place] for column in self._columns]

    def of(self, name: str) -> Column:
        """Return a column."""
        return self._columns[self._place[name]]

    def before(self, identity: tuple[Any, ...]) -> Any:
        """Return the row of that identity, None for none."""
        place = self.places.get(identity)
        return None if place is None else self.row(place)

    def column(self, name: str) -> list[Any]:
        """Return a column's value of each row."""
        return self.of(name).whole()

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
        """Return all places in the order of `sort`; what is not known comes last.

        A row's place in it is one number, made of the ranks of its values: ten thousand are sorted in milliseconds.
        """
        if sort not in self._orders:
            first, *others = self.kind.sorts[sort.removeprefix("-")]
            keys, _most = self.of(first).ranks(down=sort.startswith("-"), unknown_last=True)
            for name in others or self.kind.identity:
                ranks, most = self.of(name).ranks()
                keys = [key * most + rank for key, rank in zip(keys, ranks, strict=True)]
            count = len(self)
            keys = [key * count + place for place, key in enumerate(keys)]
            keys.sort()
            self._orders[sort] = [key % count for key in keys]
        return self._orders[sort]

    def part(self, places: Sequence[int]) -> Table:
        """Return these rows as a table of their own."""
        columns = [Column.of(map(column.__getitem__, places)) for column in self._columns]
        return Table(self.kind, self.digest, columns)

    @cached_property
    def places(self) -> dict[tuple[Any, ...], int]:
        """Where the row of each identity stands."""
        columns = [self.column(name) for name in self.kind.identity]
        return {identity: place for place, identity in enumerate(zip(*columns, strict=True))}


def theirs(broker: str, whole: Table) -> Table:
    """Return of a table the rows that who asks may see: the table itself for most."""
    with asking.needing("view"):  # whatever they are looked up for
        who = asking.limited()
        if who is None or who.rights.level(broker) > NONE:
            return whole
        key = (broker, whole.kind.name, who.rights)
    known = _parts.get(key)
    if known is not None and known.digest == whole.digest:
        return known
    kind = whole.kind
    if kind.placed_by:
        of = zip(*(whole.column(name) for name in kind.placed_by), strict=True)
        may = cache(lambda *values: who.rights.level(broker, *kind.place(*values)) > NONE)
        kept = [at for at, values in enumerate(of) if may(*values)]
    else:
        kept = []  # of the whole broker, each
    return _parts.put(key, whole.part(kept))


def table(kind: Kind, listing: Listing) -> Table:
    """Return the rows of a listing, from memory where they are the same. Empty if there are none.

    All of them: `theirs` are those of who asks.
    """
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
_parts: Remembered[Table] = Remembered(KEPT_PARTS)


def forget() -> None:
    """Read all tables anew."""
    _tables.forget()
    _parts.forget()
