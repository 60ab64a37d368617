"""The file of a backup: whole or not there; whatever is wrong with one is found, and said in a sentence."""

from __future__ import annotations

import json
import stat
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from mqadmin.core.backups import checking, file
from mqadmin.core.backups.file import Manifest, Unfit
from tests.core.backups.conftest import silent

MANIFEST = Manifest(1, "0.1.0", datetime(2026, 1, 2, tzinfo=UTC), "sqlite", "3.40.1", 3, "", {}, {}, [])


def write(path: Path, database: bytes, **fields: Any) -> None:
    with file.written(path) as archive:
        size, told = file.add(archive, "database.sqlite3", BytesIO(database), is_packed=False)
        known = json.loads(MANIFEST.to_json()) | {"size": size, "sha256": told} | fields
        archive.writestr("manifest.json", json.dumps(known))


def unpacked(path: Path) -> bytes:
    target = BytesIO()
    with file.opened(path) as (archive, manifest):
        file.unpack(archive, manifest, target, silent)
    return target.getvalue()


def test_what_was_written_is_read_again_and_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    write(path, b"abc" * 1_000)
    assert unpacked(path) == b"abc" * 1_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_overwritten_not_even_what_came_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    path.write_text("mine")
    with pytest.raises(Unfit, match="nothing is overwritten"):
        write(path, b"")
    path.unlink()
    with pytest.raises(Unfit, match="nothing is overwritten"):
        _write_while_another_comes(path)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def _write_while_another_comes(path: Path) -> None:
    with file.written(path) as archive:
        archive.writestr("a", "b")
        path.write_text("mine")


def _write_and_fail(path: Path) -> None:
    with file.written(path) as archive:
        archive.writestr("a", "b" * 100)
        raise ZeroDivisionError


def test_of_one_that_fails_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(tmp_path / "b.zip")
    assert not list(tmp_path.iterdir())


def test_a_bit_that_turned_and_a_file_that_was_cut_off_are_found(tmp_path: Path) -> None:
    path, worse = tmp_path / "b.zip", tmp_path / "worse.zip"
    write(path, bytes(range(256)) * 40)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        worse.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            assert unpacked(worse) == bytes(range(256)) * 40  # a bit of what no one reads: a time, a comment
        except Unfit:
            continue
    for length in range(0, len(whole) - 1, 11):
        worse.write_bytes(whole[:length])
        with pytest.raises(Unfit):
            unpacked(worse)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"format": 2}, "newer version"),
        ({"format": "1"}, "cannot be read"),
        ({"sha256": "0" * 64}, "SHA-256"),
        ({"size": 5}, "SHA-256"),
        ({"size": -1}, "cannot be read"),
        ({"engine": "../../etc/passwd"}, "cannot be read"),
        ({"engine": "postgresql"}, "does not hold"),
        ({"taken_at": "yesterday"}, "cannot be read"),
        ({"taken_at": None}, "cannot be read"),
        ({"migrations": {"core": 7}}, "cannot be read"),
        ({"migrations": []}, "cannot be read"),
        ({"counts": {"core_lease": "many"}}, "cannot be read"),
        ({"left_out": None}, "cannot be read"),
        ({"migrations": {"core": ["9999_from_the_future"]}}, "core.9999_from_the_future is not known here"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_in_words(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    path = tmp_path / "b.zip"
    write(path, b"abc", **fields)
    with pytest.raises(Unfit, match=words):
        checking.check(path, silent)


def test_any_other_file_is_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(b"SQLite format 3\0" + bytes(1_000))
    with pytest.raises(Unfit, match="damaged, or no backup"):
        checking.check(path, silent)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "x")
    with pytest.raises(Unfit, match="no backup of mqadmin"):
        checking.check(path, silent)


def test_no_more_is_unpacked_than_the_manifest_says(tmp_path: Path) -> None:
    path, target = tmp_path / "b.zip", BytesIO()
    write(path, bytes(50_000_000), size=1_000)
    with file.opened(path) as (archive, manifest), pytest.raises(Unfit, match="SHA-256"):
        file.unpack(archive, manifest, target, silent)
    assert len(target.getvalue()) <= 1_000


def test_what_a_killed_one_left_is_removed_and_what_a_living_one_has_is_not(tmp_path: Path) -> None:
    dead, alive = tmp_path / ".mqadmin-scratch-999999999-x", tmp_path / ".mqadmin-scratch-1-x"
    dead.mkdir()
    alive.mkdir()
    with file.scratch(tmp_path) as room:
        assert room.parent == tmp_path
    assert list(tmp_path.iterdir()) == [alive]
