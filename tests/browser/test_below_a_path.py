"""The pages below a path, as a proxy has them: from signing in to signing out nothing is asked for beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Route, expect

from tests.support.consumers import make_consumer
from tests.support.length import FULL
from tests.support.reverse_proxy import below
from tests.support.waiting import patient
from tests.support.web import Web

pytestmark = [pytest.mark.browser, pytest.mark.processes]

BASE = "/tools/mq"


@pytest.fixture
def web(process_environ: dict[str, str]) -> Iterator[Web]:
    """A web process below the path, with something to see."""
    make_consumer(name="billing")
    web = Web({**process_environ, "MQADMIN_BASE_PATH": f"{BASE}/"})
    web.start()
    yield web
    web.kill()


def with_a_few_calls(route: Route) -> None:
    """Answer what the server does, but for most of the calls: to draw them takes longer than all the rest."""
    answer = route.fetch()
    told = answer.json()
    told["paths"] = {path: calls for path, calls in told["paths"].items() if path.endswith("/queues")}
    assert told["paths"]
    route.fulfill(response=answer, json=told)


def test_nothing_is_asked_for_beside_the_path(web: Web, chromium: Browser) -> None:
    assert requests.get(f"{web.address}/healthz", timeout=20).json() == {"status": "ok"}  # as a probe asks
    password = web.run("create_user", "ann", "--role", "admin").split()[-1]
    complaints: list[str] = []
    for strips in (
        (True, False) if FULL else (False,)
    ):  # which of them it is only what is first done to a request knows
        with below(BASE, web.address, strips=strips) as proxy:
            context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=proxy.address)
            context.add_cookies([{"name": "sessionid", "value": "another's", "url": f"{proxy.address}/"}])
            page = context.new_page()
            page.set_default_timeout(patient(15) * 1000)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: said.type == "error" and complaints.append(str(said.location)))

            page.goto(f"{BASE}/consumers/?q=bill")
            page.get_by_label("Name").fill("ann")
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{proxy.address}{BASE}/consumers/?q=bill")
            page.get_by_role("link", name="billing").first.click()
            page.wait_for_url(f"**{BASE}/consumers/billing/")
            page.get_by_role("button", name="Start", exact=True).first.click()
            expect(page.locator("#toasts")).to_contain_text("billing")
            page.get_by_role("button", name="Stop", exact=True).first.click()

            page.get_by_role("button", name="Change the theme").click()
            page.goto(f"{BASE}/consumers/new/")
            expect(page.locator("html")).to_have_attribute("data-theme", "light")
            with page.expect_response(lambda answer: "handler=webhook" in answer.url):
                page.get_by_label("Handler").select_option("webhook")
            expect(page.get_by_label("URL")).to_be_visible()
            page.keyboard.press("Control+k")
            page.locator("#find input").fill("billing")
            page.locator("#find [data-hit]").first.click()
            page.wait_for_url(f"**{BASE}/consumers/billing/")

            if not FULL:
                page.route(f"**{BASE}/api/v1/openapi.json", with_a_few_calls)
            page.goto(f"{BASE}/api/v1/docs")
            shown = page.get_by_text(f"{BASE}/api/v1/queues").first
            expect(shown).to_be_visible(timeout=patient(60) * 1000)  # there are many calls to draw
            page.goto(f"{BASE}/")
            page.get_by_role("button", name="Sign out").click()
            page.wait_for_url(f"**{BASE}/login/")

            kept = {(cookie["name"], cookie["path"]) for cookie in context.cookies()}
            mine = {name for name, path in kept if path == BASE}
            assert mine == {"csrftoken.tools.mq", "mqadmin_browser.tools.mq", "mqadmin_theme"}
            assert kept - {(name, BASE) for name in mine} == {("sessionid", "/")}
            context.close()
        assert proxy.strays == []
    assert complaints == []
