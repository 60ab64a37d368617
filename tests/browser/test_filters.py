"""Filters in Chromium: however slow and late the answers, the page shows that to the newest question."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, Route, expect

from mqadmin.queues.models import Broker
from tests.queues.conftest import make_queue

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]

LIST = re.compile(r"/queues/(\?|$)")


class Gate:
    """Holds each request for the list of queues back until it is let through."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._held: list[Route] = []
        self._open: set[str | None] = set()
        page.route(LIST, self._arrived)

    def _arrived(self, route: Route) -> None:
        if self._q(route.request.url) in self._open:
            route.continue_()
        else:
            self._held.append(route)

    @staticmethod
    def _q(url: str) -> str | None:
        """Return the filter in the address of a list; None: the address is another page's."""
        return parse_qs(urlsplit(url).query).get("q", [""])[0] if LIST.search(url) else None

    def ask(self, q: str) -> None:
        """Type `q` into the filter; return once the page asks for it."""
        with self.asked(q):
            self._page.get_by_label("Search the queues").fill(q)

    def asked(self, q: str) -> AbstractContextManager[object]:
        """Wait on exit until the list is asked for with `q` as its filter."""
        return self._page.expect_request(lambda request: self._q(request.url) == q)

    def let_through(self, q: str) -> None:
        """Let requests with this filter pass, from now on and those held."""
        self._open.add(q)
        held, self._held = self._held, []
        for route in held:
            self._arrived(route)


def rows(page: Page) -> Locator:
    return page.locator("#queues-table tbody tr")


@pytest.fixture
def listing(operator_page: Page) -> Page:
    """The page of three queues."""
    broker = Broker.objects.create(slug="default", reachable=True, sampled_at=timezone.now(), queue_count=3)
    for name in ("a", "ab", "abc"):
        make_queue(broker, name)
    operator_page.goto("/queues/")
    expect(rows(operator_page)).to_have_count(3)
    return operator_page


def test_only_the_newest_answer_is_shown(listing: Page) -> None:
    gate = Gate(listing)
    gate.ask("a")  # each replaces the one before
    gate.ask("ab")
    gate.ask("abc")
    expect(listing.locator("body")).not_to_have_class(re.compile("offline"))
    gate.let_through("abc")
    expect(rows(listing)).to_have_count(1)
    with gate.asked("abc"):  # the part refreshes itself: with what it shows
        gate.let_through("ab")
    expect(rows(listing)).to_have_count(1)


def test_a_filter_overtakes_the_part_that_refreshes_itself(listing: Page) -> None:
    gate = Gate(listing)
    with gate.asked(""):
        pass
    gate.ask("abc")
    gate.let_through("abc")
    expect(rows(listing)).to_have_count(1)
    with gate.asked("abc"):
        gate.let_through("")
    expect(rows(listing)).to_have_count(1)


def test_what_is_ticked_stays_so_and_is_what_the_dialog_is_about(listing: Page) -> None:
    """Through a refresh of the table, and up to the act."""
    for name in ("a", "abc"):
        listing.get_by_label(f"Tick {name}", exact=True).check()
    with listing.expect_response(LIST):
        listing.evaluate("htmx.trigger('#queues-table', 'live')")
    expect(listing.locator("[data-ticked]")).to_have_text("2 selected")
    expect(listing.locator("#chosen tbody input:checked")).to_have_count(2)
    listing.get_by_role("button", name="Owner…").click()
    expect(listing.locator("#decide h2")).to_have_text("Owner of 2 queues")
    listing.locator("#decide").get_by_label("Owner").fill("team-a")
    listing.locator("#decide-go").click()
    expect(rows(listing).filter(has_text="team-a")).to_have_count(2)
    expect(listing.locator("#chosen tbody input:checked")).to_have_count(0)
