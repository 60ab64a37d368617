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

from consumers.models import Consumer, Record
from mqadmin.alerts.models import Incident
from mqadmin.api import api
from mqadmin.core.api import tokens
from mqadmin.core.api.plumbing import Token
from mqadmin.core.models import AuditEntry, Grant
from mqadmin.core.permissions import Required
from mqadmin.core.rights.rules import LEVELS
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.models import Queue
from tests.support.addresses.calls import CALLS, call
from tests.support.addresses.pages import PAGES, everything
from tests.support.addresses.world import World
from tests.support.processes import ROOT
from tests.support.several_brokers import TWO_WILL_DO, number_of_brokers  # noqa: F401

pytestmark = [pytest.mark.usefixtures("no_broker"), pytest.mark.any_version, TWO_WILL_DO]

# About all brokers, or about mqadmin itself: no role for a part opens them. By their names in docs/howto/accounts.md.
CLOSED: dict[str, tuple[str, ...]] = {
    "alert rules": (
        *("alert_rule_list", "alert_rule_new", "alert_rule_preview", "alert_rule_edit", "alert_rule_switch"),
        *("alert_rule_restore", "alert_rule_delete"),
    ),
    "alert channels": (
        *("channel_list", "channel_new", "channel_edit", "channel_switch", "channel_test", "channel_delete"),
    ),
    "silences": ("silence_list", "silence_new", "silence_end"),
    "what was sent": ("delivery_list",),
    "hosts": ("host_list", "host_drain", "host_undrain", "host_forget"),
    "rules of queues": ("standing_list", "standing_new", "standing_edit", "standing_move", "standing_delete"),
    "links of the wall": ("wall_links", "wall_revoke"),
    "the notice of a restore": ("restored_dismiss",),
    "accounts, roles": (
        *("account_list", "account_new", "account_detail", "account_role", "account_roles", "account_switch"),
        *("account_second_factor", "account_password", "account_sign_out", "account_unlock"),
        *("account_leave", "account_token_revoke"),
        *("role_list", "role_new", "role_edit", "role_delete", "access"),
    ),
}
CLOSED_PAGES = {name for names in CLOSED.values() for name in names}
CLOSED_CALLS: set[str] = {
    # alerts
    *("GET /alert-rules", "POST /alert-rules", "POST /alert-rules/preview", "PATCH /alert-rules/{rule_id}"),
    *("POST /alert-rules/{rule_id}/restore", "DELETE /alert-rules/{rule_id}"),
    *("GET /alert-channels", "POST /alert-channels", "PATCH /alert-channels/{channel_id}"),
    *("POST /alert-channels/{channel_id}/test", "DELETE /alert-channels/{channel_id}"),
    *("GET /silences", "POST /silences", "DELETE /silences/{silence_id}", "GET /alert-deliveries"),
    # the machines that run everybody's consumers
    *("GET /hosts", "POST /hosts/{name}/drain", "POST /hosts/{name}/undrain", "DELETE /hosts/{name}"),
    # mqadmin itself
    *("GET /restored", "POST /restored/{restored_id}/dismiss"),
    "GET /queue-rules",
    "POST /queue-rules",
    "PUT /queue-rules/{standing_id}",
    "POST /queue-rules/{standing_id}/move",
    "DELETE /queue-rules/{standing_id}",
    # accounts, and what they may
    *("GET /accounts", "POST /accounts", "GET /accounts/{account_id}", "PATCH /accounts/{account_id}"),
    *("POST /accounts/{account_id}/password", "POST /accounts/{account_id}/sign-out"),
    "POST /accounts/{account_id}/second-factors/take-away",
    *("POST /accounts/{account_id}/unlock", "POST /accounts/{account_id}/leave-to-sign-on"),
    *("GET /roles", "POST /roles", "PUT /roles/{role_id}", "DELETE /roles/{role_id}", "GET /access"),
    "POST /tokens",
}
# Anybody's own, or nobody's.
OPEN = {
    *("healthz", "login", "theme", "language", "logout", "password_change", "password_change_done"),
    *("wall", "wall_open", "incident_link", "metrics"),
    *("provider_begin", "provider_back", "second_factor", "passkey_sign_in", "passkey_asked"),
    *("two_factor", "two_factor_confirm", "two_factor_app", "two_factor_key", "two_factor_key_asked"),
    *("two_factor_codes", "two_factor_remove"),
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


TELLING = "the-payroll"


def renamed() -> None:
    """Have what is not theirs called by a word that stands in no example of a search."""
    Queue.objects.update(name=TELLING)
    Consumer.objects.update(queue=TELLING)
    Record.objects.update(queue=TELLING)
    DeadLetter.objects.update(source_queue=TELLING, dead_letter_queue=TELLING)
    Incident.objects.update(title=TELLING)


def test_each_page_says_of_what_it_needs_its_level(world: World) -> None:
    closed = {
        page.name
        for page in everything()
        if page.name not in OPEN and requires(page.address(world)).kind == "everything"
    }
    assert closed == CLOSED_PAGES


def test_what_is_closed_stands_in_the_manual() -> None:
    table = (
        (ROOT / "docs/howto/accounts.md").read_text().partition("| closed | why |")[2].partition("\n\n")[0]
    )
    assert re.findall(r"^\| ([a-z][^|]*) \|", table, re.MULTILINE) == list(CLOSED)


def test_each_call_says_of_what_it_needs_its_level() -> None:
    found = auth_of()
    assert set(CALLS) == set(found)
    assert {name for name, auth in found.items() if auth.kind == "everything"} == CLOSED_CALLS


@pytest.mark.parametrize("method", ["get", "post"])
def test_pages_of_what_is_not_theirs(method: str, world: World) -> None:
    """404 for what is not theirs, 403 for what is everybody's; a list has none of it."""
    renamed()
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
        elif response.status_code == 200 and not response.streaming and TELLING in response.text:
            wrong.append((page.name, TELLING))
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
        response = getattr(browser(user), method)(
            address, {"filled": "in by hand"} if method == "post" else {}
        )
        may = needed.kind != "everything" and LEVELS[level] >= LEVELS[needed.needed]
        if (response.status_code == 403) is may:
            wrong.append((page.name, response.status_code))
        if method == "post" and not may and "in by hand" not in response.text:
            wrong.append((page.name, "what was filled in is lost"))
    assert wrong == []


def test_calls_of_what_is_not_theirs(world: World) -> None:
    renamed()
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
        elif response.status_code == 200 and TELLING.encode() in b"".join(response):
            wrong.append((name, TELLING))
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
