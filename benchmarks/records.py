"""How quick records of consumers are found among very many, and what their retention costs who writes meanwhile.

    python -m benchmarks.records [--rows 20000000] [--old 10000000] [--only sqlite postgres] [--no-retention]

The records of 28 days, of which the first are too old, are made by the database itself, in the tables of the
migrations; on PostgreSQL in parts, a day each. Then Django's test client asks for pages as a browser does, and for
the API's; every request differs. Then a process commits groups of records as fast as it can, as a consumer's
committer does, and retention is called as one day after the other becomes too old.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.common import Bench
from benchmarks.databases import stored
from benchmarks.inbox import Ask, Clock, load_config, targets
from deploy import ROOT
from mqadmin.stack import with_room

AT_MOST_MS = 150.0
DAYS = 28
CONSUMERS = 20
_GROUP = 100  # records of one commit: the prefetch of a busy consumer
_SECONDS = 7_200.0
_LEAST_SECONDS = 5.0  # between two calls of retention
_CALL_SECONDS = 10.0  # one call has for a kind of rows; a minute outside of here
# {g}: the row's number from 0; {at}: when it began.
_ROW = """
    1 + {g} % {consumers}, 1, 'orders.' || ({g} % {consumers}), 'shop', 'orders.created', 'm-' || {g}, false, 1,
    {at}, 1.5, 12.0, 250, NULL,
    CASE {g} % 1000 WHEN 7 THEN 'dead_lettered' WHEN 8 THEN 'retried' ELSE 'acked' END,
    CASE WHEN {g} % 1000 = 7 THEN 'to orders.dlq' ELSE '' END,
    CASE WHEN {g} % 1000 IN (7, 8) THEN 'shop.errors.Declined' ELSE '' END,
    CASE WHEN {g} % 1000 IN (7, 8) THEN 'card ' || {g} || ' was declined' ELSE '' END, '', NULL, NULL,
    NULL, false, NULL
