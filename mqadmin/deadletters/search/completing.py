"""What could be typed next into the search: names that letters of the broker have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mqadmin.core.query import completing
from mqadmin.core.query.completing import Offers
from mqadmin.core.query.fields import Field
from mqadmin.deadletters.search import facets
from mqadmin.deadletters.search.query import fields


def offers(broker: str, query: str, at: int) -> Offers:
    """Return what the word before the cursor `at` could become. A few bounded reads of the database."""
    return completing.offers(query, at, fields.LETTERS, _Letters(broker))


@dataclass(frozen=True)
class _Letters:
    broker: str

    def values(self, field: Field, path: str) -> Iterable[str]:
        match field.name:
            case "source" | "queue" | "vhost" | "exchange" | "consumer":
                return facets.names(self.broker, field.columns[0])
            case "error":
                return facets.error_types(self.broker)
            case "header" | "property":
                return facets.values(self.broker, field.columns[0], path)
            case _:
                return ()

    def paths(self, field: Field) -> Iterable[str]:
        return facets.paths(self.broker, field.columns[0])
