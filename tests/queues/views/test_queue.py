"""One queue's page, live from a real broker; who may act there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.core.pages.formats import number
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import HOSTILE, ODD_NAMES, make_queue
from tests.queues.views.conftest import HTMX, Buttons, detail
from tests.support import amqp
from tests.support.management import Management
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


def test_the_page_of_a_queue(operator: Client, work: Queue, management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "events", type="topic")
    management.bind(vhost, "events", "work", "order.#")
    text = detail(operator, work)
    assert "order.#" in text
    assert "events" in text
    assert {"Look", "Purge…", "Publish"} <= Buttons(text).allowed
    live = html(operator.get(reverse("queue_detail", args=[work.pk]), headers=HTMX))
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
    assert "Published and confirmed" in html(response)
    assert amqp.depth(broker_config, vhost, name) == 1
    peeked = html(operator.post(reverse("queue_peek", args=[queue.pk]), {"count": "5"}))
    assert HOSTILE not in peeked
    assert "&lt;script&gt;" in peeked


def test_a_queue_that_is_gone_says_so(operator: Client, work: Queue, management: Management) -> None:
    management.delete_queue(work.vhost, "work")
    text = detail(operator, work)
    assert "This queue is gone" in text
    assert Buttons(text).denied.keys() >= {"Look", "Purge…"}


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
    assert "The broker does not answer." in Buttons(text).denied["Look"]
    answer = html(operator.post(reverse("queue_peek", args=[queue.pk]), {"count": "5"}))
    assert "The broker cannot be reached" in answer
    answer = operator.post(reverse("queue_publish", args=[queue.pk]), {"body": "x", "encoding": "utf-8"})
    assert "cannot be reached" in html(answer)
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


def test_a_viewer_sees_why_and_is_refused(viewer: Client, work: Queue, broker_config: BrokerConfig) -> None:
    amqp.publish(broker_config, work.vhost, "work", [b"x"])
    text = detail(viewer, work)
    denied = Buttons(text).denied
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


def test_from_when_the_first_message_of_a_stream_is(
    operator: Client, broker: Broker, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    """RabbitMQ tells it from 4.3 on, once a segment of the log was full."""
    arguments = {
        "x-queue-type": "stream",
        "x-stream-max-segment-size-bytes": 50_000,
        "x-max-length-bytes": 10**9,
    }
    management.declare_queue(vhost, "log", arguments=arguments)
    queue = make_queue(broker, "log", vhost, type="stream")
    words, is_told = "once the stream has filled a segment", "that the stream still holds was written"
    version = tuple(int(part) for part in management.overview().version.split(".")[:2])

    def sent(count: int) -> str:
        amqp.publish(broker_config, vhost, "log", [b"x" * 500] * count)
        arrived = lambda: (management.queue(vhost, "log").info.total or 0) >= count  # noqa: E731
        wait_until(arrived, 15, what="the stream to be counted")
        return detail(operator, queue)

    few = sent(5)
    assert is_told not in few
    assert (words in few) == (version >= (4, 3))
    sent(400)
    if version >= (4, 3):
        text = wait_until(lambda: is_told in detail(operator, queue) and detail(operator, queue), 15)
        assert words not in text