"""
_COLUMNS = (
    "consumer_id, process_id, queue, exchange, routing_key, message_id, redelivered, attempt, started_at,"
    " duration_ms, waited_ms, size, log, outcome, detail, error_type, error, traceback, properties, headers, body,"
    " body_truncated, ack_lost"
)


# --- the records -------------------------------------------------------------------------------------------


def fill(rows: int) -> None:
    """Store `rows` records, the newest of now."""
    from django.db import connection
    from django.utils import timezone

    from consumers.models import Consumer

    for number in range(CONSUMERS):
        name = {"name": f"orders-{number}", "queue": f"orders.{number}"}
        Consumer.objects.create(broker="default", handler="sleep", **name)
    if connection.vendor == "postgresql":
        _fill_parts(rows)
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = %s", ["consumers_record"]
        )
        indexes = [(name, sql) for name, sql in cursor.fetchall() if sql]
        for name, _sql in indexes:  # built once they are quicker
            cursor.execute(f'DROP INDEX "{name}"')
        at = f"{timezone.now().timestamp()} - ({rows} - g) * {DAYS * 86_400 / rows}"
        row = _ROW.format(g="g", at=f"strftime('%Y-%m-%d %H:%M:%f', {at}, 'unixepoch')", consumers=CONSUMERS)
        for first in range(0, rows, 1_000_000):
            last = min(rows, first + 1_000_000) - 1
            cursor.execute(
                f"WITH RECURSIVE n(g) AS (SELECT {first} UNION ALL SELECT g + 1 FROM n WHERE g < {last}) "  # noqa: S608
                f"INSERT INTO consumers_record ({_COLUMNS}) SELECT {row} FROM n"
            )
        for _name, sql in indexes:
            cursor.execute(sql)
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _fill_parts(rows: int) -> None:
    """A part for each day, filled before it is attached, which makes its indexes."""
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from consumers.records import parts

    now, a_day = timezone.now(), rows // DAYS
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for part in parts.all_parts():
            cursor.execute(f"DROP TABLE {part.name}")
        for day in range(DAYS):
            began, name = now - timedelta(days=DAYS - day), f"{parts.TABLE}_p{day}"
            first, last = day * parts.SPAN, (day + 1) * parts.SPAN
            at = f"TIMESTAMPTZ '{began.isoformat()}' + (g - {day * a_day}) * INTERVAL '1 day' / {a_day}"
            cursor.execute(f"CREATE TABLE {name} (LIKE {parts.TABLE})")
            cursor.execute(
                f"INSERT INTO {name} (id, {_COLUMNS}) "  # noqa: S608
                f"SELECT {first} + 1 + g - {day * a_day}, {_ROW.format(g='g', at=at, consumers=CONSUMERS)} "
                f"FROM generate_series({day * a_day}::bigint, {(day + 1) * a_day - 1}::bigint) g"
            )
            for check in ("attempt", "size"):
                cursor.execute(
                    f"ALTER TABLE {name} ADD CONSTRAINT {parts.TABLE}_{check}_check CHECK ({check} >= 0)"
                )
            bound = f"FROM ({first if day else 'MINVALUE'}) TO ({last})"
            cursor.execute(f"ALTER TABLE {parts.TABLE} ATTACH PARTITION {name} FOR VALUES {bound}")
            cursor.execute(f"COMMENT ON TABLE {name} IS 'since {began.isoformat()}'")
            cursor.execute(f"VACUUM ANALYZE {name}")
        cursor.execute(f"SELECT setval('{parts.TABLE}_id_seq', {(DAYS - 1) * parts.SPAN + a_day + 1}, false)")
    parts.make_ahead()


# --- the requests ------------------------------------------------------------------------------------------


def asked(rows: int, requests: int) -> dict[str, Ask]:
    """Return for each figure what its request number n asks for: (address, parameters)."""
    from consumers.models import Record

    ids = Record.objects.order_by("id").values_list("id", flat=True)
    deep = []
    step = rows // (requests + 10)
    for number in range(requests + 10):  # by number of the message: its id tells where it stands
        found = (
            Record.objects.filter(message_id=f"m-{5 + number * step}").values_list("id", flat=True).first()
        )
        deep.append(found or ids.last())

    def page(n: int) -> str:
        return f"/consumers/orders-{n % CONSUMERS}/records/"

    def api(n: int, **given: Any) -> tuple[str, dict[str, Any]]:
        return "/api/v1/records", {"count": "false", "limit": 50 + n, **given}

    return {
        "first_page": lambda n: (page(n), {}),
        "deep_page": lambda n: (page(n), {"before": deep[n]}),
        "outcome": lambda n: (page(7 + n % 2), {"outcome": ("dead_lettered", "retried")[n % 2]}),
        "outcome_deep": lambda n: (page(8), {"outcome": "retried", "before": deep[n]}),
        "outcome_none": lambda n: (page(n), {"outcome": "timed_out"}),
        "ack_lost_none": lambda n: (page(n), {"outcome": "ack_lost"}),
        "message_id": lambda n: api(n, message_id=f"m-{n * step + 11}"),
        "message_id_none": lambda n: api(n, message_id=f"x-{n}"),
        "text_id": lambda n: (page((n * step) % CONSUMERS), {"q": f"m-{n * step}"}),
        "text_some": lambda n: (page(7), {"q": f"{n % 10}7 was declined"}),
        "text_none": lambda n: (page(n), {"q": f"nothing like {n}"}),
        "api_first": api,
        "api_outcome": lambda n: api(n, outcome="dead_lettered"),
        "api_outcome_none": lambda n: api(n, outcome="timed_out"),
        "api_outcome_text": lambda n: api(n, outcome="dead_lettered", q=f"nothing like {n}"),
        "api_since": lambda n: api(n, consumer=f"orders-{n % CONSUMERS}", since=_ago(n), until=_ago(n - 1)),
        "one": lambda n: (f"/consumers/records/{deep[n]}/", {}),
    }


def _ago(number: int) -> str:
    from datetime import timedelta

    from django.utils import timezone

    return (timezone.now() - timedelta(hours=5 + 13 * number)).isoformat()


def pages(given: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own: fill the database that DATABASE_URL names if it is empty, and ask."""
    _setup()
    from django.conf import settings

    from consumers.models import Record

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    found: dict[str, Any] = {}
    if not Record.objects.exists():
        began = time.monotonic()
        fill(given["rows"])
        found["fill_seconds"] = time.monotonic() - began
    if not given["requests"]:
        return found
    clock = Clock()
    for name, ask in asked(given["rows"], given["requests"]).items():
        found |= {f"{name}_{key}": value for key, value in clock.figures(ask, given["requests"]).items()}
    return found


