"""Every page in Chromium with names that no line has room for: at every width, and in what axe-core asks of it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from mqadmin.core import brokers
from mqadmin.rabbit.config import BrokerConfig
from tests.core.conftest import make_user
from tests.support import hard_data
from tests.support.addresses.pages import PAGES, everything
from tests.support.length import FULL
from tests.support.waiting import patient

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]

HERE = Path(__file__).parent
AXE = HERE / "vendor" / "axe" / "axe.min.js"
LOOK = (HERE / "looking.js").read_text()
WIDTHS = range(320, 1921, 40) if FULL else (320, 390, 1440)
# Chinese is shorter than English, but for labels of one word, and breaks anywhere: the fullest pages show it.
CHINESE_WIDTHS = (390, 1440)
CHINESE_PAGES = {
    "overview",
    "queue_list",
    "queue_detail",
    "letter_list",
    "letter_detail",
    "consumer_list",
    "consumer_detail",
    "consumer_new",
    "incident_list",
    "audit_list",
    "operation_list",
    "operation_detail",
    "account_list",
}
# Not a page: parts of one, numbers, files.
NO_PAGES = {
    "provider_begin",
    "provider_back",
    "passkey_asked",
    "two_factor_key_asked",
    "healthz",
    "metrics",
    "live",
    "overview_rates",
    "queue_lengths",
    "queue_rates",
    "queue_waits",
    "consumer_deadline",
    "consumer_export",
    "consumer_queues",
    "consumer_vhosts",
    "consumer_history",
    "consumer_scaling",
    "cause_history",
    "letter_export",
    "wall_open",
    "letter_body",
    "letter_complete",
    "queue_complete",
    "list_complete",
    "noun_past",
    "exchange_flow_list",
    "policy_try",
    "queue_named",
    "queue_convert_named",
    "queue_export_csv",
    "queue_export_json",
    "process_download",
    "alert_rule_preview",
    "definitions_download",
}
# The dark page is the light one in other colours: only what depends on them is asked again. In the ordinary suite
# of one page for each set of styles.
OF_COLOUR = ["color-contrast", "link-in-text-block"]
# The styles are loaded once more (`preload`) where they are others than on the pages before: one rule reads them.
ASK = """async ([rules, preload]) => (await axe.run(document, {
  preload, resultTypes: ["violations"], ...(rules ? { runOnly: { type: "rule", values: rules } } : {}),
})).violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 150)}`))"""

STYLES = "[...document.styleSheets].map((sheet) => sheet.href).join()"


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page of somebody who may do everything. Nothing on it refreshes itself."""
    client = Client()
    client.force_login(make_user("root"), backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, base_url=live_server.url, reduced_motion="reduce"
    )
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    context.add_init_script("setInterval = () => 0")
    context.add_init_script(path=AXE)
    page = context.new_page()
    page.set_default_timeout(patient(20) * 1000)
    yield page
    context.close()


def addresses(world: hard_data.World, among: Container[str] = PAGES) -> Iterator[str]:
    for page in everything():
        if PAGES[page.name][0] and page.name not in NO_PAGES and page.name in among:
            yield from hard_data.addresses(world, page.name, page.address(world))


PARTS = 3  # each worker may take one: they are among the longest tests


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_whole_and_has_what_axe_asks_for(
    page: Page, broker_config: BrokerConfig, vhost: str, part: int
) -> None:
    brokers.forget()
    wrong: dict[str, Any] = {}
    styles: set[str] = set()
    with hard_data.filled(broker_config, vhost, hard_data.long) as world:
        for address in islice(addresses(world), part, None, PARTS):
            page.goto(address)
            wrong[address] = axe(page, styles) | at_every_width(page)
        assert len(wrong) > 30
    assert {address: found for address, found in wrong.items() if found} == {}


@pytest.mark.timeout(1800)
def test_the_fullest_pages_are_whole_in_chinese(
    page: Page, live_server: LiveServer, broker_config: BrokerConfig, vhost: str
) -> None:
    brokers.forget()
    name = settings.LANGUAGE_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": "zh-hans", "url": live_server.url}])
    wrong: dict[str, Any] = {}
    with hard_data.filled(broker_config, vhost, hard_data.long) as world:
        for address in addresses(world, PAGES if FULL else CHINESE_PAGES):
            page.goto(address)
            assert page.locator("html").get_attribute("lang") == "zh-hans"
            wrong[address] = at_every_width(page, CHINESE_WIDTHS)
        assert len(wrong) > 10
    assert {address: found for address, found in wrong.items() if found} == {}


def test_what_no_address_leads_to_is_whole_too(page: Page, broker_config: BrokerConfig, vhost: str) -> None:
    brokers.forget()
    wrong: dict[str, Any] = {}
    styles: set[str] = set()
    with hard_data.filled(broker_config, vhost, hard_data.long) as world:
        page.goto(reverse("queue_detail", args=[world.queue]))
        page.get_by_role("button", name="Look", exact=True).click()
        page.locator("#peeked .message").wait_for()
        wrong["a look"] = axe(page, styles) | at_every_width(page)
        page.keyboard.press("?")
        wrong["the keys"] = axe(page, styles)
        page.context.clear_cookies()
        for address in ("/login/", "/nowhere/"):
            page.goto(address)
            wrong[address] = axe(page, styles) | at_every_width(page)
    assert {address: found for address, found in wrong.items() if found} == {}


def axe(page: Page, styles: set[str]) -> dict[Any, list[str]]:
    """Return what axe-core finds, in the light and in the dark. `styles`: those of the pages before."""
    found: dict[Any, list[str]] = {}
    used = page.evaluate(STYLES)
    is_new = used not in styles
    styles.add(used)
    for theme, rules in (("light", None), ("dark", OF_COLOUR)) if FULL or is_new else (("light", None),):
        page.evaluate("(theme) => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
        if violations := page.evaluate(ASK, [rules, is_new and rules is None]):
            found[theme] = violations
    return found


def at_every_width(page: Page, widths: Iterable[int] = WIDTHS) -> dict[Any, list[str]]:
    """Return what lies wrong, by the width at which it does."""
    found: dict[Any, list[str]] = {}
    session = page.context.new_cdp_session(page)
    for width in widths:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        session.send("Emulation.setDeviceMetricsOverride", metrics)
        if wrong := page.evaluate(LOOK):
            found[width] = wrong
    session.send("Emulation.clearDeviceMetricsOverride")
    session.detach()
    return found
