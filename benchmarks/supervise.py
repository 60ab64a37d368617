"""What supervising much costs: one pass over 100 definitions and 200 processes, and the supervisor's memory.

    python -m benchmarks.supervise [--passes 50] [--consumers 100] [--replicas 2]

The processes are `sleep`, which reports nothing: the benchmark writes their heartbeats as they would. The pass,
the rows, the forks and the bookkeeping are the supervisor's own, in this process.

steady  a pass in which nothing is to be done
change  the pass after one definition was changed: one process is asked to stop, or one is started
look    the look for changes that is made between passes, five times a second
start   all processes, from the first pass until the last row is there (at most four start at a time)
tenth   the memory (PSS) of the last of ten real consumers on one queue, forked and started by themselves, once each
        has handled messages; and that of the process that they are forked from
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import django
import psutil

from benchmarks import common
from benchmarks.common import Bench, BenchmarkError
from benchmarks.databases import databases
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing
from mqadmin.stack import with_room

AT_MOST_MS, AT_MOST_MB, AT_MOST_TENTH_MB = 50.0, 80.0, 30.0
QUEUE = "ten"
_MESSAGES = 2_000
_WAIT_SECONDS = 120.0
_WARM = 5


def measure(url: str, folder: str, consumers: int, replicas: int, passes: int) -> dict[str, float]:
    """Supervise on the database at `url`; return milliseconds, seconds and megabytes by name."""
    os.environ.update(DATABASE_URL=url, MQADMIN_VAR=folder, DJANGO_SETTINGS_MODULE="mqadmin.settings")
    django.setup()
    from django.db.models import F
    from django.utils import timezone

    from consumers.models import Consumer, ConsumerProcess
    from consumers.supervisor import rows
    from consumers.supervisor.loop import Supervisor
    from consumers.supervisor.machine import spawn

    Consumer.objects.bulk_create(
        Consumer(
            name=f"c{n}", broker="default", queue="q", handler="record", desired="running", replicas=replicas
        )
        for n in range(consumers)
    )
    supervisor = Supervisor("benchmark", lambda _name, _id: ["sleep", "600"])

    def report() -> int:
        """Write what the processes would."""
        now = timezone.now()
        live = ConsumerProcess.objects.filter(ended_at=None)
        return live.update(state="running", heartbeat_at=now, subscribed_at=now, processed=F("processed") + 1)

    def timed(act: Callable[[], object]) -> float:
        began = time.perf_counter()
        act()
        return (time.perf_counter() - began) * 1000

    try:
        began = time.monotonic()
        while report() < consumers * replicas:
            supervisor.step()
        started = time.monotonic() - began
        for _ in range(_WARM):
            supervisor.step()
        steady = [timed(supervisor.step) for _ in range(passes)]
        look = [timed(rows.version) for _ in range(passes)]
        change = []
        for number in range(passes):
            consumer = Consumer.objects.filter(name=f"c{number % consumers}")
            consumer.update(desired="stopped" if number % 2 == 0 else "running")
            change.append(timed(supervisor.step))
            report()
        memory = psutil.Process().memory_info().rss / 1_000_000
    finally:
        for process in spawn.survivors("benchmark").values():
            spawn.kill(process.pid)
    return {
        "steady_ms": statistics.median(steady),
        "change_ms": statistics.median(change),
        "look_ms": statistics.median(look),
        "start_seconds": started,
        "memory_mb": memory,
    }


def tenth(bench: Bench, url: str, fork: str) -> dict[str, float]:
    """Run ten consumers under a real supervisor on the database at `url`; return megabytes by name."""
    environ = bench.environ(DATABASE_URL=url, MQADMIN_SUPERVISOR_ON_EXIT="stop", MQADMIN_FORK=fork)
    os.environ.update(environ)
    from consumers.models import Consumer, ConsumerProcess, Record, SupervisorHost

    common.declare(bench, QUEUE)
    for earlier in (ConsumerProcess, Consumer, SupervisorHost):
        earlier.objects.all().delete()
    consumer = Consumer.objects.create(
        name="ten",
        broker="default",
        vhost=bench.vhost,
        queue=QUEUE,
        handler="record",
        desired="running",
        replicas=10,
    )
    rows = ConsumerProcess.objects.filter(consumer=consumer, state="running", ended_at=None)
    with common.child(bench, ["manage.py", "run_supervisor", "--name", "ten"], environ) as supervisor:
        try:
            _until(lambda: rows.count() == 10, "ten consumers")
            body = Properties(delivery_mode=2, message_id="m")
            common.fill(bench, [Outgoing("", QUEUE, b"{}", body) for _ in range(_MESSAGES)])
            _until(lambda: Record.objects.filter(consumer=consumer).count() == _MESSAGES, "their records")
            last = rows.order_by("-pk")[0]
            found = {f"tenth_{fork}_mb": _pss(last.pid or 0)}
            for process in psutil.Process(supervisor.pid).children():
                if "are forked from this one" in " ".join(process.cmdline()):
                    found["parent_mb"] = _pss(process.pid)
            return found
        finally:
            supervisor.terminate()
            supervisor.wait(30)


def _pss(pid: int) -> float:
    """Return its proportional set size in MB: what it shares counts in parts."""
    return float(psutil.Process(pid).memory_full_info().pss) / 1_000_000


def _until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{what}: not there after {_WAIT_SECONDS:g} s")
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description="What supervising much costs.")
    parser.add_argument("--passes", type=int, default=50)
    parser.add_argument(
        "--rounds", type=int, default=1, help="taken for the sake of `make bench`; one is enough"
    )
    parser.add_argument("--consumers", type=int, default=100)
    parser.add_argument("--replicas", type=int, default=2)
    options = parser.parse_args()
    with common.bench() as bench, databases(bench, with_postgres=False) as stores:
        found = measure(
            stores.sqlite(), str(bench.folder), options.consumers, options.replicas, options.passes
        )
        for fork in ("off", "on"):
            found |= tenth(bench, os.environ["DATABASE_URL"], fork)
    at_most = {
        "steady_ms": AT_MOST_MS,
        "change_ms": AT_MOST_MS,
        "memory_mb": AT_MOST_MB,
        "tenth_on_mb": AT_MOST_TENTH_MB,
    }
    table = [
        (name, f"{value:.1f}", f"{at_most[name]:.0f}" if name in at_most else "")
        for name, value in found.items()
    ]
    print("\n" + common.table(("supervising", "median", "at most"), table) + "\n")
    common.last_line("supervise", found, {}, {})


if __name__ == "__main__":
    with_room(main)()  # ours and the peers alike
