"""A purge that keeps what it drops, and puts it back, on a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pika
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import KeptMessage, Operation
from mqadmin.queues.acts import draining, purging, snapshots, source
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.acts.test_moving import carry_out, depth, fill, taken
from tests.queues.conftest import make_queue
from tests.support.management import Management
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
        yield open_channel


@pytest.fixture
def dead(broker: Broker, vhost: str, channel: BlockingChannel) -> Queue:
    return make_queue(broker, "dead", vhost)


def test_what_is_dropped_is_kept_and_put_back_as_it_was(dead: Queue, channel: BlockingChannel) -> None:
    headers = {"weight": 1.5, "raw": b"\xff", "deep": {"a": [1, None]}}
    fill(channel, 12, headers=headers, priority=4, delivery_mode=2, expiration="3600000")
    purge = carry_out(purging.purge(queue=dead, by=BY, expect=12, snapshot=True))
    assert (purge.status, purge.done, depth(channel, "dead")) == ("done", 12, 0)
    assert not KeptMessage.objects.filter(is_taken=False).exists()
    assert snapshots.of(dead) == [(purge, 12)]

    restored = carry_out(snapshots.restore(operation=purge, by=BY, expect=12))
    assert (restored.status, restored.done) == ("done", 12)
    messages = taken(channel, "dead")
    assert [message.body for message in messages] == [b"%d" % number for number in range(12)]
    first = messages[0]
    assert {name: first.headers[name] for name in headers} == headers
    assert (first.properties.message_id, first.properties.priority, first.properties.expiration) == (
        "m0",
        4,
        "3600000",
    )
    assert len({message.headers["mqadmin-requeue-id"] for message in messages}) == 12
    assert snapshots.of(dead) == []
    with pytest.raises(Refusal, match="kept nothing"):
        snapshots.restore(operation=purge, by=BY)


def test_what_is_put_back_has_every_header_in_the_type_it_came_in(
    dead: Queue, channel: BlockingChannel, broker_config: BrokerConfig, vhost: str
) -> None:
    sent = Raw(properties(headers=EVERYWHERE), b"x")
    with connect(broker_config, vhost) as wire:
        wire.publish("", "dead", sent)
        purge = carry_out(purging.purge(queue=dead, by=BY, expect=1, snapshot=True))
        carry_out(snapshots.restore(operation=purge, by=BY, expect=1))
        found = wire.get("dead")
    assert found is not None
    assert found.meaning()["headers"].items() >= sent.meaning()["headers"].items()


def test_it_is_put_back_once_however_many_click(
    dead: Queue, channel: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(channel, 5)
    purge = carry_out(purging.purge(queue=dead, by=BY, snapshot=True))
    first = snapshots.restore(operation=purge, by=BY)
    publish = draining.publish

    def click_again(*args: Any) -> Any:
        for act in (lambda: None, lambda: operations.cancel(operation=first, by=BY)):
            act()
            with pytest.raises(Refusal, match="put back already"):  # also while a worker is still at it
                snapshots.restore(operation=purge, by=BY)
        return publish(*args)

    monkeypatch.setattr(draining, "publish", click_again)
    carry_out(first)
    assert depth(channel, "dead") == 5
    with pytest.raises(Refusal, match="kept nothing"):
        snapshots.restore(operation=purge, by=BY)


def test_what_arrives_after_the_click_stays(dead: Queue, channel: BlockingChannel) -> None:
    fill(channel, 3)
    purge = purging.purge(queue=dead, by=BY, snapshot=True)
    channel.basic_publish("", "dead", b"late", pika.BasicProperties())
    carry_out(purge)
    assert (purge.done, [message.body for message in taken(channel, "dead")]) == (3, [b"late"])


def test_too_many_for_a_snapshot_is_told_before_anything_is_dropped(
    dead: Queue, channel: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MOST", 2)
    fill(channel, 3)
    with pytest.raises(Refusal, match="at most 2 messages"):
        purging.purge(queue=dead, by=BY, snapshot=True)
    assert depth(channel, "dead") == 3


def test_too_large_ones_end_it_and_stay(
    dead: Queue, channel: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "BATCH", 2)
    fill(channel, 8)
    purge = purging.purge(queue=dead, by=BY, snapshot=True)
    monkeypatch.setattr(snapshots, "MOST_BYTES", 5)  # six of one byte, as what is in hand is kept, not eight
    carry_out(purge)
    assert (purge.status, purge.done) == ("failed", 6)
    assert "more than a snapshot holds" in purge.error
    wait_until(lambda: depth(channel, "dead") == 2)
    assert carry_out(snapshots.restore(operation=purge, by=BY)).done == 6
    assert depth(channel, "dead") == 8


@pytest.mark.processes
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_between_commit_and_ack_nothing_is_lost_or_kept_twice(
    when: str, dead: Queue, channel: BlockingChannel, process_environ: dict[str, str]
) -> None:
    fill(channel, 2_100)
    purge = purging.purge(queue=dead, by=BY, snapshot=True)
    execute = f"from mqadmin.core.acts import operations; operations.execute({purge.pk})"
    target = "mqadmin.queues.acts.draining:Drain.settle"
    with killed_at(process_environ, target, when, 2, "shell", "--command", execute) as died:
        assert died.wait(patient(60)) == -9
    carry_out(purge)
    assert (purge.status, purge.done, depth(channel, "dead")) == ("done", 2_100, 0)
    bodies = {bytes(body) for body in KeptMessage.objects.values_list("body", flat=True)}
    assert (len(bodies), KeptMessage.objects.count()) == (2_100, 2_100)


@pytest.mark.processes
def test_killed_while_it_puts_back_a_second_copy_has_the_id_of_the_first(
    dead: Queue, channel: BlockingChannel, process_environ: dict[str, str]
) -> None:
    fill(channel, 10)
    purge = carry_out(purging.purge(queue=dead, by=BY, snapshot=True))
    restore = snapshots.restore(operation=purge, by=BY)
    execute = f"from mqadmin.core.acts import operations; operations.execute({restore.pk})"
    target = "mqadmin.queues.acts.draining:publish"
    with killed_at(process_environ, target, "after", 1, "shell", "--command", execute) as died:
        assert died.wait(patient(60)) == -9
    carry_out(restore)
    assert (restore.status, restore.done) == ("done", 10)
    marks = [message.headers["mqadmin-requeue-id"] for message in taken(channel, "dead")]
    assert (len(marks), len(set(marks))) == (20, 10)


def test_a_held_purge_can_be_undone(dead: Queue, channel: BlockingChannel) -> None:
    fill(channel, 2)
    purge = purging.purge(queue=dead, by=BY, hold_seconds=60)
    assert not operations.execute(purge.pk)
    operations.cancel(operation=purge, by=BY)
    assert depth(channel, "dead") == 2


def test_what_was_kept_is_forgotten_after_a_week(dead: Queue, channel: BlockingChannel) -> None:
    fill(channel, 2)
    purge = carry_out(purging.purge(queue=dead, by=BY, snapshot=True))
    assert snapshots.forget() == ""
    Operation.objects.filter(pk=purge.pk).update(finished_at=timezone.now() - timedelta(days=8))
    assert "2 messages" in snapshots.forget()
    assert not KeptMessage.objects.exists()


def test_the_pages_move_keep_and_put_back(dead: Queue, channel: BlockingChannel, operator: Client) -> None:
    channel.queue_declare("work")
    fill(channel, 4)
    move = reverse("queue_move", args=[dead.pk])
    assert "Move up to 4 messages" in operator.get(move).content.decode()
    wrong = operator.post(move, {"to_queue": "mistyped"})
    assert wrong.status_code == 409
    assert "There is no queue “mistyped”" in wrong.content.decode()
    operator.post(move, {"to_queue": "work", "count": "1"})
    carry_out(Operation.objects.get(kind="queues.move"))
    assert (depth(channel, "work"), depth(channel, "dead")) == (1, 3)

    purge_page = reverse("queue_purge", args=[dead.pk])
    assert "Keep a copy" in operator.get(purge_page).content.decode()
    operator.post(purge_page, {"expect": "3", "snapshot": "1"})
    purge = carry_out(Operation.objects.get(kind="queues.purge"))
    assert "Put 3 back" in operator.get(reverse("queue_detail", args=[dead.pk])).content.decode()
    operator.post(reverse("queue_restore", args=[purge.pk]))
    carry_out(Operation.objects.get(kind="queues.restore"))
    assert depth(channel, "dead") == 3


def test_what_the_queue_would_drop_is_put_back_only_where_somebody_says_so(
    dead: Queue, channel: BlockingChannel, management: Management, vhost: str
) -> None:
    fill(channel, 3)
    purge = carry_out(purging.purge(queue=dead, by=BY, snapshot=True))
    management.set_policy(vhost, "short", "^dead$", {"max-length": 2})
    with pytest.raises(Refusal, match="Only 2 more fit") as refusal:
        snapshots.restore(operation=purge, by=BY)
    assert refusal.value.code == "would_lose"
    assert carry_out(snapshots.restore(operation=purge, by=BY, allow_loss=True)).done == 3
    assert depth(channel, "dead") == 2


def test_what_finds_no_room_any_more_is_kept(
    dead: Queue, channel: BlockingChannel, management: Management, vhost: str
) -> None:
    fill(channel, 3)
    purge = carry_out(purging.purge(queue=dead, by=BY, snapshot=True))
    management.set_policy(vhost, "short", "^dead$", {"max-length": 3})
    restored = snapshots.restore(operation=purge, by=BY)
    channel.basic_publish("", "dead", b"mine")
    carry_out(restored)
    assert (restored.status, restored.done) == ("failed", 2)
    assert restored.error == "“dead” holds at most 3 messages, and has no room for more. The rest are kept."
    assert snapshots.of(dead) == [(purge, 1)]
    assert depth(channel, "dead") == 3


def test_a_paused_one_returns_none_that_it_took(
    broker: Broker, vhost: str, channel: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "BATCH", 5)
    channel.queue_delete("dead")
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 2}
    channel.queue_declare("dead", durable=True, arguments=arguments)
    fill(channel, 12)
    purge = purging.purge(queue=make_queue(broker, "dead", vhost), by=BY, snapshot=True)
    settle = draining.Drain.settle

    def pause_then(*args: Any) -> None:
        settle(*args)
        operations.pause(operation=Operation.objects.get(pk=purge.pk), by=BY)

    with monkeypatch.context() as patch:
        patch.setattr(draining.Drain, "settle", pause_then)
        carry_out(purge)
    assert (purge.status, purge.done) == ("paused", 5)
    wait_until(lambda: depth(channel, "dead") == 7)
    assert not any(message.redelivered for message in taken(channel, "dead"))


def test_one_of_a_queue_whose_messages_are_anothers_is_refused_and_ends(
    broker: Broker,
    vhost: str,
    channel: BlockingChannel,
    broker_config: BrokerConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "HELD_SECONDS", 0.5)
    channel.queue_declare("single", durable=True, arguments={"x-single-active-consumer": True})
    queue = make_queue(broker, "single", vhost)
    for _ in range(3):
        channel.basic_publish("", "single", b"x")
    wait_until(lambda: depth(channel, "single") == 3)
    purge = purging.purge(queue=queue, by=BY, snapshot=True)
    with amqp.channel(broker_config, vhost) as other:
        other.basic_qos(prefetch_count=1)
        other.basic_consume("single", lambda *_args: None, consumer_tag="the-only-one")
        carry_out(purge)
        assert (purge.status, purge.done) == ("failed", 0)
        assert purge.error.endswith("What was not kept is where it was.")

        def refused() -> bool:
            with pytest.raises(Refusal) as refusal:
                purging.purge(queue=queue, by=BY, snapshot=True)
            return "“the-only-one”" in refusal.value.text

        wait_until(lambda: len(brokers.client("default").queue(vhost, "single").consumer_details) == 1, 20)
        assert refused()


def test_what_was_kept_goes_back_though_the_row_of_its_queue_was_forgotten(
    dead: Queue, channel: BlockingChannel, broker: Broker, vhost: str
) -> None:
    fill(channel, 3)
    purge = carry_out(purging.purge(queue=dead, by=BY, snapshot=True))
    dead.delete()
    with pytest.raises(Refusal, match="Declare it again"):
        snapshots.restore(operation=purge, by=BY)
    again = make_queue(broker, "dead", vhost)
    assert snapshots.of(again) == [(purge, 3)]
    begun = snapshots.restore(operation=purge, by=BY)
    again.delete()
    assert "Declare it again" in carry_out(begun).error
    make_queue(broker, "dead", vhost)
    assert carry_out(snapshots.restore(operation=purge, by=BY)).done == 3
    assert depth(channel, "dead") == 3
