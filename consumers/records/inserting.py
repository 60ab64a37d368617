"""How rows of records reach the database: plain SQL, since the ORM's bulk_create costs more than handling did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from consumers.models import Record
from consumers.records import minutes
from mqadmin.core.rows import bulk

# What every record has, with its type in PostgreSQL; and what only some do: of a message that was simply acked
# the latter are as given here.
_ALWAYS = {
    "consumer_id": "bigint",
    "process_id": "bigint",
    "queue": "text",
    "exchange": "text",
    "routing_key": "text",
    "message_id": "text",
    "redelivered": "boolean",
    "attempt": "smallint",
    "started_at": "timestamptz",
    "duration_ms": "float8",
    "waited_ms": "float8",
    "size": "integer",
    "log": "text",
    "trace_id": "text",
}
_PLAIN: dict[str, Any] = {
    "outcome": "acked",
    "detail": "",
    "error_type": "",
    "error": "",
    "traceback": "",
    "properties": None,
    "headers": None,
    "body": None,
    "body_truncated": False,
    "ack_lost": None,
}
_COLUMNS = (*_ALWAYS, *_PLAIN)
_NEWEST = 20_000  # records of all processes, among which those written a moment ago are

Row = tuple[Any, ...]
"""Values as the database's driver takes them: of the columns that every record has, or of all."""

_LITERALS = {"": "''", "acked": "'acked'", None: "NULL", False: "FALSE"}
_CONSTANT = ", ".join(_LITERALS[value] for value in _PLAIN.values())
_INTO = f'INSERT INTO "{Record._meta.db_table}" ({", ".join(_COLUMNS)})'
_AS = {"log": "::jsonb"}  # JSON is text in what is sent
_VALUES = f"{_INTO} VALUES ({', '.join(['%s'] * len(_ALWAYS))}, {_CONSTANT})"


def insert_plain(rows: Sequence[Row]) -> None:
    """Insert records of messages that were simply acked, in the caller's transaction. Raises django.db.Error."""
    if rows and connection.vendor == "postgresql":
        insert([(*row, *_PLAIN.values()) for row in rows])
    elif rows:  # SQLite is not sent what is constant
        with connection.cursor() as cursor:
            cursor.executemany(_VALUES, rows)


def insert(rows: Sequence[Row]) -> None:
    """Insert records of any outcome, whole rows, in the caller's transaction. Raises django.db.Error."""
    bulk.insert(Record._meta.db_table, _COLUMNS, rows)


def insert_at_once(plain: Sequence[Row], counters: Sequence[minutes.Row]) -> None:
    """Insert records as `insert_plain`, and the counters (at least one row), in one statement. PostgreSQL only.

    Outside a transaction it is one of its own. Raises django.db.Error.
    """
    # One statement is one transaction and one answer to wait for, where BEGIN, COPY, the counters and COMMIT are
    # five. Rows go as JSON, which costs this process half of what they cost as parameters; and what all of them
    # have in common, most columns of messages of one queue, goes once.
    varying: list[tuple[str, tuple[Any, ...]]] = []
    selected, common = [], []
    for name, values in zip(_ALWAYS, zip(*plain, strict=True), strict=True):
        if values.count(values[0]) == len(values):
            selected.append(f"%s::{_ALWAYS[name]}{_AS.get(name, '')}")
            common.append(values[0])
        else:
            selected.append(name + _AS.get(name, ""))
            varying.append((name, values))
    types = ", ".join(f"{name} {_ALWAYS[name]}" for name, _values in varying)
    names = [name for name, _values in varying]
    rows = [
        dict(zip(names, row, strict=True)) for row in zip(*(values for _name, values in varying), strict=True)
    ]
    source = f"json_to_recordset(%s) AS row({types})" if varying else "generate_series(1, %s)"
    given = json.dumps(rows) if varying else len(plain)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH recorded AS ({_INTO} SELECT {', '.join(selected)}, {_CONSTANT} FROM {source}) "  # noqa: S608
            + minutes.upsert(len(counters)),
            [*common, given, *(value for row in counters for value in row)],
        )


def mark_unacked(process_id: int, late: Sequence[tuple[str, str, str, str]]) -> None:
    """Mark records of this process, written before, as (moment, outcome, message id, why its ack never arrived).

    In the caller's transaction. They were written moments ago, so they are among the newest: without an index of
    their own they are found there. Those of which no record was kept stay without. Raises django.db.Error.
    """
    if not late:
        return
    table = connection.ops.quote_name(Record._meta.db_table)
    newest = Record.objects.order_by("-id").values_list("id", flat=True)
    floor = newest[_NEWEST : _NEWEST + 1].first() or 0  # counted: between two parts ids leap
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET ack_lost = %s WHERE id > {floor} "  # noqa: S608
            "AND process_id = %s AND started_at = %s AND outcome = %s AND message_id = %s AND ack_lost IS NULL",
            [(why, process_id, at, outcome, message_id) for at, outcome, message_id, why in late],
        )


class Moments:
    """Epoch seconds as text that the database takes for a moment. For one thread.

    Django's own way costs as much as half a row; messages of one second share what is slow about it.
    """

    def __init__(self) -> None:
        # Asked once: the connection is a slow proxy. SQLite's moments have no zone: they are UTC.
        self._zone = "" if connection.vendor == "sqlite" else "+00"
        self._second: int | None = None
        self._text = ""

    def of(self, epoch: float) -> str:
        """Return the moment to the microsecond, on SQLite as `adapt_datetimefield_value` does."""
        second, micros = divmod(round(epoch * 1_000_000), 1_000_000)
        if second != self._second:
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")
            self._second = second
        return f"{self._text}.{micros:06d}{self._zone}" if micros else self._text + self._zone


def clean(text: str, most: int | None = None) -> str:
    """Text as every database takes it: PostgreSQL refuses NUL characters and lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text[:most]
