"""What consumer processes print: files of a bounded size, so that no process ever waits for a reader.

A process writes into `<row id>.out`. When that is full the process itself begins a new one (`rotate`) and the old
becomes `<row id>.out.<end>`, where `end` is how many bytes it had printed by then: so every byte has a position
that stays its own. No line is lost by that. A process that does not rotate is cut by its supervisor (`bound`).
"""

from __future__ import annotations

import codecs
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

FILE_MAX = 4 * 1024 * 1024  # bytes; a fuller one becomes the older one
CUT_AT = 2 * FILE_MAX  # of one that is not rotated by its process
KEEP = 512 * 1024  # what stays of one that is cut; the most that `tail` returns
TOTAL_MAX = 200 * 1024 * 1024  # of all files together
FILES_MAX = 500  # processes whose output is kept
AGE_MAX_S = 7 * 86_400
NEWS_MAX = 64 * 1024
CHUNK = 64 * 1024
LAST_CHARS = 16_000
# A line of the log from when all was well is no reason for an end (settings.LOGGING has its form).
_ORDINARY = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ (DEBUG|INFO) ")


def folder() -> Path:
    """Return the folder of the output files."""
    return Path(settings.VAR_DIR) / "output"


def path(process_id: int) -> Path:
    """Return the file that stdout and stderr of the process with this row id go to."""
    return folder() / f"{process_id}.out"


def writer(process_id: int) -> int:
    """Return a descriptor for stdout and stderr of a process about to be started.

    Where no file can be made (disk full, read-only) it is that of /dev/null: the process must run all the same.
    """
    try:
        folder().mkdir(parents=True, exist_ok=True)
        return os.open(path(process_id), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


# --- reading ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OutputFile:
    """One file: its bytes are those from `start` on that the process has printed."""

    file: BinaryIO
    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size

    def read(self, start: int, stop: int) -> bytes:
        """Return what it has of the bytes from `start` to `stop`. May raise OSError."""
        start, stop = max(start, self.start), min(stop, self.end)
        if start >= stop:
            return b""
        self.file.seek(start - self.start)
        return self.file.read(stop - start)


@dataclass(frozen=True)
class News:
    """What was printed since a position. `skipped`: bytes before `text` that are gone or were too many."""

    text: str
    position: int  # to ask from next time
    skipped: int


def tail(process_id: int, *, lines: int = 200) -> str | None:
    """Return the newest lines (at most KEEP bytes of them), None when there is no output on this host."""
    with _parts(process_id) as parts:
        if not parts:
            return None
        begin = max(parts[0].start, parts[-1].end - KEEP)
        data = _read(parts, begin, parts[-1].end)
        if begin > parts[0].start:
            data = data.partition(b"\n")[2] or data  # not the rest of a line
    return "\n".join(_shown(data.decode("utf-8", "replace")).splitlines()[-lines:])


def last_lines(process_id: int, lines: int = 50) -> str:
    """Return the last lines it printed (at most LAST_CHARS characters), "" when there are none on this host."""
    return (tail(process_id, lines=lines) or "")[-LAST_CHARS:]


def since(process_id: int, position: int | None = None) -> News | None:
    """Return what was printed from `position` on, the newest NEWS_MAX bytes of it; None without any output.

    None as position: the newest lines. A character that is not yet complete is left for the next time.
    """
    with _parts(process_id) as parts:
        if not parts:
            return None
        end = parts[-1].end
        # A position beyond the end is of files that are gone: then what is there is new.
        wanted = 0 if position is None or position > end else max(0, position)
        begin = max(wanted, parts[0].start, end - NEWS_MAX)
        data = _read(parts, begin, end)
    if begin > wanted:  # not the rest of a line, if there is another
        rest = data.partition(b"\n")[2]
        begin, data = (begin + len(data) - len(rest), rest) if rest else (begin, data)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = _shown(decoder.decode(data))
    left = len(decoder.getstate()[0])
    return News(text, begin + len(data) - left, 0 if position is None else begin - wanted)


def stream(process_id: int) -> Iterator[bytes] | None:
    """Return all that is kept, in chunks; None when there is none on this host.

    What is printed while it is read is left out, so it always ends.
    """
    with ExitStack() as files:
        parts = _opened(process_id, files)
        if not parts:
            return None
        return _chunks(parts, files.pop_all())


def _chunks(parts: list[OutputFile], files: ExitStack) -> Iterator[bytes]:
    with files:
        for part in parts:
            for begin in range(part.start, part.end, CHUNK):
                with suppress(OSError):
                    yield part.read(begin, begin + CHUNK)


def last_words(process_id: int) -> str:
    """Return the last line the process printed that may say why it ended, at most 200 characters, or ""."""
    printed = (tail(process_id, lines=5) or "").strip()
    last = printed.splitlines()[-1].strip()[:200] if printed else ""
    return "" if _ORDINARY.match(last) else last


def _shown(text: str) -> str:
    """Return `text` as databases and pages take it: PostgreSQL refuses NUL characters."""
    return text.replace("\0", "\u2400")


def _read(parts: Iterable[OutputFile], start: int, stop: int) -> bytes:
    return b"".join(part.read(start, stop) for part in parts)


@contextmanager
def _parts(process_id: int) -> Iterator[list[OutputFile]]:
    with ExitStack() as files:
        yield _opened(process_id, files)


def _opened(process_id: int, files: ExitStack) -> list[OutputFile]:
    """Open the older files and the current one, in order. It may be rotated meanwhile: the open file counts."""
    try:
        current = files.enter_context(path(process_id).open("rb"))
        newest = os.fstat(current.fileno())
    except OSError:
        current = None
    parts = []
    for end, file in _older(process_id):
        try:
            opened = files.enter_context(file.open("rb"))
            stat = os.fstat(opened.fileno())
        except OSError:
            continue
        if current is None or not os.path.samestat(stat, newest):
            parts.append(OutputFile(opened, max(0, end - stat.st_size), stat.st_size))
    if current is not None:
        parts.append(OutputFile(current, parts[-1].end if parts else 0, newest.st_size))
    return parts


def _older(process_id: int) -> list[tuple[int, Path]]:
    """Return (end, file) of the older files, in order."""
    prefix = f"{process_id}.out."
    found = [
        (int(file.name.removeprefix(prefix)), file)
        for file in folder().glob(f"{prefix}*")
        if file.name.removeprefix(prefix).isdecimal()
    ]
    return sorted(found)


# --- bounding --------------------------------------------------------------------------------------------------


def rotate(process_id: int) -> None:
    """Begin a new file when that of this process is full. Called by the process itself, in any one thread.

    Nothing happens where stdout goes elsewhere, or no new file can be made.
    """
    current, new = path(process_id), folder() / f"{process_id}.new"
    try:
        mine = os.fstat(1)
        if mine.st_size <= FILE_MAX or not os.path.samestat(mine, current.stat()):
            return
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC, 0o640)
    except OSError:
        return
    try:
        older = _older(process_id)
        if os.path.samestat(os.fstat(2), mine):
            os.dup2(descriptor, 2)
        os.dup2(descriptor, 1)
        end = (older[-1][0] if older else 0) + current.stat().st_size
        current.rename(f"{current}.{end}")
        new.rename(current)
        for _end, file in older:
            file.unlink()
    except OSError:
        pass
    finally:
        os.close(descriptor)


