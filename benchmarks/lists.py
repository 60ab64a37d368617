"""How fast the lists of what a broker is made of are, with 10,000 exchanges, 2,000 policies, users, and so on.

    python -m benchmarks.lists [--rows 10000] [--connections 1000] [--rounds 24] [--only policies users]
        [--profile policies]

One run: a broker of its own (or the one that the environment names), all of it imported, connections held by a
process beside it. Then pages of each list and the management API's own in turn; and pages of 10,000 queues in the
same database, which the lists are to be as fast as. A page is 100 rows by Django's test client, each another:
first, second and later pages, by each column, some of them searched.

NAME_page       a page: wall time, median; `_p95`; `_cpu`: processor time, median
NAME_cold       the first page of a process: rows read, sorted and drawn for the first time; processor time
NAME_ask        what it takes until the broker's answer is stored, `_ask_cpu` of it ours: in the monitor, while
                somebody looks, not in a page
management_NAME a page of 100 of the management API, or its whole list where it has no pages: wall time, median
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import json
import os
import pstats
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from benchmarks import common, lists_filled, pages
from benchmarks.common import Bench, BenchmarkError
from mqadmin.rabbit.errors import RabbitError

PLUGINS = ("rabbitmq_shovel_management", "rabbitmq_federation", "rabbitmq_federation_management")
QUEUES = 10_000
PROFILED = 40  # lines
_SEEN_S = 90.0
_COLD = 5


@dataclass(frozen=True)
class Noun:
    """A list: its page, the management API's path, and a column that this sorts by ("": it is asked unsorted)."""

    page: str
    path: str
    sort: str = "name"


NOUNS = {
    "exchanges": Noun("/exchanges/", "exchanges"),
    "bindings": Noun("/bindings/", "bindings", "source"),
    "policies": Noun("/policies/", "policies"),
    "users": Noun("/users/", "users"),
    "permissions": Noun("/permissions/", "permissions", "user"),
    "topic_permissions": Noun("/permissions/topics/", "topic-permissions", "user"),
    "vhosts": Noun("/vhosts/", "vhosts"),
    "limits": Noun("/limits/", "vhost-limits", ""),
    "parameters": Noun("/parameters/", "parameters"),
    "shovels": Noun("/shovels/", "shovels"),
    "federation_upstreams": Noun("/federation/upstreams/", "parameters/federation-upstream"),
    "connections": Noun("/connections/", "connections"),
    "channels": Noun("/channels/", "channels"),
}
SEARCHES = ("", "", "7", "app", "")


class Times:
    """What calls took, in milliseconds: by the clock, and of the processor."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def of(self, function: Callable[[], Any]) -> Any:
        """Call and note what it took; return its result."""
        wall, cpu = time.perf_counter(), time.process_time()
        result = function()
        self.cpu.append((time.process_time() - cpu) * 1000)
        self.wall.append((time.perf_counter() - wall) * 1000)
        return result


def _shapes(sorts: list[str], rounds: int, first: str) -> list[dict[str, Any]]:
    """Return what is asked for: the first page as it opens, then each column up and down, searched and not."""
    wanted: list[dict[str, Any]] = [{}, {"page": 2}, {"sort": f"-{first}"}, {"q": "7"}]
    turns = itertools.product(SEARCHES, sorts, ("", "-"))
    for number, (search, sort, down) in enumerate(itertools.cycle(turns)):
        if len(wanted) >= rounds:
            break
        wanted.append({"q": search, "sort": down + sort, "page": 1 + number % 3})
    return wanted[:rounds]


class Lists:
    """The lists of one broker, beside the management API's own."""

    def __init__(self, bench: Bench, rounds: int) -> None:
        from django.contrib.auth.models import User
        from django.test import Client

        self._bench, self._rounds = bench, rounds
        self._client = Client(SERVER_NAME="localhost")
        self._client.force_login(User.objects.get(username="bench"))
        self._http = requests.Session()

    def ask(self, path: str, query: dict[str, Any] | None = None) -> Any:
        response = self._client.get(path, query, headers={"Accept-Encoding": "gzip"})
        if response.status_code != 200:
            raise BenchmarkError(f"{path} {query}: {response.status_code}")
        return response

    def queues(self) -> dict[str, float]:
        """Return the figures of the page of queues, each time by another column."""
        from mqadmin.queues.models import Queue
        from mqadmin.queues.pages.listing import SORTS

        times = Times()
        for number, query in enumerate(_shapes(list(SORTS), self._rounds, "name")):
            Queue.objects.filter(name="app.09999.still").update(policy=str(number))  # nothing is known by it
            times.of(lambda query=query: self.ask("/queues/", {"per": 100, **query}))
        return _page_figures("queues", times)

    def figures(self, name: str) -> tuple[dict[str, float], float]:
        """Return the figures of a list, and what the management API's own takes."""
        from mqadmin.administration.listing import asking, kinds, reading

        noun, kind = NOUNS[name], kinds.kind(name)
        if kind is None:
            raise BenchmarkError(f"There is no list of {name}.")
        asked = Times()
        listing = asked.of(lambda: asking.ask(asking.find("default", kind), kind, after=0))
        if listing.error or not listing.count:
            raise BenchmarkError(f"{name}: {listing.error or 'no rows'}")
        cold = Times()
        for _round in range(_COLD):
            _forget()
            self._fresh(name)
            cold.of(lambda: self.ask(noun.page))
        if self.ask(noun.page).content.count(b"x") == 0 or not reading.look("default", kind).is_known:
            raise BenchmarkError(f"{name}: nothing was shown")
        times, theirs = Times(), Times()
        _forget()
        for query in _shapes(list(kind.sorts), self._rounds, kind.default_sort.removeprefix("-")):
            self._fresh(name)
            times.of(lambda query=query: self.ask(noun.page, query))
            theirs.of(lambda: self._management(noun))
        found = {
            f"{name}_rows": float(listing.count),
            **_page_figures(name, times),
            f"{name}_cold": statistics.median(cold.cpu),
            f"{name}_ask": asked.wall[0],
            f"{name}_ask_cpu": asked.cpu[0],
        }
        return found, statistics.median(theirs.wall)

    def profile(self, name: str) -> None:
        """Print where the time of a list goes."""
        profile = cProfile.Profile()
        profile.runcall(self.figures, name)
        pstats.Stats(profile).sort_stats("tottime").print_stats(PROFILED)
        pstats.Stats(profile).sort_stats("cumulative").print_stats(2 * PROFILED)

    def _fresh(self, name: str) -> None:
        """Have the list be as new as the monitor keeps it, which asks for it while somebody looks."""
        from django.utils import timezone

        from mqadmin.administration.models import Listing

        Listing.objects.filter(kind=name).update(asked_at=timezone.now())

    def _management(self, noun: Noun) -> None:
        base = self._bench.broker.management_url.rstrip("/")
        asked = {"page": 1, "page_size": 100} | ({"sort": noun.sort} if noun.sort else {})
        self._http.get(f"{base}/api/{noun.path}", params=asked, timeout=120).raise_for_status()


