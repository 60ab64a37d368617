"""What a whole installation holds in memory: `make up` above ten thousand queues, without consumers.

    python -m benchmarks.installation [--queues 10000] [--seconds 60]

All that `make up` starts but the broker, signed in to and looked at for `--seconds`: queues, overview, consumers,
letters, `/metrics`, over as many connections as the web processes have threads. Measured then is the proportional
share (PSS) of each process, which counts a page of memory that n processes share as an nth for each; their sum is
what the machine has less of.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import requests

from benchmarks import common, dashboard
from benchmarks.common import Bench, BenchmarkError
from deploy import ROOT
from mqadmin.local import ports
from mqadmin.stack import with_room

AT_MOST_MB = 350.0
PATHS = (
    "/",
    "/queues/?per=100",
    "/queues/?per=100&page=7&sort=-ready",
    "/consumers/",
    "/dead-letters/",
    "/metrics",
)
_VIEWERS = 16
_READY_S = 180.0


def measure(bench: Bench, queues: int, seconds: float) -> dict[str, float]:
    """Return megabytes by role, and their sum."""
    dashboard.declare(bench, [name for name, _busy in dashboard.names(queues, 0)])
    print(f"{queues} queues declared", flush=True)
    with _up(bench) as (runner, address, password):
        sessions = [_signed_in(address, password) for _viewer in range(_VIEWERS)]
        _wait_for(queues, sessions[0], address)
        _look(sessions, address, seconds)
        return _shares(psutil.Process(runner))


@contextlib.contextmanager
def _up(bench: Bench) -> Iterator[tuple[int, str, str]]:
    """Run `make up`; yield the pid that all hangs from, its address, and the admin's password."""
    port = ports.pick()
    environ = bench.environ(PORT=str(port), DEMO="0", DATABASE_URL="", PYTHONUNBUFFERED="1")
    log = bench.folder / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mqadmin.up.foreground"],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        ends = time.monotonic() + _READY_S
        while "mqadmin is ready" not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > ends:
                raise BenchmarkError(f"it did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.2)
        password = (Path(environ["MQADMIN_VAR"]) / "admin-password").read_text().strip()
        yield process.pid, f"http://127.0.0.1:{port}", password
    finally:
        process.terminate()
        process.wait(30)


def _signed_in(address: str, password: str) -> requests.Session:
    session = requests.Session()
    page = session.get(address, timeout=30)
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    if found is None:
        raise BenchmarkError("the page to sign in has no form")
    form = {"username": "admin", "password": password, "csrfmiddlewaretoken": found[1]}
    answer = session.post(page.url, form, headers={"Referer": page.url}, timeout=30)
    if answer.status_code != 200 or 'type="password"' in answer.text:
        raise BenchmarkError(f"signing in: {answer.status_code}")
    return session


def _wait_for(queues: int, session: requests.Session, address: str) -> None:
    """Wait until the monitor has all queues."""
    ends = time.monotonic() + _READY_S
    while True:
        lines = session.get(f"{address}/metrics", timeout=60).text.splitlines()
        known = sum(line.startswith("mqadmin_queue_messages_ready{") for line in lines)
        if known >= queues:
            return
        if time.monotonic() > ends:
            raise BenchmarkError(f"the monitor has {known} queues")
        time.sleep(1)


def _look(sessions: list[requests.Session], address: str, seconds: float) -> None:
    """Have everybody look, each at another page in turn."""
    ends, asked = time.monotonic() + seconds, Counter[int]()

    def look(number: int) -> None:
        while time.monotonic() < ends:
            path = PATHS[(number + asked.total()) % len(PATHS)]
            asked[sessions[number].get(f"{address}{path}", timeout=60).status_code] += 1
            time.sleep(1)

    threads = [threading.Thread(target=look, args=(number,)) for number in range(len(sessions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if set(asked) != {200}:
        raise BenchmarkError(f"answers: {dict(asked)}")
    print(f"{asked.total()} pages were looked at", flush=True)


def _shares(top: psutil.Process) -> dict[str, float]:
    """Return the megabytes of all below `top` by what they are."""
    found: Counter[str] = Counter()
    for process in (top, *top.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            found[_role(process.cmdline())] += process.memory_full_info().pss / 1e6
    return {**{f"{role}_mb": size for role, size in sorted(found.items())}, "sum_mb": sum(found.values())}


def _role(words: list[str]) -> str:
    line = " ".join(words)
    if "mqadmin.up." in line:
        return "runners"
    for sign, role in (
        ("gunicorn", "web"),
        ("run_monitor", "monitor"),
        (" worker", "worker"),
        (" beat", "beat"),
    ):
        if sign in line:
            return role
    return "supervisor" if "supervisor" in line else "others"


def main() -> int:
    """Measure, print a table and the line of JSON. Returns 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queues", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with common.bench() as bench:
        found = measure(bench, options.queues, options.seconds)
    for name, size in found.items():
        print(f"{name:15} {size:6.1f}")
    common.last_line("installation", found, {}, {})
    return 0


if __name__ == "__main__":
    sys.exit(with_room(main)())
