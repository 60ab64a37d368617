"""Who may open what: every page and every call of the API, for everybody. What is not listed here fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mqadmin.api import api
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry
from tests.core.conftest import SignIn, make_user
from tests.support import described
from tests.support.addresses.calls import CALLS, DESCRIPTIONS, call, calls
from tests.support.addresses.pages import PAGES, everything
from tests.support.addresses.ranks import ADMIN, EVERYBODY, RANKS, may
from tests.support.addresses.world import World
from tests.support.several_brokers import NUMBERS, TWO_WILL_DO, number_of_brokers  # noqa: F401

pytestmark = pytest.mark.usefixtures("no_broker")
# What an admin opens is opened on each database, where there are two brokers: it is everything, of each of them.
# Who else may is decided without one. With one broker an admin opens, and sends to, all of it in test_base_path.py.
EACH = pytest.mark.parametrize(
    ("number_of_brokers", "who"),
    [
        pytest.param(
            number,
            who,
            id=f"{name}-{who or 'no-role'}",
            marks=[] if who == ADMIN and number == 2 else pytest.mark.any_database,
        )
        for who in RANKS
        for name, number in NUMBERS.items()
    ],
    indirect=["number_of_brokers"],
)


@TWO_WILL_DO
def test_every_address_is_listed_here() -> None:
    assert {page.name for page in everything()} == set(PAGES)
    assert len(everything()) == len(PAGES)
    assert sorted(calls()) == sorted(CALLS)
    functions = _functions()
    beside = [item.name for item in api.urls[0] if item.name and item.name not in functions]
    assert set(beside) == DESCRIPTIONS | {"api-root"}


def _functions() -> set[str]:
    return {
        call["operationId"].rsplit("_api_", 1)[-1]
        for path in described.paths().values()
        for call in path.values()
    }


def browser(who: str, sign_in: SignIn, **options: bool) -> Client:
    return Client(**options) if who == EVERYBODY else sign_in(who, **options)


@EACH
@pytest.mark.parametrize("method", ["get", "post"])
def test_pages(who: str, method: str, sign_in: SignIn, world: World) -> None:
    """Who may, may; who may not is told so; and opening a page changes nothing."""
    wrong: list[tuple[Any, ...]] = []
    for page in everything():
        needed = PAGES[page.name][0 if method == "get" else 1]
        client = browser(who, sign_in)
        with _statements(is_asked=method == "get" and who == ADMIN) as statements:
            response = getattr(client, method)(page.address(world))
        if page.name != "wall_open":  # one that opens nothing is told of
            wrong += [(page.name, text) for text in statements if _writes(text)]
        found = _answer(response)
        if needed is None:  # whether one is asked for a role first, or told that it cannot be done at all
            expected = {"signs in", "refused", "method"}
        elif may(who, needed):
            expected = {"allowed"}
        else:
            expected = {"signs in" if who == EVERYBODY else "refused"}
        if found not in expected:
            wrong.append((page.name, response.status_code, response.get("Location")))
    assert wrong == []


def _answer(response: Any) -> str:
    if response.status_code == 302 and response["Location"].startswith("/login/?next="):
        return "signs in"
    answers = {403: "refused", 405: "method", 401: "signs in", 500: "broken"}
    return answers.get(response.status_code, "allowed")


@EACH
def test_calls_of_the_api(who: str, world: World) -> None:
    headers = {"Authorization": "Bearer mqa_nobody's"}
    if who != EVERYBODY:
        headers["Authorization"] = f"Bearer {tokens.create(user=make_user(who))}"
    wrong = []
    for name in sorted(CALLS, key=lambda name: name.startswith("DELETE")):
        response = call(name, world, headers)
        expected = "signs in" if who == EVERYBODY else "allowed" if may(who, CALLS[name]) else "refused"
        if _answer(response) != expected:
            wrong.append((name, response.status_code, response.content[:200]))
    assert wrong == []


@TWO_WILL_DO
@pytest.mark.any_database
def test_a_session_is_no_token(sign_in: SignIn, world: World) -> None:
    client = sign_in("admin")
    for name in CALLS:
        method, path = name.split(" ")
        address = f"/api/v1{path}".replace("{name}", world.consumer)
        address = re.sub(r"\{\w+_id\}", "1", address)
        assert client.generic(method, address).status_code == 401, name


@TWO_WILL_DO
@pytest.mark.any_database
@pytest.mark.parametrize("name", sorted(DESCRIPTIONS))
def test_the_description_of_the_api_is_for_who_signed_in(name: str, sign_in: SignIn) -> None:
    address = reverse(f"api:{name}")
    assert _answer(Client().get(address, headers={"Accept": "text/html"})) == "signs in"
    assert Client().get(address, headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert sign_in("").get(address).status_code == 200


def test_who_is_deactivated_is_out_at_once(sign_in: SignIn, world: World) -> None:
    client, user = sign_in("admin"), make_user("admin")
    headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}
    assert call("GET /queues", world, headers).status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert call("GET /queues", world, headers).status_code == 401
    assert _answer(client.get("/queues/")) == "signs in"


@TWO_WILL_DO
@pytest.mark.any_database
def test_no_page_takes_a_post_without_its_token(sign_in: SignIn, world: World) -> None:
    taken = []
    for page in everything():
        if PAGES[page.name][1] is not None:
            response = sign_in("admin", enforce_csrf_checks=True).post(page.address(world))
            if response.status_code != 403 or "Reload the page" not in response.text:
                taken.append((page.name, response.status_code))
    assert taken == []
    assert not AuditEntry.objects.exists()


@contextmanager
def _statements(*, is_asked: bool) -> Iterator[list[str]]:
    """Yield a list that has afterwards what the database was told meanwhile; nothing where none `is_asked` for."""
    found: list[str] = []
    if not is_asked:
        yield found
        return
    with CaptureQueriesContext(connection) as seen:
        yield found
    found += [query["sql"] for query in seen]


def _writes(sql: str) -> bool:
    """Whether a statement changes anything: that a list was looked at, and what it had, is no change."""
    notes = ("django_session", "administration_listing", "administration_packed")
    writes = sql.lstrip("( ").upper().startswith(("INSERT", "UPDATE", "DELETE"))
    return writes and not any(name in sql for name in notes)
