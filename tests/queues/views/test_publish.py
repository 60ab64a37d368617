"""Publishing a message on the page, on a real broker."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core.models import AuditEntry
from mqadmin.queues.models import Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.views.conftest import HTMX
from tests.support import amqp
from tests.support.management import Management
from tests.support.pages import html

pytestmark = pytest.mark.broker


def publish(client: Client, queue: Queue, **fields: str) -> str:
    values = {"body": "hello", "encoding": "utf-8", "persistent": "on", **fields}
    response = client.post(reverse("queue_publish", args=[queue.pk]), values, headers=HTMX)
    assert response.status_code == 200
    return html(response)


def test_publish_a_full_message(operator: Client, work: Queue, broker_config: BrokerConfig) -> None:
    text = publish(
        operator,
        work,
        body="AAH/",
        encoding="base64",
        headers='{"n": 1, "half": 0.5, "deep": {"list": [true, null]}}',
        content_type="application/octet-stream",
        priority="3",
        message_id="mine",
    )
    assert "Published and confirmed" in text
    (got,) = amqp.drain(broker_config, work.vhost, "work", expect=1)
    assert got.body == b"\x00\x01\xff"
    assert got.headers == {"n": 1, "half": 0.5, "deep": {"list": [True, None]}}
    assert (got.properties.message_id, got.properties.priority, got.properties.delivery_mode) == (
        "mine",
        3,
        2,
    )
    assert got.properties.timestamp
    entry = AuditEntry.objects.get(action="queue.publish")
    assert (entry.actor, entry.outcome, entry.detail["routed"]) == ("the-operator", "done", True)


def test_a_message_that_no_queue_takes_is_told_so(operator: Client, work: Queue) -> None:
    text = publish(operator, work, routing_key="nobody")
    assert "Not routed" in text
    assert "nobody" in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"body": "%%%", "encoding": "base64"}, "not valid base64"),
        ({"headers": "{"}, "Not valid JSON"),
        ({"headers": "[1]"}, "JSON object"),
        ({"headers": '{"n": 99999999999999999999}'}, "64 bits"),
        ({"priority": "many"}, "priority is a whole number"),
        ({"expiration": "soon"}, "expiration is a whole number"),
        ({"message_id": "m" * 256}, "message_id is longer than 255 bytes"),
        ({"routing_key": "é" * 128}, "longer than 255 bytes"),
    ],
)
def test_errors_stand_beside_their_fields(
    operator: Client, work: Queue, fields: dict[str, str], words: str, broker_config: BrokerConfig
) -> None:
    text = publish(operator, work, **fields)
    label = text[: text.index(words)].rsplit('<label class="field">', 1)[-1]
    assert f'name="{next(iter(fields))}"' in label
    assert amqp.depth(broker_config, work.vhost, "work") == 0


def test_what_is_typed_on_lines_is_published_with_the_breaks_that_were_typed(
    operator: Client, work: Queue, broker_config: BrokerConfig
) -> None:
    publish(operator, work, body='{\r\n"n": 1.10\r\n}')
    (got,) = amqp.drain(broker_config, work.vhost, "work", expect=1)
    assert got.body == b'{\n"n": 1.10\n}'


@pytest.mark.parametrize(
    ("headers", "words"),
    [('{"n": 1, "n": 2}', "given twice"), ('{"n": 12345678901234567.89}', "more digits than a float")],
)
def test_headers_that_would_be_sent_otherwise_than_typed_are_refused(
    operator: Client, work: Queue, headers: str, words: str
) -> None:
    text = publish(operator, work, headers=headers)
    assert words in text
    assert "Published and confirmed" not in text


def test_where_something_would_be_lost_it_asks_first(
    operator: Client, work: Queue, broker_config: BrokerConfig, management: Management
) -> None:
    management.declare_queue(work.vhost, "latest", arguments={"x-max-length": 1})
    amqp.publish(broker_config, work.vhost, "latest", [b"old"])
    said = "Publish it all the same"
    assert said not in publish(operator, work)
    text = publish(operator, work, routing_key="latest")
    assert said in text
    assert "about 1 of its oldest messages would be dropped. It is full." in text
    assert amqp.depth(broker_config, work.vhost, "latest") == 1
    assert "Published and confirmed" in publish(operator, work, routing_key="latest", allow_loss="on")
    (got,) = amqp.drain(broker_config, work.vhost, "latest", expect=1)
    assert got.body == b"hello"


def test_what_a_full_queue_would_lose_stands_there_before(operator: Client, work: Queue) -> None:
    Queue.objects.filter(pk=work.pk).update(arguments={"x-max-length": 1}, ready=1)
    text = operator.get(reverse("queue_publish", args=[work.pk])).content.decode()
    assert "holds at most 1 message: about 1 of its oldest" in text
    assert "Publish it all the same" in text
