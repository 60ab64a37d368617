"""Guarantees 1 to 4 with SIGKILL at the worst moment: real processes, a real broker, a real database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pika
import pytest
from django.db.models import QuerySet
from django.utils import timezone
from pika.adapters.blocking_connection import BlockingChannel

from consumers.models import Consumer, Record, Suspect
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import Operation
from mqadmin.deadletters.capture import windows
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import claims, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.config import BrokerConfig
from tests.support import amqp
from tests.support.processes import killed_at, manage
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

ANY_DATABASE = pytest.mark.any_database  # what a kill leaves there is what a commit before leaves
BY = Actor("ann", "shell")
Environ = dict[str, str]


@pytest.fixture
def channel(broker_config: BrokerConfig, vhost: str) -> Iterator[BlockingChannel]:
    """A channel on a vhost with `work`, whose dead letters go over `dlx` to `work.dead`."""
    with amqp.channel(broker_config, vhost) as ch:
        ch.exchange_declare("dlx", "fanout", durable=True)
        ch.queue_declare("work.dead", durable=True)
        ch.queue_bind("work.dead", "dlx")
        ch.queue_declare("work", durable=True, arguments={"x-dead-letter-exchange": "dlx"})
        yield ch


@pytest.fixture
def environ(process_environ: Environ) -> Environ:
    return {**process_environ, "MQADMIN_HANDLERS": "tests.support.handlers"}


def define(vhost: str, **fields: Any) -> Consumer:
    values = {
        "name": "work",
        "broker": "default",
        "vhost": vhost,
        "queue": "work",
        "handler": "tests.by_body",
        "desired": "running",
        "prefetch": 20,
    }
    return Consumer.objects.create(**{**values, **fields})


def fill(channel: BlockingChannel, queue: str, bodies: list[bytes], **properties: Any) -> None:
    channel.confirm_delivery()
    for number, body in enumerate(bodies):
        fields = {"message_id": f"m{number}", "delivery_mode": 2, **properties}
        channel.basic_publish("", queue, body, pika.BasicProperties(**fields), mandatory=True)


def depth(channel: BlockingChannel, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count or 0)


def test_killed_between_record_and_ack(channel: BlockingChannel, vhost: str, environ: Environ) -> None:
    """Guarantee 1: a message that RabbitMQ considers settled has its record."""
    define(vhost)
    fill(channel, "work", [b"ok"] * 100)
    with killed_at(
        environ, "consumers.process.record_sink:RecordSink.commit", "after", 2, "run_consumer", "work"
    ) as dead:
        assert dead.wait(patient(30)) == -9
    recorded = set(Record.objects.values_list("message_id", flat=True))
    assert recorded, "it died after a commit"
    wait_until(lambda: depth(channel, "work") + len(recorded) >= 100, what="the unacked back in the queue")
    with manage(environ, "run_consumer", "work"):
        wait_until(lambda: Record.objects.values("message_id").distinct().count() == 100, 30)
        wait_until(lambda: depth(channel, "work") == 0)
    counts = Counter(Record.objects.values_list("message_id", flat=True))
    again = set(Record.objects.filter(redelivered=True).values_list("message_id", flat=True))
    assert {message for message, count in counts.items() if count > 1} <= again, "a second time is marked"


@pytest.mark.parametrize(
    ("target", "when"),
    [
        # Failed, no copy yet; then a copy at the broker, unknown to us: of both the database knows nothing.
        pytest.param("consumers.runtime.copies.outbox:Outbox.send", "before", marks=ANY_DATABASE),
        pytest.param("consumers.runtime.copies.outbox:Outbox._on_confirm", "before", marks=ANY_DATABASE),
        ("consumers.process.record_sink:RecordSink.commit", "after"),  # confirmed, recorded, not acked
    ],
)
def test_killed_while_dead_lettering(
    target: str, when: str, channel: BlockingChannel, vhost: str, environ: Environ
) -> None:
    """Guarantee 2: at every moment a failed message is in its queue or among the dead letters."""
    define(vhost, prefetch=1)
    fill(channel, "work", [b"fail"])
    with killed_at(environ, target, when, 1, "run_consumer", "work") as dead:
        assert dead.wait(patient(30)) == -9
    wait_until(lambda: depth(channel, "work") == 1, what="the original still there")
    with manage(environ, "run_consumer", "work"):
        wait_until(lambda: depth(channel, "work.dead") >= 1 and depth(channel, "work") == 0, 30)
        wait_until(lambda: Record.objects.filter(outcome="dead_lettered", redelivered=True).count() == 1)
    letters = amqp_take(channel, "work.dead")
    assert {letter.message_id for letter in letters} == {"m0"}
    assert all(letter.headers["mqadmin-error-message"] == "no luck with m0" for letter in letters)


@ANY_DATABASE  # notes are rows as others: tests/consumers/process/test_suspects.py
def test_poison_is_recognised_and_dead_lettered(
    channel: BlockingChannel, vhost: str, environ: Environ
) -> None:
    """A message that kills its process every time is out after three known deaths; the others are handled."""

    def acked() -> QuerySet[Record, dict[str, Any]]:
        return Record.objects.filter(outcome="acked").values("message_id").distinct()

    define(vhost, prefetch=10, concurrency=4)
    fill(channel, "work", [b"die", *[b"ok"] * 8])
    deaths = 0
    for _ in range(6):
        with manage(environ, "run_consumer", "work") as process:
            wait_until(lambda process=process: process.poll() or depth(channel, "work.dead"), 30)
            if process.poll() is None:
                wait_until(lambda: acked().count() == 8, what="the innocent were not taken for poison")
                break
            assert process.returncode == 99
            deaths += 1
            wait_until(lambda: depth(channel, "work"), what="the message back in its queue")
    assert deaths == 4, "the first death leaves no note: nothing said then that the message was dangerous"
    [letter] = amqp_take(channel, "work.dead")
    assert letter.message_id == "m0"
    assert letter.headers["mqadmin-death-reason"] == "crashed the consumer 3 times"
    assert not Suspect.objects.exists(), "notes go with the records"


def amqp_take(channel: BlockingChannel, queue: str) -> list[pika.BasicProperties]:
    taken = []
    while True:
        method, properties, _body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return taken
        taken.append(properties)


@pytest.mark.parametrize(
    ("target", "when", "count"),
    [
        ("mqadmin.deadletters.capture.capture:LetterSink.commit_window", "before", 1),
        ("mqadmin.deadletters.capture.capture:LetterSink.commit_window", "after", 1),
        pytest.param(
            "mqadmin.deadletters.capture.capture:LetterSink.commit_window", "after", 2, marks=ANY_DATABASE
        ),
        pytest.param(
            "mqadmin.deadletters.capture.capture:LetterSink.settled", "before", 1, marks=ANY_DATABASE
        ),
        ("mqadmin.deadletters.capture.capture:LetterSink.settled", "after", 1),
    ],
)
def test_killed_while_capturing(
    target: str, when: str, count: int, channel: BlockingChannel, vhost: str, environ: Environ
) -> None:
    """Guarantee 3: every letter once, twins included, wherever the collector dies."""
    bodies = [b'{"order": 1}', b'{"order": 1}', b'{"order": 2}', *[b"%d" % n for n in range(30)]]
    for body in bodies:  # without any property, so the first two are truly identical
        channel.basic_publish("", "work.dead", body)
    wait_until(lambda: depth(channel, "work.dead") == len(bodies))
    define(vhost, name="collect", queue="work.dead", handler="collect", is_collector=True, prefetch=10)
    with killed_at(environ, target, when, count, "run_consumer", "collect") as dead:
        assert dead.wait(patient(30)) == -9
    with manage(environ, "run_consumer", "collect"):
        wait_until(
            lambda: depth(channel, "work.dead") == 0 and DeadLetter.objects.count() >= len(bodies),
            30,
            what="all captured",
        )
    stored = Counter(bytes(body) for body in DeadLetter.objects.values_list("body", flat=True))
    assert stored == Counter(bodies)
    assert not DeadLetter.objects.exclude(maybe_duplicate_of=None).exists()


@pytest.mark.parametrize(
    ("target", "when"),
    [
        ("mqadmin.deadletters.requeue.requeue:_publish", "before"),  # claimed, nothing sent
        ("mqadmin.deadletters.requeue.requeue:_mark", "before"),  # sent and confirmed, not marked
        ("mqadmin.deadletters.requeue.claims:_confirm", "after"),  # marked, not committed
    ],
)
def test_killed_while_requeueing(
    target: str,
    when: str,
    channel: BlockingChannel,
    vhost: str,
    environ: Environ,
    broker_config: BrokerConfig,
) -> None:
    """Guarantee 4: the next worker goes on, under the same requeue ids; nothing is lost or left claimed."""
    capture(channel, vhost, environ, count=40)
    operation = requeue.start(selection=selection.all_that_match(every(broker_config)), to=To(), by=BY)
    execute = f"from mqadmin.core.acts import operations; operations.execute({operation.pk})"
    with killed_at(environ, target, when, 1, "shell", "--command", execute) as dead:
        assert dead.wait(patient(30)) == -9
    first = depth(channel, "work")
    assert first == (0 if "_publish" in target else 40)
    Operation.objects.filter(pk=operation.pk).update(lease_until=timezone.now())  # the dead worker's runs out
    assert claims.write_down_orphans() == 1
    claimed = DeadLetter.objects.filter(status="requeueing")
    assert claimed.count() == 40
    ids = set(claimed.values_list("requeue_id", flat=True))
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done, operation.failed) == ("done", 40, 0)
    assert DeadLetter.objects.filter(status="requeued").count() == 40
    arrived = Counter(p.headers["mqadmin-requeue-id"] for p in amqp_take(channel, "work"))
    assert set(arrived) == ids, "the second copies carry the ids of the first"
    assert sum(arrived.values()) == first + 40


def capture(channel: BlockingChannel, vhost: str, environ: Environ, count: int) -> None:
    for number in range(count):
        channel.basic_publish("", "work", b"%d" % number, pika.BasicProperties(message_id=f"m{number}"))
    wait_until(lambda: depth(channel, "work") == count)
    for _ in range(count):
        method, _properties, _body = channel.basic_get("work")
        channel.basic_reject(method.delivery_tag, requeue=False)
    wait_until(lambda: depth(channel, "work.dead") == count)
    define(vhost, name="collect", queue="work.dead", handler="collect", is_collector=True, prefetch=500)
    with manage(environ, "run_consumer", "collect"):
        wait_until(lambda: windows.settled().count() == count, 30)


def every(config: BrokerConfig) -> selection.Filter:
    return selection.Filter(broker=config.slug)
