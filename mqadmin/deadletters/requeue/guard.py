"""What is being published is left alone: by triggers, so that it holds whoever writes, and however.

A letter in a `ClaimedBatch` is parked in its own row, so that to claim it costs no update of that row. Every act on
a parked letter is a compare-and-set with its row, under the row's lock. The triggers make it fail as if the letter
were not parked any more: a row in a batch is passed over and not counted. On PostgreSQL the function's query sees
what was committed while the statement waited for that lock; SQLite has one writer.

Whoever writes a batch down removes it first, in the same transaction, and is not held up.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

_LETTERS, _BATCHES = "deadletters_deadletter", "deadletters_claimedbatch"
_GUARDED = "status, body, properties, headers, edits"
# Only the mark of a copy that was confirmed turns parked into requeued.
_CHANGED = "OLD.status = 'parked' AND NEW.status <> 'requeued'"
_GONE = "OLD.status = 'parked'"


def install(**_kwargs: Any) -> None:
    """Make the triggers anew: after every migrate, as SQLite drops those of a table that a migration rebuilds.

    Not where a migration backwards took the table of batches away.
    """
    if _BATCHES not in connection.introspection.table_names():
        return
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _SQLITE if connection.vendor == "sqlite" else _POSTGRESQL:
            cursor.execute(statement)


_IN_FLIGHT = (
    f"EXISTS (SELECT 1 FROM {_BATCHES} AS held, json_each(held.ids) AS one "  # noqa: S608
    "WHERE OLD.id BETWEEN held.first AND held.last AND one.value = OLD.id)"
)
_SQLITE = (
    "DROP TRIGGER IF EXISTS letter_in_flight_update",
    "DROP TRIGGER IF EXISTS letter_in_flight_delete",
    f"CREATE TRIGGER letter_in_flight_update BEFORE UPDATE OF {_GUARDED} ON {_LETTERS} "
    f"WHEN {_CHANGED} AND {_IN_FLIGHT} BEGIN SELECT RAISE(IGNORE); END",
    f"CREATE TRIGGER letter_in_flight_delete BEFORE DELETE ON {_LETTERS} "
    f"WHEN {_GONE} AND {_IN_FLIGHT} BEGIN SELECT RAISE(IGNORE); END",
)
_POSTGRESQL = (
    f"""
CREATE OR REPLACE FUNCTION letter_in_flight() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF EXISTS (SELECT 1 FROM {_BATCHES} AS held
               WHERE OLD.id BETWEEN held.first AND held.last AND held.ids @> to_jsonb(OLD.id)) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $guard$""",  # noqa: S608
    f"CREATE OR REPLACE TRIGGER letter_in_flight_update BEFORE UPDATE OF {_GUARDED} ON {_LETTERS} "
    f"FOR EACH ROW WHEN ({_CHANGED}) EXECUTE FUNCTION letter_in_flight()",
    f"CREATE OR REPLACE TRIGGER letter_in_flight_delete BEFORE DELETE ON {_LETTERS} "
    f"FOR EACH ROW WHEN ({_GONE}) EXECUTE FUNCTION letter_in_flight()",
)
