"""One queue's page and what can be done there, on a real broker; the overview."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.core.pages.formats import number
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import HOSTILE, ODD_NAMES, make_queue
from tests.support import amqp
from tests.support.management import Management
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(autouse=True)
def _own_brokers(_broker: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("RABBITMQ_ENVIRONMENT", raising=False)
    brokers.forget()
    yield
    brokers.forget()


@pytest.fixture
def work(broker: Broker, management: Management, vhost: str) -> Queue:
    """A queue `work` that exists, and its row."""
    management.declare_queue(vhost, "work")
    return make_queue(broker, "work", vhost)


def detail(client: Client, queue: Queue) -> str:
    response = client.get(reverse("queue_detail", args=[queue.pk]))
    assert response.status_code == 200
    return response.content.decode()


class _Buttons(HTMLParser):
    """Collects what each button says and why it is disabled."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.denied: dict[str, str] = {}
        self.allowed: set[str] = set()
        self._attributes: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("button", "a"):
            self._attributes = dict(attrs)

    def handle_data(self, data: str) -> None:
        words = data.strip()
        if self._attributes is None or not words:
            return
        if self._attributes.get("aria-disabled"):
            self.denied[words] = self._attributes.get("data-denied") or ""
        else:
            self.allowed.add(words)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("button", "a"):
            self._attributes = None


def test_the_page_of_a_queue(operator: Client, work: Queue, management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "events", type="topic")
    management.bind(vhost, "events", "work", "order.#")
    text = detail(operator, work)
    assert "order.#" in text
    assert "events" in text
    assert {"Look", "Purge…", "Publish"} <= _Buttons(text).allowed
    live = operator.get(reverse("queue_detail", args=[work.pk]), headers=HTMX).content.decode()
    assert live.startswith('<div id="queue-live"')
    assert "csrfmiddlewaretoken" not in live


def test_live_numbers_come_from_the_broker_not_from_the_row(
    operator: Client, work: Queue, broker_config: BrokerConfig
) -> None:
    amqp.publish(broker_config, work.vhost, "work", [b"x"] * 1234)
    Queue.objects.update(ready=7)
    wait_until(lambda: number(1234) in detail(operator, work), 15, what="1234 on the page")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_have_a_page_and_can_be_published_to(
    operator: Client,
    broker: Broker,
    management: Management,
    vhost: str,
    name: str,
    broker_config: BrokerConfig,
) -> None:
    management.declare_queue(vhost, name)
    queue = make_queue(broker, name, vhost)
    text = detail(operator, queue)
    assert "This queue is gone" not in text
    assert HOSTILE not in text
    response = operator.post(
        reverse("queue_publish", args=[queue.pk]), {"body": HOSTILE, "encoding": "utf-8"}
    )
    assert "Published and confirmed" in response.content.decode()
    assert amqp.depth(broker_config, vhost, name) == 1
    peeked = operator.post(reverse("queue_peek", args=[queue.pk]), {"count": "5"}).content.decode()
    assert HOSTILE not in peeked
    assert "&lt;script&gt;" in peeked


def test_a_queue_that_is_gone_says_so(operator: Client, work: Queue, management: Management) -> None:
    management.delete_queue(work.vhost, "work")
    text = detail(operator, work)
    assert "This queue is gone" in text
    assert _Buttons(text).denied.keys() >= {"Look", "Purge…"}


def test_an_unknown_queue_is_not_found(operator: Client, broker: Broker) -> None:
    assert operator.get("/queues/999999/").status_code == 404


