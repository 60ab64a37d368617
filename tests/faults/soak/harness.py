"""A load on two replicas under a real supervisor, to be disturbed, and then asked for its books."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
from django.db.models import F
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, Record
from consumers.runtime.copies.copies import DELAY_PREFIX
from mqadmin.local.node import Node
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.headers import REQUEUE_ID
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from tests.consumers.supervisor.conftest import end_all
from tests.faults.soak.account import FINAL, Account, Line
from tests.faults.soak.memory import MemoryWatch
from tests.support import amqp, soak_handlers
from tests.support.open_connections import Connections
from tests.support.processes import ROOT
from tests.support.soak_handlers import Call
from tests.support.waiting import wait_until

T = TypeVar("T")

QUEUE, DEAD, PARKING = "work", "work.dead", "mqadmin.parking"
REPLICAS, THREADS = 2, 4
STOP_SECONDS = 10.0
_SUPERVISOR_SECONDS = 10.0


@dataclass(frozen=True)
class Place:
    """Where a run takes place. `node`: the broker, where the test may restart it."""

    config: BrokerConfig
    vhost: str
    environ: Mapping[str, str]
    folder: Path
    node: Node | None = None


def does(number: int) -> str:
    """Return what message `number` is made for: some fail once, some always."""
    return "never" if number % 25 == 7 else "once" if number % 10 == 3 else "ok"


class Soak:
    """One run. Use as a context manager, in one thread; `definition` changes fields of the consumer.

    `heartbeat` and `lock_wait`: seconds in place of the runtime's own (tests.support.soak_handlers). `queue_type`:
    of the queue and the one for its dead letters, where it is not the broker's default.
    """

    def __init__(
        self,
        place: Place,
        title: str,
        *,
        heartbeat: int = 0,
        lock_wait: float = 0,
        queue_type: str = "",
        **definition: Any,
    ) -> None:
        self.place = place
        self.title = title
        self.done: Counter[str] = Counter()
        self.ids: dict[str, str] = {}
        self.connections = Connections(place.config, place.vhost)
        self._definition = definition
        self._arguments = {"x-queue-type": queue_type} if queue_type else {}
        self._journal = place.folder / "journal"
        self._environ = {
            **place.environ,
            "MQADMIN_HANDLERS": soak_handlers.__name__,
            soak_handlers.JOURNAL: str(self._journal),
            soak_handlers.HEARTBEAT: str(heartbeat or ""),
            soak_handlers.PATIENCE: str(lock_wait or ""),
        }
        self._began = time.monotonic()
        self._stopping = 0.0
        self._memory = MemoryWatch(self.processes)
        self._supervisor: subprocess.Popen[bytes] | None = None

    # --- its life --------------------------------------------------------------------------------------------

    def __enter__(self) -> Soak:
        client = ManagementClient(self.place.config)
        client.declare_queue(self.place.vhost, DEAD, arguments=self._arguments)
        self.declare(client)
        client.close()
        fields = {
            "name": "work",
            "broker": "default",
            "vhost": self.place.vhost,
            "queue": QUEUE,
            "handler": soak_handlers.NAME,
            "desired": "running",
            "replicas": REPLICAS,
            "concurrency": THREADS,
            "prefetch": 20,
            "retry_attempts": 1,
            "retry_first_delay": 0.5,
            "stop_seconds": STOP_SECONDS,
        }
        Consumer.objects.create(**{**fields, **self._definition})
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.stop()
        if self._supervisor is not None and self._supervisor.poll() is None:
            self._supervisor.kill()
            self._supervisor.wait()
        end_all()

    def declare(self, client: ManagementClient) -> None:
        """Declare the queue, whose dead letters go to another."""
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD, **self._arguments}
        client.declare_queue(self.place.vhost, QUEUE, arguments=arguments)

    def start(self) -> None:
        """Start the supervisor, which starts the replicas; return once both consume."""
        output = (self.place.folder / "supervisor.log").open("ab")
        command = [sys.executable, "manage.py", "run_supervisor", "--name", "soak"]
        self._began = time.monotonic()
        self._supervisor = subprocess.Popen(command, cwd=ROOT, env=self._environ, stderr=output)
        output.close()
        self._memory.start()
        self.until(self.all_running, 40, what="all replicas consume")

    # --- the load --------------------------------------------------------------------------------------------

    def load(self, count: int, span: float) -> None:
        """Publish `count` messages that keep the replicas busy for about `span` seconds."""
        seconds = span * REPLICAS * THREADS / count
        names = [f"m{len(self.ids) + number}" for number in range(count)]
        self.send({name: f"{does(int(name[1:]))}:{seconds:.4f}" for name in names})

    def send(self, bodies: Mapping[str, str], *, again: bool = False) -> None:
        """Publish persistent messages, each confirmed; the ids are accounted for from now on.

        `again`: they were published before, so each carries a requeue id.
        """
        publisher = Publisher(self.place.config, self.place.vhost)
        items = []
        for name, body in bodies.items():
            headers = {REQUEUE_ID: f"again-{name}"} if again else None
            properties = Properties(message_id=name, delivery_mode=2, headers=headers)
            items.append(Outgoing("", QUEUE, body.encode(), properties))
        receipts = publisher.publish_batch(items, timeout_s=120)
        publisher.close()
        assert all(receipt.ok for receipt in receipts), "the load itself was not taken"
        self.expect(bodies)

    def expect(self, bodies: Mapping[str, str]) -> None:
        """Account for messages from now on that somebody else published."""
        self.ids |= {name: body.partition(":")[0] for name, body in bodies.items()}

    def restart(self, node: Node) -> None:
        """Stop the broker in order and start it again; return once it answers."""
        began = time.monotonic()
        node.stop()
        node.start()
        node.wait()
        self.done["broker restarts"] += 1
        self.done["seconds without a broker"] += round(time.monotonic() - began)

    # --- looking ---------------------------------------------------------------------------------------------

    def processes(self) -> list[psutil.Process]:
        """Return the consumer processes that are alive. Any thread."""
        if self._supervisor is None:
            return []
        found = []
        try:
            for child in psutil.Process(self._supervisor.pid).children():
                if child.status() != psutil.STATUS_ZOMBIE and "run_consumer" in child.cmdline():
                    found.append(child)
        except psutil.Error:  # one of them ended meanwhile
            pass
        return found

    def all_running(self) -> bool:
        """Whether every replica says that it consumes."""
        wanted = Consumer.objects.get().replicas
        return ConsumerProcess.objects.filter(ended_at=None, state="running").count() == wanted

    def handled(self) -> int:
        """Return how many ids have come to their end."""
        ends = Record.objects.filter(outcome__in=FINAL)
        return int(ends.values("message_id").distinct().count())

    def events(self, kind: str) -> int:
        return int(ConsumerEvent.objects.filter(kind=kind).count())

    def calls(self) -> list[Call]:
        """Return the calls of the handler so far, in order."""
        return soak_handlers.calls(self._journal)

    def depth(self, queue: str = QUEUE) -> int:
        """Return how many messages are ready in `queue`."""
        return amqp.depth(self.place.config, self.place.vhost, queue)

    # --- waiting ---------------------------------------------------------------------------------------------

    def until(self, predicate: Callable[[], T], timeout: float, what: str = "", interval: float = 0.1) -> T:
        """Wait for `predicate()`; what the supervisor holds back after crashes is started at once meanwhile."""

        def look() -> T:
            self._hasten()
            return predicate()

        return wait_until(look, timeout, interval, what)

    def rest(self, seconds: float) -> None:
        """Let the load run on for so long."""
        over = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= over, seconds + 60)

    def progress(self, count: int, timeout: float = 60) -> None:
        """Wait until `count` more ids have come to their end, or all have."""
        wanted = min(self.handled() + count, len(self.ids))
        self.until(lambda: self.handled() >= wanted, timeout, what=f"{wanted} messages handled")

    def _hasten(self) -> None:
        """A process that dies over and over is started ever more rarely: here a person presses "start now"."""
        held = ConsumerProcess.objects.filter(
            state="backoff", ended_at=None, next_start_at__gt=timezone.now()
        )
        if held.exists():
            held.update(next_start_at=timezone.now())

    # --- the end ---------------------------------------------------------------------------------------------

    def finish(self, patience: float) -> Account:
        """Wait until all is handled, stop everything in order, return the books. Fails where one is stuck."""
        interval = 0.1 if len(self.ids) < 5_000 else 1  # counting many records takes the load's own time
        try:
            self.until(
                lambda: self.handled() >= len(self.ids), patience, "every id comes to its end", interval
            )
            self.until(lambda: not any(self.left().values()), 60, what="empty queues")
            # One that still starts ends by the signal itself: nothing could be said of how it stops.
            self.until(self.all_running, 60, what="all replicas consume at the end")
        finally:
            handled = time.monotonic() - self._began
            print(f"\n{self.title}: {self.handled()} of {len(self.ids)} ids handled in {handled:.1f} s")
        growth = self._memory.stop()
        self.stop()
        account = Account(
            title=self.title,
            ids=self.ids,
            records=[
                Line(*row)
                for row in Record.objects.values_list(
                    "message_id", "attempt", "outcome", "redelivered", "error_type"
                )
            ],
            calls=self.calls(),
            dead=self._dead_letters(),
            left=self.left(),
            seconds=handled,
            stopping=self._stopping,
            done=self.done,
            growth=growth,
        )
        print(account)
        return account

    def stop(self, *, overdue: bool = False) -> None:
        """Stop the consumer as its button does, then the supervisor; each must end by itself, in time.

        `overdue`: messages may still be in hand at the deadline, as nothing could be done with them.
        """
        last = ConsumerEvent.objects.first()
        asked = time.monotonic()
        running = {process.pid for process in self.processes()}
        Consumer.objects.update(desired="stopped", nudge=F("nudge") + 1)
        wait_until(lambda: not self.processes(), STOP_SECONDS + 10, what="no consumer process is left")
        self._stopping = time.monotonic() - asked
        wait_until(lambda: not ConsumerProcess.objects.filter(ended_at=None).exists(), 10)
        since = ConsumerEvent.objects.filter(pk__gt=last.pk if last else 0)
        forced = since.filter(kind__in=("killed", "crashed", *(() if overdue else ("overdue",))))
        assert not forced.exists(), f"not stopped in order: {list(forced.values_list('text', flat=True))}"
        for row in ConsumerProcess.objects.filter(pid__in=running):
            assert (row.state, row.exit_reason) == ("stopped", "stopped as asked"), row.state_reason
        assert self._supervisor is not None
        self._supervisor.terminate()
        assert self._supervisor.wait(_SUPERVISOR_SECONDS) == 0

    def left(self) -> dict[str, int]:
        """Return how many messages wait in the queue, and in the delay queues for their next attempt."""
        client = ManagementClient(self.place.config)
        names = [queue.name for queue in client.queues(self.place.vhost)]
        client.close()
        return {name: self.depth(name) for name in names if name == QUEUE or name.startswith(DELAY_PREFIX)}

    def _dead_letters(self) -> set[str]:
        client = ManagementClient(self.place.config)
        names = {queue.name for queue in client.queues(self.place.vhost)} & {DEAD, PARKING}
        client.close()
        return set(_ids(amqp.drain(self.place.config, self.place.vhost, name) for name in names))


def _ids(drained: Iterable[list[amqp.Received]]) -> Iterable[str]:
    for messages in drained:
        for message in messages:
            yield message.properties.message_id or ""
