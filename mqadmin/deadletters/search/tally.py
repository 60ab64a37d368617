"""How many letters there are of each cause, queue and status: kept by the database itself, so that a page need
not count a million rows.

Triggers on the letters' table keep `Tally`. On SQLite, which has one writer, each letter adds to its row. On
PostgreSQL two collectors would wait for each other's rows, so each statement only appends what it changed, and
about every thousand rows one adds up what was appended. Hence a count is always a sum. Triggers rather than calls
in Python: whatever writes letters (COPY, bulk updates, a person's SQL) is counted, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet, Sum, Value

from mqadmin.core.rights import asking
from mqadmin.core.rows import bulk
from mqadmin.core.rows.prepared import Prepared
from mqadmin.deadletters.models import DeadLetter, Tally

KEYS = ("broker", "vhost", "dead_letter_queue", "source_queue", "reason", "group", "status")
_KEYS = ", ".join(f'"{name}"' for name in KEYS)


def counted(wanted: Mapping[str, Any]) -> QuerySet[Tally]:
    """Return the counts of letters with these columns; "" does not matter."""
    return Tally.objects.filter(**{name: value for name, value in wanted.items() if value}).order_by()


def total(wanted: Mapping[str, Any]) -> int:
    """Return how many letters have these columns."""
    names = tuple(name for name, value in wanted.items() if value)
    if not all(type(wanted[name]) is str for name in names):
        return counted(wanted).aggregate(n=Sum("letters"))["n"] or 0
    return next((total for (total,) in _totals(names).rows(*(wanted[name] for name in names))), None) or 0


@lru_cache(maxsize=200)
def _totals(names: tuple[str, ...]) -> Prepared[Tally]:
    """Return the query for the letters of these columns: a badge asks for them on every page."""
    return Prepared(
        lambda *texts: (
            counted(dict(zip(names, texts, strict=True)))
            .annotate(one=Value(1))
            .values("one")
            .annotate(n=Sum("letters"))
            .values_list("n")
        )
    )


def by(column: str, wanted: Mapping[str, Any]) -> dict[str, int]:
    """Return how many letters there are for each value of `column`; values without any are left out."""
    rows = counted(wanted).values_list(column).annotate(n=Sum("letters")).filter(n__gt=0)
    return dict(rows)


def causes(wanted: Mapping[str, Any], part: slice) -> list[tuple[str, int, int]]:
    """Return (group, letters, came back), the most frequent first: that part of them."""
    rows = counted(wanted).values_list("group").annotate(n=Sum("letters"), back=Sum("back"))
    return list(rows.filter(n__gt=0).order_by("-n", "group")[part])


def ends(wanted: Mapping[str, Any], groups: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return the oldest and the newest letter of each group: a few steps in an index for each."""
    known = {name: value for name, value in wanted.items() if value and name not in ("group", "status")}
    statuses = [wanted["status"]] if wanted.get("status") else list(DeadLetter.Status.values)
    pairs = [(group, status) for group in groups for status in statuses]
    if not pairs:
        return {}
    if asking.limited() is not None:
        rows = DeadLetter.objects.filter(**known, group__in=groups, status__in=statuses).order_by()
        both = rows.values_list("group").annotate(oldest=Min("pk"), newest=Max("pk"))
        return {group: (oldest, newest) for group, oldest, newest in both}
    where = " AND ".join(f'"{name}" = %s' for name in known)
    one = (
        f"(SELECT id FROM {_LETTERS} WHERE {where} AND status = wanted.column2 "  # noqa: S608
        'AND "group" = wanted.column1 ORDER BY id {} LIMIT 1)'
    )
    marks = ", ".join(["(%s, %s)"] * len(pairs))
    query = f"SELECT column1, {one.format('ASC')}, {one.format('DESC')} FROM (VALUES {marks}) AS wanted"  # noqa: S608
    values = [*known.values(), *known.values(), *(value for pair in pairs for value in pair)]
    found: dict[str, tuple[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        for group, oldest, newest in cursor.fetchall():
            if oldest is not None:
                before = found.get(group, (oldest, newest))
                found[group] = min(before[0], oldest), max(before[1], newest)
    return found


def insert(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert letters in the caller's transaction and count them. Raises django.db.Error.

    On SQLite a trigger for each row would halve the speed of a capture: it is held while a window is stored, in
    the same transaction (SQLite has one writer, so no other letter goes by uncounted), and the window is counted
    here.
    """
    if connection.vendor != "sqlite":
        bulk.insert(_LETTERS, columns, rows)
        return
    places = [columns.index(name) for name in KEYS]
    back = columns.index("came_back_as")
    counts: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        count = counts.setdefault(tuple(row[place] for place in places), [0, 0])
        count[0] += 1
        count[1] += bool(row[back])
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {_HOLD} (id) VALUES (1)")  # noqa: S608
        bulk.insert(_LETTERS, columns, rows)
        cursor.execute(f"DELETE FROM {_HOLD}")  # noqa: S608
        marks = ", ".join(["%s"] * (len(KEYS) + 2))
        cursor.executemany(
            f"INSERT INTO {_TALLY} ({_KEYS}, letters, back) VALUES ({marks}) ON CONFLICT ({_KEYS}) "  # noqa: S608
            "DO UPDATE SET letters = letters + excluded.letters, back = back + excluded.back",
            [(*key, *count) for key, count in counts.items()],
        )


def install(**_kwargs: Any) -> None:
    """Make the triggers where they are missing or of an older version; count again where one was missing: after
    every migrate. SQLite drops the triggers of a table that a migration rebuilds."""
    with transaction.atomic(), connection.cursor() as cursor:
        is_complete, is_current = _installed(cursor)
        if not is_current:
            for statement in _SQLITE if connection.vendor == "sqlite" else _POSTGRESQL:
                cursor.execute(statement)
        if not is_complete:
            recount(cursor)
        elif not is_current:
            cursor.execute(_ADD_UP)


def recount(cursor: Any) -> None:
    """Count all letters anew, in the caller's transaction."""
    cursor.execute(f"DELETE FROM {_TALLY}")  # noqa: S608
    cursor.execute(
        f"INSERT INTO {_TALLY} ({_KEYS}, letters, back) SELECT {_KEYS}, COUNT(*), "  # noqa: S608
        f"SUM(CASE WHEN came_back_as <> '' THEN 1 ELSE 0 END) FROM {_LETTERS} GROUP BY {_KEYS}"
    )


def _installed(cursor: Any) -> tuple[bool, bool]:
    """Return (whether all triggers are there, whether they are also those of this version)."""
    if connection.vendor == "sqlite":
        cursor.execute(
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'letter_tally_%%' "
            "AND EXISTS (SELECT 1 FROM sqlite_master WHERE name = %s)",
            [_HOLD],
        )
        is_complete = cursor.fetchone()[0] == 3
        return is_complete, is_complete
    cursor.execute(
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE prosrc LIKE %s) FROM pg_trigger "
        "JOIN pg_proc ON pg_proc.oid = tgfoid WHERE tgname LIKE 'letter_tally_%%'",
        [f"%{_VERSION}%"],
    )
    found, current = cursor.fetchone()
    return found == 3, current == 3


_LETTERS, _TALLY, _HOLD = "deadletters_deadletter", "deadletters_tally", "deadletters_tallyhold"


def _adding(row: str) -> str:
    values = ", ".join(f'{row}."{name}"' for name in KEYS)
    return (
        f"INSERT INTO {_TALLY} ({_KEYS}, letters, back) VALUES ({values}, 1, {row}.came_back_as <> '') "  # noqa: S608
        f"ON CONFLICT ({_KEYS}) DO UPDATE SET letters = letters + 1, back = back + excluded.back;"
    )


def _taking(row: str) -> str:
    where = " AND ".join(f'"{name}" = {row}."{name}"' for name in KEYS)
    return (
        f"UPDATE {_TALLY} SET letters = letters - 1, back = back - ({row}.came_back_as <> '') "  # noqa: S608
        f"WHERE {where};"
    )


def _changed(names: Iterable[str]) -> str:
    return " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in names)


_SQLITE = (
    f"CREATE TABLE IF NOT EXISTS {_HOLD} (id integer PRIMARY KEY)",
    f"CREATE UNIQUE INDEX IF NOT EXISTS letter_tally_key ON {_TALLY} ({_KEYS})",
    "DROP TRIGGER IF EXISTS letter_tally_insert",
    "DROP TRIGGER IF EXISTS letter_tally_delete",
    "DROP TRIGGER IF EXISTS letter_tally_update",
    f"CREATE TRIGGER letter_tally_insert AFTER INSERT ON {_LETTERS} "  # noqa: S608
    f"WHEN NOT EXISTS (SELECT 1 FROM {_HOLD}) BEGIN {_adding('NEW')} END",
    f"CREATE TRIGGER letter_tally_delete AFTER DELETE ON {_LETTERS} BEGIN {_taking('OLD')} END",
    f"CREATE TRIGGER letter_tally_update AFTER UPDATE OF {_KEYS}, came_back_as ON {_LETTERS} "
    f"WHEN {_changed((*KEYS, 'came_back_as'))} BEGIN {_taking('OLD')} {_adding('NEW')} END",
)


def _appending(*parts: tuple[str, str]) -> str:
    rows = " UNION ALL ".join(
        f"SELECT {_KEYS}, {sign}1 AS n, CASE WHEN came_back_as <> '' THEN {sign}1 ELSE 0 END AS back FROM {table}"  # noqa: S608
        for table, sign in parts
    )
    return (
        f"INSERT INTO {_TALLY} ({_KEYS}, letters, back) SELECT {_KEYS}, SUM(n), SUM(back) FROM ({rows}) AS changed "  # noqa: S608
        f"GROUP BY {_KEYS} HAVING SUM(n) <> 0 OR SUM(back) <> 0;"
    )


_SAME = " AND ".join(f'one."{name}" = many."{name}"' for name in KEYS)
_GONE = ", ".join(f'one."{name}"' for name in KEYS)
_ADD_UP = f"""
        WITH many AS (SELECT {_KEYS} FROM {_TALLY} GROUP BY {_KEYS} HAVING COUNT(*) > 1),
        gone AS (DELETE FROM {_TALLY} AS one USING many WHERE {_SAME} RETURNING {_GONE}, one.letters, one.back)
        INSERT INTO {_TALLY} ({_KEYS}, letters, back)
        SELECT {_KEYS}, SUM(letters), SUM(back) FROM gone GROUP BY {_KEYS}
        HAVING SUM(letters) <> 0 OR SUM(back) <> 0;
"""  # noqa: S608
_VERSION = "-- version 2"
_APPENDED = 1_000  # rows, after which they are added up: what a page reads stays that small


def _function(name: str, body: str) -> str:
    # The lock: two that add up at the same time would both count the rows that neither sees the other delete.
    return f"""
CREATE OR REPLACE FUNCTION letter_tally_{name}() RETURNS trigger LANGUAGE plpgsql AS $tally$ {_VERSION}
DECLARE appended bigint;
BEGIN
    {body}
    GET DIAGNOSTICS appended = ROW_COUNT;
    IF random() < appended / {_APPENDED}.0 AND pg_try_advisory_xact_lock(hashtext('{_TALLY}')) THEN
        {_ADD_UP}
    END IF;
    RETURN NULL;
END $tally$"""


def _trigger(name: str, tables: str) -> tuple[str, str]:
    return (
        f"DROP TRIGGER IF EXISTS letter_tally_{name} ON {_LETTERS}",
        f"CREATE TRIGGER letter_tally_{name} AFTER {name.upper()} ON {_LETTERS} REFERENCING {tables} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION letter_tally_{name}()",
    )


_POSTGRESQL = (
    _function("insert", _appending(("added", ""))),
    _function("delete", _appending(("gone_rows", "-"))),
    _function("update", _appending(("gone_rows", "-"), ("added", ""))),
    *_trigger("insert", "NEW TABLE AS added"),
    *_trigger("delete", "OLD TABLE AS gone_rows"),
    *_trigger("update", "OLD TABLE AS gone_rows NEW TABLE AS added"),
)