def test_the_broker_down_shows_the_last_snapshot_and_the_fault(
    operator: Client, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("RABBITMQ_URL", "amqp://127.0.0.1:1/")
    brokers.forget()
    queue = make_queue(broker, "work", ready=4321)
    Broker.objects.update(sampled_at=timezone.now() - timedelta(minutes=3))
    text = detail(operator, queue)
    assert "The broker cannot be reached" in text
    assert number(4321) in text
    assert "3 min" in text
    assert "The broker does not answer." in _Buttons(text).denied["Look"]
    answer = operator.post(reverse("queue_peek", args=[queue.pk]), {"count": "5"}).content.decode()
    assert "The broker cannot be reached" in answer
    answer = operator.post(reverse("queue_publish", args=[queue.pk]), {"body": "x", "encoding": "utf-8"})
    assert "cannot be reached" in answer.content.decode()
    assert operator.get(reverse("queue_lengths", args=[queue.pk])).status_code == 503


def test_charts_come_from_the_broker(operator: Client, work: Queue, broker_config: BrokerConfig) -> None:
    amqp.publish(broker_config, work.vhost, "work", [b"x"] * 9)

    def ready() -> bool:
        chart = operator.get(reverse("queue_lengths", args=[work.pk])).json()
        return bool(chart["x"]) and chart["series"][0]["y"][-1] == 9

    wait_until(ready, 20, what="nine ready in the chart")
    chart = operator.get(reverse("queue_lengths", args=[work.pk])).json()
    assert [line["label"] for line in chart["series"]] == ["ready", "unacked"]
    assert all(len(line["y"]) == len(chart["x"]) for line in chart["series"])
    assert chart["x"] == sorted(chart["x"])
    assert chart["x"][-1] - chart["x"][0] > 3000
    rates = operator.get(reverse("queue_rates", args=[work.pk])).json()
    assert [line["label"] for line in rates["series"]] == ["in", "delivered", "acked", "redelivered"]


# --- publish --------------------------------------------------------------------------------------------


def publish(client: Client, queue: Queue, **fields: str) -> str:
    values = {"body": "hello", "encoding": "utf-8", "persistent": "on", **fields}
    response = client.post(reverse("queue_publish", args=[queue.pk]), values, headers=HTMX)
    assert response.status_code == 200
    return response.content.decode()


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


# --- peek -----------------------------------------------------------------------------------------------


def test_peek_shows_and_keeps_the_messages(
    operator: Client, work: Queue, broker_config: BrokerConfig
) -> None:
    amqp.publish(
        broker_config,
        work.vhost,
        "work",
        [json.dumps({"order": n}).encode() for n in range(3)],
        headers={HOSTILE: HOSTILE},
        type=HOSTILE,
    )
    text = operator.post(reverse("queue_peek", args=[work.pk]), {"count": "2"}, headers=HTMX).content.decode()
    assert text.count('class="message"') == 2
    assert "&quot;order&quot;: 0" in text
    assert HOSTILE not in text
    assert amqp.depth(broker_config, work.vhost, "work") == 3
    assert AuditEntry.objects.get(action="queue.peek").count == 2


def test_peek_is_refused_where_it_would_harm(
    operator: Client, broker: Broker, management: Management, vhost: str, broker_config: BrokerConfig
) -> None:
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 3}
    management.declare_queue(vhost, "fragile", arguments=arguments)
    amqp.publish(broker_config, vhost, "fragile", [b"x"])
    queue = make_queue(broker, "fragile", vhost, type="quorum", arguments=arguments)
    text = operator.post(
        reverse("queue_peek", args=[queue.pk]), {"count": "1"}, headers=HTMX
    ).content.decode()
    assert "Not done." in text
    assert "3 returns" in text
    assert "3 returns" in _Buttons(detail(operator, queue)).denied["Look"]
    assert AuditEntry.objects.get(action="queue.peek").outcome == "refused"
    (message,) = amqp.drain(broker_config, vhost, "fragile", expect=1)
    assert not message.redelivered


# --- purge ----------------------------------------------------------------------------------------------


def test_purge_states_the_count_and_starts_an_operation(
    operator: Client, work: Queue, broker_config: BrokerConfig
) -> None:
    amqp.publish(broker_config, work.vhost, "work", [b"x"] * 7)
    address = reverse("queue_purge", args=[work.pk])
    assert "Purge 7 messages" in _Buttons(operator.get(address).content.decode()).allowed
    response = operator.post(address, {"expect": "7"})
    operation = Operation.objects.get(kind="queues.purge")
    assert response.headers["Location"] == reverse("operation_detail", args=[operation.pk])
    assert amqp.depth(broker_config, work.vhost, "work") == 7


def test_purge_refuses_when_the_count_changed(
    operator: Client, work: Queue, broker_config: BrokerConfig
) -> None:
    amqp.publish(broker_config, work.vhost, "work", [b"x"] * 7)
    response = operator.post(reverse("queue_purge", args=[work.pk]), {"expect": "3"})
    assert response.status_code == 409
    assert "holds 7 messages now, not 3" in response.content.decode()
    assert not Operation.objects.exists()
    assert AuditEntry.objects.get(action="queue.purge").outcome == "refused"


