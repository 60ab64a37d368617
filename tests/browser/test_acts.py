"""Acts in Chromium: done once, to what was shown and asked about, and to nothing else."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from mqadmin.queues.models import Broker
from mqadmin.rabbit.config import BrokerConfig
from tests.browser.held import Held
from tests.deadletters.factories import letter
from tests.queues.conftest import make_queue
from tests.support.amqp import channel
from tests.support.consumers import make_consumer, make_process, make_supervisor

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


@pytest.mark.parametrize("place", ["a page of its own", "a dialog"])
def test_letters_go_where_the_plan_in_sight_says(
    operator_page: Page, broker_config: BrokerConfig, vhost: str, place: str
) -> None:
    page = operator_page
    with channel(broker_config, vhost) as opened:
        for name in ("first", "second"):
            opened.queue_declare(name, durable=True)
    one = letter(message_id="m-1", vhost=vhost)
    if place == "a dialog":
        page.goto(f"/dead-letters/{one.pk}/")
        page.get_by_role("link", name="Elsewhere…").click()
    else:
        page.goto(f"/dead-letters/requeue/?ids={one.pk}")
    go = page.locator("#decide-go")
    page.get_by_label("Somewhere else").check()
    key = page.get_by_label("Routing key, or queue")
    key.fill("first")
    key.press("Tab")
    expect(go).to_have_text("Requeue 1 to first")
    held = Held(page, r"/requeue/\?")
    acts = Held(page, r"/requeue/$", method="POST")
    key.fill("second")
    go.click()
    go.click()
    held.let_go()
    expect(go).to_have_text("Requeue 1 to second")
    assert acts.count == 0
    with page.expect_request(lambda request: request.method == "POST") as sent:
        go.click()
    assert "routing_key=second" in (sent.value.post_data or "")
    acts.let_go()


def test_a_key_that_is_held_decides_once(inbox: Page) -> None:
    acts: list[str] = []
    inbox.on("request", lambda request: acts.append(request.url) if request.method == "POST" else None)
    first = inbox.locator("[data-open-letter]").first
    inbox.keyboard.press("j")
    expect(first).to_be_focused()
    with inbox.expect_response(re.compile("/discard/")):
        inbox.keyboard.down("d")
    with inbox.expect_request(re.compile(r"/dead-letters/\?")):
        inbox.keyboard.down("d")
    inbox.keyboard.down("d")
    inbox.keyboard.up("d")
    with inbox.expect_response(re.compile(r"letter=")):  # the next key comes after those that were held
        inbox.keyboard.press("j")
    assert len(acts) == 1


@pytest.mark.parametrize("is_replaced", [True, False])
def test_what_was_confirmed_is_not_done_to_another(operator_page: Page, is_replaced: bool) -> None:
    page = operator_page
    consumer = make_consumer()
    make_supervisor()
    process = make_process(consumer, pid=111, replica=0)
    page.goto(f"/consumers/{consumer.name}/")
    page.get_by_role("button", name="Kill this one").click()
    expect(page.locator("#confirm-text")).to_contain_text("Kill process 111?")
    consumer.processes.update(ended_at=timezone.now(), state="stopped")
    if is_replaced:
        process = make_process(consumer, pid=222, replica=0)
        expect(page.locator(f"[formaction='/consumers/processes/{process.pk}/kill/']")).to_be_attached()
    else:
        expect(page.locator("[formaction$='/kill/']")).to_have_count(0)
    acts = Held(page, "/kill/", method="POST")
    page.locator("#confirm [data-yes]").click()
    expect(page.locator("#toasts")).to_contain_text("It has changed meanwhile: look again.")
    assert acts.count == 0


def test_cancel_leaves_the_dialog_and_nothing_else(inbox: Page) -> None:
    tick(inbox, 1)
    bulk(inbox, "d").click()
    inbox.get_by_role("link", name="Cancel").click()
    expect(inbox.locator("#decide")).not_to_be_visible()
    expect(inbox.locator("#chosen tbody input:checked")).to_have_count(1)
    inbox.goto("/dead-letters/discard/?ids=1")
    inbox.get_by_role("link", name="Cancel").click()
    inbox.wait_for_url("**/dead-letters/?broker=default")


def test_a_note_that_is_saved_leaves_the_ticks(inbox: Page) -> None:
    tick(inbox, 2)
    tick(inbox, 3)
    inbox.get_by_text("Add a note").click()
    inbox.get_by_label("Note", exact=True).fill("known")
    inbox.get_by_role("button", name="Save the note").click()
    expect(inbox.locator("#toasts")).to_contain_text("Noted.")
    expect(inbox.locator("#chosen tbody input:checked")).to_have_count(2)


def test_a_note_is_of_the_letter_it_was_typed_for(inbox: Page) -> None:
    note = inbox.get_by_label("Note", exact=True)
    inbox.get_by_text("Add a note").click()
    note.fill("of the first")
    inbox.get_by_role("link", name="m-1", exact=True).click()
    expect(inbox.locator(".letter-name b")).to_have_text("m-1")
    expect(note).not_to_be_visible()
    expect(note).to_have_value("")


@pytest.fixture
def queue_page(operator_page: Page, broker_config: BrokerConfig, vhost: str) -> Page:
    """The page of an empty queue."""
    with channel(broker_config, vhost) as opened:
        opened.queue_declare("orders", durable=True)
    known = {"product": "RabbitMQ", "version": "3.10.8", "sampled_at": timezone.now()}
    broker = Broker.objects.create(slug="default", reachable=True, queue_count=1, **known)
    queue = make_queue(broker, "orders", vhost=vhost)
    operator_page.goto(f"/queues/{queue.pk}/")
    return operator_page


def test_a_double_click_on_a_queue_is_one_request(queue_page: Page) -> None:
    published = Held(queue_page, "/publish/", method="POST")
    queue_page.get_by_role("textbox", name="Body").fill("hello")
    queue_page.get_by_role("button", name="Publish", exact=True).dblclick()
    published.let_go()
    expect(queue_page.locator("#publish .published")).to_contain_text("Published and confirmed")
    looked = Held(queue_page, "/peek/", method="POST")
    queue_page.get_by_role("button", name="Look", exact=True).dblclick()
    looked.let_go()
    expect(queue_page.locator("#peeked")).not_to_be_empty()
    queue_page.reload()
    assert published.count == 1
    assert looked.count == 1


def test_the_second_half_of_a_double_click_does_nothing_after_the_answer_either(queue_page: Page) -> None:
    published = Held(queue_page, "/publish/", method="POST")
    published.let_go()
    queue_page.get_by_role("textbox", name="Body").fill("hello")
    button = queue_page.get_by_role("button", name="Publish", exact=True)
    button.click()
    expect(queue_page.locator("#publish .published")).to_contain_text("Published and confirmed")
    button.hover()
    queue_page.mouse.down(click_count=2)
    queue_page.mouse.up(click_count=2)
    queue_page.reload()
    assert published.count == 1


def test_a_double_click_on_a_letter_is_one_act(inbox: Page) -> None:
    acts = Held(inbox, "/discard/", method="POST")
    inbox.locator("#letter").get_by_role("button", name="Discard").dblclick()
    with inbox.expect_response(re.compile("/discard/")):
        acts.let_go()
    expect(inbox.locator("#toasts p")).to_have_count(1)
    tick(inbox, 2)
    bulk(inbox, "d").click()
    acts = Held(inbox, "/discard/", method="POST")
    inbox.locator("#decide-go").dblclick()
    with inbox.expect_response(re.compile("/discard/")):
        acts.let_go()
    expect(inbox.locator("#toasts p")).to_have_count(2)
    assert acts.count == 1
