"""How fast messages are consumed: mqadmin's consumer with records, beside its peers.

    python -m benchmarks.consume [--rounds 5] [--messages 20000] [--only NAME ...] [--no-figures]

Every contender finds a full durable classic queue of persistent messages with bodies of 250 bytes of JSON,
prefetch 100, and a handler that does nothing. It runs in a process of its own (one process, but for Celery's
prefork pool) and is timed the same way:

- The clock starts when the handler is called for the first time: the first message is in hand. Starting up,
  connecting and the first prefetch are nobody's cost.
- It stops when the ack of the last message is written to the socket. The peers' acks are counted where their
  client library's call has written each. Ours are known by the consumer's own gauges, which count a message
  once the ack that covers it is handed to pika, and the turn of pika's loop that writes it is waited for.
- Then the process ends and the broker is asked: the queue must be empty, with nothing unacked, else there is
  no figure. Of ours, the records and counters in the database must also be exactly those of the messages.

Celery and dramatiq have formats of their own: they publish once, themselves, bodies of about 250 bytes; those
messages are taken out of the queue and published again unchanged for each round. Rounds are interleaved, each
beginning with another contender; the medians are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import alone, common
from benchmarks.alone import OURS
from benchmarks.collector import collector
from benchmarks.common import Bench, BenchmarkError
from benchmarks.databases import Databases, databases
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing
from mqadmin.stack import with_room

BODY_BYTES = 250
PREFETCH = 100
QUEUE = "messages"
REPLICAS = 4
CPUS = os.cpu_count() or 1
# ratio's key: (ours, peer or the best of a family, at least)
RATIOS = {
    "bare": ("durable", "bare", 1.3),
    "celery": ("durable", "celery", 5.0),
    "dramatiq": ("durable", "dramatiq", 1.0),
    "faststream": ("durable", "faststream", 1.0),
    "aio_pika": ("durable", "aio_pika", 1.0),
    "bare_postgres": ("postgres", "bare", 1.3),
    "bare_threads8": ("threads8", "bare", 1.0),
    "bare_records_off": ("records_off", "bare", 1.5),
    "bare_replicas4": ("replicas4", "four_bare", 1.0),
    "bare_replicas4_postgres": ("replicas4_postgres", "four_bare", 1.0),
}


@dataclass(frozen=True)
class Contender:
    """One way to consume. `queue`: what holds its messages. `records`: the share of them it must record."""

    name: str
    module: str
    given: Mapping[str, Any] = field(default_factory=dict)
    queue: str = QUEUE
    records: int | None = None
    database: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)


def _ours(
    name: str,
    *,
    concurrency: int = 1,
    records: str = "durable",
    database: str = "sqlite",
    sampled: float | None = None,
) -> Contender:
    given = {"concurrency": concurrency, "records": records, "traced": sampled is not None}
    sampler = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": str(sampled)}
    return Contender(
        name,
        OURS,
        given,
        records=int(records == "durable"),
        database=database,
        environ=sampler if sampled is not None else {},
    )


def _replicas(name: str, database: str = "") -> Contender:
    given = {
        "kind": "ours" if database else "bare",
        "replicas": REPLICAS,
        "concurrency": 1,
        "records": "durable",
    }
    return Contender(
        name, "benchmarks.contenders.replicas", given, records=1 if database else None, database=database
    )


def _celery(pool: str, concurrency: int) -> Contender:
    given = {"pool": pool, "concurrency": concurrency}
    return Contender(f"celery_{pool}", "benchmarks.contenders.celery", given, queue="celery")


def _dramatiq(threads: int) -> Contender:
    environ = {"dramatiq_queue_prefetch": str(PREFETCH)}
    given = {"threads": threads}
    return Contender(
        f"dramatiq_{threads}", "benchmarks.contenders.dramatiq", given, queue="dramatiq", environ=environ
    )


CONTENDERS = (
    _ours("durable"),
    _ours("threads8", concurrency=8),
    _ours("records_off", records="off"),
    _ours("traced", sampled=1.0),
    _ours("traced_tenth", sampled=0.1),
    _ours("postgres", database="postgres"),
    _replicas("replicas4", "sqlite"),
    _replicas("replicas4_postgres", "postgres"),
    Contender("bare", "benchmarks.contenders.bare"),
    _replicas("four_bare"),
    _celery("solo", 1),
    _celery("threads", CPUS),
    _celery("prefork", CPUS),
    _dramatiq(1),
    _dramatiq(8),
    Contender("faststream", "benchmarks.contenders.faststream"),
    Contender("aio_pika", "benchmarks.contenders.aio_pika"),
)


class Race:
    """The rounds, and the messages that each queue is filled with."""

    def __init__(self, bench: Bench, databases: Databases, messages: int, collector: str = "") -> None:
        self._bench = bench
        self._collector = collector
        self._databases = databases
        self._count = messages
        self._messages: dict[str, list[Outgoing]] = {}

    def run(self, contender: Contender) -> float:
        """Fill the queue, let `contender` empty it, and return its messages a second. Raises BenchmarkError."""
        common.fill(self._bench, self._filling(contender))
        environ = dict(contender.environ)
        if contender.given.get("traced"):
            environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = self._collector
        if contender.database:
            is_sqlite = contender.database == "sqlite"
            environ["DATABASE_URL"] = self._databases.sqlite() if is_sqlite else self._databases.postgres_url
        given = {**self._given(contender), **contender.given}
        said = common.run(self._bench, contender.module, given, self._bench.environ(**environ))
        common.check_empty(self._bench, contender.queue)
        if contender.records is not None:
            wanted = {"records": self._count * contender.records, "counted": self._count}
            found = {name: said[name] for name in wanted}
            if found != wanted:
                raise BenchmarkError(f"{contender.name}: {found} in the database, {wanted} were expected")
        return self._count / float(said["seconds"])

    def _given(self, contender: Contender) -> dict[str, Any]:
        return {
            "vhost": self._bench.vhost,
            "queue": contender.queue,
            "messages": self._count,
            "prefetch": PREFETCH,
        }

    def _filling(self, contender: Contender) -> list[Outgoing]:
        if contender.queue not in self._messages:
            make = _FILLINGS.get(contender.queue)
            if make is None:
                self._messages[contender.queue] = messages(self._count, contender.queue)
            else:
                given = {**self._given(contender), **contender.given, "publish": True, "payload": make()}
                environ = self._bench.environ(**contender.environ)
                common.run(self._bench, contender.module, given, environ)
                taken = common.take_all(self._bench, contender.queue, self._count)
                self._messages[contender.queue] = taken
        return self._messages[contender.queue]


def messages(count: int, queue: str) -> list[Outgoing]:
    """Return persistent messages, each with an id and a body of exactly BODY_BYTES bytes of JSON."""
    made = []
    for number in range(count):
        order = {"order_id": f"ord-{number:08}", "customer": f"C-{number % 997}", "amount": 12.5, "note": ""}
        order["note"] = "x" * (BODY_BYTES - len(json.dumps(order)))
        properties = Properties(
            content_type="application/json", delivery_mode=2, message_id=f"m-{number}", type="order.created"
        )
        made.append(Outgoing("", queue, json.dumps(order).encode(), properties))
    return made


# What is left of 250 bytes beside the envelope that these put around a payload.
_FILLINGS: Mapping[str, Callable[[], str]] = {"celery": lambda: "x" * 167, "dramatiq": lambda: "x" * 84}


def best(family: str, medians: Mapping[str, float]) -> float | None:
    """Return the figure of `family`: its own, or the best of its variants; None when it was not measured."""
    found = [rate for name, rate in medians.items() if name == family or name.startswith(f"{family}_")]
    return max(found, default=None)


def ratios(ours: Mapping[str, float], peers: Mapping[str, float]) -> dict[str, float]:
    """Return ours / peer under each key of RATIOS whose two sides were measured."""
    found = {}
    for key, (mine, peer, _least) in RATIOS.items():
        theirs = best(peer, peers)
        if mine in ours and theirs:
            found[key] = ours[mine] / theirs
    return found


def race(
    bench: Bench, databases: Databases, chosen: Sequence[Contender], *, rounds: int, messages: int
) -> dict[str, float]:
    """Run all rounds, print the table of messages a second, and return the medians by name."""
    by_name = {contender.name: contender for contender in chosen}
    rates: dict[str, list[float]] = {name: [] for name in by_name}
    with collector() as address:
        course = Race(bench, databases, messages, address)
        for number, name in common.interleaved(list(by_name), rounds):
            rates[name].append(course.run(by_name[name]))
            print(f"round {number + 1}: {name} {rates[name][-1]:,.0f}/s", flush=True)
    heads = ("messages a second", "median", "least", "most", "rounds")
    print("\n" + common.table(heads, [common.spread(name, values) for name, values in rates.items()]) + "\n")
    return {name: statistics.median(values) for name, values in rates.items()}


def main() -> None:
    options = _options()
    chosen = [item for item in CONTENDERS if not options.only or item.name in options.only]
    needs_postgres = any(item.database == "postgres" for item in chosen)
    with common.bench() as bench, databases(bench, with_postgres=needs_postgres) as stores:
        common.declare(bench, QUEUE)
        medians = race(bench, stores, chosen, rounds=options.rounds, messages=options.messages)
        is_ours = {item.name: bool(item.database) for item in chosen}
        ours = {name: rate for name, rate in medians.items() if is_ours[name]}
        peers = {name: rate for name, rate in medians.items() if not is_ours[name]}
        peers |= {key: rate for key in ("celery", "dramatiq") if (rate := best(key, peers)) is not None}
        ratio = ratios(ours, peers)
        rows = [(key, f"{value:.2f}", f"{RATIOS[key][2]:.1f}") for key, value in ratio.items()]
        print(common.table(("ours / peer", "ratio", "at least"), rows) + "\n", flush=True)
        if not options.no_figures:
            figures = alone.Alone(bench, stores, QUEUE, messages)
            ours |= alone.figures(
                figures, sleeping=options.sleeping, one_by_one=options.one_by_one, memory=options.memory
            )
    common.last_line("consume", ours, peers, ratio)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How fast messages are consumed.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=20_000, help="in each queue and round")
    names = [item.name for item in CONTENDERS]
    parser.add_argument("--only", nargs="+", choices=names, help="measure these alone")
    parser.add_argument("--no-figures", action="store_true", help="leave out what has no peer")
    parser.add_argument("--sleeping", type=int, default=3_200, help="messages for the handler that sleeps")
    parser.add_argument(
        "--one-by-one", type=int, default=200, help="messages for the time from publish to ack"
    )
    parser.add_argument(
        "--memory", type=int, default=200_000, help="messages for the memory of a busy process"
    )
    return parser.parse_args()


if __name__ == "__main__":
    with_room(main)()  # ours and the peers alike
