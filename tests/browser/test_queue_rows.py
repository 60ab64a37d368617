"""The list of queues in Chromium: of a refresh only changed rows come, and none jumps under the pointer."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from mqadmin.queues.models import Broker, Queue
from tests.queues.conftest import make_queue
from tests.support.waiting import patient

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def test_rows_that_changed_come_alone_and_new_ones_are_counted(operator_page: Page) -> None:
    page, soon = operator_page, patient(15) * 1000
    broker = Broker.objects.create(slug="default", reachable=True, sampled_at=timezone.now())
    for name in ("b", "c", "d"):
        make_queue(broker, f"queue.{name}", ready=1)
    page.goto("/queues/?sort=name")
    rows = page.locator("#queues-table tbody tr")
    expect(rows).to_have_count(3)
    with page.expect_response(lambda found: "/queues/" in found.url and found.status == 304):
        pass  # the page says by now what it has
    with page.expect_response(lambda found: "/queues/" in found.url and found.status == 200) as answer:
        Queue.objects.filter(name="queue.c").update(ready=4711)
    assert answer.value.text().count("data-same") >= 2  # three where a minute began just then
    expect(rows.nth(1)).to_contain_text("4\u00a0711", timeout=soon)
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text("queue.d")
    rows.nth(1).hover()
    make_queue(broker, "queue.a", ready=1)
    expect(page.get_by_text("1 new row")).to_be_visible(timeout=soon)
    expect(rows.nth(0)).to_contain_text("queue.b")
    page.get_by_text("1 new row").click()
    expect(rows.nth(0)).to_contain_text("queue.a", timeout=soon)
