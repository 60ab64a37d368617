"""A broker that takes connections and answers nothing holds no page after page."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration import urls
from mqadmin.administration.converting import stages
from mqadmin.core import brokers, patience
from mqadmin.core.models import Operation
from mqadmin.queues.models import Broker
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import make_queue
from tests.support.pages import html

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db(transaction=True)]

# All that the addresses of pages may name.
NAMES = {
    **dict.fromkeys(("name", "node", "source", "destination", "properties_key", "component", "pattern"), "x"),
    "vhost": "/",
    "user": "ann",
    "kind": "policy",
    "destination_type": "queue",
    "on": "1",
    "one": "now",
    "limit": "max-queues",
    "of": "vhost",
}


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


@pytest.fixture
def _hanging(
    broker_config: BrokerConfig, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    at = f"guest:guest@127.0.0.1:{silent.getsockname()[1]}"
    config = replace(broker_config, management_url=f"http://{at}", amqp_url=f"amqp://{at}", timeout_s=0.3)
    monkeypatch.setattr(brokers, "configs", lambda: {config.slug: config})
    brokers.forget()
    monkeypatch.setattr(patience, "HANGS_S", 0.2)
    monkeypatch.setattr(patience, "LEFT_ALONE_S", 600.0)
    yield
    brokers.forget()


@pytest.mark.usefixtures("_hanging")
def test_it_is_asked_once_for_all_lists_charts_and_forms(admin: Client, silent: socket.socket) -> None:
    one = {"vhost": "/", "name": "events"}
    assert "Not known" in html(admin.get(reverse("exchange_list")))
    for page, names in [("exchange_detail", one), ("connection_list", {}), ("exchange_new", {})]:
        assert admin.get(reverse(page), names).status_code == 200
    assert admin.get(reverse("noun_past", args=["exchanges"]), one).status_code == 503
    assert came(silent) == 1
    patience.forget()
    admin.get(reverse("noun_past", args=["exchanges"]), one)
    assert came(silent) == 1, "once it is not left alone any more it is asked again"


@pytest.mark.usefixtures("_hanging")
def test_no_page_asks_it_once_more(admin: Client, silent: socket.socket) -> None:
    queue = make_queue(Broker.objects.create(slug="default"))
    params = {"vhost": "/", "name": "orders", "temporary": "mqadmin.convert.1", "from": 0}
    params["wanted"] = {"type": "quorum"}
    operation = Operation.objects.create(kind=stages.KIND, broker="default", params=params, status="failed")
    rows = {"queue_id": queue.pk, "operation_id": operation.pk}
    pages = {"letter_map": reverse("letter_map"), "queue_detail": reverse("queue_detail", args=[queue.pk])}
    pages["definitions_compare"] = reverse("definitions_compare")
    for item in urls.urlpatterns:
        wanted = item.pattern.converters
        if wanted.keys() <= rows.keys():
            pages[str(item.name)] = reverse(str(item.name), kwargs={name: rows[name] for name in wanted})
    assert len(pages) > 60
    admin.get(pages.pop("node_checks"), NAMES)
    assert came(silent) == 1, "it is asked, and found to hang"
    asked = {}
    for name, address in pages.items():
        admin.get(address, NAMES)
        asked[name] = came(silent)
    assert {name: count for name, count in asked.items() if count} == {}
