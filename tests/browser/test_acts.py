"""Acts in Chromium: done once, to what was shown and asked about, and to nothing else."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.held import Held
from tests.deadletters.factories import letter

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]

REQUEUE_PLAN = r"/requeue/\?"


def tick(page: Page, row: int) -> None:
    page.locator("#chosen tbody input[name=ids]").nth(row).check()


def bulk(page: Page, key: str) -> Locator:
    """Return the button that decides what is ticked."""
    return page.locator(f"button.bar-some[data-key={key}]")


@pytest.fixture
def inbox(operator_page: Page) -> Page:
    """The inbox with four letters."""
    for n in range(4):
        letter(message_id=f"m-{n}")
    operator_page.goto("/dead-letters/")
    return operator_page


@pytest.fixture
def decided_before(inbox: Page) -> Page:
    """The inbox after the dialog asked whether to discard one letter, and was left."""
    tick(inbox, 0)
    bulk(inbox, "d").click()
    expect(inbox.locator("#decide h2")).to_have_text("Discard 1 letter")
    inbox.keyboard.press("Escape")
    expect(inbox.locator("#decide")).not_to_be_visible()
    tick(inbox, 1)
    return inbox


def test_a_decision_that_could_not_be_planned_shows_no_other(decided_before: Page) -> None:
    page = decided_before
    page.route(re.compile(REQUEUE_PLAN), lambda route: route.fulfill(status=502))
    bulk(page, "r").click()
    expect(page.locator("body")).to_have_class(re.compile("offline"))
    expect(page.locator("#decide")).to_be_empty()
    expect(page.locator("#decide")).not_to_be_visible()


def test_a_slow_decision_is_planned_once_and_shown_when_it_is_there(decided_before: Page) -> None:
    page = decided_before
    held = Held(page, REQUEUE_PLAN)
    with page.expect_request(re.compile(REQUEUE_PLAN)):
        bulk(page, "r").dblclick()
    expect(page.locator("#decide")).not_to_be_visible()
    held.let_go()
    expect(page.locator("#decide h2")).to_have_text("Requeue 2 letters")
    page.keyboard.press("Escape")
    expect(page.locator("#decide")).not_to_be_visible()
    assert held.count == 1
