"""How fast dead letters are captured, requeued and moved: beside a bare loop, RabbitMQ's shovel and its HTTP API.

    python -m benchmarks.deadletters [--rounds 5] [--letters 20000] [--only NAME ...] [--memory 200000]

The letters are persistent messages of 250 bytes of JSON that were rejected by a consumer of `orders` and so came to
`orders.dlq` with their `x-death`; they are taken out once, and each round fills the queue with them unchanged.

- capture: a tracked queue's collector, as `track` defines it; timed from its first message in hand until the note
  of the last ack is committed. The peer, `bare`, is timed to its last ack.
- requeue: of the letters that were just captured, back to `orders`; timed from the moment that a worker takes the
  operation until it has ended, all of its ledger committed. The peers are the shovel, from `orders.dlq` to
  `orders`, and get + publish of the management API, on fewer messages.
- move: from `orders.dlq` to `orders` without a database row for each, timed like requeue; the peer is the shovel.

After each the broker is asked: what was consumed must be gone, with nothing unacked, and `orders` must hold exactly
what was sent there. Of ours the database must say so too: each letter once, in the status it should have, its
history written, the operation's account right. Else there are no figures.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from benchmarks import common
from benchmarks.common import Bench, BenchmarkError
from benchmarks.consume import messages
from benchmarks.databases import Databases, databases
from mqadmin.local import node, ports
from mqadmin.rabbit.publishing.publisher import Outgoing
from mqadmin.stack import with_room

SOURCE, LETTERS = "orders", "orders.dlq"
PREFETCH = 100
HTTP_MESSAGES = 400
MEMORY_LETTERS = 200_000
OURS, MODULES = "benchmarks.contenders.letters", "benchmarks.contenders"
# What takes its turn in a round. Those of ours on a database capture, then requeue what they captured.
TURNS = ("sqlite", "postgres", "bare", "shovel", "move", "http", "http_batch")
PEERS = ("bare", "shovel", "http", "http_batch")
# ratio's key: (ours, peer, at least)
RATIOS = {
    "capture_bare": ("capture", "bare", 1.0),
    "shovel": ("requeue", "shovel", 1.0),
    "http": ("requeue", "http", 60.0),
    "move_shovel": ("move", "shovel", 1.0),
    "capture_bare_postgres": ("capture_postgres", "bare", 1.0),
    "shovel_postgres": ("requeue_postgres", "shovel", 1.0),
}


@contextmanager
def prepared() -> Iterator[Bench]:
    """Prepare all that is needed, on a private broker where the given one has no shovel."""
    with common.bench() as given:
        if has_shovel(given):
            yield given
            return
        private = node.Node(given.folder / "shovel", ports.pick(), ports.pick())
        try:
            private.start()
            private.wait()
            config = common._config(private.amqp_url, private.management_url)
            with common.vhost(config) as vhost:
                print("The given broker has no shovel: all run on a private one.", flush=True)
                yield Bench(config, vhost, given.folder)
        finally:
            private.stop(timeout=5)


def has_shovel(bench: Bench) -> bool:
    """Whether the broker takes the declaration of a shovel: the plugin says what is wrong with an empty one."""
    url = f"{bench.broker.management_url.rstrip('/')}/api/parameters/shovel/{bench.vhost}/probe"
    answer = requests.put(url, json={"value": {}}, auth=bench.broker.auth(), timeout=10)
    return "component shovel not found" not in answer.text


def declare(bench: Bench) -> None:
    """Declare `orders`, whose dead letters go to `orders.dlq`."""
    with common.channel(bench.broker, bench.vhost) as channel:
        dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": LETTERS}
        channel.queue_declare(SOURCE, durable=True, arguments=dead)
        channel.queue_declare(LETTERS, durable=True)


def die(bench: Bench, count: int) -> list[Outgoing]:
    """Have `count` messages rejected, and return the letters that came of them."""
    common.fill(bench, messages(count, SOURCE))
    with common.channel(bench.broker, bench.vhost) as channel:
        channel.basic_qos(prefetch_count=1000)
        for number, (method, _properties, _body) in enumerate(channel.consume(SOURCE), 1):
            if number % 500 == 0 or number == count:
                channel.basic_nack(method.delivery_tag or 0, multiple=True, requeue=False)
            if number == count:
                break
        channel.cancel()
    found = common.take_all(bench, LETTERS, count)
    common.without_consumers(bench, LETTERS)  # a queue that somebody consumes from is not tracked
    dead = [item for item in found if (item.properties.headers or {}).get("x-first-death-queue") == SOURCE]
    if len(dead) != count:
        raise BenchmarkError(f"{len(dead)} of {count} messages died.")
    return found


class Race:
    """The rounds. Each turn fills the dead-letter queue, lets its contender work, and checks what it did."""

    def __init__(self, bench: Bench, databases: Databases, letters: list[Outgoing]) -> None:
        self._bench = bench
        self._databases = databases
        self._letters = letters
        self.cpu: dict[str, list[float]] = {}

    def run(self, turn: str) -> dict[str, float]:
        """Return messages a second by name. Raises BenchmarkError."""
        count = min(HTTP_MESSAGES, len(self._letters)) if turn.startswith("http") else len(self._letters)
        common.fill(self._bench, self._letters[:count])
        if turn in ("sqlite", "postgres"):
            return self._database(turn, count)
        if turn == "move":
            found = self._ours("move", count, self._databases.sqlite())
            check(turn, found["account"], {"operation": ["done", count, 0]})
        else:
            module = "get_publish" if turn.startswith("http") else turn
            given = self._given(count) | {"at_once": 100 if turn == "http_batch" else 1}
            found = common.run(self._bench, f"{MODULES}.{module}", given, self._environ(""))
        common.check_empty(self._bench, LETTERS)
        self._check_arrived(turn, 0 if turn == "bare" else count)
        return {turn: count / float(found["seconds"])}

    def _database(self, kind: str, count: int) -> dict[str, float]:
        url = self._databases.sqlite() if kind == "sqlite" else self._databases.postgres_url
        suffix = "" if kind == "sqlite" else "_postgres"
        whole = {"pending": 0, "duplicates": 0}
        taken = self._ours("capture", count, url, flush=kind == "postgres")
        common.check_empty(self._bench, LETTERS)
        stored = {"letters": {"parked": count}, "tallied": {"parked": count}, "history": 0}
        check(f"capture{suffix}", taken["account"], whole | stored)
        sent = self._ours("requeue", count, url)
        self._check_arrived(f"requeue{suffix}", count)
        gone = {"letters": {"requeued": count}, "tallied": {"requeued": count}, "history": count}
        check(f"requeue{suffix}", sent["account"], whole | gone | {"operation": ["done", count, 0]})
        return {
            f"capture{suffix}": count / float(taken["seconds"]),
            f"requeue{suffix}": count / float(sent["seconds"]),
        }

    def memory(self, count: int, kind: str) -> dict[str, float]:
        """Return the resident memory of a worker that requeues `count` letters: see contenders.letters."""
        url = self._databases.sqlite() if kind == "sqlite" else self._databases.postgres_url
        flush, left, step = kind == "postgres", count, len(self._letters)
        while left > 0:
            common.fill(self._bench, self._letters[: min(step, left)])
            self._ours("capture", min(step, left), url, flush=flush)
            flush, left = False, left - step
        found = self._ours("memory", count, url)
        self._check_arrived("memory", count)
        check("memory", found["account"], {"letters": {"requeued": count}, "history": count})
        rate = {f"requeue_many_{kind}": count / float(found["seconds"])}
        return rate | {
            f"{kind}_{name}": found[name] for name in ("early_mb", "middle_mb", "end_mb", "peak_mb")
        }

    def _ours(self, act: str, count: int, url: str, *, flush: bool = False) -> dict[str, Any]:
        given = self._given(count) | {"act": act, "flush": flush}
        found = common.run(self._bench, OURS, given, self._environ(url))
        self.cpu.setdefault(act, []).append(found["cpu"])
        return found

    def _given(self, count: int) -> dict[str, Any]:
        return {
            "vhost": self._bench.vhost,
            "queue": LETTERS,
            "to": SOURCE,
            "messages": count,
            "prefetch": PREFETCH,
        }

    def _environ(self, url: str) -> dict[str, str]:
        # The nudge of a worker goes nowhere: the contender is the worker.
        return self._bench.environ(DATABASE_URL=url, CELERY_BROKER_URL="memory://")

    def _check_arrived(self, name: str, count: int) -> None:
        """Raise BenchmarkError unless `orders` holds exactly `count`; then empty it."""
        with common.channel(self._bench.broker, self._bench.vhost) as channel:
            found = channel.queue_declare(SOURCE, passive=True).method.message_count
            channel.queue_purge(SOURCE)
        if found != count:
            raise BenchmarkError(f"{name}: {SOURCE} holds {found} messages, {count} were expected.")


def check(name: str, account: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise BenchmarkError unless the database says what it should."""
    found = {key: account.get(key) for key in wanted}
    if found != wanted:
        raise BenchmarkError(f"{name}: the database says {json.dumps(found)}, not {json.dumps(wanted)}")


