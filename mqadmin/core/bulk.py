"""Many rows in few statements, past the ORM: where every message makes a row, its bulk_create costs too much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

_PARAMETERS = 60_000  # PostgreSQL's protocol counts a statement's parameters in 16 bits


def insert(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert `rows` in the caller's transaction; values as the database's driver takes them.

    SQLite is quickest with one prepared statement run for each row. PostgreSQL answers each such run, so there
    the rows share a statement. `table` and `columns` are names from our own models, never from outside.
    """
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    marks = f"({', '.join(['%s'] * len(columns))})"
    into = f'INSERT INTO "{table}" ({names}) VALUES '  # noqa: S608
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.executemany(into + marks, rows)
            return
        most = _PARAMETERS // len(columns)
        for start in range(0, len(rows), most):
            part = rows[start : start + most]
            cursor.execute(into + ", ".join([marks] * len(part)), [value for row in part for value in row])
