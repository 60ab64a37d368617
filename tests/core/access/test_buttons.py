"""A viewer is led to nothing that he may not do; on a production broker a dangerous act is typed."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

import pytest
from django.urls import Resolver404, resolve, reverse

from mqadmin.administration import urls
from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit.config import BrokerConfig
from tests.core.conftest import SignIn
from tests.support import hard_data
from tests.support.addresses.pages import PAGES, everything
from tests.support.addresses.ranks import VIEWER, may

# The list of taps names each of them for all; what a tap saw is an operator's to read, and that is said there.
TOLD = {"get tap_detail"}
NO_PAGES = {"metrics", "healthz", "process_download", "letter_export", "letter_body", "wall_open"}


class Ways(HTMLParser):
    """Collects where a page leads: links by GET, forms and their buttons by their method."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self._form = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("aria-disabled") == "true":
            return
        if tag == "form":  # leads somewhere only by a button that can be pressed
            is_post = (given.get("method") or "get").lower() == "post"
            self._form = (given.get("action") or "") if is_post else ""
        elif (
            tag == "button"
            and self._form
            and given.get("type", "submit") == "submit"
            and "disabled" not in given
        ):
            self.found.append(("post", self._form))
        if tag in ("a", "button"):
            for name, method in (("href", "get"), ("hx-post", "post"), ("formaction", "post")):
                if given.get(name):
                    self.found.append((method, given[name] or ""))


def forbidden(html: str) -> set[str]:
    """Return the names of pages that a page leads to and a viewer may not open, or send to."""
    wrong = set()
    for method, address in Ways(html).found:
        try:
            name = resolve(urlsplit(address).path).url_name or ""
        except Resolver404:
            continue
        needed = PAGES.get(name, (None, None))[method == "post"]
        if needed is not None and not may(VIEWER, needed):
            wrong.add(f"{method} {name}")
    return wrong - TOLD


@pytest.mark.broker
@pytest.mark.any_version
@pytest.mark.django_db
def test_no_page_leads_a_viewer_to_what_he_may_not_do(
    sign_in: SignIn, broker_config: BrokerConfig, vhost: str
) -> None:
    brokers.forget()
    wrong: dict[str, set[str]] = {}
    opened = 0
    with hard_data.filled(broker_config, vhost, hard_data.unseen) as world:
        viewer = sign_in("viewer")
        for page in everything():
            needed = PAGES[page.name][0]
            if needed is None or not may(VIEWER, needed) or page.name in NO_PAGES:
                continue
            for address in hard_data.addresses(world, page.name, page.address(world)):
                response = viewer.get(address)
                opened += response.status_code == 200
                if response.streaming:  # a file
                    continue
                if found := forbidden(response.content.decode(errors="replace")):
                    wrong[address] = found
    assert opened > 50
    assert wrong == {}


# What the dialogs of administration are asked about; it need not be there: what must be typed is asked first.
ASKED = {
    "vhost": "/",
    "name": "one",
    "kind": "policy",
    "node": "rabbit@one",
    "user": "ann",
    "of": "vhost",
    "limit": "max-queues",
    "source": "amq.direct",
    "destination": "one",
    "destination_type": "queue",
    "properties_key": "~",
    "component": "shovel",
    "on": "0",
    "id": "1",
}
# What is made, or goes on: nothing is typed for it. Publishing asks for the name with what it shows of the way; a
# conversion's end has a test of its own (tests/administration/test_conversion_pages.py).
UNTYPED = {
    "list_columns",
    "queue_convert",
    "conversion_go_on",
    "conversion_undo",
    "exchange_publish",
    "exchange_new",
    "binding_new",
    "queue_new",
    "queue_bind",
    "vhost_new",
    "user_new",
    "policy_new",
    "parameter_new",
    "shovel_new",
    "federation_upstream_new",
    "federation_set_new",
}
ACTS = sorted(
    str(item.name)
    for item in urls.urlpatterns
    if PAGES[str(item.name)][1] is not None and item.name not in UNTYPED
)


@pytest.mark.broker
@pytest.mark.any_version
@pytest.mark.django_db
def test_each_dangerous_act_is_typed_on_a_production_broker(
    sign_in: SignIn, broker_config: BrokerConfig, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    untyped = []
    with hard_data.filled(broker_config, vhost, hard_data.unseen) as world:
        admin = sign_in("admin")
        for name in ACTS:
            arguments = [world.queue] if name.startswith("queue_") and name != "queue_members" else []
            for asked in hard_data.addresses(world, name, reverse(name, args=arguments)):
                address = asked if "?" in asked else f"{asked}?{urlencode(ASKED)}"
                response = admin.get(address)
                if response.status_code == 200 and 'name="typed"' not in response.content.decode():
                    untyped.append(name)
                answer = admin.post(address, {"broker": "default"})
                if (
                    "Type the name exactly" not in answer.content.decode()
                    and 'name="typed"' in response.content.decode()
                ):
                    untyped.append(f"{name} is done")
    brokers.forget()
    assert untyped == []
    assert not AuditEntry.objects.filter(broker="default").exclude(action="queue.purge").exists()
