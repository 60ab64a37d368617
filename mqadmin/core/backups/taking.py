"""Make a backup of the database while it runs."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from shutil import disk_usage

from django.conf import settings
from django.db import connection

import mqadmin
from mqadmin.core import hooks
from mqadmin.core.backups import file, postgresql, sqlite
from mqadmin.core.backups.file import FORMAT, Manifest, Say, Unfit

# A session is as good as a password while it lasts, so nobody is signed in by a backup.
NEVER = ("django_session",)


def default_path() -> Path:
    """Return a name for a backup that is made now, in `backups` in MQADMIN_VAR."""
    return Path(settings.VAR_DIR) / "backups" / f"mqadmin-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.zip"


def take(path: Path, *, with_records: bool, say: Say) -> Manifest:
    """Write a backup of the database to the new file `path`. Raises Unfit, OSError, django.db.Error."""
    path = path.absolute()
    if path.exists():
        raise Unfit(f"{path} is there already: nothing is overwritten.")
    if path.parent == default_path().parent:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.parent.is_dir():
        raise Unfit(f"There is no folder {path.parent}.")
    left_out = [*NEVER, *([] if with_records else hooks.bulky_tables())]
    if connection.vendor == "sqlite":
        return _of_sqlite(path, left_out, say)
    return _of_postgresql(path, left_out, say)


def _of_sqlite(path: Path, left_out: list[str], say: Say) -> Manifest:
    source = Path(str(connection.settings_dict["NAME"]))
    _require_room(source, path.parent)
    with file.scratch(path.parent) as folder:
        copied = folder / "copy.sqlite3"
        try:
            moment = sqlite.copy(source, copied, say)
            sqlite.empty(copied, secret=NEVER, bulky=[name for name in left_out if name not in NEVER])
        except sqlite3.Error as error:
            raise Unfit(f"{source}: {error}.") from None
        sqlite.require_whole(copied)
        counts, applied = sqlite.look(copied)
        say("packing")
        with file.written(path) as archive:
            with copied.open("rb") as handle:
                size, told = file.add(archive, file.MEMBERS["sqlite"], handle, is_packed=False)
            manifest = Manifest(
                FORMAT,
                mqadmin.__version__,
                moment,
                "sqlite",
                sqlite3.sqlite_version,
                size,
                told,
                file.migrations_of(applied),
                {table: count for table, count in counts.items() if table not in left_out},
                sorted(left_out),
            )
            file.add_manifest(archive, manifest)
    return manifest


def _require_room(source: Path, folder: Path) -> None:
    """Raise Unfit where the copy, and itself packed, might not fit on the disk."""
    needed, free = source.stat().st_size * 2, disk_usage(folder).free
    if free < needed:
        raise Unfit(
            f"{folder} has room for {free / 1e6:,.0f} MB; a backup may need {needed / 1e6:,.0f} MB meanwhile. "
            "Name a file on another disk."
        )


def _of_postgresql(path: Path, left_out: list[str], say: Say) -> Manifest:
    postgresql.require_programs()
    with postgresql.snapshot() as (moment, name, counts, applied), file.written(path) as archive:
        left = [table for table in counts if table in left_out]
        with postgresql.dump(name, left, say) as pipe:
            size, told = file.add(archive, file.MEMBERS["postgresql"], pipe, is_packed=True)
        manifest = Manifest(
            FORMAT,
            mqadmin.__version__,
            moment,
            "postgresql",
            postgresql.server_version(),
            size,
            told,
            file.migrations_of(applied),
            {table: count for table, count in counts.items() if table not in left},
            sorted(left),
        )
        file.add_manifest(archive, manifest)
    return manifest
