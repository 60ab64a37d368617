"""RabbitMQ's consumer timeout: where it is known from, and what a definition is told about its deadline."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from consumers.definitions import consumer_timeout
from consumers.definitions.consumer_timeout import ConsumerTimeout, of_queue
from consumers.models import Consumer
from mqadmin.queues.models import Broker, Queue
from tests.consumers.views.conftest import get, text_of
from tests.support.consumers import make_consumer, make_process

ARGUMENT = {"x-consumer-timeout": 60_000}
POLICY = {"consumer-timeout": 90_000}
DEFAULT = ConsumerTimeout(1800, "default")
SAID_AS_DEFAULT = "30 min (RabbitMQ's default, unless its configuration says otherwise)"


@pytest.mark.parametrize(
    ("version", "queue", "seen", "limit"),
    [
        ("4.0.5", {"arguments": ARGUMENT}, None, ConsumerTimeout(60, "argument")),
        ("4.0.5", {"effective_policy": POLICY}, None, ConsumerTimeout(90, "policy")),
        ("4.0.5", {"arguments": ARGUMENT, "effective_policy": POLICY}, None, ConsumerTimeout(60, "argument")),
        ("4.0.5", {"arguments": {"x-consumer-timeout": 99_000}, "effective_policy": POLICY}, None,
         ConsumerTimeout(90, "policy")),
        ("4.0.5", {"arguments": ARGUMENT}, 5_000, ConsumerTimeout(60, "argument")),
        ("4.0.5", {"arguments": {"x-consumer-timeout": "soon"}}, None, DEFAULT),
        ("3.10.8", {"arguments": ARGUMENT, "effective_policy": POLICY}, None, DEFAULT),
        ("3.10.8", {}, 5_000, ConsumerTimeout(5, "seen")),
        ("", {}, None, DEFAULT),
        ("4.3.6", {"type": "quorum"}, None, DEFAULT),
        ("4.3.6", {"type": "classic", "effective_policy": POLICY}, None, None),
    ],
)  # fmt: skip
def test_the_limit_is_known_from_what_counts_there(
    version: str, queue: dict[str, Any], seen: int | None, limit: ConsumerTimeout | None
) -> None:
    assert of_queue(Queue(**queue), Broker(version=version), seen) == limit


@pytest.mark.parametrize(
    ("fields", "limit", "said"),
    [
        ({"timeout_seconds": 0}, ConsumerTimeout(60, "argument"), "at most 54 s."),
        ({"timeout_seconds": 60}, ConsumerTimeout(60, "policy"), "at most 54 s."),
        ({"timeout_seconds": 54}, ConsumerTimeout(60, "policy"), ""),
        ({"timeout_seconds": 0}, DEFAULT, ""),
        ({"timeout_seconds": 3600}, DEFAULT, SAID_AS_DEFAULT),
        ({"timeout_seconds": 54, "prefetch": 10, "concurrency": 2}, ConsumerTimeout(60, "seen"),
         "up to 5 messages wait for one another in each thread, held all that time: "
         "set a deadline of at most 10 s, or a prefetch of 2 and a longer one."),
        ({"timeout_seconds": 900, "ack": "auto"}, ConsumerTimeout(60, "argument"), ""),
        ({"timeout_seconds": 900}, None, ""),
    ],
)  # fmt: skip
def test_a_deadline_is_warned_of_where_messages_may_be_held_too_long(
    fields: dict[str, Any], limit: ConsumerTimeout | None, said: str
) -> None:
    warning = consumer_timeout.warning(Consumer(**{"prefetch": 1, **fields}), limit)
    assert said in warning
    assert bool(said) == bool(warning)


@pytest.fixture
def impatient(db: None) -> Queue:
    """A queue that lets nobody hold a message for longer than a minute."""
    broker = Broker.objects.create(slug="default", version="4.0.5")
    return Queue.objects.create(broker=broker, vhost="/", name="slow", arguments=ARGUMENT)


@pytest.mark.usefixtures("impatient")
def test_the_form_warns_beside_the_deadline(admin: Client) -> None:
    def deadline(**query: Any) -> str:
        page = text_of(get(admin, "consumer_deadline", vhost="/", queue="slow", handler="record", **query))
        return re.sub(r"<svg.*?</svg>", "", page)

    form = text_of(get(admin, "consumer_new", vhost="/", queue="slow"))
    assert "held for longer than 1 min (the queue&#x27;s x-consumer-timeout)" in form
    assert 'class="field-warning" role="status"' in deadline(timeout_seconds="60", prefetch="1")
    assert "field-warning" not in deadline(timeout_seconds="50", prefetch="1", concurrency="1")
    assert "at most 5.4 s" in deadline(timeout_seconds="50", prefetch="10", concurrency="1")
    assert "field-warning" in deadline(timeout_seconds="no number", prefetch="-1")
    elsewhere = text_of(get(admin, "consumer_deadline", vhost="/", queue="other"))
    assert "30 min (RabbitMQ&#x27;s default, unless its configuration says otherwise)" in elsewhere
    assert "field-warning" not in elsewhere


@pytest.mark.usefixtures("impatient")
def test_what_rabbitmq_said_counts_where_nothing_else_is_known() -> None:
    consumer = make_consumer(queue="unknown")
    assert consumer_timeout.of_consumer(consumer) == DEFAULT
    make_process(consumer, held_times=1, held_limit_ms=7_000, held_at="2026-01-01T00:00:00Z")
    assert consumer_timeout.of_consumer(consumer) == ConsumerTimeout(7, "seen")
    assert consumer_timeout.of_consumer(Consumer(broker="default", queue="slow")) == ConsumerTimeout(
        60, "argument"
    )