def bound(live: set[int]) -> None:
    """Cut files that grew too big, delete old ones of processes that are not `live`, and keep to TOTAL_MAX.

    First those go that ended longest ago; what live processes print is shortened only when that is not enough.
    """
    kept = sorted(_processes().items(), key=lambda item: _newest(item[1]), reverse=True)
    for process_id, files in kept:
        with suppress(OSError):
            for file in files:
                if file.stat().st_size > CUT_AT:
                    _cut(process_id, KEEP) if file == path(process_id) else os.truncate(file, 0)
    ended = [(process_id, files) for process_id, files in kept if process_id not in live]
    for index, (process_id, files) in enumerate(kept):
        is_old = index >= FILES_MAX or time.time() - _newest(files) > AGE_MAX_S
        if is_old and process_id not in live:
            _delete(files)
    over = _total() - TOTAL_MAX
    while over > 0 and ended:
        over -= _delete(ended.pop()[1])
    if over > 0:
        _shorten([process_id for process_id, _files in kept if process_id in live])


def _shorten(live: list[int]) -> None:
    """Leave each live process its share: first the older files go, then the current ones are cut."""
    share = TOTAL_MAX // max(1, len(live))
    for process_id in live:
        with suppress(OSError):
            if _size([path(process_id), *(file for _end, file in _older(process_id))]) > share:
                for _end, file in _older(process_id):
                    os.truncate(file, 0)  # its name still says where the current one begins
            if path(process_id).stat().st_size > share:
                _cut(process_id, min(KEEP, share))


def _cut(process_id: int, keep: int) -> None:
    """Move the newest `keep` bytes of the current file into an older one and empty it.

    Its writer has it open for appending and goes on at the new end; a line written just in between is lost.
    """
    current, older = path(process_id), _older(process_id)
    with current.open("rb") as opened:
        opened.seek(max(0, opened.seek(0, os.SEEK_END) - keep))
        data = opened.read()
        newest = data.partition(b"\n")[2] or data  # of one long line: its end
        end = (older[-1][0] if older else 0) + opened.tell()
    os.truncate(current, 0)  # before anything is written: the disk may be full
    for _end, file in older:
        file.unlink()
    Path(f"{current}.{end}").write_bytes(newest)


def _processes() -> dict[int, list[Path]]:
    found: dict[int, list[Path]] = {}
    for file in folder().glob("*.out*"):
        number = file.name.partition(".")[0]
        if number.isdecimal():
            found.setdefault(int(number), []).append(file)
    return found


def _newest(files: Iterable[Path]) -> float:
    times = [0.0]
    for file in files:
        with suppress(OSError):
            times.append(file.stat().st_mtime)
    return max(times)


def _size(files: Iterable[Path]) -> int:
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.stat().st_size
    return total


def _total() -> int:
    return sum(map(_size, _processes().values()))


def _delete(files: Iterable[Path]) -> int:
    """Delete the files and return how many bytes they had."""
    size = _size(files)
    for file in files:
        with suppress(OSError):
            file.unlink()
    return size
