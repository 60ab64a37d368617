"""What pages cost in processor time, above ten thousand queues in a database of their own: no broker, no monitor.

    python -m benchmarks.pages [--queues 10000] [--busy 500] [--rounds 15] [--profile queues]

For work on one page: a run takes half a minute, and what else a machine does counts little. Whether pages are fast
enough is told by `benchmarks.dashboard`. Medians in milliseconds; the reads of a page are in it, what the database
does in processes of its own is not.

page        100 queues, each time by another column, some of them filtered; `kept`: its rows drawn before
overview    the whole page; `live`: the part that lives; `frame`: what every page asks for beside
metrics     of all queues
rows        100 rows of a list, each for the first time
judged      ten thousand queues judged as in a sample: a tenth of them new numbers
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import os
import pstats
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from benchmarks import common
from mqadmin.stack import with_room
from tests.support.broker import NOWHERE

PROFILED = 30  # lines


def queues(count: int, busy: int) -> Iterator[dict[str, Any]]:
    """Yield the fields of each queue; one in ten is busy as far as they go, and of these one in four in trouble."""
    now = int(time.time())
    minute = now // 60
    for number in range(count):
        is_busy = number % 10 == 3 and number // 10 < busy
        found: dict[str, Any] = {
            "name": f"app.{number:05}.{'busy' if is_busy else 'still'}",
            "ready": number % 7 * 13 if is_busy else 0,
            "unacked": number % 5 if is_busy else 0,
            "consumers": 2 if is_busy else 0,
            "publish_rate": 12.4 + number % 9 if is_busy else 0.0,
            "deliver_rate": 12.1 if is_busy else 0.0,
            "ack_rate": 11.9 + number % 8 if is_busy else 0.0,
            "memory": 14_000 + number,
            "node": "rabbit@bench",
            "state": "running",
            "arguments": {"x-dead-letter-exchange": "dlx"} if number % 3 else {},
            "health": "ok" if is_busy else "idle",
            "health_rank": 1 if is_busy else 0,
            "health_reasons": [
                {"code": "idle", "level": "idle", "params": {}, "since": now - 9_000 - number}
            ],
            "history": [[minute - 59 + at, (number + at * at) % 40] for at in range(60)] if is_busy else [],
        }
        found["total"] = found["ready"] + found["unacked"]
        if is_busy:
            found |= _verdict(number, found, now)
        yield found


def _verdict(number: int, found: dict[str, Any], now: int) -> dict[str, Any]:
    if number // 10 % 4:
        return {"health_reasons": [], "oldest_at": now - 4 if found["ready"] else None, "clears_in": 3.5}
    level, rank = (("broken", 3), ("watch", 2))[number // 10 % 8 == 4]
    reason = {"code": "no_consumers", "level": level, "params": {"waiting": 17, "had": 2}, "since": now - 900}
    return {
        "health": level,
        "health_rank": rank,
        "health_reasons": [reason],
        "oldest_at": now - 900,
        "clears_in": 1e12,
    }


def fill(count: int, busy: int) -> None:
    """Store a broker as it was sampled just now, and its queues."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from mqadmin.queues.models import Broker, Queue

    User.objects.create_superuser("bench", "", "bench")
    now = timezone.now() + timedelta(minutes=10)  # fresh for as long as this runs
    totals = {"ready": 17_000, "unacked": 400, "publish_rate": 512.5, "ack_rate": 508.1}
    line = [[int(time.time()) - 5 * at, float(at % 17)] for at in range(720, 0, -1)]
    node = {"name": "rabbit@bench", "running": True}
    broker = Broker.objects.create(
        slug="default",
        reachable=True,
        version="4.0.5",
        totals=totals,
        nodes=[node],
        history=dict.fromkeys(totals, line),
        queue_count=count,
        tried_at=now,
        sampled_at=now,
    )
    Queue.objects.bulk_create(
        (Queue(broker=broker, vhost="/", changed_at=now, **found) for found in queues(count, busy)),
        batch_size=500,
    )


