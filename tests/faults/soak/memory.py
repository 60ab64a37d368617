"""Whether processes stay as small as they are: their resident memory, sampled while they live."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

MB = 1024 * 1024
# SQLite keeps up to 32 MB of pages for each connection, and fills that while the database grows.
ALLOWED = 40 * MB
EVERY = 0.5  # seconds
LONG_ENOUGH = 20  # samples


@dataclass(frozen=True)
class Growth:
    """Resident bytes of one process, early and late in its life (medians of a quarter of its samples)."""

    pid: int
    early: float
    late: float
    seconds: float

    @property
    def is_flat(self) -> bool:
        return self.late - self.early < ALLOWED

    def __str__(self) -> str:
        return f"{self.early / MB:.0f} -> {self.late / MB:.0f} MB in {self.seconds:.0f} s"


class MemoryWatch:
    """Samples the processes that `processes()` returns, in a thread of its own."""

    def __init__(self, processes: Callable[[], list[psutil.Process]]) -> None:
        self._processes = processes
        self._samples: dict[int, list[tuple[float, int]]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[Growth]:
        """End sampling; return what became of those that lived long enough to tell."""
        self._over.set()
        self._thread.join(5)
        return [
            _growth(pid, samples) for pid, samples in self._samples.items() if len(samples) >= LONG_ENOUGH
        ]

    def _work(self) -> None:
        while not self._over.wait(EVERY):
            for process in self._processes():
                try:
                    rss = process.memory_info().rss
                except psutil.Error:  # it has ended
                    continue
                self._samples.setdefault(process.pid, []).append((time.monotonic(), rss))


def _growth(pid: int, samples: list[tuple[float, int]]) -> Growth:
    quarter = len(samples) // 4
    # The first quarter is the start: imports, the first pages of the database, the first connections.
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    return Growth(
        pid,
        statistics.median(rss for _at, rss in early),
        statistics.median(rss for _at, rss in late),
        samples[-1][0] - samples[0][0],
    )
