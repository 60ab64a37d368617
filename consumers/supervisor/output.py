"""What consumer processes print: one file each, bounded, so that no process ever waits for a reader."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from django.conf import settings

FILE_MAX = 4 * 1024 * 1024  # bytes; above it only the newest KEEP stay
KEEP = 512 * 1024
FILES_MAX = 500
AGE_MAX_S = 7 * 86_400
# A line of the log from when all was well is no reason for an end (settings.LOGGING has its form).
_ORDINARY = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ (DEBUG|INFO) ")


def folder() -> Path:
    """Return the folder of the output files."""
    return Path(settings.VAR_DIR) / "output"


def path(process_id: int) -> Path:
    """Return the file that holds stdout and stderr of the process with this row id."""
    return folder() / f"{process_id}.out"


def tail(process_id: int, *, lines: int = 200) -> str | None:
    """Return the newest lines (at most KEEP bytes of them), None when there is no output on this host."""
    try:
        with path(process_id).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - KEEP))
            data = file.read()
    except OSError:
        return None
    return "\n".join(data.decode("utf-8", "replace").splitlines()[-lines:])


def bound(live: set[int]) -> None:
    """Cut files that grew too big, and delete old ones of processes that are not `live`.

    The writer has the file open for appending, so it goes on at the new end; a line written in between is lost.
    """
    try:
        files = sorted(folder().glob("*.out"), key=lambda file: file.stat().st_mtime, reverse=True)
    except OSError:
        return
    for index, file in enumerate(files):
        try:
            if file.stat().st_size > FILE_MAX:
                _cut(file)
            is_old = index >= FILES_MAX or time.time() - file.stat().st_mtime > AGE_MAX_S
            if is_old and file.stem not in {str(process_id) for process_id in live}:
                file.unlink()
        except OSError:
            continue


def _cut(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(-KEEP, os.SEEK_END)
        newest = opened.read().partition(b"\n")[2]
        opened.truncate(0)
    with file.open("ab") as opened:
        opened.write(b"[earlier output was cut]\n" + newest)


def last_words(process_id: int) -> str:
    """Return the last line the process printed that may say why it ended, at most 200 characters, or ""."""
    printed = (tail(process_id, lines=5) or "").strip()
    last = printed.splitlines()[-1].strip()[:200] if printed else ""
    return "" if _ORDINARY.match(last) else last
