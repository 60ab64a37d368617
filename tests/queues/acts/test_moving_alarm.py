"""A move while the broker takes no messages: nothing is lost or doubled, and the operation says why it waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.models import Operation
from mqadmin.local.node import Node
from mqadmin.queues.acts import moving
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.publishing.mover import Mover
from tests.queues.acts.test_moving import BY, depth, fill, taken
from tests.queues.conftest import make_queue
from tests.support.management import Management
from tests.support.node_control import disk_alarm
from tests.support.waiting import patient, wait_until

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.broker,
    pytest.mark.timeout(240),
    pytest.mark.django_db(transaction=True),
]

COUNT = 1_500


@pytest.fixture
def dead(restartable_broker: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A quorum queue that gives a message up when it came back three times."""
    monkeypatch.setenv("RABBITMQ_URL", restartable_broker.amqp_url)
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", restartable_broker.management_url)
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    brokers.forget()
    with amqp.channel(brokers.config("default"), "/") as channel:
        channel.queue_declare("work", durable=True)
        arguments = {"x-queue-type": "quorum", "x-delivery-limit": 3}
        channel.queue_declare("dead", durable=True, arguments=arguments)
        # Of more than RabbitMQ reads ahead: what it has read when the alarm comes is taken all the same.
        fill(channel, COUNT, delivery_mode=2, headers={"filling": "x" * 4_000})
    yield make_queue(Broker.objects.get_or_create(slug="default")[0], "dead", "/")
    brokers.forget()


def in_a_worker(operation: Operation) -> threading.Thread:
    def work() -> None:
        operations.execute(operation.pk)
        connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def waits(operation: Operation) -> bool:
    operation.refresh_from_db()
    return "alarm is in force" in operation.words


def check_all_are_there_once(operation: Operation) -> None:
    operation.refresh_from_db()
    assert (operation.status, operation.done, operation.total, operation.words) == ("done", COUNT, COUNT, "")
    with amqp.channel(brokers.config("default"), "/") as channel:
        wait_until(lambda: depth(channel, "dead") == 0)
        bodies = [int(message.body) for message in taken(channel, "work")]
    assert sorted(bodies) == list(range(COUNT))


def test_an_alarm_is_waited_for_with_one_message_on_its_way(
    dead: Queue, restartable_broker: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "SILENT_SECONDS", 0.2)
    operation = moving.move(queue=dead, to_queue="work", by=BY)
    with disk_alarm(restartable_broker):
        worker = in_a_worker(operation)
        wait_until(lambda: waits(operation), 20)
        with amqp.channel(brokers.config("default"), "/") as channel:
            assert depth(channel, "dead") == COUNT - 1
        assert (operation.status, operation.done) == ("running", 0)
    worker.join(patient(60))
    check_all_are_there_once(operation)


def test_an_alarm_in_the_midst_of_it_doubles_nothing(
    dead: Queue, restartable_broker: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, go_on = threading.Event(), Mover._go_on
    heeded, stop = threading.Event(), Mover._stop

    def once_full(mover: Mover) -> None:
        if full.is_set():
            go_on(mover)
        else:
            mover._loop.call_later(0.05, lambda: once_full(mover))

    def noted(mover: Mover) -> None:
        stop(mover)
        heeded.set()

    monkeypatch.setattr(Mover, "_go_on", once_full)
    monkeypatch.setattr(Mover, "_stop", noted)
    operation = moving.move(queue=dead, to_queue="work", by=BY)
    worker = in_a_worker(operation)
    with disk_alarm(restartable_broker):
        wait_until(Management(brokers.config("default")).alarms, 20)
        full.set()
        wait_until(lambda: waits(operation), 20)
        operations.pause(operation=operation, by=BY)
        assert heeded.wait(patient(20)), "the mover was told, while the alarm is in force"
        assert worker.is_alive()  # what it wrote would arrive, and what it took come back
    worker.join(patient(60))
    operation.refresh_from_db()
    assert (operation.status, operation.words) == ("paused", "")
    with amqp.channel(brokers.config("default"), "/") as channel:
        wait_until(lambda: depth(channel, "dead") + depth(channel, "work") == COUNT)
    operations.resume(operation=operation, by=BY)
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    operations.execute(operation.pk)
    check_all_are_there_once(operation)
