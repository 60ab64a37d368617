"""The form of a consumer in Chromium: queues are offered among very many, the sentence follows what is typed."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from mqadmin.queues.models import Broker, Queue
from tests.core.conftest import make_user

pytestmark = [pytest.mark.browser, pytest.mark.any_database, pytest.mark.django_db(transaction=True)]


@pytest.mark.usefixtures("no_broker")
def test_a_queue_is_chosen_by_key_and_a_preset_fills_the_rest(
    chromium: Browser, live_server: LiveServer
) -> None:
    broker = Broker.objects.create(slug="default")
    names = [f"team.work.{n:05d}" for n in range(10_000)]
    rows = [Queue(broker=broker, vhost="/", name=name, type="quorum", ready=7) for name in names]
    Queue.objects.bulk_create(rows)
    client = Client()
    client.force_login(make_user("root"), backend="django.contrib.auth.backends.ModelBackend")
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    page.goto("/consumers/new/?broker=default&vhost=/")

    page.locator("#id_queue").press_sequentially(".09999")
    expect(page.locator("#queue-offers li")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#id_queue")).to_have_value("team.work.09999")
    expect(page.locator("#queue-offers")).to_be_hidden()
    page.locator("#id_handler").select_option("record")
    expect(page.locator("#summary")).to_contain_text("Reads “team.work.09999” of vhost “/”")
    page.get_by_label("Each message once, slowly").check()
    expect(page.locator("#id_prefetch")).to_have_value("1")
    expect(page.locator("#summary")).to_contain_text("one message in hand")
    page.locator("#id_prefetch").fill("0")
    expect(page.locator("#summary")).to_contain_text("This would be refused: Prefetch: From 1 to 65,535.")
    context.close()