# --- retention ---------------------------------------------------------------------------------------------


def write(given: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own: commit groups as a consumer does, until told to end; a line for each second."""
    _setup()
    import pika
    from pika.spec import Basic

    from consumers.models import Consumer
    from consumers.process.record_sink import RecordSink
    from consumers.runtime.api import Delivery
    from consumers.runtime.outcome import Handled
    from tests.support.consumers import make_process

    consumer = Consumer.objects.get(name="orders-1")
    sink = RecordSink(consumer, make_process(consumer).pk)
    end = Path(given["end"])
    number, second, count = 0, int(time.time()), 0
    while not end.exists():
        group = []
        for _ in range(_GROUP):
            number += 1
            delivery = Delivery(
                Basic.Deliver("tag", number, False, "shop", "orders.created"),
                pika.BasicProperties(message_id=f"w-{number}"),
                b"x" * 250,
                queue="orders.1",
                consumer="orders-1",
                generation=1,
            )
            group.append(Handled(delivery, "acked", time.time(), 0.001))
        sink.commit(group)
        now = int(time.time())
        count += _GROUP
        if now != second:
            print(now, count, flush=True)
            second, count = now, 0
    return {"written": number}


def forget(given: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own: let one day after the other become too old, and call retention each time.

    Return when each call began and ended (epoch seconds), and what all of them did.
    """
    _setup()
    from django.conf import settings

    from consumers.records import retention
    from mqadmin.core.rows import giving_back

    settings.MQADMIN_RECORDS_MAX = 10**12
    retention.DELETING = giving_back.SECONDS = given["seconds"]
    calls, deleted, cpu = [], 0, time.process_time()
    for number in range(1, given["calls"] + 1):
        time.sleep(_LEAST_SECONDS)
        settings.MQADMIN_RECORDS_DAYS = DAYS - given["days"] * number / given["calls"]
        began = time.time()
        said = retention.delete_old()
        giving_back.give_back()
        calls.append((began, time.time()))
        deleted += int(said.split()[0]) if said else 0
    time.sleep(_LEAST_SECONDS)
    return {"calls": calls, "deleted": deleted, "cpu": time.process_time() - cpu}


def size(_given: dict[str, Any]) -> dict[str, Any]:
    _setup()
    return {"bytes": stored("consumers_record")}


def _setup() -> None:
    import django

    django.setup()


def retention(bench: Bench, environ: dict[str, str], given: dict[str, Any]) -> dict[str, float]:
    """Return what retention took of who wrote meanwhile, and what it gave back. Rates are medians of seconds."""
    before = common.run(bench, "benchmarks.records", {"act": "size"}, environ)["bytes"]
    with _writing(bench, environ) as lines:
        told = common.run(bench, "benchmarks.records", {"act": "forget", **given}, environ, timeout=_SECONDS)
    after = common.run(bench, "benchmarks.records", {"act": "size"}, environ)["bytes"]
    rates = [tuple(map(int, line.split())) for line in lines() if line[:1].isdigit()][3:-3]
    beside, alone = [], []
    for ended, count in rates:  # `count` were written in the second before `ended`
        touched = any(ended - 1 <= end and began <= ended for began, end in told["calls"])
        (beside if touched else alone).append(count)
    return {
        "deleted": told["deleted"],
        "written": sum(count for _ended, count in rates),
        "retention_s": sum(end - began for began, end in told["calls"]),
        "retention_cpu_s": told["cpu"],
        "alone_per_second": statistics.median(alone),
        "beside_per_second": statistics.median(beside),
        "loss": 1 - statistics.median(beside) / statistics.median(alone),
        "before_mb": before / 1e6,
        "after_mb": after / 1e6,
    }


@contextmanager
def _writing(bench: Bench, environ: dict[str, str]) -> Iterator[Any]:
    end, said = bench.folder / "end", bench.folder / "said"
    end.unlink(missing_ok=True)
    orders = json.dumps({"act": "write", "end": str(end)})
    with said.open("w") as out, (bench.folder / "writer.log").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.records", orders],
            cwd=ROOT,
            env=environ,
            stdout=out,
            stderr=errors,
        )
        try:
            yield lambda: said.read_text().splitlines()
        finally:
            end.touch()
            if process.wait(60):
                raise common.BenchmarkError((bench.folder / "writer.log").read_text()[-2_000:])


