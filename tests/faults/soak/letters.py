"""Letters that are captured and requeued while everything that does it is killed: the run, and its books."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from consumers.models import Consumer
from mqadmin.core.acts import operations
from mqadmin.core.models import Operation
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from tests.faults.soak.harness import Place
from tests.support import amqp
from tests.support.processes import killed_at, manage
from tests.support.waiting import wait_until

SOURCE, DEAD, TASKS = "orders", "orders.dead", "tasks"
WINDOW = 100  # letters that are committed and acked together: small, so that many kills hit many of them
WORKER = ("worker", "--pool", "threads", "--concurrency", "4", "--loglevel", "error")
QUICK = ("--without-gossip", "--without-mingle", "--without-heartbeat")

# Where it hurts: (function, before or after its call, at which call).
Moment = tuple[str, str, int]
CAPTURE: Sequence[Moment] = (
    ("mqadmin.deadletters.capture.capture:LetterSink.commit_window", "before", 2),
    ("mqadmin.deadletters.capture.capture:LetterSink.commit_window", "after", 1),
    ("mqadmin.deadletters.capture.capture:LetterSink.settled", "before", 2),
    ("mqadmin.deadletters.capture.capture:LetterSink.settled", "after", 1),
)
REQUEUE: Sequence[Moment] = (
    ("mqadmin.deadletters.requeue.claims:requeued", "before", 1),  # sent and confirmed, not noted
    ("mqadmin.deadletters.requeue.claims:claim", "after", 1),  # claimed, nothing sent
    ("pika.channel:Channel.basic_publish", "after", 50),  # some sent, the others not
    ("mqadmin.deadletters.requeue.claims:requeued", "after", 1),  # noted, not committed
)
_NEVER: Moment = ("mqadmin.deadletters.requeue.requeue:check", "before", 1)  # which no worker calls
_ARMED_SECONDS = 12.0  # a process that did not come to its moment is killed then


@dataclass
class Books:
    """Who had what: bodies that were published, rows that were stored, copies that arrived."""

    published: Counter[bytes] = field(default_factory=Counter)
    stored: Counter[bytes] = field(default_factory=Counter)  # without those marked as possible duplicates
    doubtful: Counter[bytes] = field(default_factory=Counter)  # marked so
    requeue_ids: dict[str, bytes] = field(default_factory=dict)
    arrived: Counter[tuple[str, bytes]] = field(default_factory=Counter)  # (requeue id, body) -> copies
    unmarked: int = 0  # copies without a requeue id
    statuses: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    seconds: float = 0

    @property
    def lost(self) -> Counter[bytes]:
        """Bodies of which fewer were stored than published."""
        return self.published - (self.stored + self.doubtful)

    @property
    def again(self) -> int:
        """How many copies arrived beyond the first of each letter."""
        return sum(self.arrived.values()) - len(self.arrived)

    def check(self) -> None:
        """Fail unless every letter is accounted for."""
        assert not self.lost, f"lost or merged while capturing: {self.lost.most_common(5)}"
        assert not (more := self.stored - self.published), f"stored twice, unmarked: {more.most_common(5)}"
        assert set(self.statuses) == {"requeued"}, dict(self.statuses)
        assert self.unmarked == 0, "a copy without a requeue id cannot be told from its twin"
        by_id = dict(self.arrived.keys())
        missing = set(self.requeue_ids) - set(by_id)
        assert not missing, f"lost while requeueing: {len(missing)}, such as {sorted(missing)[:5]}"
        assert by_id == self.requeue_ids, "every copy has the body of the letter whose id it carries"
        assert len(self.requeue_ids) == sum((self.stored + self.doubtful).values()), "an id for every letter"

    def __str__(self) -> str:
        twins = sum(1 for count in self.published.values() if count == 2)
        faults = ", ".join(f"{count} {name}" for name, count in self.done.items()) or "none"
        lines = {
            "published": f"{sum(self.published.values())} letters, {twins} pairs of identical ones among them",
            "stored": f"{sum(self.stored.values())}, and {sum(self.doubtful.values())} possible duplicates, marked",
            "lost or merged": sum(self.lost.values()),
            "arrived": f"{len(self.arrived)} letters in {sum(self.arrived.values())} copies",
            "copies too many": f"{self.again}, all of them with the requeue id of the first",
            "faults": faults,
            "seconds": f"{self.seconds:.0f}",
        }
        return "\n".join(["letters, exactly", *(f"  {name:18}{text}" for name, text in lines.items())])


class Letters:
    """One run on a node of its own. For one thread."""

    def __init__(self, place: Place, chance: random.Random) -> None:
        assert place.node is not None
        self.place, self.chance, self.node = place, chance, place.node
        self.books = Books()
        self._began = time.monotonic()

    def publish(self, count: int, pairs: int) -> None:
        """Publish `count` persistent messages to the source queue, `pairs` of them twice."""
        with amqp.channel(self.place.config, self.place.vhost) as channel:
            channel.queue_declare(DEAD, durable=True)
            dlx = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
            channel.queue_declare(SOURCE, durable=True, arguments=dlx)
        bodies = [b'{"order": %d}' % number for number in range(count - pairs)]
        bodies = sorted(
            bodies + bodies[:pairs]
        )  # twins die together, or the second of their death would differ
        self.books.published = Counter(bodies)
        publisher = Publisher(self.place.config, self.place.vhost)
        # Nothing that could tell twins apart: no message id, no timestamp.
        items = [Outgoing("", SOURCE, body, Properties(delivery_mode=2)) for body in bodies]
        assert all(receipt.ok for receipt in publisher.publish_batch(items, timeout_s=120))
        publisher.close()

    def die(self, count: int) -> None:
        """Have the next `count` of them die."""
        with amqp.channel(self.place.config, self.place.vhost) as channel:
            for _ in range(count):
                method, _properties, _body = channel.basic_get(SOURCE)
                assert method is not None
                last = method.delivery_tag or 0
            channel.basic_nack(last, multiple=True, requeue=False)

    def capture(self, kills: int, restarts: int) -> None:
        """Have a collector store all of them, killed and without its broker now and then."""
        Consumer.objects.create(
            name="collect",
            broker="default",
            vhost=self.place.vhost,
            queue=DEAD,
            handler="collect",
            is_collector=True,
            desired="running",
            prefetch=WINDOW,
            exclusive=True,
        )
        total = sum(self.books.published.values())
        share = total // 10
        self.die(total - share * restarts)
        for number in range(kills):
            self._kill("kills of the collector", CAPTURE, number, "run_consumer", "collect")
        with manage(self.place.environ, "run_consumer", "collect"):
            for _ in range(restarts):
                known = DeadLetter.objects.count()
                self.die(share)
                wait_until(lambda known=known: DeadLetter.objects.count() > known, 60, what="some are stored")
                self.restart()
            wait_until(
                lambda: DeadLetter.objects.count() >= total and not self.depth(DEAD), 90, 0.2, "all stored"
            )
        # It stopped in order, so what it had in hand is settled. Had it not been, it would be in the queue again.
        assert self.depth(DEAD) == 0

    def requeue(self, operation: Operation, kills: int, restarts: int) -> None:
        """Have Celery workers carry the operation out, killed and without their broker now and then."""
        for number in range(kills):
            operations.nudge(operation.pk)  # as beat does; the task waits for its worker
            self._kill("kills of the worker", REQUEUE, number, *WORKER, *QUICK)
            # A dead worker's lease runs out by itself: here nobody waits for that.
            Operation.objects.filter(pk=operation.pk).update(lease_until=timezone.now())
        with killed_at(self.place.environ, *_NEVER, *WORKER, *QUICK):
            for _ in range(restarts):
                before = operation.done + operation.failed
                self._nudge_until(
                    operation, lambda before=before: operation.done > before, 60, "some more are requeued"
                )
                self.restart()
            self._nudge_until(operation, lambda: self._is_over(operation), 200, "the operation is done")

    def restart(self) -> None:
        """Stop the broker in order and start it again."""
        self.node.stop()
        self.node.start()
        self.node.wait()
        self.books.done["broker restarts"] += 1

    def account(self) -> Books:
        """Take what arrived, and return the books."""
        books = self.books
        for body, twin in DeadLetter.objects.values_list("body", "maybe_duplicate_of"):
            (books.stored if twin is None else books.doubtful)[bytes(body)] += 1
        books.statuses = Counter(DeadLetter.objects.values_list("status", flat=True))
        ids = DeadLetter.objects.exclude(requeue_id="").values_list("requeue_id", "body")
        books.requeue_ids = {name: bytes(body) for name, body in ids}
        for found in amqp.drain(self.place.config, self.place.vhost, SOURCE):
            requeue_id = found.headers.get("mqadmin-requeue-id")
            if requeue_id:
                books.arrived[requeue_id, found.body] += 1
            else:
                books.unmarked += 1
        books.seconds = time.monotonic() - self._began
        return books

    def depth(self, queue: str) -> int:
        return amqp.depth(self.place.config, self.place.vhost, queue)

    # --- killing -------------------------------------------------------------------------------------------------

    def _kill(self, name: str, moments: Sequence[Moment], number: int, *command: str) -> None:
        """Run a process until it dies: at one of `moments`, or, every fifth time, at any."""
        moment = moments[number % len(moments)]
        with killed_at(self.place.environ, *moment, *command) as process:
            if number % 5 == 4:
                self._any_moment()
            else:
                try:
                    process.wait(_ARMED_SECONDS)
                except subprocess.TimeoutExpired:
                    self.books.done["of these at no certain moment"] += 1
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            assert process.wait(10) == -signal.SIGKILL
        self.books.done[name] += 1

    def _any_moment(self) -> None:
        over = time.monotonic() + self.chance.uniform(1.0, 4.0)
        wait_until(lambda: time.monotonic() >= over, 10)

    def _nudge_until(self, operation: Operation, done: Callable[[], bool], seconds: float, what: str) -> None:
        def look() -> bool:
            operations.nudge(operation.pk)
            operation.refresh_from_db()
            return done()

        wait_until(look, seconds, 1, what)

    def _is_over(self, operation: Operation) -> bool:
        return operation.status not in Operation.OPEN
