"""Rows that are known by broker, virtual host and queue: who asks gets those that they may have.

    objects = Within(Named("broker", "vhost", "queue"))

The condition is written when the statement is, so a query that was made beforehand is limited as well. Where nobody
asks, or somebody who may have all, there is none. `get` tells who may see a row, but not do with it what is needed,
that they may not; for who may not see it there is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func
from django.db.models.sql.compiler import SQLCompiler

from mqadmin.core.rights import asking
from mqadmin.core.rights.asking import Asking
from mqadmin.core.rights.rules import ANY, LEVELS

M = TypeVar("M", bound=models.Model)
Sql = tuple[str, Sequence[Any]]
_ALL: Sql = ("1 = 1", [])
_NONE: Sql = ("1 = 0", [])


class Slug(NamedTuple):
    """A column that refers to a table whose rows are brokers, in place of one with the slug."""

    column: str
    table: str


class Named(NamedTuple):
    """The columns by which a row is named. `vhost`, `queue`: None where it is of the whole of them, "" where it is
    for whoever may see anything in them."""

    broker: str | Slug
    vhost: str | None = None
    queue: str | None = None


class Through(NamedTuple):
    """The column that refers to a row of a table, which has the names."""

    column: str
    table: str
    names: Named = Named("broker", "vhost", "queue")


class Only(NamedTuple):
    """Names that rows have of which a column has one value."""

    column: str
    value: str
    names: Named


class Holding(NamedTuple):
    """The column by which rows of a table refer to this one. Who asks may see what holds a row of theirs, and
    change what holds no others."""

    column: str
    table: str
    by: str
    names: tuple[Named | Only, ...]


class Own(NamedTuple):
    """The column with the account whose row it is: who asks as themselves may look at what is theirs.

    `rights`: the column with what they might then. Where there is one they may also go on with it, as far as they
    may do so with anything; by a token, where it may now what was held then.
    """

    column: str
    rights: str = ""


Name = Named | Through | Own | Only | Holding


class May(Func):
    """A condition: whether who asks may do what is needed with a row, by any of its names."""

    conditional = True
    output_field = models.BooleanField()

    def __init__(self, *names: Name) -> None:
        self.names = names
        super().__init__(*(F(column) for name in names for column in _columns(name)))

    def as_sql(  # type: ignore[override]  # nothing else is given
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_options: Any
    ) -> Any:
        who = asking.limited()
        if who is None:
            return _ALL
        columns = iter([compiler.compile(source) for source in self.get_source_expressions()])
        found = [(name, [next(columns) for _column in _columns(name)]) for name in self.names]
        written = _Written(connection.vendor, who)
        return _any(written.condition(name, compiled) for name, compiled in found)


def _columns(name: Name) -> list[str]:
    if isinstance(name, Own):
        return [column for column in name if column]
    if isinstance(name, Through | Holding):
        return [name.column]
    if isinstance(name, Only):
        return [name.column, *_columns(name.names)]
    return [part.column if isinstance(part, Slug) else part for part in name if part]


class _Written:
    """The condition of one who asks, as a database takes it."""

    def __init__(self, vendor: str, who: Asking) -> None:
        self._vendor = vendor
        self._who = who

    def condition(self, name: Name, columns: Sequence[Sql]) -> Sql:
        if isinstance(name, Own):
            return self._own(columns)
        if isinstance(name, Through):
            return self._through(name, columns[0])
        if isinstance(name, Holding):
            return self._holding(name, columns[0])
        if isinstance(name, Only):
            (sql, params), *rest = columns
            return _all([(f"{sql} = %s", [*params, name.value]), self._named(name.names, rest)])
        return self._named(name, columns)

    def _own(self, columns: Sequence[Sql]) -> Sql:
        who, keeps_rights = self._who, len(columns) > 1
        if not who.name or (who.needed != "view" and not keeps_rights):
            return _NONE
        (sql, params), *rest = columns
        mine = f"{sql} = %s", [*params, who.name]
        if len(who.rights.layers) == 1:
            return mine
        if not rest:
            return _NONE
        held = json.dumps(who.rights.as_json())
        form = "%s::jsonb" if self._vendor == "postgresql" else "%s"
        return _all([mine, (f"{rest[0][0]} = {form}", [*rest[0][1], held])])

    def _through(self, name: Through, column: Sql) -> Sql:
        inner = self._inside(name.names)
        if inner in (_ALL, _NONE):
            return inner
        sql, params = column
        return f'{sql} IN (SELECT id FROM "{name.table}" WHERE {inner[0]})', [*params, *inner[1]]  # noqa: S608

    def _holding(self, name: Holding, column: Sql) -> Sql:
        inner, given = _any(self._inside(one) for one in name.names)
        sql, params = column
        rows = f'SELECT "{name.by}" FROM "{name.table}" WHERE "{name.by}" IS NOT NULL AND'  # noqa: S608
        found = f"{sql} IN ({rows} {inner})", [*params, *given]
        if self._who.needed == "view":
            return found
        return _all([found, (f"{sql} NOT IN ({rows} NOT ({inner}))", [*params, *given])])

    def _inside(self, name: Named | Only) -> Sql:
        """Return the condition on a row of another table, by the names of its columns."""
        return self.condition(name, [(f'"{part}"', []) for part in _columns(name)])

    def _named(self, name: Named, columns: Sequence[Sql]) -> Sql:
        rest = iter(columns)
        parts = [(part, next(rest) if part else None) for part in name]
        return _all(
            _any(
                _all(
                    self._part(part, column, pattern)
                    for (part, column), pattern in zip(
                        parts, (rule.broker, rule.vhost, rule.queue), strict=True
                    )
                )
                for rule in layer
                if rule.level >= LEVELS[self._who.needed]
            )
            for layer in self._who.rights.layers
        )

    def _part(self, part: str | Slug | None, column: Sql | None, pattern: str) -> Sql:
        if pattern == ANY or part == "":
            return _ALL
        if part is None or column is None:
            return _NONE
        sql, params = column
        if isinstance(part, Slug):
            inner, given = _matches(self._vendor, "slug", pattern)
            return f'{sql} IN (SELECT id FROM "{part.table}" WHERE {inner})', [*params, *given]  # noqa: S608
        inner, given = _matches(self._vendor, sql, pattern)
        return inner, [*params, *given]


def _matches(vendor: str, sql: str, pattern: str) -> Sql:
    """Return the condition that a column is named by a pattern, capitals and all: SQLite's LIKE ignores them."""
    if ANY not in pattern:
        return f"{sql} = %s", [pattern]
    if vendor == "sqlite":
        return f"{sql} GLOB %s", [pattern.replace("[", "[[]").replace("?", "[?]")]
    escaped = pattern.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"{sql} LIKE %s", [escaped.replace(ANY, "%")]


