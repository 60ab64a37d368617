"""What a list is: whom to ask, what a row is made of, how it is searched and sorted. A noun registers its own."""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal

from mqadmin.core.query.fields import Vocabulary
from mqadmin.rabbit.management_api.client import ManagementClient

Test = Callable[[Any], bool]
Name = Literal[
    "bindings",
    "channels",
    "connections",
    "deprecated-features",
    "exchanges",
    "feature-flags",
    "federation_links",
    "federation_sets",
    "federation_upstreams",
    "limits",
    "nodes",
    "parameters",
    "permissions",
    "policies",
    "shovels",
    "stops",
    "topic_permissions",
    "upgrade",
    "users",
    "vhosts",
]
"""All lists. An act says by name which of them show what it changed: no noun needs the module of another for it."""


@dataclass(frozen=True)
class Before:
    """What was known when a list was last asked for: `row(identity)` is a row or None; `at`: epoch seconds."""

    row: Callable[[tuple[Any, ...]], Any]
    at: float


Place = tuple[str | None, str | None]
"""The virtual host and the queue that a row is of; None: the whole of them."""


def _in_vhost(vhost: str) -> Place:
    return vhost, None


@dataclass(frozen=True)
class Kind:
    """One kind of list.

    `row`: a frozen dataclass of `rabbit.administration` of texts, numbers, truths, lists and tables of these; its
    fields are what `vocabulary` and `sorts` name as columns. `ask`: returns all rows in one call or few.
    `identity`: the columns by which a row is told from all others. `sorts`: what each sort means; the first key
    may be turned round, the others break its ties. `words`: where a word without a field is looked for. `flags`:
    for `is:name` the column and what must hold of it; by default that a column of that name is true. `carry`:
    given what was found and the rows of before, returns what is kept: where a row remembers what it was.
    `place`: of the values of the columns `placed_by`, of what a row is; who may not see that does not see the row.
    Without such columns each row is of the whole broker.
    """

    name: Name
    row: type[Any]
    ask: Callable[[ManagementClient], Sequence[Any]]
    identity: tuple[str, ...]
    vocabulary: Vocabulary
    sorts: Mapping[str, tuple[str, ...]]
    default_sort: str
    words: tuple[str, ...] = ("name",)
    flags: Mapping[str, tuple[str, Test]] = field(default_factory=dict)
    carry: Callable[[Sequence[Any], Before], Sequence[Any]] | None = None
    placed_by: tuple[str, ...] = ("vhost",)
    place: Callable[..., Place] = _in_vhost

    @property
    def columns(self) -> dict[str, int]:
        """Where each column stands in a packed row."""
        return {item.name: place for place, item in enumerate(fields(self.row))}

    def is_number(self, sort: str) -> bool:
        """Whether a sort is by numbers or times, of which the highest are looked for first."""
        first = self.sorts[sort][0]
        return any(
            item.columns[:1] == (first,) and item.kind in ("number", "real", "span", "moment")
            for item in self.vocabulary.fields.values()
        )


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Have a kind of list known by its name; returns it."""
    _kinds[kind.name] = kind
    return kind


def kind(name: str) -> Kind | None:
    """Return the kind of that name, None if there is none."""
    _load()
    return _kinds.get(name)


@cache
def _load() -> None:
    """Import the module `lists` of every room of administration, so that each noun has registered its own.

    When the first kind is asked for: most processes ask for none.
    """
    administration = (__package__ or "").rpartition(".")[0]
    for room in pkgutil.iter_modules(importlib.import_module(administration).__path__):
        name = f"{administration}.{room.name}.lists"
        if room.ispkg and importlib.util.find_spec(name):
            importlib.import_module(name)
