"""Many rows in few statements, past the ORM: where every message makes a row, its bulk_create costs too much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection


def insert(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert `rows` in the caller's transaction; values as the database's driver takes them.

    SQLite is quickest with one prepared statement run for each row; PostgreSQL with COPY, which costs a quarter
    of an INSERT with as many parameters. `table` and `columns` are names from our own models, never from
    outside. Raises django.db.Error.
    """
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # noqa: S608
