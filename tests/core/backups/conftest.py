"""A database of one's own, into which a backup of the test's is restored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from mqadmin.core.backups import postgresql, restoring


@pytest.fixture
def elsewhere(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The name of a database that is not there yet, of the kind that the run is on."""
    if connection.vendor == "sqlite":
        yield str(tmp_path / "elsewhere.sqlite3")
        return
    name = f"{connection.settings_dict['NAME']}_elsewhere"
    yield name
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{name}%"])
        left = [row[0] for row in cursor.fetchall()]
    for database in left:
        postgresql.drop(database)


@pytest.fixture
def backed_up(transactional_db: None, tmp_path: Path) -> Path:
    """Where a backup of the test's database goes."""
    return tmp_path / "backup.zip"


def silent(_text: str) -> None:
    """Nobody waits."""


def restore(path: Path, name: str, *, replace: bool = False) -> restoring.Done:
    """Restore into the database of this name, as an installation does whose database it is."""
    with restoring.connected_to(name):
        return restoring.restore(path, replace=replace, say=silent)