# --- the run -----------------------------------------------------------------------------------------------


def report(name: str, found: dict[str, float]) -> None:
    keys = [key.removesuffix("_bare_p95") for key in found if key.endswith("_bare_p95")]
    rows = [
        (
            key,
            *(f"{found[f'{key}_{column}']:.0f}" for column in ("p50", "p95", "bare_p95")),
            "" if found[f"{key}_p95"] <= AT_MOST_MS else f"over {AT_MOST_MS:.0f}",
        )
        for key in keys
    ]
    print("\n" + common.table((name, "p50 ms", "p95 ms", "no template p95", ""), rows))
    rest = [key for key in found if not any(key.startswith(f"{name}_") for name in keys)]
    print("  ".join(f"{key} {found[key]:,.3g}" for key in rest), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Records among very many, and their retention.")
    parser.add_argument(
        "--rows", type=int, default=0, help="100,000,000 on PostgreSQL, 20,000,000 on SQLite unless given"
    )
    parser.add_argument("--old", type=int, default=10_000_000, help="how many of them are too old")
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--calls", type=int, default=14, help="of retention, until so many are gone")
    parser.add_argument(
        "--rounds", type=int, default=1, help="taken for the sake of `make bench`; one is enough"
    )
    parser.add_argument("--only", nargs="+", choices=("sqlite", "postgres"), default=("sqlite", "postgres"))
    parser.add_argument("--url", default="", help="a migrated database, kept; filled where it is empty")
    parser.add_argument("--no-retention", action="store_true")
    parser.add_argument("--no-pages", action="store_true")
    options = parser.parse_args()
    with common.scratch() as folder:
        nobody = load_config("amqp://127.0.0.1:1/", "http://127.0.0.1:1/")
        bench = Bench(nobody, "/", Path(folder))
        ours: dict[str, float] = {}
        for name, url in targets(options, bench):
            rows = options.rows or (100_000_000 if name == "postgres" else 20_000_000)
            environ = bench.environ(DATABASE_URL=url)
            given = {"act": "pages", "rows": rows, "requests": 0 if options.no_pages else options.requests}
            found = common.run(bench, "benchmarks.records", given, environ, timeout=_SECONDS)
            if not options.no_retention:
                days = DAYS * min(options.old / rows, 1)
                orders = {"days": days, "calls": options.calls, "seconds": _CALL_SECONDS}
                found |= retention(bench, environ, orders)
            report(name, found)
            ours |= {f"{name}_{key}": value for key, value in {"rows": rows, **found}.items()}
    common.last_line("records", ours, {}, {})


_ACTS = {"pages": pages, "write": write, "forget": forget, "size": size}

if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        orders = json.loads(sys.argv[1])
        print(json.dumps(with_room(_ACTS[orders["act"]])(orders)))
    else:
        main()
