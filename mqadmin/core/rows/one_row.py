"""A row that every page reads, by the value of one column, for a third of the time.

To make the SELECT takes Django longer than the database takes to answer it: here it is made once for a process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import models

M = TypeVar("M", bound=models.Model)


class OneRow(Generic[M]):
    """`wanted(value)`: the query for the row with this value, of which it is the only parameter.

    Any thread may use it. Nothing of a row is remembered.
    """

    def __init__(self, wanted: Callable[[Any], models.QuerySet[M]]) -> None:
        self._wanted = wanted
        self._sql = ""

    def get(self, value: Any) -> M | None:
        """Return the row, or None where there is none; what the query defers is read when it is asked for."""
        query = self._wanted(value)
        if not self._sql:
            sql, parameters = query.query.sql_with_params()
            assert parameters == (value,), parameters
            self._sql = sql
        return next(iter(query.model._default_manager.raw(self._sql, [value])), None)
