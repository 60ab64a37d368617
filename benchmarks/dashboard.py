"""How fast the pages are above ten thousand queues, 500 of them busy, on a real broker.

    python -m benchmarks.dashboard [--queues 10000] [--busy 500] [--rounds 40] [--viewers 200] [--seconds 60]
        [--only viewers]

One run: a broker, the monitor as it is always run, traffic, then pages of mqadmin and of the management API in
turn, each another. Server times are those of Django's test client, with all middleware; the viewers' are those
of the default web processes, over a socket. In the first pages by name every tenth queue is busy.

page        one of 100 rows, sorted by each column in turn, some of them filtered; beside it the management API's
            page of 100 by depth, with the columns that its own console asks for
unchanged   a refresh of the part that lives, where nothing changed since
tenth       a refresh after a sample in which a tenth of the rows changed: milliseconds, and bytes as compressed
viewers     so many browsers, each of somebody else, asking for the table and for the frame every 5 s
rows        100 rows of a list rendered, each for the first time: no query is counted
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psutil
import requests

from benchmarks import common
from benchmarks.common import Bench, BenchmarkError
from benchmarks.dashboard_first import first_load
from benchmarks.dashboard_rows import rendered
from benchmarks.dashboard_viewers import ROW, STUB, TABLE, viewers, watchers
from benchmarks.dashboard_way import way as way_to
from deploy import ROOT
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing
from mqadmin.stack import with_room

AT_MOST = {
    "page_p95_ms": 50.0,
    "unchanged_p95_ms": 15.0,
    "tenth_bytes": 12_000.0,
    "viewers_p99_ms": 500.0,
    "monitor_share": 0.15,
    "monitor_mb": 150.0,
    "metrics_ms": 150.0,
    "first_bytes": 250_000.0,
    "rows_queues_ms": 15.0,
    "rows_letters_ms": 15.0,
    "rows_records_ms": 15.0,
    "rows_consumers_ms": 15.0,
}
SORTS = (
    "health",
    "name",
    "type",
    "ready",
    "unacked",
    "total",
    "publish_rate",
    "ack_rate",
    "growth",
    "consumers",
)
FILTERS = ({}, {}, {"q": "7"}, {"show": "idle"}, {"q": "busy"})
_SAMPLE_S = 5.0


# --- queues and traffic ------------------------------------------------------------------------------------


def names(queues: int, busy: int) -> list[tuple[str, bool]]:
    """Return the queues, and whether each is busy: one in ten, as far as they go."""
    found = []
    for number in range(queues):
        is_busy = number % 10 == 3 and number // 10 < busy
        found.append((f"app.{number:05}.{'busy' if is_busy else 'still'}", is_busy))
    return found


def declare(bench: Bench, queues: Sequence[str]) -> None:
    with common.channel(bench.broker, bench.vhost) as channel:
        for name in queues:
            channel.queue_declare(name, durable=True)


def traffic(bench: Bench, busy: Sequence[str]) -> contextlib.AbstractContextManager[Any]:
    """Have messages go through `busy`, from a process of its own: threads of ours would take turns with pages."""
    given = json.dumps({"vhost": bench.vhost, "busy": busy})
    return common.child(bench, ["-m", "benchmarks.dashboard_traffic", given], bench.environ())


# --- figures -----------------------------------------------------------------------------------------------


def spent(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return what a call took in milliseconds, and its result."""
    began = time.perf_counter()
    result = function()
    return (time.perf_counter() - began) * 1000, result


def both(name: str, times: Sequence[float]) -> dict[str, float]:
    return {
        f"{name}_p50_ms": statistics.median(times),
        f"{name}_p95_ms": statistics.quantiles(times, n=20)[-1],
    }


class Person:
    """Somebody at the pages, in this process: a signed-in client that may do everything."""

    def __init__(self) -> None:
        from django.contrib.auth.models import User
        from django.test import Client

        self.user = User.objects.create_superuser("bench", "", "bench")
        self.client = Client(SERVER_NAME="localhost")
        self.client.force_login(self.user)

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={item.value}" for name, item in self.client.cookies.items())

    def ask(self, path: str, values: dict[str, Any] | None = None, **headers: str) -> Any:
        response = self.client.get(path, values, headers={"Accept-Encoding": "gzip", **headers})
        if response.status_code not in (200, 304):
            raise BenchmarkError(f"{path}: {response.status_code}")
        return response


