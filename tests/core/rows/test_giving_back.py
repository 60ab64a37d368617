"""SQLite's file gives back what was deleted from it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from mqadmin.core.management.commands import compact_database
from mqadmin.core.models import AuditEntry
from mqadmin.core.rows import giving_back
from mqadmin.core.rows.deleting import Steps

on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps house by itself")


def free() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.fetchall()
        cursor.execute("PRAGMA freelist_count")
        return int(cursor.fetchone()[0])


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_what_is_free_is_given_back_but_for_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(str(connection.settings_dict["NAME"]))
    AuditEntry.objects.bulk_create(
        AuditEntry(actor="a", action="a", detail={"x": "y" * 3_000}) for _ in range(500)
    )
    AuditEntry.objects.all().delete()
    held, before = free(), path.stat().st_size
    assert held > 300
    assert giving_back.give_back() == ""  # it is little

    monkeypatch.setattr(giving_back, "KEPT_SHARE", 10**9)
    monkeypatch.setattr(giving_back, "KEPT_BYTES", 100 * 4096)
    assert giving_back.give_back(Steps(60, first=20, largest=30)).endswith("given back")
    assert free() == 100
    assert path.stat().st_size == before - (held - 100) * 4096
    assert giving_back.give_back() == ""


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A connection to a file that was made without auto_vacuum, and holds something."""
    path = tmp_path / "older.sqlite3"
    with closing(sqlite3.connect(path)) as made:
        made.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    other = connection.copy()
    other.settings_dict = {**connection.settings_dict, "NAME": str(path)}
    for module in (giving_back, compact_database):
        monkeypatch.setattr(module, "connection", other)
    yield path
    other.close()


def mode(path: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(path)) as opened:
        return (
            opened.execute("PRAGMA auto_vacuum").fetchone()[0],
            opened.execute("SELECT count(*) FROM t").fetchone()[0],
        )


@on_sqlite
@pytest.mark.django_db
def test_a_file_of_before_is_converted_by_migrate_if_it_is_small(
    older: Path, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(giving_back, "CONVERTED_BYTES", 0)
    giving_back.prepare()
    assert (mode(older), "compact_database" in caplog.text) == ((0, 1), True)
    assert giving_back.give_back() == ""
    monkeypatch.undo()


@on_sqlite
@pytest.mark.django_db
def test_a_small_file_and_one_that_somebody_converts(older: Path, capsys: Any) -> None:
    giving_back.prepare()
    assert mode(older) == (2, 1)
    call_command("compact_database")
    assert "now" in capsys.readouterr().out
    assert mode(older) == (2, 1)


@on_sqlite
@pytest.mark.django_db
def test_a_file_that_somebody_holds_stays_as_it_is(older: Path, caplog: Any) -> None:
    giving_back.connection.settings_dict["OPTIONS"] = {"timeout": 0}
    with closing(sqlite3.connect(older, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        giving_back.prepare()
        assert "yet" in caplog.text
        with pytest.raises(CommandError):
            call_command("compact_database")
        holder.execute("ROLLBACK")
    assert mode(older) == (0, 1)