def test_purge_on_production_needs_the_name(
    operator: Client, work: Queue, broker_config: BrokerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    amqp.publish(broker_config, work.vhost, "work", [b"x"])
    address = reverse("queue_purge", args=[work.pk])
    assert "This is a production broker" in operator.get(address).content.decode()
    assert (
        "Type the name of the queue exactly"
        in operator.post(address, {"expect": "1", "typed": "wrk"}).content.decode()
    )
    assert not Operation.objects.exists()
    operator.post(address, {"expect": "1", "typed": "work"})
    assert Operation.objects.count() == 1


# --- who may --------------------------------------------------------------------------------------------


def test_a_viewer_sees_why_and_is_refused(viewer: Client, work: Queue, broker_config: BrokerConfig) -> None:
    amqp.publish(broker_config, work.vhost, "work", [b"x"])
    text = detail(viewer, work)
    denied = _Buttons(text).denied
    assert "operator" in denied["Look"]
    assert "operator" in denied["Purge…"]
    for name in ("queue_peek", "queue_publish", "queue_purge"):
        values = {"expect": "1", "count": "1", "body": "x", "encoding": "utf-8"}
        assert viewer.post(reverse(name, args=[work.pk]), values).status_code == 403
    assert amqp.depth(broker_config, work.vhost, "work") == 1


def test_nobody_sees_anything_without_signing_in(work: Queue) -> None:
    for name in ("overview", "queue_list", "overview_rates"):
        assert Client().get(reverse(name)).status_code == 302
    for name in ("queue_detail", "queue_lengths", "queue_rates", "queue_publish", "queue_purge"):
        assert Client().get(reverse(name, args=[work.pk])).status_code == 302


# --- overview -------------------------------------------------------------------------------------------


def test_the_overview_opens_with_what_is_wrong(viewer: Client, broker: Broker) -> None:
    Broker.objects.update(alarms=[{"node": "rabbit@a", "resource": "memory"}])
    reasons = [{"code": "no_consumers", "level": "broken", "params": {"since": 1, "waiting": 9, "had": 2}}]
    make_queue(broker, "invoices", health="broken", health_rank=3, health_reasons=reasons)
    text = viewer.get("/").content.decode()
    assert "invoices has nobody listening" in text
    assert "rabbit@a raised its memory alarm" in text
    assert text.index("invoices has nobody") < text.index("rabbit@a</td>")
    fragment = viewer.get("/", headers=HTMX).content.decode()
    assert "<html" not in fragment
    assert 'id="attention"' in fragment


def test_many_queues_in_trouble_become_one_line(viewer: Client, broker: Broker) -> None:
    for n in range(20):
        make_queue(broker, f"q{n}", health="watch", health_rank=2)
    text = viewer.get("/").content.decode()
    assert "14 more queues" in text
    # Dead letters that wait are the inbox's to speak of, with the button that helps.
    make_queue(broker, "the-dead", health="watch", health_rank=2, is_inbox=True, total=99, ready=99)
    assert "14 more queues" in viewer.get("/").content.decode()
    assert "show=watch" in text


def test_the_overview_when_the_broker_is_down_or_was_never_seen(viewer: Client, broker: Broker) -> None:
    Broker.objects.update(reachable=False, error_code="no_response", error="refused")
    assert "The broker cannot be reached" in viewer.get("/").content.decode()
    Broker.objects.all().delete()
    assert "Not sampled yet" in viewer.get("/").content.decode()


def test_unknown_totals_are_not_shown_as_zero(viewer: Client, broker: Broker) -> None:
    Broker.objects.update(totals={})
    text = viewer.get("/").content.decode()
    assert text.count("<b>–</b>") >= 4


def test_rates_of_the_last_hour(viewer: Client, broker: Broker) -> None:
    Broker.objects.update(history={"publish_rate": [[10, 1.5], [25, 2.0]], "ack_rate": [[25, 1.0]]})
    chart = viewer.get(reverse("overview_rates")).json()
    assert chart["x"] == [10, 25]
    assert [line["y"] for line in chart["series"]] == [[1.5, 2.0], [None, 1.0], [None, None]]
