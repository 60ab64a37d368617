"""Whether processes of mqadmin work on a database: by the rows in which they say so, and the connections to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.db import DatabaseError, connection
from django.utils import timezone

from mqadmin.core import hooks
from mqadmin.core.backups import postgresql, sqlite
from mqadmin.core.models import Lease

SILENT = timedelta(seconds=60)  # who was heard of within is taken to be there


def found() -> list[str]:
    """Return who works on the database of this installation, in words; [] for nobody that can be seen."""
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        if not path.exists():
            return []
        by_connection = [f"{words} has the file open" for _pid, words in sqlite.holders(path)]
    else:
        name = str(connection.settings_dict["NAME"])
        if not postgresql.exists(name):
            return []
        connection.close()  # our own would be one of them
        by_connection = [f"{words} is connected" for words in postgresql.others_connected(name)]
    said = _by_rows()
    connection.close()
    return by_connection + said


def _by_rows() -> list[str]:
    """Return who said lately that it is there. A database that cannot be read tells of nobody."""
    since = timezone.now() - SILENT
    try:
        leases = Lease.objects.filter(renewed_at__gt=since).order_by("name")
        names = [
            f"“{row.name}”, {row.holder}, was heard of {_ago(row.renewed_at)}"
            for row in leases
            if row.renewed_at
        ]
        return names + [f"{words} was heard of {_ago(at)}" for words, at in hooks.at_work(since)]
    except DatabaseError:
        return []


def _ago(at: datetime) -> str:
    seconds = (timezone.now() - at).total_seconds()
    return f"{max(0, seconds):.0f} s ago"
