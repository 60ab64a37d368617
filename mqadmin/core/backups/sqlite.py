"""SQLite: a copy of the file while everybody writes, a copy looked at, a copy put in the place of the file.

The copy is made in steps within one read transaction. Without it SQLite would begin anew whenever another process
writes between two steps; with it, it is the database as of one moment, and in WAL mode no writer waits for it
(https://sqlite.org/backup.html, https://sqlite.org/isolation.html). The WAL grows meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mqadmin.core.backups.file import Say, Unfit, progress, sync_folder

STEP_PAGES = 2_000  # 8 MB at SQLite's page of 4 kB
_BESIDE = ("-wal", "-shm", "-journal")


def copy(source: Path, target: Path, say: Say) -> datetime:
    """Write the database as it is now to the new file `target`, without a WAL beside it; return that moment.

    Raises sqlite3.Error, OSError.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        closing(_read_only(source)) as reader,
        closing(sqlite3.connect(target, isolation_level=None)) as writer,
    ):
        reader.execute("BEGIN")
        reader.execute(
            "SELECT count(*) FROM sqlite_master"
        ).fetchone()  # the snapshot begins with the first read
        moment = datetime.now(UTC)
        page = reader.execute("PRAGMA page_size").fetchone()[0]
        tenths = 0

        def step(_status: int, remaining: int, total: int) -> None:
            nonlocal tenths
            tenths = progress("copied", (total - remaining) * page, total * page, tenths, say)

        reader.backup(writer, pages=STEP_PAGES, progress=step, sleep=0)
        reader.execute("ROLLBACK")
        writer.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    return moment


def empty(path: Path, *, secret: Sequence[str], bulky: Sequence[str]) -> None:
    """Take all rows of these tables out of a copy, which is no good where that fails.

    What was in `secret` cannot be read from what is free in the file; of what was in `bulky` it gets smaller.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys=OFF")
        database.execute("PRAGMA journal_mode=OFF")
        there = tables_of(database)
        for zeroed, tables in (("ON", secret), ("OFF", bulky)):
            database.execute(f"PRAGMA secure_delete={zeroed}")
            for table in there & set(tables):
                database.execute(f"DELETE FROM {_quoted(table)}")  # noqa: S608
        if bulky:
            database.execute("VACUUM")


def look(path: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return how many rows each table of a copy has, and its rows of `django_migrations`. Raises Unfit."""
    with _telling(), closing(_read_only(path)) as database:
        tables = tables_of(database)
        if "django_migrations" not in tables:
            raise Unfit("It has no tables of mqadmin.")
        counts = {
            table: int(database.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0])  # noqa: S608
            for table in sorted(tables)
        }
        applied = database.execute("SELECT app, name FROM django_migrations").fetchall()
    return counts, applied


def tables_of(database: sqlite3.Connection) -> set[str]:
    """Return its tables, but for SQLite's own and those within the full-text index."""
    rows = database.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%'"
        " ESCAPE '\\'"
    )
    return {row[0] for row in rows}


def require_whole(path: Path) -> None:
    """Have SQLite read all of a copy and compare its indexes. Raises Unfit with its first words."""
    with _telling(), closing(_read_only(path)) as database:
        said = [row[0] for row in database.execute("PRAGMA integrity_check(3)")]
    if said != ["ok"]:
        raise Unfit(f"SQLite says that the database in it is damaged: {' '.join(said)[:300]}")


def has_tables(path: Path) -> bool:
    """Whether there is a database with anything in it, or a file that cannot be told."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    try:
        with closing(_read_only(path)) as database:
            return bool(tables_of(database))
    except sqlite3.Error:
        return True


def put_in_place(new: Path, target: Path, kept: Path | None) -> list[int]:
    """Give the file `new` the name `target`, in one step; what had it is `kept` beside it under that name.

    Nobody else may have `target` open: that is looked at by a lock that is held until the step is done. Returns the
    processes that opened it in these moments all the same, and wait for that lock: theirs is the old database.
    Raises Unfit where somebody has it open; OSError.
    """
    _single_file(new)
    if not target.exists():
        _owned_like(new, target.parent.stat())
        _leave_nothing_beside(target)
        new.rename(target)
        sync_folder(target.parent)
        return []
    new.chmod(target.stat().st_mode & 0o777)
    _owned_like(new, target.stat())
    assert kept is not None
    with _alone(target) as is_readable:
        if kept.exists():
            raise Unfit(f"{kept} is there already: nothing is overwritten.")
        if not is_readable:  # what is beside a damaged file may be what is missing in it
            for end in _BESIDE:
                if _with(target, end).exists():
                    _with(target, end).rename(_with(kept, end))
        os.link(target, kept)
        _leave_nothing_beside(target)
        new.rename(target)
        sync_folder(target.parent)
        return [pid for pid, _words in holders(kept)]


def _single_file(path: Path) -> None:
    """Take a WAL into the file, and the file to the disk."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        database.execute("PRAGMA journal_mode=DELETE").fetchall()
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _leave_nothing_beside(target: Path) -> None:
    """A WAL of another database beside the new one would be read into it."""
    for end in _BESIDE:
        _with(target, end).unlink(missing_ok=True)


def _owned_like(new: Path, known: os.stat_result) -> None:
    """Root may restore what another user runs."""
    if os.geteuid() == 0:
        os.chown(new, known.st_uid, known.st_gid)


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Hold the file's lock against everybody, with the WAL taken into it; yield whether it can be read at all.

    Raises Unfit where somebody has it open.
    """
    database = sqlite3.connect(path, timeout=0, isolation_level=None)
    is_readable = True
    try:
        try:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("PRAGMA journal_mode=DELETE").fetchall()
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            who = "; ".join(words for _pid, words in holders(path)) or "which one cannot be seen by this user"
            raise Unfit(f"{path} is open in another process: {who}. Stop all of mqadmin's first.") from None
        except sqlite3.DatabaseError:  # damaged: nobody can work with it
            is_readable = False
        yield is_readable
    finally:
        database.close()


def holders(path: Path) -> list[tuple[int, str]]:
    """Return the other processes that have the file open, and what each is: Linux, as far as we may see."""
    try:
        wanted = path.stat()
    except FileNotFoundError:
        return []
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) == os.getpid():
            continue
        try:
            if any(_is(wanted, link) for link in (folder / "fd").iterdir()):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                found.append((int(folder.name), f"{line[:120]} (pid {folder.name})"))
        except OSError:  # it has ended, or is another user's
            continue
    return sorted(found)


def _is(wanted: os.stat_result, link: Path) -> bool:
    try:
        return os.path.samestat(wanted, link.stat())
    except OSError:
        return False


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=20, isolation_level=None)


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise Unfit(f"SQLite cannot read the database in it: {error}.") from None


def _with(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
