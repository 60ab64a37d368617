"""A SELECT that every page asks for, made once for a process: to make it takes Django longer than to ask it.

    _counts = Prepared(lambda broker: Letter.objects.filter(broker=broker).values_list("reason").annotate(...))
    _counts.rows("default")

Texts are given to it, nothing else. Any thread may use it. Nothing of what was read is remembered. For who may have
a part of the rows only, it is made each time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection, models

from mqadmin.core.rights import asking

M = TypeVar("M", bound=models.Model)
_MARK = secrets.token_hex(8)  # what no constant of a query is


class Prepared(Generic[M]):
    """`wanted(*texts)`: the query, which says in the same way for any texts what is read."""

    def __init__(self, wanted: Callable[..., models.QuerySet[Any]]) -> None:
        self._wanted = wanted
        self._sql = ""
        self._given: list[Any] = []
        self._converters: dict[int, tuple[list[Any], Any]] = {}

    def rows(self, *texts: str) -> list[Sequence[Any]]:
        """Return the columns of each row, as `values_list` does."""
        if asking.limited() is not None:
            return list(self._wanted(*texts))
        self._make(len(texts))
        with connection.cursor() as cursor:
            cursor.execute(self._sql, self._parameters(texts))
            found: list[Sequence[Any]] = cursor.fetchall()
        return [self._converted(row) for row in found] if self._converters else found

    def objects(self, *texts: str) -> list[M]:
        """Return each row as an object; what the query defers is read when it is asked for."""
        if asking.limited() is not None:
            return list(self._wanted(*texts))
        self._make(len(texts))
        return list(self._wanted(*texts).model._default_manager.raw(self._sql, self._parameters(texts)))

    def _parameters(self, texts: Sequence[str]) -> list[Any]:
        return [texts[given[1]] if type(given) is tuple else given for given in self._given]

    def _make(self, count: int) -> None:
        if self._sql:
            return
        marks = [f"{_MARK}{number}" for number in range(count)]
        with asking.asks(None):  # what is made for all is limited to nobody
            query = self._wanted(*marks).query
        compiler = query.get_compiler(connection.alias)
        sql, parameters = compiler.as_sql()
        self._given = [(_MARK, marks.index(given)) if given in marks else given for given in parameters]
        self._converters = compiler.get_converters([column[0] for column in compiler.select])
        self._sql = sql

    def _converted(self, row: Sequence[Any]) -> list[Any]:
        made = list(row)
        for at, (converters, expression) in self._converters.items():
            value = made[at]
            for convert in converters:
                value = convert(value, expression, connection)
            made[at] = value
        return made
