"""Put a backup in the place of the database: all of it, at one moment, or nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from mqadmin.core import database
from mqadmin.core.access import telling
from mqadmin.core.backups import at_work, checking, file, postgresql, sqlite, standing_down
from mqadmin.core.backups.file import Manifest, Say, Unfit

_ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True)
class Done:
    """`kept`: what the database of before is called now, "" where there was none. `lines`: what was switched off.

    `late`: processes that opened the database of before in the moment of the change: they work on that one.
    """

    manifest: Manifest
    kept: str
    lines: list[str]
    late: list[int]


def restore(path: Path, *, replace: bool, say: Say) -> Done:
    """Restore the backup `path`. Killed at any moment, the database is the old one or the restored one.

    `replace`: the target may have data, which is kept beside it under another name.
    Raises Unfit, before anything was changed; OSError, django.db.Error likewise.
    """
    with file.opened(path) as (_archive, manifest):
        _require_same_engine(manifest)
    _require_nobody()
    if connection.vendor == "sqlite":
        return _into_sqlite(path, replace, say)
    return _into_postgresql(path, replace, say)


def _require_same_engine(manifest: Manifest) -> None:
    if manifest.engine != connection.vendor:
        raise Unfit(
            f"The backup is of {_ENGINES[manifest.engine]}, and DATABASE_URL names {_ENGINES[connection.vendor]}: "
            "a backup is restored into the kind of database that it was taken from."
        )


def _require_nobody() -> None:
    """Raise Unfit where processes of this installation are at work."""
    if who := at_work.found():
        raise Unfit(
            f"Processes of mqadmin work on {database.place().removeprefix('The ')}: {'; '.join(who[:10])}"
            f"{'; and others' if len(who) > 10 else ''}. Stop them all first: web, monitor, worker, beat, "
            "supervisors and consumers, on every host. Who ended just now counts as there for a minute."
        )


def _into_sqlite(path: Path, replace: bool, say: Say) -> Done:
    target = Path(str(connection.settings_dict["NAME"]))
    if not target.parent.is_dir():
        raise Unfit(f"There is no folder {target.parent}: make it, or correct DATABASE_URL or MQADMIN_VAR.")
    if sqlite.has_tables(target) and not replace:
        raise Unfit(_has_data(f"{target}", f"{_beside(target.name)}"))
    there = target.exists()
    kept = target.with_name(_beside(target.name)) if there else None
    with checking.unpacked(path, target.parent, say) as (manifest, new):
        with connected_to(str(new)):
            lines = _make_ready(manifest, path, str(kept or ""), say)
        late = sqlite.put_in_place(new, target, kept)
    return Done(manifest, str(kept or ""), lines, late)


def _into_postgresql(path: Path, replace: bool, say: Say) -> Done:
    postgresql.require_programs()
    target = str(connection.settings_dict["NAME"])
    there = postgresql.exists(target)
    kept = _beside(target)[:63] if there else ""
    if there and not replace and _has_rows():
        raise Unfit(_has_data(f"The database {target}", kept))
    new = f"{target[:40]}_restoring_{datetime.now(UTC):%Y%m%d%H%M%S}"
    with checking.unpacked(path, Path(tempfile.gettempdir()), say) as (manifest, dumped):
        postgresql.create(new)
        try:
            say("filling a new database with pg_restore")
            postgresql.fill(dumped, new)
            with connected_to(new):
                counts, applied = postgresql.counted()
                checking.require_same(manifest, counts, file.migrations_of(applied))
                lines = _make_ready(manifest, path, kept, say)
            connection.close()
            _require_nobody()
            postgresql.put_in_place(new, target, kept)
        except BaseException:
            postgresql.drop(new)
            raise
    return Done(manifest, kept, lines, [])


def _has_rows() -> bool:
    """Whether the database has tables."""
    try:
        return bool(connection.introspection.table_names())
    finally:
        connection.close()


def _has_data(what: str, kept: str) -> str:
    return (
        f"{what} has data. With --replace the backup takes its place, and what is there now is kept beside it as "
        f"{kept.partition('.before-')[0]}.before-TIME."
    )


def _beside(name: str) -> str:
    return f"{name}.before-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"


def _make_ready(manifest: Manifest, path: Path, kept: str, say: Say) -> list[str]:
    """Bring the restored database, connected now, to this version, and have nothing in it go on by itself."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say(f"migrating it from mqadmin {manifest.mqadmin}")
        call_command("migrate", interactive=False, verbosity=0)
    say("having nothing in it go on by itself")
    detail = {"file": path.name, "sha256": manifest.sha256, "kept": kept, **telling.shell()}
    return standing_down.stand_down(taken_at=manifest.taken_at, by=telling.SHELL, detail=detail)


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """Have all that asks the database of this thread ask another one of the same kind."""
    before = connections["default"]
    other = before.copy()
    other.settings_dict["NAME"] = name
    connections["default"] = other
    try:
        yield
    finally:
        other.close()
        connections["default"] = before
