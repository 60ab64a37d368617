"""Figures of our consumer that need no peer: slow handlers, one message at a time, memory."""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psutil
from pika.adapters.blocking_connection import BlockingChannel

from benchmarks import common
from benchmarks.common import Bench, BenchmarkError
from benchmarks.databases import Databases
from mqadmin.rabbit.publishing.publisher import Outgoing

OURS = "benchmarks.contenders.ours"
SLEEPERS, SLEEP_SECONDS = 16, 0.05
SLEEP_BEST = SLEEPERS / SLEEP_SECONDS  # messages a second, if nothing but the handler took time
_EARLY = 50_000  # messages, after which memory must not grow any more
_PAUSE_SECONDS = 0.02
_MEGABYTE = 1_000_000
_WAIT_SECONDS = 300.0

Make = Callable[[int, str], list[Outgoing]]


@dataclass(frozen=True)
class Alone:
    """What these figures work with: `make(count, queue)` returns the messages."""

    bench: Bench
    databases: Databases
    queue: str
    make: Make

    def sleeping(self, messages: int) -> float:
        """Return the messages a second of 16 threads whose handler sleeps 50 ms."""
        common.fill(self.bench, self.make(messages, self.queue))
        given = self._given(messages=messages, concurrency=SLEEPERS, prefetch=100, sleep=SLEEP_SECONDS)
        said = common.run(self.bench, OURS, given, self._environ())
        common.check_empty(self.bench, self.queue)
        return messages / float(said["seconds"])

    def latencies_ms(self, messages: int) -> list[float]:
        """Return the times from publish to ack, each message published when the one before was acked."""
        given = self._given(messages=messages, concurrency=1, prefetch=100, one_by_one=True)
        took = []
        arguments = ["-m", OURS, json.dumps(given)]
        with (
            common.child(self.bench, arguments, self._environ()) as process,
            common.channel(self.bench.broker, self.bench.vhost) as channel,
        ):
            self._wait(process.pid, lambda: self._consumers(channel) > 0)
            for message in self.make(messages, self.queue):
                began = time.monotonic()
                channel.basic_publish("", self.queue, message.body, message.properties.to_pika())
                line = process.stdout.readline() if process.stdout else ""
                if not line:
                    raise BenchmarkError(f"the consumer ended.\n{common.errors(self.bench)}")
                took.append((float(line) - began) * 1000)
                time.sleep(_PAUSE_SECONDS)  # it shall have gone to sleep before the next
            process.wait(30)
        common.check_empty(self.bench, self.queue)
        return took

    def idle_mb(self) -> float:
        """Return the resident memory of `run_consumer` that waits for its first message."""
        with self._command(concurrency=1, prefetch=10) as process:
            return process.memory_info().rss / _MEGABYTE

    def busy_mb(self, messages: int) -> dict[str, float]:
        """Return the resident memory of `run_consumer` with 8 threads and prefetch 1,000.

        `peak`: the most that was seen; `early`: after 50,000 messages (or half), `end`: after all.
        """
        early = min(_EARLY, messages // 2)
        peak, after = 0.0, []
        with (
            self._command(concurrency=8, prefetch=1000) as process,
            common.channel(self.bench.broker, self.bench.vhost) as channel,
        ):

            def drained() -> bool:
                nonlocal peak
                peak = max(peak, process.memory_info().rss / _MEGABYTE)
                return not self._ready(channel)

            for count in (early, messages - early):
                common.fill(self.bench, self.make(count, self.queue))
                self._wait(process.pid, drained)
                time.sleep(2)  # prefetched messages are not ready, and yet to be handled
                after.append(process.memory_info().rss / _MEGABYTE)
        common.check_empty(self.bench, self.queue)
        return {"peak": max(peak, *after), "early": after[0], "end": after[1]}

    def _given(self, **more: Any) -> dict[str, Any]:
        return {"vhost": self.bench.vhost, "queue": self.queue, "records": "durable", **more}

    def _environ(self) -> Mapping[str, str]:
        return self.bench.environ(DATABASE_URL=self.databases.sqlite())

    @contextlib.contextmanager
    def _command(self, **given: Any) -> Iterator[psutil.Process]:
        """Run `manage.py run_consumer` with the `record` handler, consuming; stop it in order at the end."""
        arguments = ["-m", OURS, json.dumps(self._given(as_command=True, **given))]
        with (
            common.child(self.bench, arguments, self._environ()) as process,
            common.channel(self.bench.broker, self.bench.vhost) as channel,
        ):
            self._wait(process.pid, lambda: self._consumers(channel) > 0)
            time.sleep(2)  # its threads have all begun
            yield psutil.Process(process.pid)
            process.terminate()
            process.wait(30)

    def _wait(self, pid: int, predicate: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _WAIT_SECONDS
        while not predicate():
            if time.monotonic() > deadline or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                raise BenchmarkError(f"the consumer ended, or is stuck.\n{common.errors(self.bench)}")
            time.sleep(0.05)

    def _ready(self, channel: BlockingChannel) -> int:
        return int(channel.queue_declare(self.queue, passive=True).method.message_count)

    def _consumers(self, channel: BlockingChannel) -> int:
        return int(channel.queue_declare(self.queue, passive=True).method.consumer_count)


def figures(alone: Alone, *, sleeping: int, one_by_one: int, memory: int) -> dict[str, float]:
    """Measure all of them, print them in words, and return them by the names of the last line."""
    rate = alone.sleeping(sleeping)
    share = rate / SLEEP_BEST
    print(f"16 threads, handler sleeps 50 ms: {rate:.1f} messages/s, {share:.1%} of 320 (at least 95 %)")
    latencies = alone.latencies_ms(one_by_one)
    middle = statistics.median(latencies)
    late = statistics.quantiles(latencies, n=20)[-1]
    print(
        f"publish to ack, one at a time: median {middle:.1f} ms (at most 10), 95th percentile {late:.1f} ms"
    )
    idle, busy = alone.idle_mb(), alone.busy_mb(memory)
    print(
        f"memory: idle {idle:.0f} MB; 8 threads, prefetch 1,000: {busy['early']:.0f} MB early, "
        f"{busy['end']:.0f} MB after {memory:,} messages, {busy['peak']:.0f} MB at most (at most 110)",
        flush=True,
    )
    return {
        "sleeping_per_second": rate,
        "sleeping_share": share,
        "latency_ms": middle,
        "latency_p95_ms": late,
        "idle_mb": idle,
        "busy_early_mb": busy["early"],
        "busy_end_mb": busy["end"],
        "busy_peak_mb": busy["peak"],
    }
