"""Databases with mqadmin's tables in them, for consumers that keep records."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import Bench, BenchmarkError
from benchmarks.postgres import postgres
from deploy import ROOT


@dataclass(frozen=True)
class Databases:
    """`sqlite()` is a new file each time; the PostgreSQL is one, which its consumer empties before it begins."""

    bench: Bench
    postgres_url: str

    def sqlite(self) -> str:
        """Return the DATABASE_URL of a fresh copy of the migrated file, in the place of the last."""
        for suffix in ("", "-wal", "-shm"):
            (self.bench.folder / f"run.sqlite3{suffix}").unlink(missing_ok=True)
        copy = shutil.copy(self.bench.folder / "migrated.sqlite3", self.bench.folder / "run.sqlite3")
        return f"sqlite:///{copy}"


@contextlib.contextmanager
def databases(bench: Bench, *, with_postgres: bool) -> Iterator[Databases]:
    """Prepare the databases that a benchmark needs."""
    migrate(bench, f"sqlite:///{bench.folder / 'migrated.sqlite3'}")
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres(bench.folder / "postgres")) if with_postgres else ""
        if url:
            migrate(bench, url)
        yield Databases(bench, url)


def migrate(bench: Bench, url: str) -> None:
    """Create mqadmin's tables in the database at `url`. Raises BenchmarkError."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    done = subprocess.run(
        command, cwd=ROOT, env=bench.environ(DATABASE_URL=url), stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"migrate did not succeed:\n{done.stderr}")


def stored(prefix: str) -> int:
    """Return the bytes that tables of Django's database whose names begin so take, on PostgreSQL with their indexes
    and TOAST; on SQLite the whole file and its WAL, once that is written back."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
                " WHERE relkind = 'r' AND starts_with(relname, %s)",
                [prefix],
            )
            return int(cursor.fetchone()[0])
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = Path(str(connection.settings_dict["NAME"]))
    return sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))
