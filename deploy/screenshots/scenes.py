"""What is pictured: pages as they are, and what one sees on the way through the manual, by its clicks.

A word of the manual that is on no page any more ends `make screenshots` with an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

Scene = Callable[["Page"], None]
PATIENCE_MS = 15_000


def prepare(page: Page) -> None:
    """Do what `docs/begin/first-handler.md` and `docs/howto/alerts.md` say."""
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/queues/")
    page.get_by_role("link", name="New queue").click()
    page.get_by_label("Virtual host").select_option("shop")
    page.get_by_label("Name", exact=True).fill("invoices")
    page.get_by_role("button", name="Declare it").click()
    page.get_by_role("link", name="Define a consumer here").click()
    _fill_in_consumer(page)
    page.get_by_role("button", name="Define and start").click()
    page.get_by_text("1 of 1 running").wait_for()
    for body in ('{"number": 7, "amount": 120}', '{"number": 8}'):
        page.goto("/queues/?q=invoices")
        page.locator("main table a:has-text('invoices')").first.click()
        page.get_by_label("Body", exact=True).fill(body)
        page.get_by_role("button", name="Publish").click()
        page.wait_for_load_state("networkidle")
    page.goto("/alerts/channels/")
    page.get_by_role("link", name="New channel").click()
    page.get_by_label("Name", exact=True).fill("on call")
    page.get_by_label("a signed webhook").check()
    page.get_by_label("Environment variable of the address").fill("MQADMIN_ALERT_HOOK")
    page.get_by_label("Environment variable of the secret").fill("MQADMIN_ALERT_HOOK_SECRET")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Test", exact=True).wait_for()


def _fill_in_consumer(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("invoices")
    page.get_by_label("Handler").select_option("invoices.note")
    page.get_by_text("Note an invoice”").wait_for()


def _at(path: str, click: str = "") -> Scene:
    """Return the scene of a page, after a click on the first of what a selector finds."""

    def scene(page: Page) -> None:
        page.goto(path)
        if click:
            page.locator(click).first.click()

    return scene


def _cause(page: Page, name: str) -> None:
    """Open a cause of the dead letters, with its first letter beside the list."""
    page.goto("/dead-letters/")
    page.get_by_role("link", name=name).first.click()
    page.get_by_text(f"letters: {name}").wait_for()


def _edit(page: Page) -> None:
    _cause(page, "UnknownTask")
    page.get_by_role("link", name="Edit & requeue").click()
    body = page.get_by_label("Body", exact=True)
    body.fill(body.input_value().replace("resise_image", "resize_image"))
    page.get_by_role("button", name="Show the changes").click()
    page.get_by_text("Nothing is saved yet.").wait_for()


def _requeue(page: Page) -> None:
    _cause(page, "SourceNotReady")
    page.get_by_text("Requeue all…").first.click()
    page.get_by_text("How carefully").wait_for()


def _edit_all(page: Page) -> None:
    _cause(page, "UnknownTask")
    page.get_by_text("Edit all…").first.click()
    page.get_by_role("textbox", name="Find", exact=True).fill("resise_image")
    page.get_by_label("Replace with").fill("resize_image")
    page.get_by_role("button", name="Show on ten").click()
    page.get_by_text("What would become of").wait_for()


def _new_consumer(page: Page) -> None:
    page.goto("/queues/?q=invoices")
    page.locator("main table a:has-text('invoices')").first.click()
    page.get_by_role("link", name="Define a consumer here").click()
    page.get_by_label("Name", exact=True).fill("invoices-again")
    page.get_by_label("Handler").select_option("invoices.note")
    page.get_by_text("Note an invoice”").wait_for()


def _channels(page: Page) -> None:
    page.goto("/alerts/channels/")
    page.get_by_role("button", name="Test", exact=True).click()
    page.get_by_text("was sent. Answer:").wait_for()


def _convert(page: Page) -> None:
    page.goto("/queues/?q=logs.all")
    page.locator("main table a:has-text('logs.all')").first.click()
    page.get_by_role("link", name="Convert to quorum…").click()
    page.get_by_text("What is done").wait_for()


PAGES: dict[str, Scene] = {
    "overview": _at("/"),
    "wall": _at("/wall/"),
    "queues": _at("/queues/"),
    "queue": _at("/queues/?q=order.processing", "main table a:has-text('order.processing')"),
    "consumers": _at("/consumers/"),
    "consumer": _at("/consumers/orders/"),
    "consumer-form": _at("/consumers/orders/edit/"),
    "record": _at("/consumers/orders/?outcome=dead_lettered", "a[href*='/consumers/records/']"),
    "dead-letters": _at("/dead-letters/"),
    "operations": _at("/operations/"),
    "audit": _at("/audit/"),
}
STEPS: dict[str, Scene] = {
    "cause": lambda page: _cause(page, "UnknownTask"),
    "edit": _edit,
    "requeue": _requeue,
    "edit-all": _edit_all,
    "consumer-new": _new_consumer,
    "record-own": _at("/consumers/invoices/?outcome=dead_lettered", "a[href*='/consumers/records/']"),
    "incident": _at("/alerts/", "main table a[href*='/alerts/incidents/']"),
    "channels": _channels,
    "convert": _convert,
    "node-stop": _at("/nodes/", "main a:has-text('Safe to stop?')"),
}
