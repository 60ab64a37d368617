"""mqadmin's dead letters: what a collector and a worker do, put together as they do it, in this process.

`act` is what is timed: "capture" (a tracked queue's collector, whole), "requeue" (the operation that a click
starts, as a worker carries it out) or "move" (the same, straight from queue to queue). "memory" is a requeue whose
resident memory is told at its start, in the middle and at its end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import django
import psutil
from django.core.management import call_command
from django.db import connection

from benchmarks.contenders import clock

MEGABYTE = 1_000_000


def queue_row(told: dict[str, Any], name: str) -> Any:
    """Return the queue's row, as the monitor would have written it."""
    from mqadmin.queues.models import Broker, Queue

    broker, _made = Broker.objects.get_or_create(slug="default")
    row, _made = Queue.objects.get_or_create(
        broker=broker, vhost=told["vhost"], name=name, defaults={"type": "classic", "is_inbox": True}
    )
    return row


class Sink:
    """The collector's own sink, with the clock around it."""

    def __init__(self, inner: Any, timer: clock.Clock, done: Callable[[], None]) -> None:
        self._inner = inner
        self._timer = timer
        self._done = done
        self._began = 0.0
        self._in_hand = 0
        self._left = timer.messages

    def open(self) -> None:
        self._inner.open()

    def commit_window(self, window: Sequence[Any]) -> None:
        if not self._began:  # the first message came some milliseconds ago: they count
            self._began = window[0].received_at.timestamp()
            self._timer.in_hand(ago=time.time() - self._began)
        self._in_hand = len(window)
        self._inner.commit_window(window)

    def settled(self) -> None:
        """RabbitMQ has taken the ack, and the database has the note of it: later than a peer's clock stops."""
        self._inner.settled()
        self._left -= self._in_hand
        if self._left <= 0:
            self._timer.stop()
            self._done()

    def resolved(self) -> None:
        self._inner.resolved()


def capture(told: dict[str, Any], timer: clock.Clock) -> None:
    """Track the queue and run its collector until all is captured. Main thread."""
    from consumers.process import collectors, definition_spec, process_reporter
    from consumers.runtime import process
    from mqadmin.core.acts.audit import Actor
    from mqadmin.deadletters.capture import tracking

    queue = queue_row(told, told["queue"])
    consumer = (tracking.of(queue) or tracking.track(queue=queue, by=Actor("benchmark"), force=True)).consumer
    assert consumer is not None
    row = process_reporter.introduce(consumer, None)
    reporter = process_reporter.ProcessReporter(row)
    running: list[process.Process] = []
    sink = Sink(collectors.sink(consumer), timer, lambda: running[0].wish("stopped"))
    spec = definition_spec.spec(consumer)
    running.append(collectors.work(spec, sink, reporter, collectors.limits(spec)))
    connection.close()  # the threads open their own
    reporter.start(running[0].gauges, running[0].wish)
    running[0].run()
    reporter.finish("done")


def requeue(told: dict[str, Any], timer: clock.Clock) -> int:
    """Requeue all that is parked, as a worker does. Returns the operation's id."""
    from mqadmin.core.acts import operations
    from mqadmin.core.acts.audit import Actor
    from mqadmin.deadletters.requeue import requeue
    from mqadmin.deadletters.requeue.destinations import To
    from mqadmin.deadletters.search import selection

    chosen = selection.all_that_match(selection.Filter("default", queue=told["queue"]))
    operation = requeue.start(selection=chosen, to=To("source"), by=Actor("benchmark"))
    timer.in_hand()
    operations.execute(operation.pk)
    timer.stop()
    return operation.pk


def move(told: dict[str, Any], timer: clock.Clock) -> int:
    """Move the queue's letters straight to `to`. Returns the operation's id."""
    from mqadmin.core.acts import operations
    from mqadmin.core.acts.audit import Actor
    from mqadmin.queues.acts import moving

    row = queue_row(told, told["queue"])
    operation = moving.move(queue=row, to_queue=told["to"], by=Actor("benchmark"))
    timer.in_hand()
    operations.execute(operation.pk)
    timer.stop()
    return operation.pk


class Memory:
    """Samples this process's resident memory: at the start, when half is requeued, at the end, and the most."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._ended = threading.Event()
        self._process = psutil.Process()
        self.early = self.middle = self.most = 0.0
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self._thread.start()

    def now(self) -> float:
        return self._process.memory_info().rss / MEGABYTE

    def _watch(self) -> None:
        from mqadmin.core.models import Operation

        while not self._ended.wait(0.2):
            now = self.now()
            self.most = max(self.most, now)
            done = Operation.objects.values_list("done", flat=True).order_by("-pk").first() or 0
            if not self.early and done >= self._total // 20:
                self.early = now
            if not self.middle and done >= self._total // 2:
                self.middle = now
        connection.close()

    def end(self) -> dict[str, float]:
        end = self.now()
        self._ended.set()
        self._thread.join()
        return {"early_mb": self.early, "middle_mb": self.middle, "end_mb": end, "peak_mb": self.most}


def account(operation_id: int) -> dict[str, Any]:
    """Return what the database says of the letters and of the operation: for the benchmark to check."""
    from django.db.models import Count, Sum

    from mqadmin.core.models import Operation
    from mqadmin.deadletters.models import CaptureWindow, DeadLetter, LetterEvent, Tally

    letters = dict(DeadLetter.objects.order_by().values_list("status").annotate(n=Count("pk")))
    tallied = dict(Tally.objects.order_by().values_list("status").annotate(n=Sum("letters")).filter(n__gt=0))
    found: dict[str, Any] = {
        "letters": letters,
        "tallied": tallied,
        "pending": CaptureWindow.objects.count(),
        "duplicates": DeadLetter.objects.exclude(maybe_duplicate_of=None).count(),
        "history": LetterEvent.objects.filter(kind="requeued").values("letter_id").distinct().count(),
    }
    if operation_id:
        operation = Operation.objects.get(pk=operation_id)
        found["operation"] = [operation.status, operation.done, operation.failed]
    return found


def main() -> None:
    told = clock.given()
    django.setup()
    if told.get("flush"):  # an SQLite file comes fresh for each run
        call_command("flush", interactive=False, verbosity=0)
    timer = clock.Clock(told["messages"])
    operation, memory, used = 0, {}, psutil.Process().cpu_times()
    if told["act"] == "capture":
        capture(told, timer)
    elif told["act"] == "move":
        operation = move(told, timer)
    elif told["act"] == "memory":
        watch = Memory(timer.messages)
        operation = requeue(told, timer)
        memory = watch.end()
    else:
        operation = requeue(told, timer)
    spent = psutil.Process().cpu_times()
    cpu = spent.user + spent.system - used.user - used.system
    timer.report(cpu=cpu, account=account(operation), **memory)


if __name__ == "__main__":
    main()
