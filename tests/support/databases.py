"""The tests' database: migrated once for all workers of a run, and soon empty again after a test.

Django would migrate it in each worker, which takes as long as a hundred tests, and would make all permissions,
content types and roles anew after each test that commits, which takes longer than most of these tests.
"""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.core.management.color import no_style
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import setup_databases, teardown_databases

from mqadmin.deadletters.search import fulltext, tally

# What every migrate makes. A test may change it: then it is made anew, as Django does it after each.
_KEPT = ("django_content_type", "auth_permission", "auth_group", "auth_group_permissions")


@contextmanager
def prepared(folder: Path) -> Iterator[None]:
    """Set the test database of this process up, a copy of the one that another made first; remove it at the end.

    `folder`: that of the run, which its workers share.
    """
    with _alone(folder):
        copied = _copy(folder)
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"}, keepdb=copied)
        if not copied:
            _keep_a_copy(folder)
    with _emptied_soon():
        yield
    with _alone(folder):
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        teardown_databases(made, verbosity=0, keepdb=True)
        if connection.vendor != "sqlite":  # a thread or a process of a test may still be there
            _maintain(f"DROP DATABASE {name} WITH (FORCE)")
        if not copied:
            _remove_copy(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with open(folder / "database.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _name() -> str:
    name: str = connection.creation._get_test_db_name()
    return name


def _migrated(folder: Path) -> Path:
    """The migrated database on SQLite; on PostgreSQL an empty file that says that it is there."""
    return folder / "migrated"


def _template(folder: Path) -> str:
    """The migrated database's name on PostgreSQL: others' runs may be on the same server."""
    return connection.ops.quote_name(f"migrated_{folder.name}")


def _copy(folder: Path) -> bool:
    """Make the test database from the migrated one; return False where there is none yet."""
    if not _migrated(folder).exists():
        return False
    if connection.vendor == "sqlite":
        shutil.copyfile(_migrated(folder), _name())
    else:
        name = connection.ops.quote_name(_name())
        _maintain(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE {_template(folder)}")
    return True


def _keep_a_copy(folder: Path) -> None:
    name = connection.settings_dict["NAME"]
    connection.close()
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(name)) as source, closing(sqlite3.connect(_migrated(folder))) as target:
            source.backup(target)
    else:
        _maintain(f"CREATE DATABASE {_template(folder)} TEMPLATE {connection.ops.quote_name(name)}")
        _migrated(folder).touch()


def _remove_copy(folder: Path) -> None:
    if connection.vendor != "sqlite":
        _maintain(f"DROP DATABASE {_template(folder)}")
    _migrated(folder).unlink()


def _maintain(*statements: str) -> None:
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def _emptied_soon() -> Iterator[None]:
    """Empty only the tables that hold something, and leave what every migrate makes as long as it is unchanged."""
    by_django = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    made = _made_by_migrate()

    def teardown(self: Any) -> None:
        nonlocal made
        if self.available_apps is None and not self.serialized_rollback and _made_by_migrate() == made:
            _empty()
        else:
            by_django(self)
            made = _made_by_migrate()

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]
    yield
    TransactionTestCase._fixture_teardown = by_django  # type: ignore[attr-defined]


def _made_by_migrate() -> list[Any]:
    with connection.cursor() as cursor:
        rows = []
        for table in _KEPT:
            cursor.execute(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608
            rows.append(cursor.fetchall())
    return rows


def _empty() -> None:
    present = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [table for table in present if table not in _KEPT]
    asked = ", ".join(f"EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})" for table in tables)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}")
        filled = [table for table, holds in zip(tables, cursor.fetchone(), strict=True) if holds]
    # On PostgreSQL those that refer to them are emptied with them: none of those that are kept does.
    cascade = connection.vendor != "sqlite"
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), filled, allow_cascade=cascade))
    tally.install()
    fulltext.install()
