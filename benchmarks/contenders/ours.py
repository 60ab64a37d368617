"""mqadmin's own consumer, whole: runtime, records in the database, reporter; only the handler is ours here."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, models

from benchmarks.contenders import clock

_LOOK_SECONDS = 0.0002


def define(told: dict[str, Any]) -> Any:
    """Store the definition of a consumer that is told to run, and return it."""
    from consumers.models import Consumer

    return Consumer.objects.create(
        name="benchmark",
        broker="default",
        vhost=told["vhost"],
        queue=told["queue"],
        handler="record",
        desired=Consumer.Desired.RUNNING,
        concurrency=told["concurrency"],
        prefetch=told["prefetch"],
        records=told["records"],
    )


class Running:
    """One consumer in this process, put together as `run_consumer` does it, around a handler of ours."""

    def __init__(self, told: dict[str, Any], timer: clock.Clock, consumer: Any = None) -> None:
        from consumers.process import definition_spec, process_reporter
        from consumers.process.record_sink import RecordSink
        from consumers.runtime import process

        consumer = consumer or define(told)
        row = process_reporter.introduce(consumer, None)
        self._timer = timer
        self._sleep: float = told.get("sleep", 0)
        self._numbers = itertools.count(1)  # next() on it is one step, whatever the threads do
        self._begun = threading.Semaphore(0)
        self._reporter = process_reporter.ProcessReporter(row)
        sink = RecordSink(consumer, row.pk)
        spec = definition_spec.spec(consumer)
        tracing = _tracing(spec) if told.get("traced") else None
        self._process = process.handle(spec, self._handle, sink, self._reporter, tracing=tracing)
        self._one_by_one = bool(told.get("one_by_one"))

    def run(self) -> None:
        """Consume until the last message is acked. Main thread."""
        connection.close()  # the threads open their own
        watch = self._each_ack if self._one_by_one else self._last_ack
        threading.Thread(target=watch, name="watch", daemon=True).start()
        self._reporter.start(self._process.gauges, self._process.wish)
        self._process.run()
        self._reporter.finish("done")

    def _handle(self, _delivery: object) -> None:
        number = next(self._numbers)
        if number == 1:
            self._timer.in_hand()
        if self._sleep:
            time.sleep(self._sleep)
        if number == self._timer.messages or self._one_by_one:
            self._begun.release()

    def _last_ack(self) -> None:
        self._begun.acquire()
        self._wait_acked(self._timer.messages)
        self._timer.stop()
        self._process.wish("stopped")

    def _each_ack(self) -> None:
        """Tell the benchmark, which publishes one message at a time, when each was acked."""
        for number in range(1, self._timer.messages + 1):
            self._begun.acquire()
            self._wait_acked(number)
            print(time.monotonic(), flush=True)
        self._timer.stop()
        self._process.wish("stopped")

    def _wait_acked(self, count: int) -> None:
        """Return once the acks of `count` messages are written.

        The gauges count a message when its ack is handed to pika, which writes it at the loop's next turn.
        What is called from the loop after that turn therefore comes after the write.
        """
        while True:
            gauges = self._process.gauges()
            if gauges.processed >= count and gauges.in_flight <= 0:
                break
            time.sleep(_LOOK_SECONDS)
        written = threading.Event()
        self._process.loop.add_callback_threadsafe(written.set)
        written.wait()


def _tracing(spec: Any) -> Any:
    from consumers.process.spans import Spans
    from mqadmin.telemetry import running

    running.start("consumer")
    tracer = running.tracer()
    if tracer is None:
        raise RuntimeError("nothing is traced: is the extra `otel` installed?")
    return Spans(tracer, spec)


def main() -> None:
    told = clock.given()
    django.setup()
    from consumers.models import ConsumerMinute, Record

    if connection.vendor == "postgresql":  # an SQLite file comes fresh for each run
        call_command("flush", interactive=False, verbosity=0)
    if told.get("as_command"):
        sys.exit(call_command("run_consumer", define(told).name))
    timer = clock.Clock(told["messages"])
    Running(told, timer).run()
    counted = ConsumerMinute.objects.aggregate(n=models.Sum("handled"))["n"]
    timer.report(records=Record.objects.filter(outcome="acked").count(), counted=counted)


if __name__ == "__main__":
    main()
