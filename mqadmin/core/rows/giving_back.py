"""What was deleted from SQLite's file is given back to the disk, in steps that nobody waits for.

Free pages are used again by what is written next, so a share of them is left. PostgreSQL keeps house by itself. A
file that was not made for this (`auto_vacuum`) only stops growing until `manage.py compact_database` (ADR 47).
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import Error, connection

from mqadmin import place
from mqadmin.core.rows.deleting import Steps

SECONDS = 60.0  # that one call may take
KEPT_SHARE = 20  # a twentieth of the file stays free for what comes
KEPT_BYTES = 32_000_000  # and at least so much
CONVERTED_BYTES = 200_000_000  # a file no larger is made anew by `migrate`: that takes two seconds or so
_INCREMENTAL = 2  # what PRAGMA auto_vacuum says

log = logging.getLogger("mqadmin.database")


def give_back(steps: Steps | None = None) -> str:
    """Give free pages back; return in words how much, "" where nothing is to be done. Not in a transaction."""
    if connection.vendor != "sqlite" or _pragma("auto_vacuum") != _INCREMENTAL:
        return ""
    steps = steps or Steps(SECONDS)
    page = _pragma("page_size")
    before = free = _pragma("freelist_count")
    kept = max(_pragma("page_count") // KEPT_SHARE, KEPT_BYTES // page)
    while steps.goes_on and free > kept:
        count = min(steps.size, free - kept)
        left = steps.take(lambda: _vacuum(count))  # noqa: B023  # called at once
        if left >= free:
            break
        free = left
    given = (before - free) * page
    return f"{given / 1_000_000:,.0f} MB of the database's file given back" if given > 0 else ""


def prepare(**_signal: Any) -> None:
    """Before a migrate: make a file that is new, or small, one that can give back.

    Not by what each connection begins with: SQLite would write to the file whenever one is opened.
    """
    if connection.vendor != "sqlite" or _pragma("auto_vacuum") == _INCREMENTAL or connection.in_atomic_block:
        return
    if _pragma("page_count") * _pragma("page_size") > CONVERTED_BYTES:
        log.warning(
            "The database's file does not give back what is deleted: see %s compact_database.", place.COMMAND
        )
        return
    try:
        convert()
    except Error as error:  # somebody else is at work: then next time
        log.warning("The database's file does not give back what is deleted yet: %s", error)


def convert() -> None:
    """Write the file anew, as one that can give back, without what is free in it.

    Nobody can write meanwhile, and the disk must have room for it twice more. Raises django.db.Error.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA auto_vacuum={_INCREMENTAL}")
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.fetchall()


def _vacuum(pages: int) -> int:
    """Return how many free pages are left."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA incremental_vacuum({pages:d})")
        cursor.fetchall()  # it works as long as it is asked for more
    return _pragma("freelist_count")


def _pragma(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return int(cursor.fetchone()[0])
