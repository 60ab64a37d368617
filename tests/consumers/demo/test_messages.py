from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from consumers.demo import systems, topology
from consumers.demo.messages import Author
from consumers.demo.producer import Producer
from consumers.handlers import registry
from consumers.runtime.api import Delivery
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from tests.consumers.handlers.deliveries import delivery

MINUTES = 20
QUEUE_OF = {topology.ORDERS_EXCHANGE: topology.ORDERS, topology.LOGS_EXCHANGE: topology.LOGS_ALL}


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


# Nothing that is written then is ready yet, however long the test takes.
NOT_YET = timedelta(hours=-1)


@functools.cache
def written(age: timedelta = NOT_YET) -> list[Outgoing]:
    """All messages of twenty minutes, written `age` ago."""
    config = BrokerConfig("default", "RabbitMQ", "amqp://h", "http://h")
    author = Author(random.Random(1), lambda: datetime.now(UTC) - age)
    producer = Producer(Publisher(config, topology.VHOST), author)
    return [message for second in range(MINUTES * 60) for message in producer.due(1, second)]


@functools.cache
def consumer_of(queue: str) -> Callable[[Delivery], object]:
    """Return the handler of the demo's consumer of that queue, with its options."""
    [fields] = [fields for fields in systems.CONSUMERS if fields["queue"] == queue]
    return registry.bind(registry.get(fields["handler"]), fields.get("options", {}))


def handled(message: Outgoing) -> str:
    """Handle the message as the demo's consumer would; return the name of the error, "" for none."""
    work = consumer_of(QUEUE_OF.get(message.exchange, message.routing_key))
    properties = {name: value for name, value in vars(message.properties).items() if value is not None}
    try:
        work(delivery(message.body, routing_key=message.routing_key, **properties))
    except Exception as error:
        return type(error).__name__
    return ""


def test_a_steady_trickle_of_which_about_three_percent_fail() -> None:
    messages = written()
    outcomes = Counter(handled(message) for message in messages)
    assert 8 < len(messages) / (MINUTES * 60) < 14
    failed = len(messages) - outcomes[""]
    assert 0.02 < failed / len(messages) < 0.04
    assert set(outcomes) == {
        "",
        "StockTimeout",
        "InvalidOrder",
        "UnknownCustomer",
        "PaymentMismatch",
        "SourceNotReady",
        "InvalidAddress",
        "UnknownTask",
        "BadPayload",
    }


def test_some_pass_when_they_are_tried_again_later_and_the_others_need_an_edit() -> None:
    outcomes = Counter(handled(message) for message in written(age=timedelta(minutes=1)))
    assert "StockTimeout" not in outcomes
    assert "SourceNotReady" not in outcomes
    assert {"InvalidOrder", "InvalidAddress"} <= set(outcomes)


def test_the_first_failures_come_within_seconds() -> None:
    first = written()[:120]  # about ten seconds
    assert any(handled(message) for message in first)


def test_messages_are_persistent_and_each_has_its_own_id() -> None:
    messages = written()
    assert {message.properties.delivery_mode for message in messages} == {2}
    assert len({message.properties.message_id for message in messages}) == len(messages)
    assert {
        message.properties.priority for message in messages if message.routing_key == topology.PRIORITY
    } == {*range(11)}
