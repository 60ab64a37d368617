"""One message's whole life, by clicks: it fails, is captured, understood, requeued and handled."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta

import pika
import pytest
from playwright.sync_api import Page, expect

from consumers.models import Consumer, Record
from mqadmin.core.models import Lease
from mqadmin.queues.models import Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.browser.stack import Stack
from tests.support import amqp
from tests.support.length import IN_FULL
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.timeout(300),
    pytest.mark.django_db(transaction=True),
]

SOON = 20_000  # ms: what another process brings about


def publish_order(config: BrokerConfig, order_id: str, back_in: float) -> None:
    """Publish an order that fails until its warehouse is back, in `back_in` seconds."""
    back_at = datetime.now(UTC) + timedelta(seconds=back_in)
    order = {
        "order_id": order_id,
        "customer": "C-1001",
        "amount": 12.5,
        "items": ["teapot"],
        "warehouse": "gdansk-4",
        "warehouse_back_at": back_at.isoformat(),
    }
    properties = pika.BasicProperties(
        message_id=order_id, type="order.created", content_type="application/json", delivery_mode=2
    )
    with amqp.channel(config, "shop") as channel:
        channel.basic_publish("order.events", "order.created", json.dumps(order).encode(), properties)


def outcomes(message_id: str) -> list[str]:
    found = Record.objects.filter(message_id=message_id).order_by("pk")
    return list(found.values_list("outcome", flat=True))


def test_the_whole_life_of_a_message(page: Page, stack: Stack, broker_config: BrokerConfig) -> None:
    # The order queue, found by filter.
    wait_until(lambda: Queue.objects.filter(vhost="shop", name="order.processing").exists(), 30)
    page.get_by_role("link", name="Queues", exact=False).first.click()
    page.get_by_label("Search the queues").fill("order.proc")
    if page.get_by_role("combobox", name="Virtual host").count():  # where there is a choice
        page.get_by_role("combobox", name="Virtual host").select_option("shop")
    expect(page.locator("#queues-table tbody tr")).to_have_count(1, timeout=SOON)
    assert "q=order.proc" in page.url
    page.get_by_role("link", name="order.processing").click()
    expect(page.get_by_role("heading", name="order.processing")).to_be_visible()

    # Its consumer, and records that arrive while one looks.
    page.locator("#queue-consumers").get_by_role("link", name="orders", exact=True).click()
    expect(page.get_by_text("running", exact=True).first).to_be_visible(timeout=SOON)
    expect(page.locator("#records tbody tr").first).to_be_visible(timeout=SOON)
    seen = Record.objects.filter(consumer__name="orders").count()
    wait_until(lambda: Record.objects.filter(consumer__name="orders").count() > seen, 20)

    # An order fails; its dead-letter queue is tracked with one click.
    back_at = time.monotonic() + 15  # long enough for a busy machine to handle it before
    publish_order(broker_config, "ord-life-1", back_in=15)
    wait_until(lambda: outcomes("ord-life-1") == ["dead_lettered"], 20)
    page.get_by_role("link", name=re.compile("Dead letters")).first.click()
    strip = page.locator(".strip", has_text="dlx.orders holds")
    expect(strip).to_be_visible(timeout=SOON)
    strip.get_by_role("button", name="Track").click()
    expect(strip).to_have_count(0, timeout=SOON)

    # The letter, and its error in words.
    page.get_by_label("Search in body, headers, error and properties").fill("ord-life-1")
    row = page.locator("#inbox tbody tr", has_text="ord-life-1")
    expect(row).to_have_count(1, timeout=SOON)
    row.get_by_role("link").first.click()
    fault = page.locator(".fault")
    expect(fault).to_contain_text("StockTimeout")
    expect(fault).to_contain_text("the stock service of gdansk-4 did not answer")
    expect(page.locator(".payload").first).to_contain_text("ord-life-1")

    # Requeue it, once the warehouse is back, and see it handled.
    wait_until(lambda: time.monotonic() > back_at, 20)
    page.get_by_role("button", name="Requeue to order.processing").first.click()
    wait_until(
        lambda: outcomes("ord-life-1") == ["dead_lettered", "acked"], 25, what="handled after its requeue"
    )
    page.goto("/consumers/orders/?q=ord-life-1")
    expect(page.locator("#records tbody tr")).to_have_count(2)
    expect(page.locator("#records tbody tr").first).to_contain_text("acked")

    # The operation tells the result of each message.
    page.get_by_role("link", name="Operations").click()
    expect(page.locator("main tbody tr").first).to_contain_text("done", timeout=SOON)

    # Who has no row of its own says that it is there.
    assert {"beat", "web"} <= set(Lease.objects.values_list("name", flat=True))

    # Stop the consumer, see it stopped.
    page.goto("/consumers/orders/")
    page.get_by_role("button", name="Stop", exact=True).first.click()
    dialog = page.locator("dialog[open]")
    if dialog.count():
        dialog.get_by_role("button").first.click()
    expect(page.get_by_text("stopped", exact=True).first).to_be_visible(timeout=SOON)
    wait_until(lambda: not Consumer.objects.get(name="orders").processes.filter(ended_at=None).exists(), 10)


@IN_FULL  # it reports times, and benchmarks/lifecycle.py does, too
def test_from_click_to_effect(
    page: Page,
    stack: Stack,
    broker_config: BrokerConfig,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Report how long Start and Stop take, from the click to what the rows say."""
    with amqp.channel(broker_config, "shop") as channel:
        channel.queue_declare("clicks", durable=True)
    consumer = Consumer.objects.create(
        name="clicks", broker="default", vhost="shop", queue="clicks", handler="record", desired="stopped"
    )
    starts, stops = [], []
    for number in range(3):
        amqp.publish(broker_config, "shop", "clicks", [b"{}"])
        page.goto("/consumers/clicks/")
        began = time.monotonic()
        page.get_by_role("button", name="Start", exact=True).first.click()
        wait_until(lambda number=number: consumer.handled.count() > number, 20, 0.01)
        starts.append(time.monotonic() - began)
        stop = page.get_by_role("button", name="Stop", exact=True).first
        expect(stop).to_be_visible(timeout=SOON)
        began = time.monotonic()
        stop.click()
        wait_until(lambda: not consumer.processes.filter(ended_at=None).exists(), 20, 0.01)
        stops.append(time.monotonic() - began)
    with capsys.disabled():
        print(
            f"\nfrom click on Start to the first message handled: {_words(starts)} (target 2.5 s)"
            f"\nfrom click on Stop to stopped, idle: {_words(stops)} (target 1.5 s)"
        )


def _words(seconds: list[float]) -> str:
    return f"median {sorted(seconds)[len(seconds) // 2]:.2f} s of {', '.join(f'{s:.2f}' for s in seconds)}"
