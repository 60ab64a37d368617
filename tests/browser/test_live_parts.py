"""Parts of a page that refresh themselves, in Chromium: never under the hands of who uses them."""

from __future__ import annotations

import json
import re
import time

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from mqadmin.deadletters.models import DeadLetter
from mqadmin.history import kinds, steps
from mqadmin.history.recording import Key, Recorder
from mqadmin.queues.models import Broker
from tests.browser.held import Held
from tests.deadletters.factories import letter
from tests.support.consumers import make_consumer, make_process, make_record

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]

# `answered`: a promise that the part with the letter has had an answer, whatever became of it.
ANSWERED = """void (answered = new Promise((resolve) => addEventListener("htmx:finally:request", (event) => {
  if (event.target.matches("#inbox, #alone")) resolve();
})))"""


@pytest.mark.parametrize("place", ["the inbox", "a page of its own"])
def test_what_one_began_to_type_outlives_an_answer_under_way(operator_page: Page, place: str) -> None:
    page = operator_page
    one = letter(message_id="m-1")
    path = "/dead-letters/" if place == "the inbox" else f"/dead-letters/{one.pk}/"
    page.goto(path)
    held = Held(page, re.escape(path))
    with page.expect_request(re.compile(re.escape(path))):
        pass
    page.get_by_text("Add a note").click()
    note = page.get_by_label("Note", exact=True)
    note.click()
    page.keyboard.type("half a ")
    DeadLetter.objects.update(note="by somebody else")
    page.evaluate(ANSWERED)
    held.let_go()
    page.evaluate("answered.then(() => null)")
    page.keyboard.type("decision")
    expect(note).to_be_focused()
    expect(note).to_have_value("half a decision")


def test_new_records_that_cannot_be_had_are_asked_for_no_faster(operator_page: Page) -> None:
    page = operator_page
    consumer = make_consumer()
    process = make_process(consumer)
    make_record(consumer, process=process)
    page.goto(f"/consumers/{consumer.name}/")
    asked: list[str] = []

    def arrived(route: Route) -> None:
        asked.append("new" if "after=" in route.request.url else "list")
        if asked[-1] == "list":
            route.fulfill(status=503)
        else:
            route.continue_()

    page.route(re.compile("/records/"), arrived)
    make_record(consumer, process=process)
    with page.expect_response(lambda response: response.status == 503):
        pass
    with page.expect_response(re.compile("after=")):
        pass
    assert asked.count("list") <= asked.count("new")


def test_what_fails_again_and_again_says_so_once(operator_page: Page) -> None:
    page = operator_page
    consumer = make_consumer()
    make_process(consumer)
    page.goto(f"/consumers/{consumer.name}/")
    said = {"mqadmin:toast": {"items": [{"level": "error", "text": "The database is busy."}]}}
    headers = {"HX-Reswap": "none", "HX-Trigger": json.dumps(said)}
    page.route(re.compile("/consumers/"), lambda route: route.fulfill(status=503, headers=headers))
    for _ in range(3):
        with page.expect_response(lambda response: response.status == 503):
            pass
    expect(page.locator(".toast-line")).to_have_count(1)
    expect(page.locator("body")).not_to_have_class(re.compile("offline"))
    page.unroute_all()
    page.route(re.compile("/consumers/"), lambda route: route.fulfill(status=502))
    expect(page.locator("body")).to_have_class(re.compile("offline"))


def test_another_theme_draws_the_charts_anew(operator_page: Page) -> None:
    sampled = {"product": "RabbitMQ", "version": "3.10.8", "sampled_at": timezone.now()}
    Broker.objects.create(slug="default", reachable=True, **sampled)
    recorder = Recorder("default", steps.configured(), gap=1e9)
    for age in (120, 60):
        recorder.record(time.time() - age, {Key("broker", "", ""): (age,) * len(kinds.BROKER)})
    operator_page.goto("/")
    drawn = operator_page.locator(".chart .u-wrap")
    expect(drawn).to_have_count(1)
    for theme, ink in (("light", "rgb(27, 39, 51)"), ("dark", "rgb(219, 227, 236)")):
        operator_page.locator("[data-theme-form] button").click()
        expect(operator_page.locator("html")).to_have_attribute("data-bs-theme", theme)
        expect(operator_page.locator("body")).to_have_css("color", ink)
        expect(drawn).to_have_count(1)
