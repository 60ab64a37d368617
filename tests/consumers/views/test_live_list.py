"""In Chromium: records come in by themselves, but wait while somebody reads; options follow the handler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from consumers.models import Consumer
from tests.support.consumers import make_consumer, make_process, make_record, make_supervisor
from tests.support.waiting import patient

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(chromium: Browser, live_server: Any) -> Iterator[Page]:
    """A page of a signed-in superuser; a console error fails the test."""
    client = Client()
    client.force_login(
        User.objects.create_superuser("root"), backend="django.contrib.auth.backends.ModelBackend"
    )
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=live_server.url)
    context.add_cookies([cookie])
    yield from _watched(context)


def _watched(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    complaints: list[str] = []

    def told(message: ConsoleMessage) -> None:
        # Chromium also names every form that came back with errors beside its fields; htmx, what a filter took the
        # place of.
        is_replaced = "AbortError" in message.text and "#consumer" in message.text
        if message.type == "error" and "422 (Unprocessable Entity)" not in message.text and not is_replaced:
            complaints.append(message.text)

    page.on("console", told)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(patient(10) * 1000)
    expect.set_options(timeout=patient(10) * 1000)
    yield page
    assert complaints == []


def test_new_records_come_in_but_wait_while_somebody_reads(page: Page) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running")
    make_record(consumer, message_id="old")
    page.goto("/consumers/orders/")
    first = page.locator(".records tbody tr .name a").first
    expect(first).to_have_text("old")

    make_record(consumer, message_id="by-itself")
    expect(first).to_have_text("by-itself")

    page.locator(".records tbody tr").first.hover()
    for number in range(12):
        make_record(consumer, message_id=f"waiting-{number}")
    button = page.locator("[data-records-load]")
    expect(button).to_contain_text("12 new")
    expect(first).to_have_text("by-itself")

    button.click()
    expect(first).to_have_text("waiting-11")
    expect(button).to_have_count(0)


def test_stop_shows_at_once_and_a_second_time_kills(page: Page) -> None:
    make_supervisor()
    process = make_process(make_consumer(name="orders", desired="running"), in_flight=2)
    page.goto("/consumers/orders/")

    page.locator(".state-acts").get_by_role("button", name="Stop").click()
    expect(page.locator(".state-word")).to_have_text("stopping")
    expect(page.locator(".state-line")).to_contain_text("2 messages in hand")

    page.locator(".state-acts").get_by_role("button", name="Kill").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Kill").click()
    expect(page.locator(".state-line")).to_contain_text("Being killed")
    process.refresh_from_db()
    assert process.kill_requested_at is not None


def test_options_follow_the_handler_and_what_is_typed_stays(page: Page) -> None:
    page.goto("/consumers/new/")
    page.get_by_label("Name", exact=True).fill("orders")
    page.get_by_label("Queue", exact=True).fill("order.processing")

    page.get_by_label("Handler", exact=True).select_option("orders.process")
    expect(page.get_by_role("group", name="Options of")).to_be_visible()
    expect(page.get_by_label("Queue", exact=True)).to_have_value("order.processing")

    page.get_by_role("button", name="Define, leave it stopped").click()
    page.wait_for_url("**/consumers/orders/")
    assert Consumer.objects.get().handler == "orders.process"


def test_the_form_shows_what_applies_to_what_is_chosen(page: Page) -> None:
    page.goto("/consumers/new/")
    for summary in page.locator("details.section > summary").all():
        summary.click()
    hidden = {
        name: page.locator(f"#id_{name}") for name in ("pull_interval", "dedupe_path", "connection_delay")
    }
    warning = page.locator(".field-warning")
    for field in (*hidden.values(), warning, page.locator("#id_dedupe_seconds")):
        expect(field).to_be_hidden()

    page.check("[name=mode][value=pull]")
    expect(hidden["pull_interval"]).to_be_visible()
    expect(page.locator(".field-exclusive")).to_contain_text("not in pull mode")
    page.check("[name=ack][value=auto]")
    expect(warning).to_contain_text("loses what was in hand")
    page.fill("#id_connection_retries", "3")
    expect(hidden["connection_delay"]).to_be_visible()
    page.select_option("#id_dedupe_key", "body")
    expect(page.locator("#id_dedupe_seconds")).to_be_visible()
    expect(hidden["dedupe_path"]).to_be_hidden()
    page.select_option("#id_dedupe_key", "header")
    expect(hidden["dedupe_path"]).to_be_visible()


def test_an_error_in_a_field_that_does_not_apply_is_seen(page: Page) -> None:
    page.goto("/consumers/new/?queue=orders&handler=record")
    page.check("[name=mode][value=pull]")
    page.fill("#id_pull_interval", "0")
    page.check("[name=mode][value=push]")
    expect(page.locator("#id_pull_interval")).to_be_hidden()
    page.evaluate("document.querySelector('form.define').submit()")
    expect(page.locator(".field-pull_interval .field-error")).to_be_visible()


def test_the_list_is_filtered_while_one_types_and_stays_so(page: Page) -> None:
    make_supervisor()
    make_process(make_consumer(name="mail-a", desired="running"))
    other = make_consumer(name="mail-b")
    make_consumer(name="pictures")
    page.goto("/consumers/")
    names = page.locator("#consumers td.name > a")
    expect(names).to_have_count(3)

    page.locator("#consumer-q").press_sequentially("mail")
    expect(names).to_have_text(["mail-a", "mail-b"])
    page.locator("[name=state]").select_option("stopped")
    expect(names).to_have_text(["mail-b"])
    expect(page.locator("#consumers .pager")).to_contain_text("1 of 3")
    assert "q=mail" in page.url
    assert "state=stopped" in page.url

    Consumer.objects.filter(pk=other.pk).update(name="mail-c")  # the live part asks for the same again
    expect(names).to_have_text(["mail-c"])
    page.reload()
    expect(page.locator("#consumer-q")).to_have_value("mail")
    expect(names).to_have_text(["mail-c"])
