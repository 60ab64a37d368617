"""Whether a backup can be used: read as a whole, and compared with what it says of itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mqadmin.core.backups import file, postgresql, sqlite
from mqadmin.core.backups.file import Manifest, Say, Unfit


def check(path: Path, say: Say) -> Manifest:
    """Return the manifest of a backup in which nothing is wrong. Touches nothing of the installation, nor asks it.

    It is unpacked in the system's folder for temporary files (TMPDIR). Raises Unfit, OSError.
    """
    with unpacked(path, Path(tempfile.gettempdir()), say) as (manifest, _database):
        return manifest


@contextmanager
def unpacked(path: Path, folder: Path, say: Say) -> Iterator[tuple[Manifest, Path]]:
    """Yield the manifest and the database, unpacked and checked, in a folder that goes afterwards.

    Raises Unfit, OSError.
    """
    with file.opened(path) as (archive, manifest), file.scratch(folder) as room:
        if strange := file.known_migrations(manifest.migrations):
            raise Unfit(
                f"The backup is of a newer version of mqadmin, {manifest.mqadmin} ({strange} is not known here): "
                "run that version to use it."
            )
        database = room / manifest.member
        with database.open("xb") as handle:
            database.chmod(0o600)
            file.unpack(archive, manifest, handle, say)
        if manifest.engine == "sqlite":
            _look_into(database, manifest)
        else:
            postgresql.require_readable(database)
        yield manifest, database


def _look_into(database: Path, manifest: Manifest) -> None:
    sqlite.require_whole(database)
    counts, applied = sqlite.look(database)
    require_same(manifest, counts, file.migrations_of(applied))


def require_same(manifest: Manifest, counts: dict[str, int], migrations: dict[str, list[str]]) -> None:
    """Raise Unfit where the database is not what the manifest says."""
    if migrations != manifest.migrations:
        raise Unfit("The backup is damaged: its migrations are not those that its manifest tells of.")
    for table, count in manifest.counts.items():
        if counts.get(table) != count:
            raise Unfit(
                f"The backup is damaged: {table} has {counts.get(table, 0)} rows, its manifest tells of {count}."
            )
    for table in manifest.left_out:
        if counts.get(table):
            raise Unfit(f"The backup is not what its manifest tells: {table} has rows.")
