"""The file of a backup: a zip with a manifest and the database. Written under another name until it is whole."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from typing import IO, Any

import psutil

FORMAT = 1
MANIFEST = "manifest.json"
MEMBERS = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
_LARGEST_MANIFEST = 4_000_000  # bytes
_PIECE = 1 << 20

Say = Callable[[str], None]
"""Tells the person who waits, a line at a time."""


class Unfit(Exception):
    """A backup cannot be made or used, in a sentence that says what helps."""


@dataclass(frozen=True)
class Manifest:
    """What is in a backup. `size` and `sha256` are those of the database's member, as it is unpacked.

    `migrations`: names by app. `counts`: rows by table, of those that are in it; `left_out`: tables whose are not.
    """

    format: int
    mqadmin: str
    taken_at: datetime
    engine: str
    engine_version: str
    size: int
    sha256: str
    migrations: dict[str, list[str]]
    counts: dict[str, int]
    left_out: list[str]

    @property
    def member(self) -> str:
        """The name of the database within the file."""
        return MEMBERS[self.engine]

    def to_json(self) -> str:
        """Return it as the text of `manifest.json`."""
        return json.dumps({**asdict(self), "taken_at": self.taken_at.isoformat()}, indent=1)


def from_json(text: bytes) -> Manifest:
    """Read a manifest. Raises Unfit."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or not isinstance(found.get("format"), int):
            raise ValueError("no format")
        if found["format"] > FORMAT:
            raise Unfit("It was made by a newer version of mqadmin: run that one to use it.")
        found["taken_at"] = datetime.fromisoformat(found["taken_at"])
        manifest = Manifest(**{field.name: found[field.name] for field in fields(Manifest)})
        _require_types(manifest)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise Unfit(f"It is no backup of mqadmin: its {MANIFEST} cannot be read.") from None
    return manifest


def _require_types(found: Manifest) -> None:
    """Raise ValueError for what is not as `Manifest` says: the file may be anybody's."""
    texts = [found.mqadmin, found.engine_version, found.sha256, *found.left_out, *found.counts]
    names = [name for app in found.migrations.values() for name in app]
    numbers = [found.size, *found.counts.values()]
    if not all(isinstance(text, str) for text in [*texts, *names, *found.migrations]):
        raise ValueError("text")
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("number")
    if found.engine not in MEMBERS or found.taken_at.tzinfo is None:
        raise ValueError("engine")


@contextmanager
def written(path: Path) -> Iterator[zipfile.ZipFile]:
    """Yield an archive that gets the name `path` when the block ends well; else nothing is left of it.

    Readable by its owner alone, on the disk before it has its name, and never in the place of another file.
    Raises Unfit where there is one; OSError.
    """
    if path.exists():
        raise Unfit(f"{path} is there already: nothing is overwritten.")
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w+b") as handle:
            with zipfile.ZipFile(handle, "w", zipfile.ZIP_STORED) as archive:
                yield archive
            handle.flush()
            os.fsync(handle.fileno())
        _give_name(draft, path)
    except FileExistsError:
        raise Unfit(f"{path} is there already: nothing is overwritten.") from None
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def _give_name(draft: Path, path: Path) -> None:
    """Unlike a rename, a link fails where the name is taken. Some disks (FAT, shares) have none: then it is
    looked at right before. Raises FileExistsError."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(path) from None
        draft.rename(path)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def add(archive: zipfile.ZipFile, name: str, source: IO[bytes], *, is_packed: bool) -> tuple[int, str]:
    """Write all of `source` as a member; return its size and SHA-256. `is_packed`: it is compressed already."""
    told, size = hashlib.sha256(), 0
    info = zipfile.ZipInfo(name, datetime.now().timetuple()[:6])
    info.external_attr = 0o600 << 16
    info.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
    info._compresslevel = 1  # type: ignore[attr-defined]  # of what is written piece by piece there is no argument
    with archive.open(info, "w", force_zip64=True) as member:
        while piece := source.read(_PIECE):
            told.update(piece)
            size += len(piece)
            member.write(piece)
    return size, told.hexdigest()


def add_manifest(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Write the manifest: the last thing."""
    info = zipfile.ZipInfo(MANIFEST, datetime.now().timetuple()[:6])
    info.external_attr = 0o600 << 16
    archive.writestr(info, manifest.to_json())


@contextmanager
def opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Yield the archive and its manifest. Raises Unfit for what is no backup, or was cut off; OSError."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
                raise Unfit(f"{path} is no backup of mqadmin: it has no {MANIFEST}.")
            manifest = from_json(archive.read(MANIFEST))
            if sorted(names) != sorted([MANIFEST, manifest.member]):
                raise Unfit(f"{path}: it does not hold what its manifest says.")
            yield archive, manifest
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise Unfit(f"{path} is damaged, or no backup of mqadmin: {error}.") from None


def unpack(archive: zipfile.ZipFile, manifest: Manifest, target: IO[bytes] | None, say: Say) -> None:
    """Write the database to `target`, if given, and compare it with the manifest.

    Raises Unfit where it differs, as soon as there is more of it than the manifest says.
    """
    told, size, tenths = hashlib.sha256(), 0, 0
    try:
        with archive.open(manifest.member) as source:
            while piece := source.read(_PIECE):
                told.update(piece)
                size += len(piece)
                if size > manifest.size:
                    break
                if target is not None:
                    target.write(piece)
                tenths = progress("read", size, manifest.size, tenths, say)
    except (zipfile.BadZipFile, EOFError) as error:
        raise Unfit(f"The backup is damaged: {error}.") from None
    except Exception as error:  # zlib.error, and what else a packer says of bytes that are not its own
        if isinstance(error, OSError):
            raise
        raise Unfit(f"The backup is damaged: {error}.") from None
    if size != manifest.size or told.hexdigest() != manifest.sha256:
        raise Unfit(
            "The backup is damaged: its database is not the one that its manifest tells of (SHA-256)."
        )


def progress(what: str, done: int, of: int, before: int, say: Say) -> int:
    """Say how far it is at each tenth; return the tenths that are said."""
    tenths = done * 10 // max(of, 1)
    if tenths > before:
        say(f"{what} {tenths * 10} % of {of / 1e6:,.1f} MB")
    return max(tenths, before)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Yield a folder for ourselves within another. Those that killed processes left there are removed."""
    for left in folder.glob(".mqadmin-scratch-*"):
        pid = left.name.split("-")[2]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f".mqadmin-scratch-{os.getpid()}-", dir=folder))
    try:
        yield made
    finally:
        rmtree(made, ignore_errors=True)


def known_migrations(applied: Mapping[str, list[str]]) -> str:
    """Return the first migration that this version does not know, "" when it knows all."""
    from django.db.migrations.loader import MigrationLoader

    from mqadmin.core.database import FOLDED

    loader = MigrationLoader(None, ignore_no_migrations=True)
    known = {*loader.disk_migrations, *(row for m in loader.disk_migrations.values() for row in m.replaces)}
    known |= FOLDED
    ours = {app for app, _name in known}
    strange = [
        f"{app}.{name}"
        for app, names in sorted(applied.items())
        for name in names
        if app in ours and (app, name) not in known
    ]
    return strange[0] if strange else ""


def migrations_of(rows: list[Any]) -> dict[str, list[str]]:
    """Return rows of `django_migrations` (app, name) by app."""
    found: dict[str, list[str]] = {}
    for app, name in sorted(rows):
        found.setdefault(app, []).append(name)
    return found
