"""The overview and the wall of several brokers with long names, at the widths where their layout changes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from playwright.sync_api import Page

from mqadmin.core import brokers
from mqadmin.queues.models import Broker
from mqadmin.rabbit import config
from mqadmin.rabbit.config import BrokerConfig
from tests.browser.test_every_page import LOOK
from tests.queues.conftest import make_queue

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def test_long_names_of_brokers_stay_where_they_belong(
    operator_page: Page, broker_config: BrokerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = {"one": "Frankfurt " * 8, "two": "x" * 70}
    known = {
        slug: dataclasses.replace(broker_config, slug=slug, title=title, environment="production")
        for slug, title in titles.items()
    }
    monkeypatch.setattr(config, "load", lambda *_args: known)
    brokers.forget()
    for slug in known:
        broker = Broker.objects.create(slug=slug, reachable=False, error_code="timeout", version="4.0.5")
        make_queue(broker, "q" * 200, health="broken", health_rank=3, total=10**12)
    wrong: dict[tuple[str, int], Any] = {}
    for address in ("/", "/wall/"):
        operator_page.goto(address)
        for width in (320, 780, 1020, 1440):
            operator_page.set_viewport_size({"width": width, "height": 900})
            wrong[address, width] = operator_page.evaluate(LOOK)
    brokers.forget()
    assert {place: found for place, found in wrong.items() if found} == {}
