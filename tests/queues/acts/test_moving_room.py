"""A move speaks before anything moves: of a destination that would drop some, of a source that another holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from mqadmin.core import brokers
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.queues.acts import deleting, draining, moving, purging, source
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.acts.test_moving import BY, carry_out, channel, dead, depth, fill
from tests.queues.conftest import Api, make_queue
from tests.support import amqp
from tests.support.management import Management
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
__all__ = ["channel", "dead"]


def refused(queue: Queue, to: str, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        moving.move(queue=queue, to_queue=to, by=BY, **more)
    assert not Operation.objects.exists()
    return refusal.value


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            {"x-max-length": 5},
            "would_lose",
            "about 8 of its oldest messages would be dropped. Only 4 more fit",
        ),
        ({"x-max-length": 5, "x-overflow": "reject-publish"}, "no_room", "about 8 would be refused"),
        ({"x-max-length": 5, "x-overflow": "reject-publish-dlx"}, "no_room", "Only 4 more fit"),
        ({"x-message-ttl": 0}, "would_lose", "drops each message that nobody has taken 0 s after it came"),
        ({"x-message-ttl": 2_000}, "would_lose", "taken 2 s after it came"),
        ({"x-expires": 30_000}, "would_lose", "after 30 s without a consumer it is deleted"),
    ],
)
def test_a_destination_that_would_lose_some_is_refused(
    dead: Queue, channel: BlockingChannel, arguments: dict[str, Any], code: str, words: str
) -> None:
    channel.queue_declare("small", durable=True, arguments=arguments)
    if "x-max-length" in arguments:
        channel.basic_publish("", "small", b"mine")
    fill(channel, 12)
    refusal = refused(dead, "small")
    assert (refusal.code, refusal.status) == (code, 409)
    assert words in refusal.text
    assert refusal.fields == {"to_queue": refusal.text}
    assert depth(channel, "dead") == 12


def test_also_by_a_policy_that_was_just_set(
    dead: Queue, channel: BlockingChannel, management: Management, vhost: str
) -> None:
    fill(channel, 12)
    management.set_policy(vhost, "short", "^work$", {"max-length": 9})
    management.set_policy(vhost, "shorter", "^work$", {"max-length": 7}, kind="operator-policies")
    assert "holds at most 7 messages" in refused(dead, "work").text
    carry_out(moving.move(queue=dead, to_queue="work", by=BY, count=7))
    assert (depth(channel, "work"), depth(channel, "dead")) == (7, 5)


def test_what_may_be_lost_is_so_where_a_person_says_it(dead: Queue, channel: BlockingChannel) -> None:
    channel.queue_declare("small", durable=True, arguments={"x-max-length": 5})
    fill(channel, 12)
    operation = carry_out(moving.move(queue=dead, to_queue="small", by=BY, allow_loss=True))
    assert (operation.status, operation.done, depth(channel, "small")) == ("done", 12, 5)


def test_what_others_took_the_room_of_meanwhile_stays(dead: Queue, channel: BlockingChannel) -> None:
    channel.queue_declare("small", durable=True, arguments={"x-max-length": 5})
    fill(channel, 4)
    operation = moving.move(queue=dead, to_queue="small", by=BY)
    for _ in range(3):
        channel.basic_publish("", "small", b"mine")
    carry_out(operation)
    assert operation.status == "failed"
    assert "Only 2 more fit" in operation.error
    assert (depth(channel, "small"), depth(channel, "dead")) == (3, 4)


def test_and_what_they_take_while_it_moves(
    dead: Queue, channel: BlockingChannel, broker_config: BrokerConfig, vhost: str, monkeypatch: Any
) -> None:
    channel.queue_declare("small", durable=True, arguments={"x-max-length": 5})
    fill(channel, 4)
    operation = moving.move(queue=dead, to_queue="small", by=BY)
    bounds = moving._bounds

    def then_others(*args: Any) -> Any:
        found = bounds(*args)
        amqp.publish(broker_config, vhost, "small", [b"mine"] * 3)
        return found

    monkeypatch.setattr(moving, "_bounds", then_others)
    carry_out(operation)
    assert (operation.status, operation.done) == ("failed", 2)
    assert operation.error == (
        "“small” did not take it: It holds 5 messages at most, and there is no room for more. "
        "The rest stay where they were."
    )
    assert depth(channel, "small") == 5
    wait_until(lambda: depth(channel, "dead") == 2)


def test_the_api_says_it_and_takes_an_agreement(api: Api, dead: Queue, channel: BlockingChannel) -> None:
    channel.queue_declare("small", durable=True, arguments={"x-message-ttl": 0})
    fill(channel, 2)
    answer = api.post(f"/queues/{dead.pk}/move", {"to_queue": "small"})
    assert (answer.status_code, answer.json()["code"]) == (409, "would_lose")
    answer = api.post(f"/queues/{dead.pk}/move", {"to_queue": "small", "allow_loss": True})
    assert answer.status_code == 202


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_source_with_a_single_active_consumer_is_refused_with_its_name(
    broker: Broker, vhost: str, channel: BlockingChannel, broker_config: BrokerConfig, kind: str
) -> None:
    arguments = {"x-queue-type": kind, "x-single-active-consumer": True}
    channel.queue_declare("single", durable=True, arguments=arguments)
    queue = make_queue(broker, "single", vhost)
    for number in range(3):
        channel.basic_publish("", "single", b"%d" % number)
    with amqp.channel(broker_config, vhost) as other:
        other.basic_qos(prefetch_count=1)
        other.basic_consume("single", lambda *_args: None, consumer_tag="the-only-one")

        def is_named() -> bool:
            try:
                source.require(queue)
            except Refusal as refusal:
                return "“the-only-one” on connection 127.0.0.1:" in refusal.text
            return False

        wait_until(is_named, 20, what="the statistics to name the consumer")
        assert refused(queue, "work").code == "held"
    operation = carry_out(moving.move(queue=queue, to_queue="work", by=BY))
    assert (operation.status, operation.done) == ("done", 3), "once it is gone"


ACTS: dict[str, Callable[[Queue], Operation]] = {
    "move": lambda queue: moving.move(queue=queue, to_queue="work", by=BY),
    "purge and keep": lambda queue: purging.purge(queue=queue, by=BY, snapshot=True),
    "delete and keep": lambda queue: deleting.delete_kept(queue=queue, by=BY),
}


@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_taken_from_a_queue_that_would_delete_itself_for_it(
    broker: Broker, vhost: str, channel: BlockingChannel, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr(draining, "BATCH", 3)  # between batches nobody consumes
    channel.queue_declare("fleeting", durable=True, auto_delete=True)
    queue = make_queue(broker, "fleeting", vhost)
    channel.confirm_delivery()
    for number in range(9):
        channel.basic_publish("", "fleeting", b"%d" % number)
    with pytest.raises(Refusal, match="deletes itself with what is in it") as refusal:
        carry_out(ACTS[act](queue))
    assert refusal.value.status == 409
    assert depth(channel, "fleeting") == 9


def test_a_consumer_that_comes_between_ends_it_with_its_name(
    broker: Broker, vhost: str, channel: BlockingChannel, broker_config: BrokerConfig, monkeypatch: Any
) -> None:
    monkeypatch.setattr(moving, "SILENT_SECONDS", 0.1)
    monkeypatch.setattr(source, "HELD_SECONDS", 7)  # the statistics tell of it within 5
    channel.queue_declare("single", durable=True, arguments={"x-single-active-consumer": True})
    queue = make_queue(broker, "single", vhost)
    for number in range(3):
        channel.basic_publish("", "single", b"%d" % number)
    operation = moving.move(queue=queue, to_queue="work", by=BY)
    with amqp.channel(broker_config, vhost) as other:
        other.basic_qos(prefetch_count=1)
        other.basic_consume("single", lambda *_args: None, consumer_tag="the-only-one")
        with monkeypatch.context() as patch:
            patch.setattr(source, "require", lambda queue: 3)  # it was not there yet
            carry_out(operation)
        assert (operation.status, operation.done) == ("failed", 0)
        assert "“the-only-one” on connection" in operation.error
        assert operation.error.endswith("What was not moved is where it was.")
        assert depth(channel, "single") == 2


def test_an_exclusive_consumer_and_an_exclusive_queue_are_named(
    broker: Broker, vhost: str, channel: BlockingChannel, broker_config: BrokerConfig
) -> None:
    fill(channel, 1)
    with amqp.channel(broker_config, vhost) as other:
        other.queue_declare("theirs", exclusive=True)
        theirs = make_queue(broker, "theirs", vhost)
        assert "belongs to one connection" in refused(theirs, "work").text
        assert "ends with it" in refused(make_queue(broker, "dead", vhost), "theirs").text


def test_an_account_that_may_not_publish_is_told_before(
    dead: Queue,
    channel: BlockingChannel,
    management: Management,
    broker_config: BrokerConfig,
    vhost: str,
    monkeypatch: Any,
) -> None:
    fill(channel, 1)
    reader = f"reader-{vhost}"
    management.create_user(reader, "secret")
    management.set_permissions(vhost, reader, write="^$")
    parts = urlsplit(broker_config.amqp_url)
    address = f"{parts.hostname}:{parts.port}"
    monkeypatch.setenv("RABBITMQ_URL", f"{parts.scheme}://{reader}:secret@{address}/")
    brokers.forget()
    try:
        refusal = refused(dead, "work")
    finally:
        brokers.forget()
        management.delete_user(reader)
    assert refusal.code == "forbidden"
    assert "lacks the write permission" in refusal.text
