"""The parts that PostgreSQL keeps records in: one a day, each for a range of ids, dropped whole when it is old.

A part has SPAN ids for itself, far more than a day writes. When its time is over the sequence leaps to the first
id of the next part, which is there already: nobody waits for that, and no row's own clock decides where it goes.
When a part began is told by PostgreSQL's clock, in the comment of its table ("since 2026-11-30T10:00:00+00:00").
SQLite has no parts. See ADR 47.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, OperationalError, connection, transaction

from consumers.models import Record

TABLE = Record._meta.db_table
SPAN = 10_000_000_000  # ids of a part: three terabytes of records at least; and the next part is there
AHEAD = 3  # empty parts behind the one that is written
LEAST_ROWS = 1_000_000  # of a part that ends before its time, for the sake of MQADMIN_RECORDS_MAX
LEAST_TIME = timedelta(hours=1)  # from one of those to the next
DAY, SHARE = timedelta(days=1), 8  # how long a part is written: a day, or an eighth of the days that are kept
_LOCK_MS = 100  # who writes waits behind who wants to drop a part, no longer than this
_TRIES, _PAUSE_SECONDS = 20, 0.5
_LOCK_KEY = 0x6D71_7265_6373  # of the advisory lock: one at a time looks after parts
_NO_CHECK = "23514"  # check_violation: also "no partition of relation found for row"

log = logging.getLogger("mqadmin.records")


@dataclass(frozen=True)
class Part:
    """`since`, `until`: when it was written, by PostgreSQL's clock; None where that is not known, or not over.
    `is_written`: it is the one that new records go to, or a later one.
    """

    number: int
    since: datetime | None
    until: datetime | None
    is_written: bool

    @property
    def name(self) -> str:
        return f"{TABLE}_p{self.number}"

    @property
    def ids(self) -> tuple[int, int]:
        """First and last id."""
        return (self.number * SPAN if self.number else -(2**63), (self.number + 1) * SPAN - 1)


def are_there() -> bool:
    """Whether records are kept in parts here."""
    return connection.vendor == "postgresql"


def all_parts() -> list[Part]:
    """Return the parts, oldest first. None on SQLite."""
    if not are_there():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_inherits i"
            " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
            [TABLE],
        )
        found = {}
        for name, told in cursor.fetchall():
            if match := re.fullmatch(rf"{TABLE}_p(\d+)", name):
                found[int(match[1])] = _since(told)
    return _in_order(found, _written())


def spans() -> list[tuple[int, datetime, int]]:
    """Return (id and start of the first record, id of the last) of each part that has some, oldest first. None on
    SQLite."""
    found = all_parts()
    if not found:
        return []
    each = (
        f"(SELECT id, started_at, (SELECT max(id) FROM {part.name}) FROM {part.name} ORDER BY id LIMIT 1)"  # noqa: S608
        for part in found
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each))
        return sorted(cursor.fetchall())


def _in_order(found: dict[int, datetime | None], written: int) -> list[Part]:
    made, until = [], None
    for number in sorted(found, reverse=True):
        made.append(Part(number, found[number], until, number >= written))
        until = found[number] if number <= written else None
    return made[::-1]


def _since(told: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat((told or "").removeprefix("since "))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _written() -> int:
    """Return the number of the part that the next record goes to."""
    return _next_id() // SPAN


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT last_value + is_called::int FROM {TABLE}_id_seq")  # noqa: S608
        return int(cursor.fetchone()[0])


def keep_up(days: float, most: int) -> None:
    """Make parts ahead, and begin the next one where the present one has had its time or its rows.

    That is a day, or an eighth of `days` where that is less; or a twentieth of `most`. Raises django.db.Error.
    """
    if not are_there():
        return
    make_ahead()
    # Only into what is committed: the jump of a sequence is not undone with its transaction.
    with transaction.atomic():
        if _alone():
            _go_on(min(DAY, timedelta(days=days / SHARE)), max(LEAST_ROWS, most // 20))


def make_ahead() -> None:
    """Make the parts that are missing from the one that is written on. Nobody who writes waits for it."""
    with transaction.atomic():
        if not _alone():
            return
        written = _written()
        there = {part.number for part in all_parts()}
        with connection.cursor() as cursor:
            for number in {0, *range(written, written + AHEAD + 1)} - there:
                name = f"{TABLE}_p{number}"
                ids = f"FROM ({number * SPAN if number else 'MINVALUE'}) TO ({(number + 1) * SPAN})"
                cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING ALL EXCLUDING IDENTITY)")
                # Unlike CREATE ... PARTITION OF this does not lock out who writes.
                cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES {ids}")


def _go_on(span: timedelta, rows: int) -> None:
    """Begin the next part where the present one is over. A row counts by its id: nobody counts."""
    following, now = _next_id(), _now()
    present, after = [part for part in all_parts() if part.is_written][:2]
    if (
        present.since is None and present.number
    ):  # it began, but who began it was ended before that was committed
        _note(present, now)
        return
    written = following - present.number * SPAN
    age = now - present.since if present.since else span
    is_full = written >= rows and age >= min(span, LEAST_TIME)
    if age < span and not is_full:
        return
    if written <= (0 if present.number else 1):
        _note(present, now)  # without a record it has not begun
        return
    _note(after, now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(%s, %s, false)", [f"{TABLE}_id_seq", after.number * SPAN])


def _note(part: Part, since: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON TABLE {part.name} IS '{'since ' + since.isoformat()}'")


def drop(part: Part) -> bool:
    """Drop `part` with all its records; return whether it is gone: not where others keep it in use for long.

    The first part is emptied instead: it takes ids of a sequence that began anew. Who writes waits for
    milliseconds: PostgreSQL removes the files once it has given the locks back.
    """
    act = f"TRUNCATE {part.name}" if part.number == 0 else f"DROP TABLE {part.name}"
    for number in range(_TRIES):
        if number:
            time.sleep(_PAUSE_SECONDS)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
                cursor.execute(act)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != "55P03":  # lock_not_available
                raise
        else:
            return True
    log.info("retention: %s is in use, it is dropped later", part.name)
    return False


def mend(error: DatabaseError) -> bool:
    """Whether `error` says that there was no part for a record; then it is made. Raises django.db.Error.

    So it is where a copy of the database was put back whose sequence is ahead of its tables.
    """
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) != _NO_CHECK or not are_there():
        return False
    told = getattr(cause, "diag", None)
    if told is None or told.table_name != TABLE or told.constraint_name:
        return False
    make_ahead()
    return True


def _alone() -> bool:
    """Whether nobody else looks after parts until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK_KEY])
        return bool(cursor.fetchone()[0])


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
        return found
