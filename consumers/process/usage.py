"""What a consumer process uses of its machine, and whether that is more memory than it may use.

Cheap enough for every two seconds: no walk over all processes, no listing of thousands of descriptors.
"""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY = 10.0  # seconds between two points
POINTS = 60  # ten minutes of them
LOOKS = 2  # so many in a row above the limit: not a peak of one message
MB = 1024 * 1024

_PROC = Path("/proc")


@dataclass(frozen=True)
class Use:
    """What is used now. `rss`: bytes, with the processes that handlers started (Linux; elsewhere without)."""

    rss: int
    cpu_percent: float  # of one core, since the look before
    threads: int
    open_files: int

    @property
    def rss_mb(self) -> float:
        return round(self.rss / MB, 1)


class Meter:
    """Looks at this process. Used from one thread.

    CPU, threads and open files are of this process alone. Memory that it shares with a process that a handler
    started counts for each of them.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._points: deque[list[float]] = deque(maxlen=POINTS)
        self._is_new = False
        self._since, self._cpu = time.monotonic(), time.process_time()

    def look(self) -> Use:
        """Return what is used now; every EVERY seconds that is a point, too."""
        use = Use(
            self._process.memory_info().rss + _rss_of_descendants(),
            self._process.cpu_percent(),
            self._process.num_threads(),
            open_files(self._process),
        )
        now, cpu = time.monotonic(), time.process_time()
        if now - self._since >= EVERY:
            share = 100 * (cpu - self._cpu) / (now - self._since)
            self._points.append([int(time.time()), round(share, 1), use.rss_mb, use.threads, use.open_files])
            self._since, self._cpu = now, cpu
            self._is_new = True
        return use

    def new_points(self) -> list[list[float]] | None:
        """Return [epoch s, CPU %, RSS MB, threads, open files] of the last ten minutes, the oldest first.

        None when there is none more than the last time.
        """
        is_new, self._is_new = self._is_new, False
        return list(self._points) if is_new else None


def open_files(process: psutil.Process) -> int:
    """Return how many descriptors this process has open: a single `stat` on Linux 6.2 and newer."""
    try:
        count = os.stat("/proc/self/fd").st_size
    except OSError:
        count = 0
    return count or process.num_fds()


def _rss_of_descendants() -> int:
    """Return the sum of RSS (bytes) of what this process started; 0 where the kernel does not list children."""
    try:  # whether there is any child at all is one call; none is waited for
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    total, waiting = 0, _children(os.getpid())
    while waiting:
        child = waiting.pop()
        try:
            total += int((_PROC / str(child) / "statm").read_bytes().split()[1]) * _PAGE
        except (OSError, IndexError):
            continue  # it ended meanwhile
        waiting += _children(child)
    return total


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        tasks = os.listdir(_PROC / str(pid) / "task")
    except OSError:
        return found
    for task in tasks:  # the kernel lists children by the thread that started them
        try:
            found += map(int, (_PROC / str(pid) / "task" / task / "children").read_bytes().split())
        except OSError:
            continue
    return found


_PAGE = os.sysconf("SC_PAGE_SIZE")


class Ceiling:
    """Says when memory stays above its limit. Used from one thread.

    A limit below what the process used at `first` is not kept: a new process would be above it, too.
    """

    def __init__(self, first: Use) -> None:
        self._first = first.rss_mb
        self._above = 0

    def useless(self, limit_mb: int) -> str:
        """Return why the limit is not kept, for a person; "" when it is."""
        if not limit_mb or self._first <= limit_mb:
            return ""
        return f"Its limit of {limit_mb} MB is not kept: it used {self._first:.0f} MB before it handled anything."

    def passed(self, use: Use, limit_mb: int) -> str:
        """Return why the process has to be replaced, for a person; "" while it need not. 0: no limit."""
        if not limit_mb or use.rss_mb <= limit_mb or self.useless(limit_mb):
            self._above = 0
            return ""
        self._above += 1
        if self._above < LOOKS:
            return ""
        return (
            f"used {use.rss_mb:.0f} MB, more than its {limit_mb} MB: it finishes what is in hand and is "
            "started anew"
        )
