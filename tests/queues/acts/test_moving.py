"""Moving messages straight from queue to queue, on a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.queues.acts import draining, moving
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.message import Message, Properties
from mqadmin.rabbit.publishing.connection import Unread
from mqadmin.rabbit.publishing.mover import Mover, Progress
from tests.queues.conftest import make_queue
from tests.support.processes import killed_at
from tests.support.waiting import patient, wait_until
from tests.support.wire import Raw, connect, properties
from tests.support.wire_values import EVERYWHERE

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
BY = Actor("ann")


@pytest.fixture
def channel(
    broker_config: BrokerConfig, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BlockingChannel]:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    brokers.forget()
    with amqp.channel(broker_config, vhost) as open_channel:
        open_channel.queue_declare("dead", durable=True)
        open_channel.queue_declare("work", durable=True)
        yield open_channel


@pytest.fixture
def dead(broker: Broker, vhost: str, channel: BlockingChannel) -> Queue:
    return make_queue(broker, "dead", vhost)


def fill(channel: BlockingChannel, count: int, **properties: Any) -> None:
    channel.confirm_delivery()
    for number in range(count):
        fields = {"message_id": f"m{number}", **properties}
        channel.basic_publish("", "dead", b"%d" % number, pika.BasicProperties(**fields))


def depth(channel: BlockingChannel, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count or 0)


def amqp_consumers(channel: BlockingChannel, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.consumer_count or 0)


def taken(channel: BlockingChannel, queue: str) -> list[Message]:
    found = []
    for _ in range(depth(channel, queue)):
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        assert method is not None
        assert properties is not None
        found.append(Message.from_pika(method, properties, body or b""))
    return found


def carry_out(operation: Operation) -> Operation:
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    return operation


def test_all_are_moved_in_order_and_unchanged(
    dead: Queue, channel: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "BATCH", 7)
    headers = {"x-death": [{"queue": "work", "count": 1}], "weight": 1.5, "deep": {"a": [1, b"\xff", True]}}
    fill(channel, 20, headers=headers, priority=3, delivery_mode=2, type="order", timestamp=1)
    operation = carry_out(moving.move(queue=dead, to_queue="work", by=BY))
    assert (operation.status, operation.total, operation.done) == ("done", 20, 20)
    assert depth(channel, "dead") == 0
    messages = taken(channel, "work")
    assert [message.body for message in messages] == [b"%d" % number for number in range(20)]
    first = messages[0].properties
    assert first.headers == headers
    assert (first.message_id, first.priority, first.delivery_mode, first.type, first.timestamp) == (
        "m0",
        3,
        2,
        "order",
        1,
    )
    entry = AuditEntry.objects.get(action="queue.move")
    assert (entry.count, entry.outcome, entry.detail) == (20, "done", {"to": "work"})


def test_what_is_moved_and_must_be_read_has_every_header_in_the_type_it_came_in(
    dead: Queue, channel: BlockingChannel, broker_config: BrokerConfig, vhost: str
) -> None:
    sent = Raw(properties(headers=[*EVERYWHERE, (b"CC", ("A", [("S", b"other")]))]), b"x")
    with connect(broker_config, vhost) as wire:
        wire.publish("", "dead", sent)
        carry_out(moving.move(queue=dead, to_queue="work", by=BY))
        found = wire.get("work")
    assert found is not None
    want = sent.meaning()["headers"]
    want[b"mqadmin-original-CC"] = want.pop(b"CC")
    assert found.meaning()["headers"] == want


def test_what_would_route_a_copy_elsewhere_or_close_the_channel_is_put_aside(
    dead: Queue, channel: BlockingChannel
) -> None:
    channel.queue_declare("other")
    headers = {"CC": ["other"], "BCC": ["other"], "a": 1}
    message = Message(b"x", Properties(headers=headers, user_id="eve"), "", "dead")
    copy = moving.copy(message, "work", "guest")
    assert copy.properties.headers == {
        "mqadmin-original-CC": ["other"],
        "mqadmin-original-BCC": ["other"],
        "a": 1,
        "mqadmin-original-user-id": "eve",
    }
    assert copy.properties.user_id is None
    channel.basic_publish("", "dead", b"x", pika.BasicProperties(headers={"CC": ["other"]}))
    wait_until(lambda: depth(channel, "dead") == 1)
    before = depth(channel, "other")
    carry_out(moving.move(queue=dead, to_queue="work", by=BY))
    assert (depth(channel, "work"), depth(channel, "other")) == (1, before)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"type": "order", "headers": {"a": [1, b"\xff"]}}, None),
        ({"user_id": "guest"}, None),
        ({"user_id": "eve"}, {"headers": {"mqadmin-original-user-id": "eve"}}),
        ({"headers": {"CC": ["other"], "a": 1}}, {"headers": {"mqadmin-original-CC": ["other"], "a": 1}}),
        ({"headers": {"BCC": ["other"]}}, {"headers": {"mqadmin-original-BCC": ["other"]}}),
        ({"headers": {"a": "\x02CC"}}, None),
    ],
)
def test_unread_properties_are_adapted_as_read_ones(
    given: dict[str, Any], wanted: dict[str, Any] | None
) -> None:
    properties = pika.BasicProperties(**given)
    encoded = b"".join(properties.encode())
    passed = Unread(int.from_bytes(encoded[:2]), encoded[2:])
    adapted = moving.adapted(passed, "guest")
    assert b"".join(adapted.encode()) == b"".join(pika.BasicProperties(**(wanted or given)).encode())
    read = moving.adapted(properties, "guest")
    assert b"".join(read.encode()) == b"".join(adapted.encode())


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_where_only_one_consumer_may_be_active_they_are_moved_as_well(
    broker: Broker, vhost: str, channel: BlockingChannel, kind: str
) -> None:
    channel.queue_delete("dead")
    arguments = {"x-queue-type": kind, "x-single-active-consumer": True}
    channel.queue_declare("dead", durable=True, arguments=arguments)
    fill(channel, 30)
    operation = carry_out(moving.move(queue=make_queue(broker, "dead", vhost), to_queue="work", by=BY))
    assert (operation.status, operation.done, operation.error) == ("done", 30, "")
    assert [message.body for message in taken(channel, "work")] == [b"%d" % number for number in range(30)]


def test_so_many_are_moved_from_the_head(dead: Queue, channel: BlockingChannel) -> None:
    fill(channel, 10)
    operation = carry_out(moving.move(queue=dead, to_queue="work", by=BY, count=4))
    assert (operation.total, operation.done) == (4, 4)
    assert [message.body for message in taken(channel, "work")] == [b"0", b"1", b"2", b"3"]
    wait_until(lambda: depth(channel, "dead") == 6)
    assert [message.body for message in taken(channel, "dead")] == [b"%d" % n for n in range(4, 10)]


def test_a_destination_that_vanishes_loses_nothing(dead: Queue, channel: BlockingChannel) -> None:
    fill(channel, 5)
    operation = moving.move(queue=dead, to_queue="work", by=BY)
    channel.queue_delete("work")
    carry_out(operation)
    assert (operation.status, operation.done) == ("failed", 0)
    wait_until(lambda: depth(channel, "dead") == 5)


@pytest.mark.parametrize(
    ("to", "code"), [("dead", "same_queue"), ("mistyped", "no_destination"), ("work", "nothing_to_do")]
)
def test_what_cannot_be_moved_is_refused(dead: Queue, channel: BlockingChannel, to: str, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        moving.move(queue=dead, to_queue=to, by=BY)
    assert refusal.value.code == code
    assert not Operation.objects.exists()


@pytest.mark.processes
def test_killed_between_confirm_and_ack_nothing_is_lost(
    dead: Queue, channel: BlockingChannel, process_environ: dict[str, str]
) -> None:
    fill(channel, 2_200)
    operation = moving.move(queue=dead, to_queue="work", by=BY)
    execute = f"from mqadmin.core.acts import operations; operations.execute({operation.pk})"
    target = "mqadmin.rabbit.publishing.mover:Mover._ack"
    with killed_at(process_environ, target, "before", 2, "shell", "--command", execute) as died:
        assert died.wait(patient(60)) == -9
    wait_until(lambda: amqp_consumers(channel, "dead") == 0, timeout=10)
    left, arrived = depth(channel, "dead"), depth(channel, "work")
    assert left + arrived > 2_200  # killed with confirmed messages that were not acked
    assert left + arrived <= 2_200 + draining.BATCH
    carry_out(operation)
    assert operation.status == "done"
    bodies = [message.body for message in taken(channel, "work")]
    assert set(bodies) == {b"%d" % number for number in range(2_200)}
    assert len(bodies) == left + arrived  # what was in doubt twice


def test_paused_it_gives_back_what_it_has_not_moved(
    dead: Queue, channel: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "BATCH", 5)
    fill(channel, 20)
    operation = moving.move(queue=dead, to_queue="work", by=BY)
    take, wait = Mover._on_message, Mover.wait

    def five(mover: Mover, *args: Any) -> None:
        if mover._acks.taken < 5:
            take(mover, *args)

    def pause_then(mover: Mover, seconds: float) -> Progress:
        wait_until(lambda: wait(mover, 0.01).moved == 5)
        if Operation.objects.filter(pk=operation.pk, status="running").exists():
            operations.pause(operation=Operation.objects.get(pk=operation.pk), by=BY)
        return wait(mover, seconds)

    with monkeypatch.context() as patch:
        patch.setattr(Mover, "_on_message", five)
        patch.setattr(Mover, "wait", pause_then)
        carry_out(operation)
    assert (operation.status, operation.done) == ("paused", 5)
    wait_until(lambda: depth(channel, "dead") == 15)
    operations.resume(operation=operation, by=BY)
    carry_out(operation)
    assert (operation.status, operation.done, depth(channel, "work")) == ("done", 20, 20)
