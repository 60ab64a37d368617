"""What may be a secret in a consumer's options, or in a broker's address, on all pages and in all answers."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from consumers.definitions import definitions
from consumers.models import Consumer
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry
from tests.core.conftest import SignIn, make_user
from tests.support.addresses.calls import CALLS, call
from tests.support.addresses.pages import PAGES, everything
from tests.support.addresses.ranks import may
from tests.support.addresses.world import World

TOKEN, QUERY, LOGIN, HEADER = "Xk29fjQ8aLmZ0pW7rT4y", "hunter2", "opensesame", "sixsixsix"
BROKER = "rabbitpass"
SECRETS = (TOKEN, QUERY, LOGIN, HEADER, BROKER)
URL = f"https://example.org/hook/{TOKEN}?code={QUERY}"
OPTIONS = {"url": URL, "headers": json.dumps({"X-Auth": HEADER, "X-Shop": "blue"})}


@pytest.fixture
def hook(world: World, no_broker: None, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world, with a webhook that was given secrets as they are, and was changed."""
    monkeypatch.setenv("RABBITMQ_URL", f"amqp://shop:{BROKER}@127.0.0.1:1/")
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", f"http://shop:{BROKER}@127.0.0.1:2/")
    brokers.forget()
    consumer = Consumer.objects.get(name=world.consumer)
    by = Actor("ann")
    definitions.update(consumer=consumer, by=by, handler="webhook", options=OPTIONS)
    definitions.update(consumer=consumer, by=by, options={**OPTIONS, "url": URL.replace("hook", "hooks")})
    definitions.update(
        consumer=consumer, by=by, options={**OPTIONS, "url": URL.replace("hook", "hooks") + "3"}
    )
    # As it may have been stored by a version that took it.
    old = URL.replace("https://", f"https://ann:{LOGIN}@")
    Consumer.objects.filter(pk=consumer.pk).update(options={**OPTIONS, "url": old})
    return world


@pytest.mark.parametrize("who", ["viewer", "operator"])
def test_no_page_and_no_answer_shows_them(who: str, hook: World, sign_in: SignIn) -> None:
    told = []
    client = sign_in(who)
    for page in everything():
        if may(who, PAGES[page.name][0] or "admin"):
            told += _told(page.name, client.get(page.address(hook)))
    headers = {"Authorization": f"Bearer {tokens.create(user=make_user(who))}"}
    for name in CALLS:
        if name.startswith("GET ") and may(who, CALLS[name]):
            told += _told(name, call(name, hook, headers))
    told += _told("start", call("POST /consumers/{name}/start", hook, headers))
    assert told == []
    page = client.get(f"/consumers/{hook.consumer}/").content.decode()
    assert "https://•••@example.org/hook/•••?code=•••" in page
    assert "blue" in page


def test_the_audit_log_has_none_and_says_that_what_changed_is_hidden(hook: World) -> None:
    entries = AuditEntry.objects.filter(action="consumer.update").order_by("pk")
    assert not [secret for entry in entries for secret in SECRETS if secret in json.dumps(entry.detail)]
    to = [entry.detail["options"]["to"]["url"] for entry in entries]
    assert to == [
        "https://example.org/hook/•••?code=•••",
        "https://example.org/hooks/•••?code=•••",
        "https://example.org/hooks/•••?code=•••",
    ]
    assert ["note" in entry.detail["options"] for entry in entries] == [False, False, True]


def test_what_the_log_had_before_is_hidden_by_a_migration(db: None) -> None:
    told = {
        "options": {"from": {"url": "https://example.org/"}, "to": OPTIONS},
        "prefetch": {"from": 1, "to": 2},
    }
    entry = AuditEntry.objects.create(actor="ann", action="consumer.update", detail=told)
    import_module("consumers.migrations.0002_hide_secrets_in_the_audit_log").hide(apps, None)
    entry.refresh_from_db()
    assert entry.detail["options"]["to"]["url"] == "https://example.org/hook/•••?code=•••"
    assert entry.detail["options"]["from"] == {"url": "https://example.org/"}
    assert entry.detail["prefetch"] == {"from": 1, "to": 2}


def test_who_may_define_sees_them_and_is_warned(hook: World, sign_in: SignIn) -> None:
    headers = {"Authorization": f"Bearer {tokens.create(user=make_user('admin'))}"}
    found = call("GET /consumers/{name}", hook, headers).json()
    assert TOKEN in found["options"]["url"]
    assert set(found["warnings"]) == {"options.url", "options.headers"}
    page = sign_in("admin").get(f"/consumers/{hook.consumer}/edit/").content.decode()
    beside = page.partition("field-url")[2].partition('class="field ')[0]
    assert TOKEN in beside
    assert "A secret seems to stand here" in beside


def test_what_is_shown_in_its_place_is_not_taken_for_it(hook: World) -> None:
    admin, operator = (
        {"Authorization": f"Bearer {tokens.create(user=make_user(role))}"} for role in ("admin", "operator")
    )
    options = call("GET /consumers/{name}", hook, operator).json()["options"]
    answer = Client().patch(
        f"/api/v1/consumers/{hook.consumer}",
        {"options": options},
        content_type="application/json",
        headers=admin,
    )
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"options.url", "options.headers"}


def _told(where: str, response: Any) -> list[tuple[str, str]]:
    content = b"".join(response) if response.streaming else response.content
    return [(where, secret) for secret in SECRETS if secret.encode() in content]
