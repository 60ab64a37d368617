"""What could be typed next into the search of a list: values that its rows have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mqadmin.administration.listing import tables
from mqadmin.administration.listing.kinds import Kind
from mqadmin.administration.listing.tables import Table
from mqadmin.administration.models import Listing
from mqadmin.core.query import completing
from mqadmin.core.query.completing import Offers
from mqadmin.core.query.fields import Field

MOST_VALUES = 2_000


def offers(kind: Kind, broker: str, query: str, at: int) -> Offers:
    """Return what the word before the cursor `at` could become, by the rows that are known."""
    listing = Listing.objects.filter(broker=broker, kind=kind.name).first()
    table = tables.theirs(broker, tables.table(kind, listing)) if listing else Table(kind, "", [])
    return completing.offers(query, at, kind.vocabulary, _Known(table))


@dataclass(frozen=True)
class _Known:
    table: Table

    def values(self, field: Field, path: str) -> Iterable[str]:
        if field.kind not in ("name", "names", "table") or not field.columns:
            return ()
        found: dict[str, None] = {}
        for value in self.table.column(field.columns[0]):
            held = value.get(path) if isinstance(value, dict) else value
            for text in held if isinstance(held, list) else (held,):
                if text not in (None, ""):
                    found[str(text)] = None
            if len(found) >= MOST_VALUES:
                break
        return sorted(found)

    def paths(self, field: Field) -> Iterable[str]:
        tables_ = self.table.column(field.columns[0])
        return sorted(
            {str(name) for value in tables_[:MOST_VALUES] if isinstance(value, dict) for name in value}
        )
