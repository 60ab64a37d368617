"""Letters made by somebody who means harm, or by a bug: each is stored and goes back, or stays with a reason.

What must never happen is that one of them ends the collector: on a quorum queue every crash returns a whole window,
and RabbitMQ gives a message up that was returned too often.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.deadletters.capture import windows
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.config import BrokerConfig
from tests.deadletters.factories import died, letter
from tests.deadletters.real.round_trip import DEAD, LANDING, REQUEUE_ID, RoundTrip, check
from tests.support import amqp
from tests.support.waiting import wait_until
from tests.support.wire import Field, Raw, properties

pytestmark = [pytest.mark.broker, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

BY = Actor("ann", "shell")


@pytest.fixture
def trip(
    broker_config: BrokerConfig, vhost: str, process_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[RoundTrip]:
    """The queues, with a collector at work."""
    brokers.forget()
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    made = RoundTrip(broker_config, vhost)
    made.declare()
    with made.collecting(process_environ):
        yield made


def nested(levels: int, kind: bytes) -> bytes:
    """Return basic properties whose only header is `levels` lists or tables, each in the other."""
    name = b"" if kind == b"A" else b"\0"
    value = b"V"
    for _ in range(levels):
        value = kind + struct.pack(">I", len(name + value)) + name + value
    headers = b"\4deep" + value
    return struct.pack(">HI", 1 << 13, len(headers)) + headers


def with_headers(*headers: tuple[bytes, Field]) -> Raw:
    return Raw(properties(headers=headers, delivery_mode=2), b"{}")


def publish(trip: RoundTrip, exchange: str, *messages: Raw) -> None:
    with trip.wire() as wire:
        for message in messages:
            wire.publish(exchange, "any.key", message)


def through(trip: RoundTrip, *messages: Raw) -> list[tuple[Raw, Raw]]:
    return trip.run("rejected", len(messages), lambda: publish(trip, "rejected", *messages))


PLAIN = Raw(properties(message_id=b"plain"), b"plain")


@pytest.mark.parametrize("kind", [b"A", b"F"])
def test_headers_deeper_than_any_reader_goes(trip: RoundTrip, kind: bytes) -> None:
    """100 levels go round. RabbitMQ takes as many as a frame holds: those must not stop the collector."""
    for before, after in through(trip, PLAIN, Raw(nested(100, kind), b""), PLAIN):
        check(before, after)
    with trip.wire() as wire:
        for levels in (300, 1_000, 15_000):
            wire.publish("", DEAD, Raw(nested(levels, kind), b"deep"))
            wire.publish("", DEAD, PLAIN)
    stored = windows.settled()
    wait_until(lambda: stored.filter(body=b"plain").count() == 5, 30, what="what came after it is stored")


def test_large_and_many_headers(trip: RoundTrip) -> None:
    large = with_headers((b"large", ("S", b"x" * 100_000)))
    many = with_headers(*((f"name-{number}".encode(), ("I", number)) for number in range(5_000)))
    for before, after in through(trip, large, PLAIN, many, Raw(properties(), b"")):
        check(before, after)


def test_headers_that_claim_to_be_ours_or_the_brokers(trip: RoundTrip) -> None:
    ours = [
        b"mqadmin-attempt",
        b"mqadmin-death-time",
        b"mqadmin-error-type",
        b"retry-count",
        b"traceparent",
        b"task",
        b"id",
    ]
    values: list[Field] = [
        ("F", [(b"", ("V", None))]),
        ("A", [("x", b"\xff")]),
        ("l", -(2**63)),
        ("S", b"\xff"),
        ("S", b"\0" * 300),
        ("T", 2**64 - 1),
        ("d", 1e308),
    ]
    forged = [with_headers(*((name, value) for name in ours)) for value in values]
    found = through(trip, *forged, PLAIN)
    assert found[-1][0].body == b"plain"
    assert DeadLetter.objects.filter(status="requeued").count() == len(values) + 1


def test_a_requeue_id_from_elsewhere_is_replaced(trip: RoundTrip) -> None:
    forged: list[Field] = [("S", b"x" * 300), ("I", 5), ("F", []), ("S", b"\xff")]
    for _before, after in through(trip, *(with_headers((REQUEUE_ID, value)) for value in forged)):
        kind, value = after.meaning()["headers"][REQUEUE_ID]
        assert (kind, len(value) < 60) == ("S", True)


def test_a_copy_goes_to_one_queue_whatever_cc_says(trip: RoundTrip) -> None:
    with amqp.channel(trip.config, trip.vhost) as channel:
        channel.queue_declare("other")
    copied = with_headers((b"CC", ("A", [("S", b"other")])), (b"BCC", ("A", [("S", b"other")])))
    with trip.wire() as wire:
        wire.publish("", "rejected", copied)
    assert amqp.depth(trip.config, trip.vhost, "other") == 1, "RabbitMQ itself minds CC and BCC"
    trip.reject("rejected", 1)
    wait_until(lambda: windows.settled().count() == 1, what="the letter")
    requeue_all(trip, To())
    with trip.wire() as wire:
        got = wire.get("rejected")
    assert got is not None
    headers = got.meaning()["headers"]
    assert b"CC" not in headers
    assert headers[b"mqadmin-original-CC"] == ("A", [("S", b"other")])
    assert amqp.depth(trip.config, trip.vhost, "other") == 1


def requeue_all(trip: RoundTrip, to: To) -> Operation:
    chosen = selection.all_that_match(selection.Filter(broker="default", vhost=trip.vhost))
    operation = requeue.start(selection=chosen, to=to, by=BY)
    operations.execute(operation.pk)
    operation.refresh_from_db()
    return operation


def test_its_queue_was_deleted(trip: RoundTrip) -> None:
    with amqp.channel(trip.config, trip.vhost) as channel:
        channel.queue_declare("brief", arguments={"x-dead-letter-exchange": "dlx", "x-message-ttl": 1})
    with trip.wire() as wire:
        wire.publish("", "brief", PLAIN)
    wait_until(lambda: windows.settled().count() == 1, what="the letter")
    with amqp.channel(trip.config, trip.vhost) as channel:
        channel.queue_delete("brief")
    for to in (To(), To("exchange")):
        with pytest.raises(Refusal, match=r"no queue “brief”|No queue is bound"):
            requeue_all(trip, to)
    assert requeue_all(trip, To("given", "", LANDING)).done == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"delivery_mode": 3},
        {"delivery_mode": 300},
        {"priority": 256},
        {"priority": -1},
        {"reply_to": "amq.rabbitmq.reply-to"},
        {"message_id": "x" * 256},
        {"timestamp": -1},
        {"timestamp": 2**64},
        {"headers": {**died(LANDING), "n" * 256: 1}},
        {"headers": {**died(LANDING), "CC": "no list"}},
        {"headers": {**died(LANDING), "BCC": [1]}},
    ],
    ids=str,
)
def test_what_rabbitmq_would_not_take_holds_nothing_up(
    broken: dict[str, Any], broker_config: BrokerConfig, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such letters come from a file that was imported, or from an edit."""
    brokers.forget()
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    made = RoundTrip(broker_config, vhost)
    made.declare()
    fields = [{}, broken, {}]
    rows = [letter(vhost=vhost, queue=DEAD, **{"headers": died(LANDING), **each}) for each in fields]
    operation = requeue_all(made, To())
    for row in rows:
        row.refresh_from_db()
    assert (rows[0].status, rows[2].status) == ("requeued", "requeued"), operation.error
    assert rows[1].status == "requeued" or rows[1].status_reason
    assert operation.status == "done", operation.error
