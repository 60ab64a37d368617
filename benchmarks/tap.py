"""What a tap costs the consumer of the queue that it is on: its rate, with and without, in turns.

    python -m benchmarks.tap --rate 5000 --seconds 8 --turns 4

A publisher and a consumer, processes of bare pika, work on one queue all the time; the tap comes and goes. The
publisher sends frames that were made once: on two cores it leaves room for the others. What share of the processors
was idle in each stretch is told too: where that is next to nothing, it is the machine that is measured.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import pika
import psutil
from pika import frame, spec

from benchmarks.common import Bench, bench
from deploy import ROOT
from mqadmin.rabbit.config import BrokerConfig, load

BODY = b'{"order": 17, "lines": [{"sku": "A-1", "count": 2}], "note": "' + b"x" * 180 + b'"}'


def main() -> int:
    """Measure, print a table and the line of JSON. Returns 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=5_000, help="messages a second that are published")
    parser.add_argument("--seconds", type=float, default=8.0, help="of one stretch")
    parser.add_argument("--turns", type=int, default=4, help="stretches with, and as many without")
    parser.add_argument("--query", default="", help="the tap's filter")
    options = parser.parse_args()
    with bench() as place:
        found = measure(place, options)
    rates = {name: statistics.median(rate for rate, _idle in values) for name, values in found.items()}
    idle = {name: statistics.median(idle for _rate, idle in values) for name, values in found.items()}
    for name, values in found.items():
        each = " ".join(f"{rate:,.0f}" for rate, _idle in values)
        print(f"{name:8} {rates[name]:9,.0f}/s   {idle[name]:3.0f} % idle   {each}")
    ratio = rates["with"] / rates["without"]
    line = {
        "name": "tap",
        "ours": rates,
        "peers": {},
        "ratio": {"with/without": round(ratio, 4)},
        "idle": idle,
    }
    print(json.dumps(line))
    return 0


Stretch = tuple[float, float]  # the consumer's rate a second, and per cent of the processors that were idle


def measure(place: Bench, options: argparse.Namespace) -> dict[str, list[Stretch]]:
    """Return the consumer's rates, by whether there is a tap."""
    os.environ.update(place.environ())
    os.environ.pop("DATABASE_URL", None)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=os.environ, check=True)
    import django

    django.setup()
    declare(place)
    url, vhost = place.broker.amqp_url, place.vhost
    # A fork after django.setup would share its connections.
    context = multiprocessing.get_context("spawn")
    counted, stop = context.Value("q", 0), context.Event()
    children = [
        context.Process(target=publish, args=(url, vhost, options.rate, stop)),
        context.Process(target=consume, args=(url, vhost, counted, stop)),
    ]
    for child in children:
        child.start()
    try:
        return _turns(place, options, counted)
    finally:
        stop.set()
        for child in children:
            child.join(10)
            child.kill()


def _turns(place: Bench, options: argparse.Namespace, counted: Any) -> dict[str, list[Stretch]]:
    rates: dict[str, list[Stretch]] = {"without": [], "with": []}
    _stretch(counted, 4)  # warm
    for turn in range(options.turns):
        for name in ("without", "with") if turn % 2 == 0 else ("with", "without"):
            if name == "with":
                with tapped(place, options.query) as place_of:
                    tap = place_of.tap
                    rates[name].append(_stretch(counted, options.seconds))
                    tap.refresh_from_db()
                    used = place_of.usage()
                    print(
                        f"tap: passed {tap.passed}, looked at {tap.taken}, kept {tap.kept}; {used}",
                        flush=True,
                    )
            else:
                rates[name].append(_stretch(counted, options.seconds))
    return rates


class tapped:
    """A tap while the block lasts, held by a process of its own as the monitor would start it."""

    def __init__(self, place: Bench, query: str) -> None:
        self._place, self._query = place, query

    def __enter__(self) -> tapped:
        from mqadmin.core.acts.audit import Actor
        from mqadmin.passing.acts import taps

        self._by = Actor("benchmark", "shell")
        self._child = subprocess.Popen([sys.executable, "manage.py", "run_taps"], cwd=ROOT, env=os.environ)
        self.tap = taps.start(
            broker="default",
            vhost=self._place.vhost,
            kind="queue",
            name="orders",
            by=self._by,
            query=self._query,
        )
        while not self.tap.queue:
            time.sleep(0.1)
            self.tap.refresh_from_db()
        time.sleep(1.5)
        self._began, self._used = time.monotonic(), self._seconds()
        return self

    def _seconds(self) -> float:
        times = psutil.Process(self._child.pid).cpu_times()
        return float(times.user + times.system)

    def usage(self) -> str:
        """Return what its process has used since the stretch began."""
        share = (self._seconds() - self._used) / (time.monotonic() - self._began)
        memory = psutil.Process(self._child.pid).memory_full_info().pss / 1e6
        return f"{100 * share:.1f} % of a processor, {memory:.0f} MB (PSS)"

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        self._child.wait()


def _stretch(counted: Any, seconds: float) -> Stretch:
    psutil.cpu_percent()
    first, began = counted.value, time.monotonic()
    time.sleep(seconds)
    return float((counted.value - first) / (time.monotonic() - began)), 100 - psutil.cpu_percent()


def declare(place: Bench) -> None:
    """Make the exchange and the queue."""
    connection = pika.BlockingConnection(place.broker.connection_parameters(place.vhost))
    channel = connection.channel()
    channel.exchange_declare("shop", "topic", durable=True)
    channel.queue_declare("orders", durable=True)
    channel.queue_bind("orders", "shop", "order.*")
    connection.close()


def _connected(url: str, vhost: str) -> Any:
    config: BrokerConfig = load({"RABBITMQ_URL": url})["default"]
    return pika.BlockingConnection(config.connection_parameters(vhost)).channel()


def publish(url: str, vhost: str, rate: int, stop: Any) -> None:
    """Publish so many a second until told to stop."""
    channel = _connected(url, vhost)
    whole = b"".join(
        (
            frame.Method(channel.channel_number, spec.Basic.Publish(0, "shop", "order.new")).marshal(),
            frame.Header(channel.channel_number, len(BODY), spec.BasicProperties()).marshal(),
            frame.Body(channel.channel_number, BODY).marshal(),
        )
    )
    began, sent = time.monotonic(), 0
    while not stop.is_set():
        due = int((time.monotonic() - began) * rate)
        if due - sent > rate:  # behind by a second: the machine does not do it, and a burst would help nobody
            began, sent, due = time.monotonic(), 0, 0
        if due > sent:  # past pika's own encoding of each message, which takes a third of a processor
            channel.connection._impl._output_marshaled_frames([whole * (due - sent)])
        sent = max(sent, due)
        channel.connection.process_data_events(time_limit=0.01)


def consume(url: str, vhost: str, counted: Any, stop: Any) -> None:
    """Take and ack what comes until told to stop."""
    channel = _connected(url, vhost)
    channel.basic_qos(prefetch_count=500)
    number = 0

    def took(_channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        nonlocal number
        number += 1
        if number % 100 == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)
            counted.value = number

    channel.basic_consume("orders", took)
    while not stop.is_set():
        channel.connection.process_data_events(time_limit=0.2)


if __name__ == "__main__":
    sys.exit(main())
