"""What ninety days of history take, and what a sample and a chart cost, with ten thousand queues.

    python -m benchmarks.history [--days 90] [--queues 10000] [--busy 500] [--only sqlite postgres]

Samples are made up: of the busy queues every number changes at each of them, the others stand still, but a tenth of
them holds messages that wait ever longer. All but the
last two hours come every ten minutes, as they are kept then; those every five seconds, so that each step is
as full as it gets. What is written is written by the monitor's own recorder, folded and forgotten as it does.

gigabytes  what the database holds in the end (SQLite: the files; PostgreSQL: tables, indexes, TOAST)
record     one sample of five seconds, to the commit: median, and the 95th percentile
chart      the lines of one busy queue, read and thinned for the page: the last hour, day, 90 days
memory     of the process, with all queues known to it
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import django
import psutil

from benchmarks import common
from benchmarks.databases import databases
from deploy.options import ROOT

AT_MOST_GB = 2.0
_NOW = 1_900_000_000


def measure(queues: int, busy: int, days: int) -> dict[str, float]:
    """Record on the database of the environment; return the figures by name."""
    django.setup()
    from mqadmin.history import folding, reading, steps
    from mqadmin.history.kinds import coarse
    from mqadmin.history.recording import Key, Raw, Recorder

    dice = random.Random(1)
    configured = steps.configured()
    still: dict[Key, Raw] = {
        Key("queue", "/", f"still.{n}"): (n, 0, 1, 0.0, 0.0, 0.0, None, 0) for n in range(queues - busy)
    }
    waits = {name: dice.randrange(days * 86_400) for place, name in enumerate(still) if place % 10 == 0}
    first = _NOW - days * 86_400
    names = [Key("queue", "/", f"busy.{n}") for n in range(busy)]
    depth = [1000.0] * busy

    def sample(at: int) -> dict[Key, Raw]:
        found = dict(still)
        for name, waited in waits.items():
            found[name] = (*still[name][:-1], coarse(max(at - first - waited, 0)))
        for place, name in enumerate(names):
            depth[place] = max(0.0, depth[place] + dice.gauss(0, 40))
            rate = round(abs(dice.gauss(60, 8)), 2)
            numbers = (round(depth[place]), dice.randrange(50), 4, rate, rate, round(rate * 0.99, 2), 0.2)
            lag = coarse(abs(dice.gauss(40, 20)))
            found[name] = (*numbers, lag)
        return found

    def run(recorder: Recorder, seconds: int, until: int, every: int) -> list[float]:
        took = []
        for at in range(until - seconds, until, every):
            found = sample(at)
            began = time.perf_counter()
            recorder.record(at, found)
            took.append((time.perf_counter() - began) * 1000)
            folding.fold("default", configured, at)
        return took

    recent = configured[0].kept
    run(Recorder("default", configured, gap=1e9), days * 86_400 - recent, _NOW - recent, 600)
    took = run(Recorder("default", configured, gap=1e9), recent, _NOW, configured[0].seconds)
    folding.forget(configured, _NOW)
    charts = {}
    for name, seconds in (("hour", 3600), ("day", 86_400), ("days90", 90 * 86_400)):
        spent = []
        for _round in range(9):
            began = time.perf_counter()
            reading.read("default", *names[7], since=_NOW - seconds, until=_NOW, steps=configured, now=_NOW)
            spent.append((time.perf_counter() - began) * 1000)
        charts[f"chart_{name}_ms"] = statistics.median(spent)
    return {
        "gigabytes": _size() / 1e9,
        "record_ms": statistics.median(took),
        "record_p95_ms": statistics.quantiles(took, n=20)[-1],
        **charts,
        "memory_mb": psutil.Process().memory_info().rss / 1e6,
    }


def _size() -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("SELECT pg_database_size(current_database())")
            return float(cursor.fetchone()[0])
    path = Path(str(connection.settings_dict["NAME"]))
    return float(sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*")))


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
    with common.bench() as bench, databases(bench, with_postgres="postgres" in options.only) as stores:
        urls = {"sqlite": stores.sqlite(), "postgres": stores.postgres_url}
        for name in options.only:
            found = _child(bench.environ(DATABASE_URL=urls[name]), options)
            ours |= {f"{name}_{key}": round(value, 3) for key, value in found.items()}
    table = [
        (key, f"{value:.2f}", f"{AT_MOST_GB:.0f}" if key.endswith("gigabytes") else "")
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
    main()
