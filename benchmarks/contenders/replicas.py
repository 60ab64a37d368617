"""Several processes that consume one queue together: replicas of our consumer, or so many loops of the tutorial.

Each is forked from here, counts in memory that all share, and ends once all messages of the queue are in somebody's
hands and its own acks are written. Timed from the first message in anybody's hands to the last ack written.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from ctypes import c_double, c_long
from typing import Any

import django
import pika
from django.core.management import call_command
from django.db import connection, models
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic

from benchmarks.contenders import clock, ours

_LOOK_SECONDS = 0.001
_fork = multiprocessing.get_context("fork")


class Shared:
    """What each process (by its number) has handled, when its first message came and its last ack was written."""

    def __init__(self, replicas: int, messages: int) -> None:
        self.messages = messages
        self.counts: Any = multiprocessing.RawArray(c_long, replicas)
        self.began: Any = multiprocessing.RawArray(c_double, replicas)
        self.ended: Any = multiprocessing.RawArray(c_double, replicas)

    def wait(self) -> None:
        """Return once all messages are handled by somebody."""
        while sum(self.counts) < self.messages:
            time.sleep(_LOOK_SECONDS)

    @property
    def seconds(self) -> float:
        return max(self.ended) - min(moment for moment in self.began if moment)


class Replica(ours.Running):
    """One of ours. What it counts is shared with the others."""

    def __init__(
        self, told: dict[str, Any], timer: clock.Clock, consumer: Any, number: int, shared: Shared
    ) -> None:
        super().__init__(told, timer, consumer)
        self._shared, self._number = shared, number

    def _handle(self, _delivery: object) -> None:
        if not self._shared.counts[self._number]:
            self._shared.began[self._number] = time.monotonic()
        self._shared.counts[self._number] += 1

    def _last_ack(self) -> None:
        self._shared.wait()
        self._wait_acked(self._shared.counts[self._number])
        self._shared.ended[self._number] = time.monotonic()
        self._process.wish("stopped")


def consume(told: dict[str, Any], number: int, shared: Shared) -> None:
    """One of our consumers, in a process of its own."""
    from consumers.models import Consumer

    Replica(told, clock.Clock(told["messages"]), Consumer.objects.get(), number, shared).run()


def loop(told: dict[str, Any], number: int, shared: Shared) -> None:
    """The loop of every tutorial, in a process of its own."""
    opened = pika.BlockingConnection(clock.broker().connection_parameters(told["vhost"]))
    channel = opened.channel()
    channel.basic_qos(prefetch_count=told["prefetch"])

    def on_message(
        channel: BlockingChannel, method: Basic.Deliver, _properties: pika.BasicProperties, _body: bytes
    ) -> None:
        if not shared.counts[number]:
            shared.began[number] = time.monotonic()
        channel.basic_ack(method.delivery_tag or 0)
        shared.counts[number] += 1
        shared.ended[number] = time.monotonic()

    def end() -> None:
        shared.wait()
        opened.add_callback_threadsafe(channel.stop_consuming)

    channel.basic_consume(told["queue"], on_message)
    threading.Thread(target=end, daemon=True).start()
    channel.start_consuming()
    opened.close()


def main() -> None:
    told = clock.given()
    shared = Shared(told["replicas"], told["messages"])
    is_ours = told["kind"] == "ours"
    if is_ours:
        django.setup()
        if connection.vendor == "postgresql":  # an SQLite file comes fresh for each run
            call_command("flush", interactive=False, verbosity=0)
        ours.define(told)
        connection.close()
    work = consume if is_ours else loop
    started = [_fork.Process(target=work, args=(told, number, shared)) for number in range(told["replicas"])]
    for process in started:
        process.start()
    for process in started:
        process.join()
    found: dict[str, Any] = {}
    if is_ours:
        from consumers.models import ConsumerMinute, Record

        found["counted"] = ConsumerMinute.objects.aggregate(n=models.Sum("handled"))["n"]
        found["records"] = Record.objects.filter(outcome="acked").count()
    timer = clock.Clock(told["messages"])
    timer.in_hand(ago=shared.seconds)
    timer.stop()
    timer.report(**found)


if __name__ == "__main__":
    main()
