"""Databases with mqadmin's tables in them, for consumers that keep records."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.common import Bench, BenchmarkError
from benchmarks.postgres import postgres
from deploy.options import ROOT


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
