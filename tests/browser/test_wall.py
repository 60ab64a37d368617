"""The wall in Chromium: when mqadmin is away it says so, and goes on when it is back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from mqadmin.queues.models import Broker

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]

REFRESH = "document.dispatchEvent(new Event('mqadmin:acted'))"


@pytest.mark.parametrize("how", ["no answer", "a fault"])
def test_old_numbers_are_never_shown_as_new(operator_page: Page, how: str) -> None:
    page = operator_page
    Broker.objects.create(slug="default", reachable=False, error_code="timeout")
    page.goto("/wall/")
    expect(page.get_by_role("heading", name="1 thing is broken")).to_be_visible()
    banner = page.get_by_role("alert")
    expect(banner).to_be_hidden()
    page.route("**/wall/", lambda route: route.abort() if how == "no answer" else route.fulfill(status=503))
    page.evaluate(REFRESH)
    expect(banner).to_contain_text("mqadmin does not answer. What stands below is old")
    page.unroute("**/wall/")
    Broker.objects.update(error_code="tls_failed")
    page.evaluate(REFRESH)
    expect(banner).to_be_hidden()
    expect(page.get_by_text("The broker's certificate was not accepted").first).to_be_visible()
