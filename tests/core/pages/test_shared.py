"""A live part is rendered once for all who may as much, and for nobody who may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mqadmin.core import hooks
from mqadmin.core.pages import shared
from mqadmin.core.pages.rows_seen import _PLACE, Drawn, Fragment
from tests.core.conftest import HX, SignIn, make_user

Made = list[str]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """What is rendered from now on, nothing of it before."""
    names: Made = []
    plain: Callable[..., str] = shared.render_to_string

    def render(name: str, *arguments: Any) -> str:
        names.append(name)
        return plain(name, *arguments)

    monkeypatch.setattr(shared, "render_to_string", render)
    shared.forget()
    return names


def live(client: Client, etag: str = "") -> Any:
    return client.get("/live/", {"at": "queues"}, headers={**HX, **({"If-None-Match": etag} if etag else {})})


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_it_is_rendered_once_for_all_of_a_role(sign_in: SignIn, made: Made) -> None:
    other = User.objects.create_user("another")
    other.groups.add(Group.objects.get(name="viewer"))
    first = live(sign_in("viewer"))
    second = live(browser_of(other))
    assert first.status_code == second.status_code == 200
    assert first.text == second.text
    assert made == ["core/_live.html"]
    assert first["ETag"] != second["ETag"]  # of whoever signs in next in this browser
    assert live(sign_in("operator")).status_code == 200
    assert len(made) == 2


def test_what_is_in_it_makes_it_another(sign_in: SignIn, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter((3, 3, 4))
    monkeypatch.setitem(hooks._badges, "queues", lambda _slug: hooks.Badge(f"<b>{next(counts)}"))
    client = sign_in("viewer")
    first = live(client)
    assert "&lt;b&gt;3" in first.text
    assert live(client, first["ETag"]).status_code == 304
    again = live(client, first["ETag"])
    assert "&lt;b&gt;4" in again.text
    assert len(made) == 2


def test_who_has_lost_a_right_gets_nothing_of_what_is_kept(sign_in: SignIn, made: Made) -> None:
    client = sign_in("viewer")
    first = live(client)
    make_user("viewer").groups.clear()
    assert live(client, first["ETag"]).status_code == live(client).status_code == 403
    client = sign_in("operator")
    first = live(client)
    client.session.flush()
    assert "HX-Redirect" in live(client, first["ETag"])
    assert len(made) == 2


def test_rows_stand_where_they_were_drawn() -> None:
    rows = [Drawn.of(f'<tr id="row-{number}"><td>{number}</td></tr>') for number in (1, 2)]
    part = Fragment(f"<p>{_PLACE}\n{_PLACE}</p>", rows)
    assert part.shown({}) == f"<p>{rows[0].html}\n{rows[1].html}</p>"
    seen = {"row-1": rows[0].mark, "row-2": "00000000"}
    assert part.shown(seen) == f'<p><tr id="row-1" data-same></tr>\n{rows[1].html}</p>'


def test_an_unchanged_frame_asks_for_little(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    etag = live(client)["ETag"]
    with CaptureQueriesContext(connection) as queries:
        assert live(client, etag).status_code == 304
    tables = [query["sql"] for query in queries if "auth_permission" in query["sql"]]
    assert len(tables) == 1  # its rights, those of its groups among them
