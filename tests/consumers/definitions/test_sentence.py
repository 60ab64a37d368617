"""What a consumer does, in plain sentences."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.definitions import leaving, presets, sentence, validation
from consumers.models import Consumer
from mqadmin.queues.models import Broker, Queue

pytestmark = pytest.mark.django_db

DLX = {"x-dead-letter-exchange": "dlx"}


def a_consumer(**fields: Any) -> Consumer:
    values = {"name": "orders", "broker": "default", "vhost": "shop", "queue": "orders", "handler": "record"}
    return Consumer(**{**values, **fields})


def a_queue(**fields: Any) -> Queue:
    broker, _made = Broker.objects.get_or_create(slug="default")
    return Queue.objects.create(broker=broker, vhost="shop", name="orders", type="quorum", **fields)


def test_one_sentence_says_it_all() -> None:
    a_queue(arguments=DLX, dead_letters_to=["orders.dead"])
    consumer = a_consumer(replicas=2, concurrency=4, prefetch=50, retry_attempts=3, retry_first_delay=10.0)

    assert sentence.of(consumer) == [
        "Reads “orders” of vhost “shop” on broker RabbitMQ with 2 processes of 4 threads, up to 50 messages each "
        "in hand, and gives each to “Record”; a failed message is tried 3 more times, the first after 10 s, then "
        "goes to “orders.dead”; every message is recorded."
    ]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "with 1 process of 1 thread, up to 10 messages in hand"),
        ({"prefetch": 1}, "one message in hand"),
        ({"prefetch": 1, "replicas": 2}, "one message each in hand"),
        ({"single": True}, "1 process of 1 thread, never two at once"),
        ({"autoscale_min": 2, "autoscale_max": 8}, "with 2 to 8 processes of 1 thread each"),
        ({"retry_attempts": 1}, "is tried once more, after 1 s, then"),
        ({"retry_attempts": 0}, "a message that fails goes to the queue's dead letters, or is parked in"),
        ({"batch_size": 20, "handler": "batches.append"}, "gives up to 20 at once to"),
        ({"handler": "not.there"}, "gives each to “not.there”"),
        ({"records": "off"}, "nothing is recorded, only counted"),
        ({"records": "failures"}, "only failures are recorded"),
        ({"records": "best_effort"}, "recorded soon after its ack"),
        ({"record_one_in": 10}, "every failure is recorded, and one in 10 of the others"),
        ({"ack": "auto"}, "RabbitMQ forgets each message as it sends it"),
        ({"dedupe_key": "header", "dedupe_path": "X-Id"}, "within 1 d (a header: X-Id) is acked without"),
        ({"timeout_seconds": 60.0}, "longer than 1 min fails"),
        ({"connection_retries": 20}, "is tried 20 more times, the first after 5 s"),
        ({"rate_limit": 10.0}, "takes 10 messages a second at most"),
        ({"placement": "zone=a"}, "on hosts with zone=a only"),
        ({"schedule": "mon-fri 08:00-18:00"}, "in its hours only: mon-fri 08:00-18:00"),
    ],
)
def test_what_differs_is_said(fields: dict[str, Any], says: str) -> None:
    assert says in " ".join(sentence.of(a_consumer(**fields)))


def test_nothing_is_said_to_be_in_hand_where_rabbitmq_heeds_no_prefetch() -> None:
    assert "in hand," not in sentence.of(a_consumer(ack="auto"))[0]


@pytest.mark.parametrize(
    ("queue", "on_failure", "says"),
    [
        (None, "republish", "goes to the queue's dead letters, or is parked in “mqadmin.parking”"),
        (None, "reject", "is rejected, for RabbitMQ to dead-letter it"),
        ({}, "republish", "is parked in “mqadmin.parking”"),
        ({}, "reject", "RabbitMQ drops it: its queue has no dead-letter exchange"),
        ({"arguments": DLX}, "republish", "is parked in “mqadmin.parking”"),
        ({"arguments": DLX}, "reject", "drops it: its dead-letter exchange leads to no queue"),
        ({"arguments": DLX, "dead_letters_to": ["a", "b"]}, "republish", "goes to “a”, “b”"),
        ({"arguments": DLX, "dead_letters_to": ["a", "b"]}, "reject", "dead-letters it to “a”, “b”"),
        ({"arguments": DLX, "dead_letters_to": [*"abcde"]}, "republish", "goes to “a”, “b”, “c” and 2 more"),
        (
            {"arguments": DLX, "dead_letters_to": ["a", "b"], "dead_letter_choice": "one"},
            "republish",
            "goes to one or more of “a”, “b”",
        ),
        (
            {"effective_policy": {"dead-letter-exchange": "dlx"}, "dead_letters_to": ["a"]},
            "republish",
            "goes to “a”",
        ),
        # Through the default exchange under its own key the runtime parks it: it would come back at once.
        (
            {"arguments": {"x-dead-letter-exchange": ""}, "dead_letters_to": ["orders"]},
            "republish",
            "is parked in “mqadmin.parking”",
        ),
        (
            {"arguments": DLX, "dead_letters_to": ["orders"]},
            "reject",
            "gives it back to the same queue, for ever",
        ),
    ],
)
def test_where_a_failed_message_goes(queue: dict[str, Any] | None, on_failure: str, says: str) -> None:
    row = None if queue is None else a_queue(**queue)
    assert says in leaving.words(a_consumer(on_failure=on_failure), row)


@pytest.mark.parametrize("preset", presets.ALL, ids=lambda preset: preset.name)
def test_a_preset_is_sound_and_known_again(preset: presets.Preset) -> None:
    consumer = a_consumer(**presets.get("bursts").fields)  # type: ignore[union-attr]  # what stood there before
    for name, value in preset.fields.items():
        setattr(consumer, name, value)

    assert validation.problems(consumer) == {}
    assert presets.fitting(consumer) == preset
    consumer.prefetch += 1
    assert presets.fitting(consumer) is None