def race(course: Race, turns: list[str], rounds: int) -> dict[str, float]:
    """Run all rounds, print the table of messages a second, and return the medians by name."""
    rates: dict[str, list[float]] = {}
    for number, turn in common.interleaved(turns, rounds):
        began = time.monotonic()
        for name, rate in course.run(turn).items():
            rates.setdefault(name, []).append(rate)
            print(f"round {number + 1}: {name} {rate:,.0f}/s", flush=True)
        print(f"   ({time.monotonic() - began:.0f} s)", flush=True)
    heads = ("messages a second", "median", "least", "most", "rounds")
    print("\n" + common.table(heads, [common.spread(name, values) for name, values in rates.items()]) + "\n")
    return {name: statistics.median(values) for name, values in rates.items()}


def main() -> None:
    options = _options()
    turns = [turn for turn in TURNS if not options.only or turn in options.only]
    with prepared() as bench, databases(bench, with_postgres="postgres" in turns) as stores:
        declare(bench)
        course = Race(bench, stores, die(bench, options.letters))
        medians = race(course, turns, options.rounds)
        peers = {name: rate for name, rate in medians.items() if name in PEERS}
        ours = {name: rate for name, rate in medians.items() if name not in PEERS}
        ratio = {
            key: ours[mine] / peers[peer]
            for key, (mine, peer, _least) in RATIOS.items()
            if mine in ours and peer in peers
        }
        rows = [(key, f"{value:.2f}", f"{RATIOS[key][2]:.1f}") for key, value in ratio.items()]
        print(common.table(("ours / peer", "ratio", "at least"), rows) + "\n", flush=True)
        cpu = [common.spread(act, spent, ".2f") for act, spent in course.cpu.items()]
        print(common.table(("CPU seconds", "median", "least", "most", "runs"), cpu) + "\n", flush=True)
        if options.memory:
            for kind in [turn for turn in turns if turn in ("sqlite", "postgres")]:
                ours |= course.memory(options.memory, kind)
    common.last_line("deadletters", ours, peers, ratio)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How fast dead letters are captured, requeued and moved.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--letters", type=int, default=20_000, help="in each turn")
    parser.add_argument("--only", nargs="+", choices=TURNS, help="measure these alone")
    parser.add_argument(
        "--memory", type=int, default=MEMORY_LETTERS, help="letters for the worker's memory; 0: none"
    )
    return parser.parse_args()


if __name__ == "__main__":
    with_room(main)()  # ours and the peers alike
