"""What is pictured: pages as they are, and what one sees on the way through the manual, by its clicks.

A word of the manual that is on no page any more ends `make screenshots` with an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from deploy.screenshots.words import piece, said

if TYPE_CHECKING:
    from playwright.sync_api import Page

Scene = Callable[["Page"], None]
PATIENCE_MS = 15_000


def prepare(page: Page) -> None:
    """Do what `docs/begin/first-handler.md` and `docs/howto/alerts.md` say."""
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/queues/")
    page.get_by_role("link", name=said("New queue")).click()
    page.get_by_label(said("Virtual host")).select_option("shop")
    page.get_by_label(said("Name"), exact=True).fill("invoices")
    page.get_by_role("button", name=said("Declare it")).click()
    page.get_by_role("link", name=said("Define a consumer here")).click()
    _fill_in_consumer(page)
    page.get_by_role("button", name=said("Define and start")).click()
    page.get_by_text(said("%(running)s of %(wanted)s running", running=1, wanted=1)).wait_for()
    for body in ('{"number": 7, "amount": 120}', '{"number": 8}'):
        page.goto("/queues/?q=invoices")
        page.locator("main table a:has-text('invoices')").first.click()
        page.get_by_label(said("Body"), exact=True).fill(body)
        page.get_by_role("button", name=said("Publish")).click()
        page.wait_for_load_state("networkidle")
    page.goto("/alerts/channels/")
    page.get_by_role("link", name=said("New channel")).click()
    page.get_by_label(said("Name"), exact=True).fill("on call")
    page.get_by_label(said("a signed webhook")).check()
    page.get_by_label(said("Environment variable of the address")).fill("MQADMIN_ALERT_HOOK")
    page.get_by_label(said("Environment variable of the secret")).fill("MQADMIN_ALERT_HOOK_SECRET")
    page.get_by_role("button", name=said("Save")).click()
    page.get_by_role("button", name=said("Test"), exact=True).wait_for()


def _fill_in_consumer(page: Page) -> None:
    page.get_by_label(said("Name"), exact=True).fill("invoices")
    page.get_by_label(said("Handler")).select_option("invoices.note")
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
    page.get_by_text(said("letters: %(cause)s", cause=name)).wait_for()


def _edit(page: Page) -> None:
    _cause(page, "UnknownTask")
    page.get_by_role("link", name=said("Edit & requeue")).click()
    body = page.get_by_label(said("Body"), exact=True)
    body.fill(body.input_value().replace("resise_image", "resize_image"))
    page.get_by_role("button", name=said("Show the changes")).click()
    page.get_by_text(said("Nothing is saved yet.")).wait_for()


def _requeue(page: Page) -> None:
    _cause(page, "SourceNotReady")
    page.get_by_text(said("Requeue all…")).first.click()
    page.get_by_text(said("How carefully")).wait_for()


def _edit_all(page: Page) -> None:
    _cause(page, "UnknownTask")
    page.get_by_text(said("Edit all…")).first.click()
    page.get_by_role("textbox", name=said("Find"), exact=True).fill("resise_image")
    page.get_by_label(said("Replace with")).fill("resize_image")
    page.get_by_role("button", name=said("Show on ten")).click()
    page.get_by_text(piece("What would become of the first %(n)s of %(all)s")).wait_for()


def _new_consumer(page: Page) -> None:
    page.goto("/queues/?q=invoices")
    page.locator("main table a:has-text('invoices')").first.click()
    page.get_by_role("link", name=said("Define a consumer here")).click()
    page.get_by_label(said("Name"), exact=True).fill("invoices-again")
    page.get_by_label(said("Handler")).select_option("invoices.note")
    page.get_by_text("Note an invoice”").wait_for()


def _channels(page: Page) -> None:
    page.goto("/alerts/channels/")
    page.get_by_role("button", name=said("Test"), exact=True).click()
    page.get_by_text(piece("The test to “%(name)s” was sent. Answer: %(answer)s")).wait_for()


def _convert(page: Page) -> None:
    page.goto("/queues/?q=logs.all")
    page.locator("main table a:has-text('logs.all')").first.click()
    page.get_by_role("link", name=said("Convert to quorum…")).click()
    page.get_by_text(said("What is done")).wait_for()


def _node_stop(page: Page) -> None:
    page.goto("/nodes/")
    page.get_by_role("link", name=said("Safe to stop?")).first.click()


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
# Those of them that the manual has in each language.
IN_EVERY_LANGUAGE = ("overview",)
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
    "node-stop": _node_stop,
}
