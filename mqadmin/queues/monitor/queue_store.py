"""The rows of queues, read and written: past Django's ORM, which would take as long for them as all the rest."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain, islice
from typing import Any

from django.db import connection, transaction
from django.db.models import JSONField
from django.utils import timezone

from mqadmin.queues import changes
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.monitor.observing import Key
from mqadmin.queues.monitor.queue_row import COLUMNS, Row, text

CHUNK = 500  # rows in one transaction: a write lock on SQLite stays short
REST_S = 0.02  # between two of them: who waits for the lock looks for it ten times a second
AT_ONCE = 100  # rows in one statement of PostgreSQL, which takes each statement by itself apart

_JSON = frozenset(field.name for field in Queue._meta.fields if isinstance(field, JSONField))
_KEY = ("broker", "vhost", "name")


def read(broker: Broker) -> Iterator[tuple[Key, Row]]:
    """Yield the rows of a broker's queues. Raises django.db.Error."""
    rows = Queue.objects.filter(broker=broker).values_list("vhost", "name", *COLUMNS)
    for vhost, name, *values in rows.iterator():
        columns = zip(COLUMNS, values, strict=True)
        yield (vhost, name), Row._make(text(value) if column in _JSON else value for column, value in columns)


def write(broker: Broker, rows: Sequence[tuple[Key, Row]], at: float) -> None:
    """Write the rows of queues, known ones and new ones, by CHUNK in a transaction. Raises django.db.Error."""
    moment = connection.ops.adapt_datetimefield_value(datetime.fromtimestamp(at, UTC))
    remaining = iter(rows)
    written = 0
    while chunk := list(islice(remaining, CHUNK)):
        if written:
            time.sleep(REST_S)
        written += len(chunk)
        more = (moment, *_new())
        values = [(broker.pk, *key, *row, *more) for key, row in chunk]
        with transaction.atomic():
            changes.written(Queue(broker=broker))  # as a write by the ORM says it
            _upsert(values)


def _upsert(values: Sequence[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.executemany(_statement(1), values)
            return
        for start in range(0, len(values), AT_ONCE):
            part = values[start : start + AT_ONCE]
            cursor.execute(_statement(len(part)), list(chain.from_iterable(part)))


@cache
def _statement(rows: int) -> str:
    """Not an UPDATE by id: one statement for new and known, which leaves of a known one what people said."""
    columns = [*_KEY, *COLUMNS, "changed_at", *_others()]
    fields: dict[str, Any] = {name: Queue._meta.get_field(name) for name in columns}
    names = {name: connection.ops.quote_name(field.column) for name, field in fields.items()}
    group = f"({', '.join(['%s'] * len(columns))})"
    sets = ", ".join(f"{names[name]} = excluded.{names[name]}" for name in (*COLUMNS, "changed_at"))
    table = connection.ops.quote_name(Queue._meta.db_table)
    into = f"{table} ({', '.join(names.values())})"
    key = ", ".join(names[name] for name in _KEY)
    values = ", ".join([group] * rows)
    return f"INSERT INTO {into} VALUES {values} ON CONFLICT ({key}) DO UPDATE SET {sets}"  # noqa: S608


@cache
def _others() -> tuple[str, ...]:
    """Return the columns that a new row has besides: what people say, when it was first seen."""
    known = {*_KEY, *COLUMNS, "changed_at"}
    fields = Queue._meta.concrete_fields
    return tuple(field.name for field in fields if field.name not in known and not field.primary_key)


def _new() -> Iterable[Any]:
    now = timezone.now()
    for name in _others():
        field: Any = Queue._meta.get_field(name)
        value = now if name == "first_seen_at" else field.get_default()
        yield field.get_db_prep_save(value, connection)
