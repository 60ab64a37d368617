"""A broker is wrecked, and somebody brings it back from the page."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from mqadmin.core.acts import operations
from mqadmin.core.models import Operation
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.models import Version
from tests.core.conftest import make_user
from tests.definitions.conftest import Town, town  # noqa: F401
from tests.support.waiting import patient

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def test_a_virtual_host_comes_back(town: Town, chromium: Browser, live_server: LiveServer) -> None:  # noqa: F811
    before = {key: body for key, body in town.objects().items() if key.kind != kinds.USER}
    client = Client()
    client.force_login(make_user("root"), backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=live_server.url)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(patient(20) * 1000)
    page.goto(reverse("definitions_list"))
    page.get_by_role("button", name="Look now").click()
    expect(page.locator("tr[id^=version-]")).to_have_count(1)
    town.management.delete_vhost(town.vhost)
    page.get_by_role("button", name="Look now").click()
    expect(page.locator("tr[id^=version-]")).to_have_count(2)
    page.goto(reverse("definitions_restore", args=[Version.objects.order_by("pk")[0].pk]))
    page.get_by_placeholder("Only this virtual host").fill(town.vhost)
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("input[name=step]")).to_have_count(len(before))
    page.get_by_role("button", name="Do what is ticked").click()
    expect(page.get_by_text("waits", exact=True)).to_have_count(len(before))
    assert operations.execute(Operation.objects.get(kind="definitions.restore").pk)
    expect(page.get_by_text(f"{len(before)} objects are as they should be")).to_be_visible()
    after = {key: body for key, body in town.objects().items() if key.kind != kinds.USER}
    assert after == before
    assert Version.objects.count() > 2, "what it made is kept at once, by the restore itself"
    context.close()
