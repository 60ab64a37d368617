"""Who has a role for a part: every page and every call, on what is theirs and on what is not.

Each says what it needs its level of (`permissions`, `Token.of`); what is for everything only stands in CLOSED.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import get_resolver, resolve

from mqadmin.api import api
from mqadmin.core.api import tokens
from mqadmin.core.api.plumbing import Token
from mqadmin.core.models import AuditEntry, Grant
from mqadmin.core.permissions import Required
from mqadmin.core.rights.rules import LEVELS
from tests.core.test_access_matrix import CALLS, PAGES, World, call, everything
from tests.support.several_brokers import TWO_WILL_DO, number_of_brokers  # noqa: F401

pytestmark = [pytest.mark.usefixtures("no_broker"), pytest.mark.any_version, TWO_WILL_DO]

# About all brokers, or about mqadmin itself: no role for a part opens them.
CLOSED_PAGES: set[str] = {
    # standing rules: each is for the queues of all brokers, in one order
    *("standing_list", "standing_new", "standing_edit", "standing_move", "standing_delete"),
}
CLOSED_CALLS: set[str] = {
    "GET /queue-rules",
    "POST /queue-rules",
    "PUT /queue-rules/{standing_id}",
    "POST /queue-rules/{standing_id}/move",
    "DELETE /queue-rules/{standing_id}",
}
# Anybody's own, or nobody's.
OPEN = {
    *("healthz", "login", "theme", "logout", "password_change", "password_change_done"),
    *("wall", "wall_open", "incident_link", "metrics"),
}


def account(name: str, **grant: Any) -> User:
    """Return an account whose one role is for a part."""
    user = User.objects.create_user(name)
    group = Group.objects.create(name=f"role of {name}")
    Grant.objects.create(group=group, **{"level": 3, "reveals": True, **grant})
    user.groups.add(group)
    return user


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def requires(address: str) -> Required:
    return resolve(address.partition("?")[0]).func.requires


def auth_of() -> dict[str, Token]:
    """Return what each call asks for, by its name in CALLS."""
    assert get_resolver().url_patterns  # with these the API is put together
    found: dict[str, Token] = {}
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                auth = operation.auth_param if isinstance(operation.auth_param, Token) else router.auth
                name = re.sub(r"\{\w+:", "{", f"{prefix}{path}")
                found |= {f"{method} {name}": auth for method in operation.methods}
    return found


def _of_things(text: str) -> str:
    """Return what a page says without its examples of searches."""
    return re.sub(r"(name|source):orders\*?", "", text)


def test_each_page_says_of_what_it_needs_its_level(world: World) -> None:
    closed = {
        page.name
        for page in everything()
        if page.name not in OPEN and requires(page.address(world)).kind == "everything"
    }
    assert closed == CLOSED_PAGES


def test_each_call_says_of_what_it_needs_its_level() -> None:
    found = auth_of()
    assert set(CALLS) == set(found)
    assert {name for name, auth in found.items() if auth.kind == "everything"} == CLOSED_CALLS


@pytest.mark.parametrize("method", ["get", "post"])
def test_pages_of_what_is_not_theirs(method: str, world: World) -> None:
    """404 for what is not theirs, 403 for what is everybody's; a list has none of it."""
    user = account("elsewhere", broker="another")
    wrong = []
    for page in everything():
        if page.name in OPEN or PAGES[page.name][0 if method == "get" else 1] is None:
            continue
        address = page.address(world)
        response = getattr(browser(user), method)(address)
        kind = requires(address).kind
        if kind == "everything":
            if response.status_code != 403:
                wrong.append((page.name, response.status_code))
        elif page.arguments and "kind" not in page.arguments and response.status_code != 404:
            wrong.append((page.name, response.status_code))
        elif response.status_code == 200 and not response.streaming and "orders" in _of_things(response.text):
            wrong.append((page.name, "orders"))
        # The same, asked for by the broker's name.
        if kind != "everything" and not page.arguments:
            named = getattr(browser(user), method)(f"{address}?broker=default")
            if named.status_code != 404:
                wrong.append((page.name, "?broker=default", named.status_code))
    assert wrong == []
    assert not AuditEntry.objects.filter(actor="elsewhere", broker="default").exists()


@pytest.mark.parametrize("level", list(LEVELS))
@pytest.mark.parametrize("method", ["get", "post"])
def test_pages_of_what_is_theirs(method: str, level: str, world: World) -> None:
    user = account("theirs", broker="default", level=LEVELS[level])
    wrong = []
    for page in everything():
        if page.name in OPEN or PAGES[page.name][0 if method == "get" else 1] is None:
            continue
        address = page.address(world)
        needed = requires(address)
        response = getattr(browser(user), method)(address)
        may = needed.kind != "everything" and LEVELS[level] >= LEVELS[needed.needed]
        if (response.status_code == 403) is may:
            wrong.append((page.name, response.status_code))
    assert wrong == []


def test_calls_of_what_is_not_theirs(world: World) -> None:
    user = account("elsewhere", broker="another")
    headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}
    kinds = {name: auth.kind for name, auth in auth_of().items()}
    wrong = []
    for name in sorted(CALLS, key=lambda name: name.startswith("DELETE")):
        response = call(name, world, headers)
        if kinds[name] == "everything":
            if response.status_code != 403:
                wrong.append((name, response.status_code))
        elif "{" in name and response.status_code != 404:
            wrong.append((name, response.status_code))
        elif response.status_code == 200 and b"orders" in b"".join(response):
            wrong.append((name, "orders"))
    assert wrong == []
    assert not AuditEntry.objects.filter(actor="elsewhere", broker="default").exists()


@pytest.mark.parametrize("level", list(LEVELS))
def test_calls_of_what_is_theirs(level: str, world: World) -> None:
    user = account("theirs", broker="default", level=LEVELS[level])
    headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}
    auths = auth_of()
    wrong = []
    for name in sorted(CALLS, key=lambda name: name.startswith("DELETE")):
        response = call(name, world, headers)
        auth = auths[name]
        may = auth.kind != "everything" and LEVELS[level] >= LEVELS[auth.needed or "view"]
        if (response.status_code == 403) is may:
            wrong.append((name, response.status_code, response.content[:100]))
    assert wrong == []
