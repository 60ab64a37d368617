"""How soon a click has its effect: start, pause, resume, kill and stop of an idle consumer.

    python -m benchmarks.lifecycle [--rounds 20]

A real supervisor runs on a scratch database. Each figure begins before the call of the service that the page's
button calls (`consumers.definitions.definitions`), and ends when the page could show the effect: the row that
tells it is in the database. Rows are looked at every 5 ms, which is part of the figures.

start   until the record of the first message, which waits in the queue: process started, connected, handled
pause   until the process says that it is paused: nothing is delivered to it any more
resume  until it says that it runs
kill    until another process, started in place of the killed one, says that it consumes
stop    until the process has ended
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import django

from benchmarks import common
from benchmarks.common import Bench, BenchmarkError
from benchmarks.databases import databases
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing
from mqadmin.stack import with_room

QUEUE = "lifecycle"
SUPERVISOR = "benchmark"
AT_MOST = {"start": 0.5, "pause": 0.5, "kill": 0.7, "stop": 1.0}  # seconds
_LOOK_SECONDS = 0.005
_WAIT_SECONDS = 60.0


class Clicks:
    """One consumer, and what is done to it in each round."""

    def __init__(self, bench: Bench) -> None:
        from consumers.definitions import definitions
        from mqadmin.core.acts.audit import Actor

        self._bench = bench
        self._by = Actor("benchmark", "shell")
        self._consumer = definitions.create(
            by=self._by, name="lifecycle", broker="default", vhost=bench.vhost, queue=QUEUE, handler="record"
        )
        self.seconds: dict[str, list[float]] = {
            name: [] for name in ("start", "pause", "resume", "kill", "stop")
        }

    def round(self) -> None:
        """Measure each act once; the consumer is stopped before and after."""
        from consumers.definitions import definitions

        handled = self._handled()
        common.fill(self._bench, [Outgoing("", QUEUE, b"{}", Properties(delivery_mode=2, message_id="m"))])
        self._measure("start", definitions.start, lambda: self._handled() > handled)
        self.until("running", lambda: self._pid_in("running") is not None)
        self._measure("pause", definitions.pause, lambda: self._pid_in("paused") is not None)
        self._measure("resume", definitions.resume, lambda: self._pid_in("running") is not None)
        pid = self._pid_in("running")
        self._measure("kill", definitions.kill, lambda: self._pid_in("running") not in (None, pid))
        self._measure("stop", definitions.stop, lambda: not self._open())

    def _measure(self, name: str, act: Callable[..., object], effect: Callable[[], bool]) -> None:
        self._consumer.refresh_from_db()
        began = time.monotonic()
        act(consumer=self._consumer, by=self._by)
        self.until(name, effect)
        self.seconds[name].append(time.monotonic() - began)

    def until(self, name: str, effect: Callable[[], bool]) -> None:
        """Wait for `effect`. Raises BenchmarkError with the states seen instead."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while not effect():
            if time.monotonic() > deadline:
                seen = list(self._consumer.processes.values_list("state", "state_reason"))
                raise BenchmarkError(f"{name} had no effect in {_WAIT_SECONDS:g} s: {seen}")
            time.sleep(_LOOK_SECONDS)

    def _handled(self) -> int:
        return self._consumer.handled.count()

    def _open(self) -> bool:
        return self._consumer.processes.filter(ended_at=None).exists()

    def _pid_in(self, state: str) -> int | None:
        rows = self._consumer.processes.filter(ended_at=None, state=state)
        return rows.values_list("pid", flat=True).first()


def measure(bench: Bench, url: str, rounds: int, fork: str) -> dict[str, list[float]]:
    """Start a supervisor on the database at `url` and return the seconds of every act."""
    environ = bench.environ(DATABASE_URL=url, MQADMIN_SUPERVISOR_ON_EXIT="stop", MQADMIN_FORK=fork)
    os.environ.update(environ)
    django.setup()
    from consumers.models import SupervisorHost

    with common.child(bench, ["manage.py", "run_supervisor", "--name", SUPERVISOR], environ) as supervisor:
        clicks = Clicks(bench)
        try:
            clicks.until("the supervisor's start", SupervisorHost.objects.exists)
            for number in range(rounds):
                clicks.round()
                last = ", ".join(f"{name} {seconds[-1]:.2f}" for name, seconds in clicks.seconds.items())
                print(f"round {number + 1}: {last}", flush=True)
        finally:
            supervisor.terminate()
            supervisor.wait(30)  # it stops its consumers first, which lead sessions of their own
    return clicks.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="How soon a click has its effect.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--fork", default="on", choices=("on", "handlers", "off"), help="as MQADMIN_FORK")
    options = parser.parse_args()
    with common.bench() as bench, databases(bench, with_postgres=False) as stores:
        common.declare(bench, QUEUE)
        seconds = measure(bench, stores.sqlite(), options.rounds, options.fork)
    rows = [
        (*common.spread(name, values, ".2f"), f"{AT_MOST[name]:.1f}" if name in AT_MOST else "")
        for name, values in seconds.items()
    ]
    print("\n" + common.table(("seconds", "median", "least", "most", "rounds", "at most"), rows) + "\n")
    medians = {f"{name}_seconds": statistics.median(values) for name, values in seconds.items()}
    common.last_line("lifecycle", medians, {}, {})


if __name__ == "__main__":
    with_room(main)()  # ours and the peers alike
