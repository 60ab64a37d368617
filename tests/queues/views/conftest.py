"""What the tests of the queues' pages share."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.queues.models import Broker, Queue
from tests.queues.conftest import make_queue
from tests.support.management import Management
from tests.support.pages import html

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(autouse=True)
def _own_brokers(_broker: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("RABBITMQ_ENVIRONMENT", raising=False)
    brokers.forget()
    yield
    brokers.forget()


@pytest.fixture
def work(broker: Broker, management: Management, vhost: str) -> Queue:
    """A queue `work` that exists, and its row."""
    management.declare_queue(vhost, "work")
    return make_queue(broker, "work", vhost)


def detail(client: Client, queue: Queue) -> str:
    response = client.get(reverse("queue_detail", args=[queue.pk]))
    assert response.status_code == 200
    return html(response)


class Buttons(HTMLParser):
    """Collects what each button says and why it is disabled."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.denied: dict[str, str] = {}
        self.allowed: set[str] = set()
        self._attributes: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("button", "a"):
            self._attributes = dict(attrs)

    def handle_data(self, data: str) -> None:
        words = data.strip()
        if self._attributes is None or not words:
            return
        if self._attributes.get("aria-disabled"):
            self.denied[words] = self._attributes.get("data-denied") or ""
        else:
            self.allowed.add(words)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("button", "a"):
            self._attributes = None
