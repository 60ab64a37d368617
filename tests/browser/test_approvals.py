"""An act that waits in Chromium: said before, agreed to by a second person, seen at once by who asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from mqadmin.approvals.models import Approval
from mqadmin.core import brokers
from tests.approvals.conftest import browser, person
from tests.approvals.factories import make_approval
from tests.deadletters.factories import letter

pytestmark = [
    pytest.mark.browser,
    pytest.mark.broker,
    pytest.mark.any_database,
    pytest.mark.any_version,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _four_eyes(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    settings.MQADMIN_FOUR_EYES = 3
    brokers.forget()
    yield
    brokers.forget()


def test_one_asks_and_sees_at_once_what_another_decides(operator_page: Page) -> None:
    page = operator_page
    for number in range(4):
        letter(message_id=f"m-{number}")
    page.goto("/dead-letters/")
    page.get_by_label("Tick all on this page").check()
    page.locator("button[data-count-text^=Discard]").click()
    expect(page.locator("#decide .waits")).to_contain_text(
        "A second person must agree: 4 messages on default."
    )
    page.locator("#decide-go").click()
    page.wait_for_url("**/approvals/*/")
    expect(page.locator("#toasts")).to_contain_text("Nothing was done yet: a second person must agree.")
    expect(page.get_by_role("button", name="Withdraw it")).to_be_visible()
    expect(page.locator("#nav a[href*='/approvals/'] small")).to_have_text("1")

    waiting = Approval.objects.get()
    other: Client = browser(person("bob", "operator"))
    other.post(f"/approvals/{waiting.pk}/refuse/", {"reason": "the shop is open"})
    expect(page.locator("#approval")).to_contain_text("the shop is open")
    expect(page.get_by_role("button", name="Withdraw it")).not_to_be_visible()


def test_another_types_the_name_and_agrees(operator_page: Page) -> None:
    page = operator_page
    ann = person("ann", "operator")
    ids = [letter(message_id=f"m-{number}").pk for number in range(4)]
    kept = {"selection": {"broker": "default", "ids": ids}}
    waiting = make_approval(messages=4, arguments=kept, asker=User.objects.get(pk=ann.pk))
    page.goto("/approvals/")
    page.get_by_role("link", name="Discard 6 letters").click()
    page.locator("#approve-typed").fill("default")
    page.get_by_role("button", name="Approve: 4 messages").click()
    expect(page.locator("#approval")).to_contain_text("Discard 4 letters: begun.")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.decided_by) == ("done", "olga")