class Refresh:
    """The table as a browser keeps it: it says what it has, and is told what is new."""

    def __init__(self, person: Person, query: dict[str, Any]) -> None:
        self._person, self._query = person, query
        self.etag, self.html = "", _text(person.ask("/queues/", query, **TABLE))

    def ask(self) -> Any:
        headers = {**TABLE, "If-None-Match": self.etag, "MQ-Rows": ",".join(self._rows())}
        response = self._person.ask("/queues/", self._query, **headers)
        self.etag = response.headers.get("ETag", self.etag)
        return response

    def take(self, response: Any) -> None:
        """Put what came in place of what was there, as the page's script does."""
        had = {found[1]: found[0] for found in ROW.finditer(self.html)}
        if response.status_code == 200:
            self.html = STUB.sub(lambda found: had[found[1]], _text(response))

    def _rows(self) -> list[str]:
        return [f"{found[1]}={found[2]}" for found in ROW.finditer(self.html)]


def _text(response: Any) -> str:
    body = response.content
    return (gzip.decompress(body) if response.get("Content-Encoding") == "gzip" else body).decode()


def pages(bench: Bench, person: Person, rounds: int) -> dict[str, float]:
    """Return times of pages of ours and of the management API, in turn; each asks for something else."""
    shapes = list(itertools.islice(itertools.cycle(itertools.product(FILTERS, SORTS)), rounds))
    session = requests.Session()
    columns = "name,vhost,type,durable,auto_delete,exclusive,arguments,policy,state,messages,messages_ready"
    columns += ",messages_unacknowledged,message_stats,effective_policy_definition,consumers,node"
    given = {"page_size": 100, "sort": "messages", "sort_reverse": "true", "columns": columns}
    url = bench.broker.management_url.rstrip("/") + "/api/queues"
    # As a process that has answered some: what is rendered again becomes a function.
    for page in range(20, 25):
        person.ask("/queues/", {"per": 100, "page": page})
        person.ask("/queues/", {"per": 100, "page": page + 5}, **{"HX-Request": "true"})
    ours, parts, theirs = [], [], []
    for number, (filters, sort) in enumerate(shapes):
        query = {**filters, "sort": f"-{sort}" if number % 2 else sort, "per": 100, "page": 1 + number % 3}
        ours.append(spent(lambda query=query: person.ask("/queues/", query))[0])
        other = {**query, "page": 4 + number % 3}  # of the same page all would be in memory
        parts.append(spent(lambda other=other: person.ask("/queues/", other, **{"HX-Request": "true"}))[0])
        took, answer = spent(
            lambda number=number: session.get(url, params={**given, "page": 1 + number % 3}, timeout=60)
        )
        answer.raise_for_status()
        theirs.append(took)
    whole, _ = spent(lambda: session.get(url, timeout=120).raise_for_status())
    return {
        **both("page", ours),
        **both("part", parts),
        **both("management", theirs),
        "management_all_ms": whole,
    }