def _all(parts: Iterable[Sql]) -> Sql:
    return _joined(parts, " AND ", _ALL, _NONE)


def _any(parts: Iterable[Sql]) -> Sql:
    return _joined(parts, " OR ", _NONE, _ALL)


def _joined(parts: Iterable[Sql], by: str, empty: Sql, ends: Sql) -> Sql:
    kept = [part for part in parts if part != empty]
    if any(part == ends for part in kept):
        return ends
    if len(kept) < 2:
        return kept[0] if kept else empty
    return "(" + by.join(sql for sql, _params in kept) + ")", [
        item for _sql, params in kept for item in params
    ]


class WithinSet(models.QuerySet[M]):
    """Rows of who asks."""

    def get(self, *args: Any, **kwargs: Any) -> M:
        try:
            return super().get(*args, **kwargs)
        except self.model.DoesNotExist:  # type: ignore[attr-defined]  # each model has one
            who = asking.limited()
            if who is None or who.needed == "view":
                raise
            with asking.needing("view"):
                super().get(*args, **kwargs)
            raise PermissionDenied(who.says(who.needed)) from None


class Within(models.Manager[M]):
    """`objects` of a model whose rows are limited to who asks. `rows`: the class of its query sets."""

    def __init__(self, *names: Name, rows: type[WithinSet[Any]] = WithinSet) -> None:
        super().__init__()
        self._names = names
        self._rows = rows

    def get_queryset(self) -> WithinSet[M]:
        found = self._rows(self.model, using=self._db)
        who = asking.now()
        # Not at all for most: their statements are made as fast as ever.
        if who is None or who.rights.is_plain:
            return found
        # The manager of what belongs to a row (`consumer.processes`) is made of the class, without the names.
        names = self._names or getattr(self.model._default_manager, "_names", ())
        return found.filter(May(*names))
