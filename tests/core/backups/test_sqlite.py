"""A copy of SQLite's file while another process writes to it; a file in the place of another."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mqadmin.core.backups import sqlite
from mqadmin.core.backups.file import Unfit
from tests.core.backups.conftest import silent
from tests.support.waiting import patient, wait_until

# Commits a number after the other, one in each table, and says each as soon as it is committed.
WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
number = 0
while True:
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO one VALUES (?, ?)", [number, "x" * 2000])
    database.execute("INSERT INTO other VALUES (?)", [number])
    database.execute("COMMIT")
    print(number, flush=True)
    number += 1
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file as mqadmin's is, of several steps."""
    path = tmp_path / "source.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE one (number INTEGER, text TEXT)")
        database.execute("CREATE TABLE other (number INTEGER)")
        database.execute("CREATE TABLE filling (data BLOB)")
        for _number in range(40):
            database.execute("INSERT INTO filling VALUES (zeroblob(1000000))")
    return path


@pytest.fixture
def said(source: Path, tmp_path: Path) -> Iterator[Path]:
    """The file in which a real writer says what is committed."""
    path = tmp_path / "said"
    with path.open("wb") as output:
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(source)], stdout=output)
    yield path
    writer.kill()
    writer.wait(patient(10))


def last(said: Path) -> int:
    lines = said.read_bytes().splitlines(keepends=True)
    whole = [line for line in lines if line.endswith(b"\n")]
    return int(whole[-1]) if whole else -1


def test_a_copy_is_of_one_moment_and_no_writer_waits_for_it(source: Path, said: Path, tmp_path: Path) -> None:
    wait_until(lambda: last(said) > 20)
    before, steps = last(said), []

    def between(_text: str) -> None:
        """The writer commits between two steps: else this never ends."""
        reached = last(said)
        wait_until(lambda: last(said) > reached, what="a commit while the copy is under way")
        steps.append(reached)

    sqlite.copy(source, tmp_path / "copy.sqlite3", between)
    assert len(steps) >= 5
    assert [path.name for path in tmp_path.glob("copy.sqlite3*")] == ["copy.sqlite3"]
    sqlite.require_whole(tmp_path / "copy.sqlite3")
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as database:
        one = [row[0] for row in database.execute("SELECT number FROM one ORDER BY rowid")]
        other = [row[0] for row in database.execute("SELECT number FROM other ORDER BY rowid")]
    assert one == other == list(range(len(one)))
    assert before < len(one) <= steps[0] + 2  # all of before it began, nothing of after its first step


def test_rows_that_are_left_out_cannot_be_read_from_the_file(source: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(source, isolation_level=None)) as database:
        database.execute("INSERT INTO one VALUES (1, 'a-session-key')")
    copied = tmp_path / "copy.sqlite3"
    sqlite.copy(source, copied, silent)
    assert b"a-session-key" in copied.read_bytes()
    sqlite.empty(copied, secret=["one", "no_such_table"], bulky=[])
    assert b"a-session-key" not in copied.read_bytes()
    assert copied.stat().st_size > 40_000_000
    sqlite.empty(copied, secret=[], bulky=["filling"])
    assert copied.stat().st_size < 100_000


def rows(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT number FROM other")]


def small(path: Path, number: int) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE other (number INTEGER)")
        database.execute("INSERT INTO other VALUES (?)", [number])
    return path


def test_the_new_file_takes_the_place_and_the_old_one_is_kept_with_its_wal(tmp_path: Path) -> None:
    target, new, kept = tmp_path / "t.sqlite3", small(tmp_path / "new", 2), tmp_path / "kept"
    # As a process that is killed leaves it: the row is in the WAL alone.
    script = (
        "import os, sqlite3, sys; d = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "d.execute('PRAGMA journal_mode=WAL'); d.execute('CREATE TABLE other (number INTEGER)');"
        "d.execute('INSERT INTO other VALUES (1)'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(target)], check=False)
    assert (tmp_path / "t.sqlite3-wal").stat().st_size > 0
    target.chmod(0o640)
    assert sqlite.put_in_place(new, target, kept) == []
    assert rows(target) == [2]
    assert rows(kept) == [1]
    assert target.stat().st_mode & 0o777 == 0o640
    assert not new.exists()


def test_a_file_that_somebody_has_open_stays_and_they_are_named(tmp_path: Path) -> None:
    target, new = small(tmp_path / "t.sqlite3", 1), small(tmp_path / "new", 2)
    script = (
        "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute('SELECT * FROM other').fetchall();"
        "print(flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(Unfit, match=rf"open in another process: .*\(pid {other.pid}\)"):
        sqlite.put_in_place(new, target, tmp_path / "kept")
    assert [pid for pid, _words in sqlite.holders(target)] == [other.pid]
    other.communicate(timeout=patient(10))
    assert rows(target) == [1]
    assert not (tmp_path / "kept").exists()


def test_a_damaged_file_is_replaced_too_and_kept_with_all_that_is_beside_it(tmp_path: Path) -> None:
    target, new, kept = tmp_path / "t.sqlite3", small(tmp_path / "new", 2), tmp_path / "kept"
    target.write_bytes(b"no database" * 1_000)
    (tmp_path / "t.sqlite3-wal").write_bytes(b"perhaps the rest")
    sqlite.put_in_place(new, target, kept)
    assert rows(target) == [2]
    assert kept.read_bytes() == b"no database" * 1_000
    assert (tmp_path / "kept-wal").read_bytes() == b"perhaps the rest"


def test_damage_is_found(source: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copy.sqlite3"
    sqlite.copy(source, copied, silent)
    with open(copied, "r+b") as handle:
        handle.seek(8192)
        handle.write(os.urandom(4096))
    with pytest.raises(Unfit, match=r"damaged|cannot read"):
        sqlite.require_whole(copied)
