"""What the monitor costs above a hundred thousand queues, as many as no broker of one machine serves.

    python -m benchmarks.many [--queues 100000] [--real 1000] [--busy 50] [--seconds 120] [--pages 10]

A real broker has `--real` queues, `--busy` of them with traffic. Between it and the monitor stands a server that
hands its answers on, but those that list queues or bindings: in these each queue stands as often as it takes to
make `--queues` of them, all but its name as the broker told it. So every twentieth queue is busy, lengths and
counters are those of real traffic, and the monitor, its database and the page are as they always are.

sample_s      one sample, from the first call to the last row: median, and the longest
cpu_s         processor time of the monitor for one sample, whatever else it does meanwhile included
share         of a core
mb, peak_mb   resident memory, at the end and at the most; `private_mb`: what no other process shares (PSS)
rows          rows written by one sample: median, and by the first
first_s       from the start of the monitor until all queues are in the database
calls_s       seconds between two lists
page          the list of queues, 100 rows, by several sorts, by Django's test client: milliseconds
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import statistics
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import requests

from benchmarks import common
from benchmarks.common import Bench, BenchmarkError
from mqadmin.stack import with_room

_FIRST_S = 300.0
_TOOK = re.compile(
    r"Sample\(queues=(\d+), written=(\d+), gone=(\d+), asked=([\d.]+), judged=([\d.]+), wrote=([\d.]+)"
)


# --- the broker, enlarged ----------------------------------------------------------------------------------


class Enlarged(ThreadingHTTPServer):
    """The way to a management API; what it lists of queues comes `copies` times. For use as a context manager."""

    daemon_threads = True

    def __init__(self, url: str, copies: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        parts = urlsplit(url)
        self.base = f"http://{parts.hostname}:{parts.port}"
        self.user = parts.netloc.rpartition("@")[0]
        self.copies = copies
        self.lists: list[float] = []  # when the queues were listed

    @property
    def url(self) -> str:
        return f"http://{self.user}@127.0.0.1:{self.server_port}/"

    def __enter__(self) -> Enlarged:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Enlarged

    def do_GET(self) -> None:
        headers = {"Authorization": self.headers["Authorization"]}
        answer = requests.get(self.server.base + self.path, headers=headers, timeout=60)
        body, kind = answer.content, urlsplit(self.path).path.rsplit("/", 1)[-1]
        if answer.ok and kind == "queues":
            self.server.lists.append(time.monotonic())
            body = enlarged(body, self.server.copies, ("name",))
        elif answer.ok and kind == "bindings":
            body = enlarged(body, self.server.copies, ("destination", "routing_key"))
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        self.send_header("Date", answer.headers.get("Date", ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Nobody reads that."""


def enlarged(body: bytes, copies: int, names: tuple[str, ...]) -> bytes:
    """Return a list with each of its entries so many times, a number before what is called `names`."""
    found = []
    for item in json.loads(body):
        marked = {**item, **{name: f"\0{item[name]}" for name in names}}
        text = json.dumps(marked, separators=(",", ":"))
        found += [text.replace("\\u0000", f"{copy:04}." if copy else "") for copy in range(copies)]
    return f"[{','.join(found)}]".encode()


# --- figures -----------------------------------------------------------------------------------------------