def refreshes(person: Person, rounds: int) -> dict[str, float]:
    """Return what a refresh costs where nothing changed, and after samples in which a tenth of the rows did."""
    from mqadmin.queues.models import Broker

    shown = Refresh(person, {"sort": "name", "per": 100})
    shown.take(shown.ask())
    unchanged: list[float] = []
    changed: list[float] = []
    sizes: list[float] = []
    rows: list[float] = []
    for _round in range(max(3, rounds // 4)):
        seen = Broker.objects.get().sampled_at
        while Broker.objects.get().sampled_at == seen:
            time.sleep(0.05)
        time.sleep(0.2)
        took, response = spent(shown.ask)
        if response.status_code == 200:
            changed.append(took)
            sizes.append(len(response.content))
            rows.append(_text(response).count("<tr id=") - len(STUB.findall(_text(response))))
        shown.take(response)
        for _again in range(4):
            took, response = spent(shown.ask)
            if response.status_code == 304:
                unchanged.append(took)
            shown.take(response)
    if not unchanged or not sizes:
        raise BenchmarkError("No refresh without a change, or none with one.")
    return {
        **both("unchanged", unchanged),
        "tenth_ms": statistics.median(changed),
        "tenth_bytes": statistics.median(sizes),
        "tenth_rows": statistics.median(rows),
    }


def metrics(person: Person) -> float:
    return statistics.median(spent(lambda: person.ask("/metrics"))[0] for _ in range(5))


# --- the run -----------------------------------------------------------------------------------------------


def measure(bench: Bench, options: argparse.Namespace) -> tuple[dict[str, float], dict[str, float]]:
    """Return our figures, and those of the management API."""
    os.environ.update(bench.environ(MQADMIN_STATIC_ROOT=str(bench.folder / "var" / "collected")))
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from mqadmin.ready import make_ready

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    queues = names(options.queues, options.busy)
    took, _ = spent(lambda: declare(bench, [name for name, _busy in queues]))
    print(f"{len(queues)} queues declared in {took / 1000:.0f} s", flush=True)
    common.fill(
        bench, [Outgoing("", name, b"{}", Properties()) for name, _busy in queues[: options.queues // 4]]
    )
    busy = [name for name, is_busy in queues if is_busy]
    with traffic(bench, busy), way_to(bench.broker.management_url) as way:
        environ = {**os.environ, "RABBITMQ_MANAGEMENT_URL": way.url}
        with common.child(bench, ["manage.py", "run_monitor"], environ) as monitor:
            _sampled(options.queues)
            make_ready()  # as each web process does
            person = Person()
            found = {} if options.only == "viewers" else _alone(bench, person, monitor.pid, options)
            # As long as with viewers: some calls are once a minute.
            found["calls_alone"], _ = way.a_minute(lambda: time.sleep(options.seconds))
            with web(environ) as port:
                found["first_bytes"] = first_load(person.cookie, f"http://127.0.0.1:{port}")
                cookies = watchers(options.viewers)
                found["calls_viewed"], times = way.a_minute(lambda: viewers(port, cookies, options.seconds))
    if (
        options.only != "viewers"
    ):  # alone on the machine: what a template costs, not what the broker leaves it
        found |= {f"rows_{name}_ms": value for name, value in rendered(bench.vhost).items()}
    found["viewers_p50_ms"] = statistics.median(times)
    found["viewers_p99_ms"] = statistics.quantiles(times, n=100)[-1]
    theirs = {name: found.pop(name) for name in list(found) if name.startswith("management")}
    return found, theirs


def _alone(bench: Bench, person: Person, monitor: int, options: argparse.Namespace) -> dict[str, float]:
    """Return what one person's pages cost, and the monitor meanwhile."""
    share = Share(monitor)
    found = pages(bench, person, options.rounds)
    found |= refreshes(person, options.rounds)
    found["metrics_ms"] = metrics(person)
    return found | share.figures()


class Share:
    """What a process takes of a core, and of memory."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._began, self._cpu = time.monotonic(), self._spent()

    def _spent(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def figures(self) -> dict[str, float]:
        left = 60 - (time.monotonic() - self._began)
        time.sleep(max(0.0, left))
        share = (self._spent() - self._cpu) / (time.monotonic() - self._began)
        return {"monitor_share": share, "monitor_mb": self._process.memory_info().rss / 1e6}


def _sampled(queues: int) -> None:
    """Return once the monitor has seen all queues, and their rates: a sample or two after the first."""
    from mqadmin.queues.models import Broker, Queue

    deadline = time.monotonic() + 300
    while Queue.objects.filter(gone_at=None).count() < queues or not Queue.objects.filter(publish_rate__gt=0):
        if time.monotonic() > deadline:
            raise BenchmarkError(f"The monitor has not seen all queues: {Broker.objects.values().first()}")
        time.sleep(1)
    time.sleep(3 * _SAMPLE_S)


@contextlib.contextmanager
def web(environ: dict[str, str]) -> Iterator[int]:
    """Run the web processes as the Procfile starts them; yield their port."""
    from mqadmin.local import ports

    port = ports.pick()
    lines = (ROOT / "Procfile").read_text().splitlines()
    command = next(line.partition(":")[2] for line in lines if line.startswith("web:"))
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{environ['PATH']}"
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command}"],
        cwd=ROOT,
        env={**environ, "BIND": f"127.0.0.1:{port}", "PATH": path},
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok:
                    break
            if time.monotonic() > deadline:
                raise BenchmarkError("The web processes did not answer.")
            time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast the pages are above ten thousand queues.")
    parser.add_argument("--queues", type=int, default=10_000)
    parser.add_argument("--busy", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--viewers", type=int, default=200, help="at least 1")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", choices=["viewers"], help="leave out the pages of one person")
    options = parser.parse_args()
    with common.bench() as bench:
        show(*measure(bench, options))


def show(ours: dict[str, float], theirs: dict[str, float]) -> None:
    table = [
        (name, f"{value:,.2f}", f"{AT_MOST[name]:,.2f}" if name in AT_MOST else "")
        for name, value in ours.items()
    ]
    table += [(name, f"{value:,.2f}", "") for name, value in theirs.items()]
    print("\n" + common.table(("dashboard", "figure", "at most"), table) + "\n")
    ratio = {"management": theirs["management_p95_ms"] / ours["page_p95_ms"]} if theirs else {}
    common.last_line("dashboard", ours, theirs, ratio)


if __name__ == "__main__":
    with_room(main)()  # ours and the peers alike
