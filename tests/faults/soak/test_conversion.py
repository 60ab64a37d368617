"""A long classic queue becomes a quorum queue while its workers are killed: nothing is lost, the order stays."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from consumers.models import Consumer
from mqadmin.administration.converting import acting, stages
from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.models import Operation
from mqadmin.local.node import Node
from mqadmin.queues.acts import declaring
from mqadmin.rabbit import amqp as rabbit_amqp
from mqadmin.rabbit.publishing.publisher import Outgoing
from tests.faults.soak.sizes import TIMEOUT
from tests.support import amqp, own_nodes
from tests.support.conversions import ANN
from tests.support.length import IN_FULL
from tests.support.management import Management
from tests.support.processes import killed_at
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import patient, wait_until

COUNT = int(os.environ.get("CONVERTED", "50000"))
UNDONE = int(os.environ.get("UNDONE", "2000"))
SAVE = "mqadmin.core.acts.operations:Run.save_cursor"
ACK = "mqadmin.rabbit.publishing.mover:Mover._ack"
DELETE = "pika.adapters.blocking_connection:BlockingChannel.queue_delete"
# At which step each worker begins, and what it dies of: before it is noted that a step is done, in the midst of a
# move, and when the queue is gone. To note a step is to save once; pausing and replacing save once more before.
DEATHS = (
    ("pause", (SAVE, "before", 2)),
    ("pause", (SAVE, "before", 3)),
    ("finish", (SAVE, "before", 2)),
    ("make_temporary", (ACK, "before", 9)),
    ("move_out", (ACK, "after", 20)),
    ("move_out", (SAVE, "before", 1)),
    ("move_out", (SAVE, "before", 2)),
    ("replace", (DELETE, "after", 1)),
    ("replace", (SAVE, "before", 1)),
    ("replace", (SAVE, "before", 2)),
    ("unbind_temporary", (ACK, "before", 9)),
    ("move_back", (ACK, "after", 20)),
    ("move_back", (SAVE, "before", 1)),
    ("move_back", (SAVE, "before", 2)),
    ("delete_temporary", (SAVE, "before", 2)),
)
SAVES = (2, 3, 4, 5, 7, 8, 9, 10, 11)  # up to the one that notes each step

pytestmark = [
    IN_FULL,
    pytest.mark.broker,
    pytest.mark.processes,
    pytest.mark.timeout(TIMEOUT),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    brokers.forget()


def test_a_long_queue_is_converted(
    management: Management, vhost: str, process_environ: dict[str, str]
) -> None:
    queue = declaring.declare(broker="default", by=ANN, vhost=vhost, name="orders", type="classic")
    ours = Consumer.objects.create(
        name="ours", broker="default", vhost=vhost, queue="orders", handler="record", desired="running"
    )
    publisher = Publisher(vhost)
    publisher.until(COUNT)
    began = time.monotonic()
    operation = acting.convert(queue=queue, by=ANN, publishers_stopped=True)
    for name, death in DEATHS:
        operation.refresh_from_db()
        assert stages.NAMES[stages.at(operation)] == name, death
        assert dies(operation, death, process_environ), death
    done = finished(operation)
    took = time.monotonic() - began
    assert (done.status, done.error) == ("done", "")
    publisher.until(COUNT + 1_000)
    found = bodies(vhost, "orders")
    arrived = f"{len(found)} arrived, {len(set(found))} different"
    print(f"{COUNT} messages, {len(DEATHS)} workers killed, {took:.0f} s: {arrived}")
    assert list(dict.fromkeys(found)) == [b"%d" % number for number in range(COUNT + 1_000)]
    assert management.queue(vhost, "orders").info.type == "quorum"
    assert Consumer.objects.get(pk=ours.pk).desired == "running"


def test_it_is_undone_from_each_step(
    management: Management, vhost: str, process_environ: dict[str, str]
) -> None:
    expected = [b"%d" % number for number in range(UNDONE)]
    for step, saves in enumerate(SAVES):
        name = f"orders{step}"
        queue = declaring.declare(broker="default", by=ANN, vhost=vhost, name=name, type="classic")
        amqp.publish(brokers.config("default"), vhost, name, expected)
        operation = acting.convert(queue=queue, by=ANN, publishers_stopped=True)
        assert dies(operation, (SAVE, "before", saves), process_environ)
        freed(operation)
        operations.cancel(operation=operation, by=ANN)
        operation.refresh_from_db()
        done = finished(acting.undo(operation=operation, by=ANN, publishers_stopped=True))
        assert (done.status, done.error) == ("done", ""), step
        found = bodies(vhost, name)
        print(f"undone after {stages.NAMES[step]}: {len(found)} arrived, {len(set(found))} different")
        assert found == expected, step
        assert management.queue(vhost, name).info.type == "classic"
    assert not [item.name for item in management.queues(vhost) if item.name.startswith("mqadmin.")]


def test_a_broker_that_goes_when_the_queue_is_gone_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_nodes.folder(tmp_path) as folder, own_nodes.running(folder / "node") as node:
        monkeypatch.setenv("RABBITMQ_URL", node.amqp_url)
        monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", node.management_url)
        brokers.forget()
        with temporary_vhost(brokers.config("default")) as vhost:
            queue = declaring.declare(broker="default", by=ANN, vhost=vhost, name="orders", type="classic")
            expected = [b"%d" % number for number in range(UNDONE)]
            amqp.publish(brokers.config("default"), vhost, "orders", expected)
            operation = acting.convert(queue=queue, by=ANN, publishers_stopped=True)
            with monkeypatch.context() as patch:
                stops_after_deletion(patch, node)
                waits = finished(operation)
            assert (waits.status, bool(waits.error)) == ("pending", True)
            node.start()
            node.wait()
            done = finished(operation)
            assert (done.status, done.error) == ("done", "")
            found = bodies(vhost, "orders")
            print(f"stopped while the queue is gone: {len(found)} arrived, {len(set(found))} different")
            assert found == expected


def stops_after_deletion(patch: pytest.MonkeyPatch, node: Node) -> None:
    """Have the node stop as soon as a queue was deleted."""
    original = BlockingChannel.queue_delete

    def delete_and_stop(channel: BlockingChannel, *args: Any, **kwargs: Any) -> None:
        original(channel, *args, **kwargs)
        patch.setattr(BlockingChannel, "queue_delete", original)
        node.stop()

    patch.setattr(BlockingChannel, "queue_delete", delete_and_stop)


class Publisher:
    """Publishes numbers to the queue by its name in a thread of its own, and rests where it is told to."""

    def __init__(self, vhost: str) -> None:
        self._vhost, self._sent = vhost, 0

    def until(self, count: int) -> None:
        """Publish on, up to that number, each confirmed."""
        thread = threading.Thread(target=self._publish, args=[count])
        thread.start()
        wait_until(lambda: not thread.is_alive(), timeout=600)
        assert self._sent == count

    def _publish(self, count: int) -> None:
        publisher = brokers.publisher("default", self._vhost)
        while self._sent < count:
            numbers = range(self._sent, min(count, self._sent + 1_000))
            receipts = publisher.publish_batch([Outgoing("", "orders", b"%d" % number) for number in numbers])
            assert all(receipt.ok for receipt in receipts)
            self._sent += len(receipts)


def dies(operation: Operation, death: tuple[str, str, int], environ: dict[str, str]) -> bool:
    """Have a worker carry it out that is killed (SIGKILL) at a moment; return whether it was."""
    freed(operation)
    execute = f"from mqadmin.core.acts import operations; operations.execute({operation.pk})"
    with killed_at(environ, *death, "shell", "--command", execute) as process:
        return process.wait(patient(300)) == -9


def freed(operation: Operation) -> None:
    """Have the lease of the worker that died run out."""
    Operation.objects.filter(pk=operation.pk).update(lease_until=None, lease_owner="")
    operation.refresh_from_db()


def finished(operation: Operation) -> Operation:
    freed(operation)
    operations.execute(operation.pk)
    operation.refresh_from_db()
    return operation


def bodies(vhost: str, name: str) -> list[bytes]:
    found = []
    with rabbit_amqp.channel(brokers.config("default"), vhost) as channel:
        left = channel.queue_declare(name, passive=True).method.message_count
        for _method, _properties, body in channel.consume(name, auto_ack=True):
            found.append(body)
            if len(found) == left:
                break
        channel.cancel()
    return found
