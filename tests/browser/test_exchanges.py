"""The life of an exchange in Chromium: made, bound, published to once one saw where it goes, unbound, deleted."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect

from mqadmin.core import brokers
from mqadmin.rabbit import amqp
from tests.support.management import Management
from tests.support.waiting import patient

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def test_an_exchange_from_its_making_to_its_end(
    operator_page: Page, management: Management, vhost: str
) -> None:
    brokers.forget()
    User.objects.get(username="olga").groups.add(Group.objects.get(name="admin"))
    expect.set_options(timeout=patient(20) * 1000)
    management.declare_queue(vhost, "work")
    page = operator_page
    page.goto("/exchanges/")
    page.get_by_role("link", name="New exchange").click()
    page.get_by_label("Virtual host").select_option(vhost)
    page.get_by_label("Name", exact=True).fill("orders/é")
    page.get_by_label("Type", exact=True).select_option("headers")
    page.get_by_role("button", name="Declare it").click()
    expect(page.get_by_role("heading", name="orders/é")).to_be_visible()

    page.get_by_role("link", name="Bind", exact=True).click()
    page.get_by_label("Its name", exact=True).fill("work")
    row = page.locator(".argument").first
    row.get_by_label("Name of an argument").fill("shop")
    row.get_by_label("Its value").fill("de")
    page.get_by_role("button", name="Bind it").click()
    expect(page.get_by_role("link", name="Unbind")).to_be_visible()

    page.get_by_role("link", name="Publish", exact=True).click()
    expect(page.get_by_role("button", name="Publish it")).to_have_count(0)
    page.get_by_label("Headers").fill('{"shop": "fr"}')
    page.get_by_role("button", name="Show where it goes").click()
    expect(page.get_by_text("No queue would get it")).to_be_visible()
    page.get_by_label("Headers").fill('{"shop": "de"}')
    page.get_by_role("button", name="Show where it goes").click()
    expect(page.get_by_text("1 queue gets it.")).to_be_visible()
    page.get_by_role("button", name="Publish it").click()
    expect(page.locator(".published")).to_contain_text("Published and confirmed")
    assert amqp.counts(management.config, vhost, "work")[0] == 1

    page.get_by_role("link", name="Leave it").click()
    page.get_by_role("link", name="Unbind").click()
    page.get_by_role("button", name="Unbind it").click()
    expect(page.get_by_text("Nothing is bound to it")).to_be_visible()
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("was deleted")).to_be_visible()
    assert "orders/é" not in {item.name for item in management.exchanges(vhost)}