def _forget() -> None:
    """Have nothing in memory, as a process that has just begun."""
    from mqadmin.administration.listing import tables
    from mqadmin.core.pages import rows_seen

    rows_seen.forget()
    tables.forget()


def _page_figures(name: str, times: Times) -> dict[str, float]:
    return {
        f"{name}_page": statistics.median(times.wall),
        f"{name}_page_p95": statistics.quantiles(times.wall, n=20)[-1],
        f"{name}_page_cpu": statistics.median(times.cpu),
    }


# --- the run -----------------------------------------------------------------------------------------------


def measure(bench: Bench, options: argparse.Namespace) -> tuple[dict[str, float], dict[str, float]]:
    """Return our figures, and the management API's."""
    os.environ.update(bench.environ(MQADMIN_STATIC_ROOT=str(bench.folder / "var" / "collected")))
    import django

    django.setup()
    from django.core.management import call_command

    from mqadmin.ready import make_ready

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    lists_filled.fill(bench.broker, bench.vhost, options.rows)
    pages.fill(QUEUES, 500)
    make_ready()  # as each web process does
    held = {"vhost": bench.vhost, "connections": options.connections, "queues": max(1, options.rows // 50)}
    given = ["-m", "benchmarks.lists_filled", json.dumps(held)]
    with common.child(bench, given, bench.environ()) as clients:
        if clients.stdout is None or clients.stdout.readline().strip() != "ready":
            raise BenchmarkError(f"The connections were not opened.\n{common.errors(bench)}")
        lists = Lists(bench, options.rounds)
        _await_statistics(bench, options.connections)
        if options.profile:
            lists.profile(options.profile)
            return {}, {}
        ours, theirs = lists.queues(), {}
        for name in options.only or NOUNS:
            found, theirs[f"management_{name}"] = lists.figures(name)
            ours |= found
            print(name, *(f"{value:,.0f}" for value in found.values()), flush=True)
        return ours, theirs


def _await_statistics(bench: Bench, connections: int) -> None:
    """Return once the management API knows of all connections: it learns of them every 5 s."""
    url = f"{bench.broker.management_url.rstrip('/')}/api/connections?page=1&page_size=1"
    deadline = time.monotonic() + _SEEN_S
    while requests.get(url, timeout=30).json()["total_count"] < connections:
        if time.monotonic() > deadline:
            raise BenchmarkError("The management API has not seen all connections.")
        time.sleep(1)


def show(ours: dict[str, float], theirs: dict[str, float], names: list[str]) -> None:
    kinds = ("rows", "page", "page_p95", "page_cpu", "cold", "ask", "ask_cpu")
    rows = [
        (
            name,
            *(f"{ours[f'{name}_{kind}']:,.0f}" if f"{name}_{kind}" in ours else "" for kind in kinds),
            f"{theirs[f'management_{name}']:,.0f}" if f"management_{name}" in theirs else "",
        )
        for name in ("queues", *names)
    ]
    print("\n" + common.table(("list, ms", *kinds, "management API"), rows) + "\n")
    ratio = {name: theirs[f"management_{name}"] / ours[f"{name}_page"] for name in names}
    common.last_line("lists", ours, theirs, ratio)


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast lists are of what a broker has by the thousand.")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--only", nargs="*", choices=list(NOUNS), default=[])
    parser.add_argument(
        "--profile", choices=list(NOUNS), help="the list of which to show where its time goes"
    )
    options = parser.parse_args()
    is_done = False
    try:
        with common.bench(PLUGINS) as bench:
            ours, theirs = measure(bench, options)
            if ours:
                show(ours, theirs, options.only or list(NOUNS))
            is_done = True
    except RabbitError:
        if not is_done:  # else: to delete ten thousand exchanges takes the broker longer than a call may
            raise


if __name__ == "__main__":
    main()
