"""No page shows a name that can be taken for another, or that turns the words around it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.urls import reverse

from mqadmin.core import brokers, unseen
from mqadmin.rabbit.config import BrokerConfig
from tests.core.conftest import HX, SignIn
from tests.support import hard_data
from tests.support.addresses.pages import PAGES, everything

# What a form sends back, what a script reads and puts into a field, what is a part of no page.
RAW = {"value", "data-text", "data-confirm-typed"}
NO_PAGES = {"login", "healthz", "metrics", "process_download", "letter_export", "letter_body", "wall_open"}


class Seen(HTMLParser):
    """Collects the texts and attributes in which something cannot be seen."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.unseen: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        for name, value in attrs:
            # A run from right to left is kept apart by these two where there is no element to do so.
            plain = re.sub("\u2068([\u05d0\u05d1 ]+)\u2069", "\\1", value or "")
            if name not in RAW and unseen.IN_TEXT.search(plain):
                self.unseen.append(f"<{tag} {name}={value!r}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        within = self._open[-1] if self._open else ""
        if within == "textarea":
            return
        if within in ("option", "title", "text"):
            data = re.sub("\u2068([\u05d0\u05d1 ]+)\u2069", "\\1", data)
        elif "\u05d0" in data and "bdi" not in self._open and "pre" not in self._open:
            self.unseen.append(f"<{within}> not apart: {data!r}")
        if unseen.IN_TEXT.search(data):
            self.unseen.append(f"<{within}> {data!r}")


@pytest.mark.broker
@pytest.mark.django_db
def test_every_page_shows_every_sign_of_a_name(
    sign_in: SignIn, broker_config: BrokerConfig, vhost: str
) -> None:
    brokers.forget()
    client = sign_in("root")
    client.get("/")
    wrong, shown = {}, 0
    with hard_data.filled(broker_config, vhost, hard_data.unseen) as world:
        shown_pages = [page for page in everything() if PAGES[page.name][0] and page.name not in NO_PAGES]
        for page in shown_pages:
            for address in hard_data.addresses(world, page.name, page.address(world)):
                for headers in ({}, HX):
                    response = client.get(address, headers=headers, follow=True)  # a name leads to its page
                    if "html" in response["Content-Type"]:
                        assert response.status_code == 200, address
                        wrong[f"{address} {len(headers)}"] = Seen(response.text).unseen
                        shown += response.text.count("U+202E")
        looked = client.post(reverse("queue_peek", args=[world.queue]), {"count": "10"})
        assert "U+202E" in looked.text
        wrong["a look"] = Seen(looked.text).unseen
    assert {address: found for address, found in wrong.items() if found} == {}
    assert shown > 100
