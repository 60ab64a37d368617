"""A whole mqadmin for Chromium to look at."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page
from pytest_django.live_server_helper import LiveServer

from mqadmin.rabbit.config import BrokerConfig
from tests.browser.stack import Stack, running
from tests.support.management import Management
from tests.support.waiting import patient

DEMO_VHOSTS = ("shop", "mqadmin")
REPLACED = "htmx: htmx:error: signal is aborted without reason AbortError"


@pytest.fixture
def stack(process_environ: dict[str, str], management: Management) -> Iterator[Stack]:
    """mqadmin with its demo. The demo's vhosts are one test's own at a time, whichever worker runs it."""
    with (Path(os.environ["MQADMIN_TEST_DIR"]) / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in DEMO_VHOSTS:
            if any(vhost.name == name for vhost in management.vhosts()):
                management.delete_vhost(name)
        with running(process_environ) as whole:
            yield whole
        for name in DEMO_VHOSTS:
            management.delete_vhost(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Save a picture of what a failed test saw, where MQADMIN_TEST_PICTURES names a folder for it."""
    report = yield
    folder = os.environ.get("MQADMIN_TEST_PICTURES")
    page = getattr(item, "funcargs", {}).get("page")
    if folder and page is not None and call.when == "call" and report.failed:
        page.screenshot(path=f"{folder}/{item.name}.png")
    return report


@pytest.fixture
def page(chromium: Browser, stack: Stack) -> Iterator[Page]:
    """A signed-in page; a console error or a blocked resource fails the test.

    But for what htmx logs of a request that a newer one replaced, while one types: that is meant to be.
    """
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=stack.address)
    page = context.new_page()
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(REPLACED):
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(patient(15) * 1000)
    page.goto("/")
    page.get_by_label("Name").fill(stack.username)
    page.get_by_label("Password").fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{stack.address}/")
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def operator_page(chromium: Browser, live_server: LiveServer, broker_config: BrokerConfig) -> Iterator[Page]:
    """A page of an operator on Django's own live server; an error of a script fails the test."""
    user = User.objects.create_user("olga", password="x")
    user.groups.add(Group.objects.get(name="operator"))
    client = Client()
    client.force_login(user)
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=live_server.url)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(patient(20) * 1000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []
