"""What ninety days of history take, and what a sample and a chart cost, with ten thousand queues.

    python -m benchmarks.history [--days 90] [--queues 10000] [--busy 500] [--only sqlite postgres]

The samples are those of `benchmarks.history_traffic`. What is written is written by the monitor's own recorder,
folded as the monitor does, and forgotten as the worker does.

Nothing is extrapolated: each step is really filled, for as long as it is kept and two of its spans, so that what
is too old goes while the next comes. But not each sample of ninety days is taken: a million and a half would take a
day. Those that no finer step remembers any more are taken at the coarsest step and go straight into it; the two
days before the end come each minute, as the next step has them, and are thinned from there; the last hours come
every five seconds. For that the recorder is given the steps from there on. What it stores is what it would have
stored, for values that hold for a step (`test_a_step_is_stored_alike_thinned_or_straight`); for others it stores
more: a sample differs more from the next than a mean of ten minutes does. Both are measured (`bytes_straight`,
`bytes_thinned`), and where the straight points were the smaller ones there are no figures.

gigabytes  what history holds in the end, and may hold at any time: SQLite: the file with its WAL, at its largest;
           PostgreSQL: tables, indexes, TOAST, before any VACUUM FULL
a_day_mb   what the last day but three added to it
record     one sample of five seconds, to the commit: median, and the 95th percentile; its processor time
chart      the lines of one busy queue, read and thinned for the page: the last hour, day, 90 days
memory     of the process, with all queues known to it
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import django
import psutil

from benchmarks import common
from benchmarks.databases import databases, stored
from deploy import ROOT
from mqadmin.rabbit.config import load
from mqadmin.stack import with_room

if TYPE_CHECKING:
    from benchmarks.history_traffic import Traffic
    from mqadmin.history.steps import Step

AT_MOST_GB = 2.0
_NOW = 1_900_000_200 // 86_400 * 86_400 + 43_200  # noon: the last hours are busy ones
_BROKER = "default"
_NOWHERE = {"RABBITMQ_URL": "amqp://127.0.0.1:1/", "RABBITMQ_MANAGEMENT_URL": "http://127.0.0.1:1/"}
_FORGET_S = 600  # as `beat` has it
_PROGRESS_S = 10 * 86_400


class Filling:
    """Fills the database of the environment, one step after the other, the coarsest first."""

    def __init__(self, steps: Sequence[Step], traffic: Traffic) -> None:
        self._steps = steps
        self._traffic = traffic
        self.largest = 0
        self.sizes: dict[int, int] = {}
        self.took: list[float] = []
        self.cpu: list[float] = []

    def fill(self, begins: Sequence[int], until: int) -> None:
        """Take samples from `begins` of each step on, until the next finer one's, of the finest until `until`."""
        ends = [until, *begins]
        for place in reversed(range(len(self._steps))):
            self._phase(place, begins[place], ends[place])

    def _phase(self, place: int, begin: int, end: int) -> None:
        from mqadmin.history import folding
        from mqadmin.history.recording import Recorder

        steps, every = self._steps[place:], self._steps[place].seconds
        recorder = Recorder(_BROKER, steps, gap=4 * every)
        _durable(place == 0)
        self.took, self.cpu = [], []
        for at in range(begin, end, every):
            found = self._traffic.sample(at, every)
            began, spent = time.perf_counter(), time.process_time()
            recorder.record(at, found)
            self.took.append((time.perf_counter() - began) * 1000)
            self.cpu.append((time.process_time() - spent) * 1000)
            folding.fold(_BROKER, steps, at)
            # What a coarse step forgets is a span at a time: it need not be asked each ten minutes.
            if at % max(_FORGET_S, steps[0].span // 12 // every * every) == 0:
                folding.forget(self._steps, at)
            if at % 86_400 == 0:
                self._note(at)
        self._note(end)

    def _note(self, at: int) -> None:
        size = self.sizes[at] = stored("history_")
        self.largest = max(self.largest, size)
        if at % _PROGRESS_S == 0:
            print(
                f"{(_NOW - at) / 86_400:5.1f} days to go: {size / 1e6:,.0f} MB", file=sys.stderr, flush=True
            )


def measure(queues: int, busy: int, days: int) -> dict[str, float]:
    """Record on the database of the environment; return the figures by name."""
    django.setup()
    from benchmarks.history_traffic import Traffic
    from mqadmin.history import steps

    configured = [step._replace(kept=min(step.kept, days * 86_400)) for step in steps.configured()]
    # Whole spans of the coarsest, so that no window is cut where a phase ends.
    coarsest = configured[-1].seconds
    begins = [(_NOW - step.kept - 2 * step.span) // coarsest * coarsest for step in configured]
    traffic = Traffic(queues, busy, begins[-1])
    filling = Filling(configured, traffic)
    began = time.perf_counter()
    filling.fill(begins, _NOW)
    took, cpu = filling.took, filling.cpu
    straight, thinned = _bytes(configured[-1], begins)
    if thinned > straight:
        raise common.BenchmarkError(f"thinned points take {thinned:.1f} bytes, straight ones {straight:.1f}")
    midnight = begins[-2] // 86_400 * 86_400
    return {
        "gigabytes": filling.largest / 1e9,
        "end_gigabytes": _given_back() / 1e9,
        "a_day_mb": (filling.sizes[midnight] - filling.sizes[midnight - 10 * 86_400]) / 10e6,
        "bytes_straight": straight,
        "bytes_thinned": thinned,
        "record_ms": statistics.median(took),
        "record_p95_ms": statistics.quantiles(took, n=20)[-1],
        "record_cpu_ms": statistics.median(cpu),
        **_charts(configured, traffic.busy[7]),
        "memory_mb": psutil.Process().memory_info().rss / 1e6,
        "process_s": time.process_time(),
        "took_s": time.perf_counter() - began,
    }


def _charts(configured: Sequence[Step], name: Sequence[str]) -> dict[str, float]:
    from mqadmin.history import reading

    charts = {}
    for span, seconds in (("hour", 3600), ("day", 86_400), ("days90", 90 * 86_400)):
        spent = []
        for _round in range(9):
            began = time.perf_counter()
            reading.read(_BROKER, *name, since=_NOW - seconds, until=_NOW, steps=configured, now=_NOW)
            spent.append((time.perf_counter() - began) * 1000)
        charts[f"chart_{span}_ms"] = statistics.median(spent)
    return charts


def _bytes(step: Step, begins: Sequence[int]) -> tuple[float, float]:
    """Return the bytes of a busy queue's point in the coarsest step, where it was recorded straight into it and
    where it was thinned from samples of a finer one."""
    from mqadmin.history import packing
    from mqadmin.history.models import Chunk

    chunks = Chunk.objects.filter(step=step.seconds, series__name__startswith="busy.")

    def each(rows: Any) -> float:
        found = [
            (len(data), len(packing.points(bytes(data)))) for data in rows.values_list("data", flat=True)
        ]
        return sum(size for size, _count in found) / max(1, sum(count for _size, count in found))

    finer = begins[-2]
    return (
        each(chunks.filter(start__gte=finer - 4 * step.span, start__lte=finer - step.span)),
        each(chunks.filter(start__gte=finer)),
    )


def _durable(wanted: bool) -> None:
    """Have commits on the disk, as always, or not: where nobody measures what they take."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SET synchronous_commit = {'on' if wanted else 'off'}")
        else:
            cursor.execute(f"PRAGMA synchronous = {'FULL' if wanted else 'OFF'}")


def _given_back() -> int:
    """Return the bytes that are left when what is free was given back: by closing, and by VACUUM."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM" if connection.vendor == "sqlite" else "VACUUM FULL")
    connection.close()
    return stored("history_")


def main() -> None:
    parser = argparse.ArgumentParser(description="What history takes and costs.")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--queues", type=int, default=10_000)
    parser.add_argument("--busy", type=int, default=500)
    parser.add_argument(
        "--rounds", type=int, default=1, help="taken for the sake of `make bench`; one is enough"
    )
    parser.add_argument("--only", nargs="*", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(options.queues, options.busy, options.days)))
        return
    ours: dict[str, float] = {}
    with common.scratch() as folder:
        bench = common.Bench(load(_NOWHERE)["default"], "/", folder)  # no broker is asked
        with databases(bench, with_postgres="postgres" in options.only) as stores:
            for name in options.only:
                url = stores.sqlite() if name == "sqlite" else stores.postgres_url
                found = _child(bench.environ(DATABASE_URL=url), options)
                ours |= {f"{name}_{key}": round(value, 3) for key, value in found.items()}
    table = [
        (key, f"{value:.2f}", f"{AT_MOST_GB:.0f}" if key.endswith("_gigabytes") else "")
        for key, value in ours.items()
    ]
    print("\n" + common.table(("history", "figure", "at most"), table) + "\n")
    common.last_line("history", ours, {}, {})


def _child(environ: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """Measure in a process of its own, which has one database."""
    command = [sys.executable, "-m", "benchmarks.history", "--here", "--days", str(options.days)]
    command += ["--queues", str(options.queues), "--busy", str(options.busy)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise common.BenchmarkError("recording did not succeed")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    with_room(main)()  # ours and the peers alike