class Cost:
    """What a process takes of a core and of memory, from now on."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._began, self._cpu = time.monotonic(), self._spent()

    def _spent(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def share(self) -> float:
        return (self._spent() - self._cpu) / (time.monotonic() - self._began)

    def memory(self) -> dict[str, float]:
        memory = self._process.memory_full_info()
        status = Path(f"/proc/{self._process.pid}/status")
        found = {"mb": memory.rss / 1e6, "private_mb": memory.pss / 1e6}
        if status.exists():
            peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            found["peak_mb"] = int(peak.split()[1]) * 1024 / 1e6
        return found


def samples(bench: Bench) -> list[dict[str, float]]:
    """Return what the monitor said of its samples."""
    text = (bench.folder / "errors.log").read_text(errors="replace")
    found = []
    for match in _TOOK.finditer(text):
        queues, written, _gone, *times = (float(part) for part in match.groups())
        asked, judged, wrote = times
        found.append({"queues": queues, "rows": written, "asked": asked, "judged": judged, "wrote": wrote})
    return found


def page_times(rounds: int) -> list[float]:
    """Return the milliseconds that pages of 100 queues took, each sorted otherwise."""
    from benchmarks.dashboard import SORTS, Person, spent

    person = Person()
    person.ask("/queues/", {"per": 100})
    queries = [
        {"per": 100, "page": 1 + place % 3, "sort": SORTS[place % len(SORTS)]} for place in range(rounds)
    ]
    return [spent(lambda query=query: person.ask("/queues/", query))[0] for query in queries]


# --- the run -----------------------------------------------------------------------------------------------


def measure(bench: Bench, options: argparse.Namespace) -> dict[str, float]:
    from benchmarks.dashboard import declare, traffic

    os.environ.update(bench.environ(MQADMIN_STATIC_ROOT=str(bench.folder / "var" / "collected")))
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    every = max(1, options.real // max(1, options.busy))
    queues = [(f"app.{place:05}", place % every == every // 2) for place in range(options.real)]
    busy = [name for name, is_busy in queues if is_busy][: options.busy]
    declare(bench, [name for name, _busy in queues])
    common.fill(bench, _letters([name for name, _busy in queues[: options.real // 4]]))
    copies = -(-options.queues // options.real)
    with traffic(bench, busy), Enlarged(bench.broker.management_url, copies) as way:
        environ = {**os.environ, "RABBITMQ_MANAGEMENT_URL": way.url, "MQADMIN_LOG_LEVEL": "DEBUG"}
        began = time.monotonic()
        with _monitor(bench, environ) as pid:
            _all_there(copies * options.real)
            first = time.monotonic() - began
            _until(lambda: len(samples(bench)) >= 4, "The monitor does not go on.")
            before = len(samples(bench))
            lists, cost = len(way.lists), Cost(pid)
            time.sleep(options.seconds)
            share, seen = cost.share(), samples(bench)
            spans = [
                late - early for early, late in zip(way.lists[lists:], way.lists[lists + 1 :], strict=False)
            ]
            times = page_times(options.pages) if options.pages else []
            return _figures(seen, before, share * options.seconds, spans, times) | {
                "first_s": first,
                "share": share,
                **cost.memory(),
            }


def _figures(
    seen: list[dict[str, float]], before: int, cpu: float, spans: list[float], times: list[float]
) -> dict[str, float]:
    now = seen[before:]
    if not now or not spans:
        raise BenchmarkError("The monitor took no sample: give it more --seconds.")
    took = [one["asked"] + one["judged"] + one["wrote"] for one in now]
    found = {
        "queues": now[-1]["queues"],
        "samples": len(now),
        "sample_s": statistics.median(took),
        "sample_max_s": max(took),
        **{f"{part}_s": statistics.median(one[part] for one in now) for part in ("asked", "judged", "wrote")},
        "cpu_s": cpu / len(now),
        "rows": statistics.median(one["rows"] for one in now),
        "rows_first": seen[0]["rows"],
        "calls_s": statistics.median(spans),
    }
    if len(times) > 1:
        found |= {"page_p50_ms": statistics.median(times), "page_max_ms": max(times)}
    return found


def _letters(names: list[str]) -> list[Any]:
    from mqadmin.rabbit.message import Properties
    from mqadmin.rabbit.publishing.publisher import Outgoing

    return [Outgoing("", name, b"{}", Properties()) for name in names]


@contextlib.contextmanager
def _monitor(bench: Bench, environ: dict[str, str]) -> Iterator[int]:
    with common.child(bench, ["manage.py", "run_monitor"], environ) as process:
        yield process.pid


def _all_there(queues: int) -> None:
    from mqadmin.queues.models import Queue

    _until(lambda: Queue.objects.filter(gone_at=None).count() >= queues, "Not all queues came.")
    _until(lambda: Queue.objects.filter(publish_rate__gt=0).exists(), "No rate came.")


def _until(holds: Any, fault: str) -> None:
    deadline = time.monotonic() + _FIRST_S
    while not holds():
        if time.monotonic() > deadline:
            raise BenchmarkError(fault)
        time.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the monitor costs above very many queues.")
    parser.add_argument("--queues", type=int, default=100_000)
    parser.add_argument("--real", type=int, default=1_000, help="queues of the broker behind")
    parser.add_argument("--busy", type=int, default=50, help="of the real ones")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--pages", type=int, default=10)
    options = parser.parse_args()
    with common.bench() as bench:
        ours = measure(bench, options)
    table = [(name, f"{value:,.3f}") for name, value in ours.items()]
    print("\n" + common.table(("many", "figure"), table) + "\n")
    common.last_line("many", ours, {}, {})


if __name__ == "__main__":
    with_room(main)()  # ours and the peers alike
