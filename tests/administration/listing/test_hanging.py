"""A broker that takes connections and answers nothing holds no page after page."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers, patience
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support.pages import html

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        server.setblocking(False)
        yield server


def came(server: socket.socket) -> int:
    count = 0
    try:
        while True:
            server.accept()[0].close()
            count += 1
    except BlockingIOError:
        return count


def test_it_is_asked_once_for_all_lists_charts_and_forms(
    admin: Client, broker_config: BrokerConfig, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://guest:guest@127.0.0.1:{silent.getsockname()[1]}"
    client = ManagementClient(replace(broker_config, management_url=url, timeout_s=0.3))
    monkeypatch.setattr(brokers, "client", lambda _slug: client)
    monkeypatch.setattr(patience, "HANGS_S", 0.2)
    monkeypatch.setattr(patience, "LEFT_ALONE_S", 600.0)
    one = {"vhost": "/", "name": "events"}
    assert "Not known" in html(admin.get(reverse("exchange_list")))
    for page, names in [("exchange_detail", one), ("connection_list", {}), ("exchange_new", {})]:
        assert admin.get(reverse(page), names).status_code == 200
    assert admin.get(reverse("noun_past", args=["exchanges"]), one).status_code == 503
    assert came(silent) == 1
    patience.forget()
    admin.get(reverse("noun_past", args=["exchanges"]), one)
    assert came(silent) == 1, "once it is not left alone any more it is asked again"