def spent(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return what a call took of the processor in milliseconds, and its result."""
    began = time.process_time()
    result = function()
    return (time.process_time() - began) * 1000, result


def _asked(path: str) -> Callable[..., Any]:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="bench"))

    def ask(query: dict[str, Any] | None = None, **headers: str) -> Any:
        response = client.get(path, query, headers={"Accept-Encoding": "gzip", **headers})
        if response.status_code != 200:
            raise common.BenchmarkError(f"{path}: {response.status_code}")
        return response

    return ask


def measured(rounds: int) -> dict[str, Callable[[], list[float]]]:
    """Return by name what may be measured."""
    from mqadmin.core.pages import rows_seen
    from mqadmin.queues.models import Queue
    from mqadmin.queues.pages.listing import SORTS

    filters = ({}, {}, {"q": "7"}, {"show": "idle"}, {"q": "busy"})
    shapes = list(itertools.islice(itertools.cycle(itertools.product(filters, SORTS)), rounds))

    def table(*, cold: bool) -> list[float]:
        ask, times = _asked("/queues/"), []
        for number, (wanted, sort) in enumerate(shapes):
            query = {**wanted, "sort": f"-{sort}" if number % 2 else sort, "per": 100, "page": 1 + number % 3}
            if not cold:
                ask(query)
            else:
                rows_seen.forget()
            Queue.objects.filter(name="app.09999.still").update(policy=str(number))  # nothing is known by it
            times.append(spent(lambda query=query: ask(query))[0])
        return times

    def again(path: str, **headers: str) -> list[float]:
        ask = _asked(path)
        ask(**headers)
        return [spent(lambda: ask(**headers))[0] for _round in range(rounds)]

    return {
        "page_cold": lambda: table(cold=True),
        "page_kept": lambda: table(cold=False),
        "overview": lambda: again("/"),
        "overview_live": lambda: again("/", **{"HX-Request": "true"}),
        "frame": lambda: again("/live/?at=queues", **{"HX-Request": "true"}),
        "metrics": lambda: again("/metrics"),
        "judged": lambda: judged(rounds),
    }


def judged(rounds: int) -> list[float]:
    """Return what a sample's verdicts take."""
    from mqadmin.queues.monitor.observing import NOWHERE as NO_ROUTE
    from mqadmin.queues.monitor.observing import Surroundings
    from mqadmin.queues.monitor.queue_row import Known, update
    from mqadmin.rabbit.types import QueueInfo

    now, known = time.time(), [Known() for _number in range(10_000)]

    def infos(at: int) -> list[QueueInfo]:
        return [
            QueueInfo(
                vhost="/",
                name=f"app.{number:05}",
                type="classic",
                ready=number % 7 * at if number % 10 == 3 else 0,
                unacked=0,
                total=number % 7 * at if number % 10 == 3 else 0,
                consumers=1,
                publish_rate=2.5 if number % 10 == 3 else 0.0,
                ack_rate=2.4 if number % 10 == 3 else 0.0,
                memory=14_000,
                node="rabbit@bench",
                state="running",
                published=at * 10 if number % 10 == 3 else 4,
                left=at * 9 if number % 10 == 3 else 4,
            )
            for number in range(10_000)
        ]

    times = []
    for at in range(rounds):
        seen, around = infos(at), Surroundings(now=now + 5 * at, before=now + 5 * at - 5 if at else None)
        took, _ = spent(
            lambda seen=seen, around=around: [
                update(one, info, NO_ROUTE, False, around) for one, info in zip(known, seen, strict=True)
            ]
        )
        times.append(took)
    return times[3:]


def run(options: argparse.Namespace) -> dict[str, float]:
    """Return all figures, or profile one."""
    from django.core.management import call_command

    from benchmarks.dashboard_rows import rendered

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    fill(options.queues, options.busy)
    known = measured(options.rounds)
    if options.profile:
        known[options.profile]()
        profile = cProfile.Profile()
        profile.runcall(known[options.profile])
        pstats.Stats(profile).sort_stats("tottime").print_stats(PROFILED)
        pstats.Stats(profile).sort_stats("cumulative").print_stats(2 * PROFILED)
        return {}
    rows = {f"rows_{name}": value for name, value in rendered("/", time.process_time).items()}
    found = {name: statistics.median(measure()) for name, measure in known.items()}
    return found | rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description="What pages cost above ten thousand queues, without a broker."
    )
    parser.add_argument("--queues", type=int, default=10_000)
    parser.add_argument("--busy", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--profile", help="the figure of which to show where it comes from")
    options = parser.parse_args()
    with common.scratch() as folder:
        names = {"MQADMIN_VAR": str(folder / "var"), "MQADMIN_STATIC_ROOT": str(folder / "static")}
        os.environ.update(NOWHERE, **names, MQADMIN_LOG_LEVEL="WARNING", DATABASE_URL="")
        os.environ["DJANGO_SETTINGS_MODULE"] = "mqadmin.settings"
        import django

        django.setup()
        found = run(options)
    if found:
        print(common.table(("page", "ms"), [(name, f"{value:,.1f}") for name, value in found.items()]))


if __name__ == "__main__":
    with_room(main)()  # ours and the peers alike
