"""Roles for a part: guards, what the pages say, who may do what with which thing, tokens for a part."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from mqadmin.accounts.acts import roles
from mqadmin.accounts.acts.roles import Given
from mqadmin.accounts.pages import who
from mqadmin.core import permissions
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, Grant
from mqadmin.core.rights.rules import LEVELS
from tests.core.conftest import SignIn, make_user, sign_in  # noqa: F401
from tests.support.pages import html

pytestmark = [pytest.mark.usefixtures("no_broker"), pytest.mark.django_db]
ADA = Actor("ada")
SHOP = [Given("default", "shop", "*", "operate"), Given("*", "*", "orders*", "view", reveals=True)]


def filled(name: str, *rules: tuple[str, str, str, str]) -> dict[str, str]:
    """Return what a browser sends of the form of a role."""
    values = {"name": name, "rule-TOTAL_FORMS": str(len(rules) + 1), "rule-INITIAL_FORMS": "0"}
    for number, rule in enumerate([*rules, ("", "*", "*", "view")]):
        for field, value in zip(("broker", "vhost", "queue", "level"), rule, strict=True):
            values[f"rule-{number}-{field}"] = value
    return values


def test_a_role_by_clicks(sign_in: SignIn) -> None:  # noqa: F811
    admin, eve = sign_in("admin"), User.objects.create_user("eve")
    response = admin.post(reverse("role_new"), filled("shop team", ("default", "shop", "*", "operate")))
    assert response["Location"] == reverse("role_list")
    role = Group.objects.get(name="shop team")
    said = html(admin.get(reverse("role_list")))
    assert "look, operate" in said
    assert "the virtual host shop of" in said
    assert permissions.rights(eve).somewhere == 0

    admin.post(reverse("account_roles", args=[eve.pk]), {"roles": ["shop team"]})
    rights = permissions.rights(User.objects.get(pk=eve.pk))
    assert rights.level("default", "shop", "q") == LEVELS["operate"]
    assert rights.level("default", "bank", "q") == 0
    assert "shop team" in html(admin.get(reverse("account_detail", args=[eve.pk])))
    entry = AuditEntry.objects.get(action="user.roles")
    assert (entry.actor, entry.target, entry.detail) == ("admin", "eve", {"roles": ["shop team"], "was": []})

    address = reverse("role_edit", args=[role.pk])
    assert "eve" in html(admin.get(address))
    admin.post(address, filled("bank team", ("default", "bank", "*", "view")))
    assert permissions.rights(User.objects.get(pk=eve.pk)).level("default", "shop", "q") == 0
    entry = AuditEntry.objects.get(action="role.change")
    assert entry.detail["was"] == ["default shop *: operate"]

    admin.post(reverse("role_delete", args=[role.pk]))
    assert permissions.rights(User.objects.get(pk=eve.pk)).somewhere == 0
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (filled("", ("*", "*", "*", "view")), "This field is required"),
        (filled("Admin", ("*", "*", "*", "view")), "a role for everything"),
        (filled("x" * 61, ("*", "*", "*", "view")), "at most 60"),
        (filled("taken", ("*", "*", "*", "view")), "There is a role of this name"),
        (filled("none"), "Say at least once"),
        (filled("no broker", ("", "shop", "*", "view")), "Of which broker?"),
        (filled("level", ("*", "*", "*", "rule")), "Select a valid choice"),
    ],
)
def test_what_makes_no_role_is_said(sign_in: SignIn, values: dict[str, str], words: str) -> None:  # noqa: F811
    Group.objects.create(name="taken")
    response = sign_in("admin").post(reverse("role_new"), values)
    assert response.status_code in (409, 422)
    assert words in html(response)
    assert set(Group.objects.values_list("name", flat=True)) == {*permissions.ROLES, "taken"}


def test_guards() -> None:
    eve = User.objects.create_user("eve")
    roles.create(by=ADA, name="shop", rules=SHOP)
    with pytest.raises(Refusal, match="Nobody changes their own roles"):
        roles.give(by=Actor("eve"), user=eve, roles=["shop"])
    with pytest.raises(Refusal, match="There is no role"):
        roles.give(by=ADA, user=eve, roles=["shop", "admin"])
    for name in permissions.ROLES:
        with pytest.raises(Refusal, match="for everything"):
            roles.delete(by=ADA, role=Group.objects.get(name=name))
    assert not eve.groups.exists()


def test_a_role_for_everything_and_one_for_a_part_go_together() -> None:
    eve = User.objects.create_user("eve")
    roles.create(by=ADA, name="shop", rules=SHOP)
    roles.give(by=ADA, user=eve, roles=["shop"])
    permissions.give(eve, "viewer")
    rights = permissions.rights(User.objects.get(pk=eve.pk))
    assert rights.everywhere == LEVELS["view"]
    assert rights.level("default", "shop", "q") == LEVELS["operate"]
    permissions.give(eve, "")
    assert permissions.rights(User.objects.get(pk=eve.pk)).everywhere == 0
    assert [(line.what, line.may, line.reveals, line.why) for line in who.lines(eve)] == [
        ("the virtual host shop of RabbitMQ", "look, operate", False, "shop"),
        ("the queues orders* in each virtual host of every broker", "look", True, "shop"),
    ]


def test_who_may_do_what_with_a_thing(sign_in: SignIn, django_assert_max_num_queries: Any) -> None:  # noqa: F811
    roles.create(by=ADA, name="shop", rules=SHOP)
    for name in ("eve", "bob"):
        roles.give(by=ADA, user=User.objects.create_user(name), roles=["shop"])
    make_user("admin"), make_user("viewer")
    User.objects.create_user("off", is_active=False)

    def found(**thing: str) -> list[tuple[str, str, list[str]]]:
        with django_assert_max_num_queries(10):
            return [(item.user.username, item.may, item.why) for item in who.holders("default", **thing)]

    admin, viewer = ("admin", "look, operate, configure", ["admin"]), ("viewer", "look", ["viewer"])
    assert found(vhost="shop", queue="q") == [
        admin,
        ("bob", "look, operate", ["shop"]),
        ("eve", "look, operate", ["shop"]),
        viewer,
    ]
    assert found() == [admin, viewer]
    assert found(vhost="bank", queue="orders.eu") == [
        admin,
        ("bob", "look", ["shop"]),
        ("eve", "look", ["shop"]),
        viewer,
    ]
    page = html(sign_in("admin").get(reverse("access"), {"vhost": "shop", "queue": "q"}))
    assert "eve" in page
    assert "In which virtual host" in html(sign_in("admin").get(reverse("access"), {"queue": "q"}))


def test_the_api_of_roles() -> None:
    headers = {"Authorization": f"Bearer {tokens.create(user=make_user('admin'))}"}
    client, eve = Client(headers=headers), User.objects.create_user("eve")

    def ask(method: str, path: str, body: Any = None) -> Any:
        kind = "application/json" if body is not None else ""
        return getattr(client, method)(f"/api/v1{path}", body, **({"content_type": kind} if kind else {}))

    made = ask(
        "post",
        "/roles",
        {"name": "shop", "rules": [{"broker": "default", "vhost": "shop", "level": "operate"}]},
    )
    assert made.status_code == 201
    assert ask("post", "/roles", {"name": "shop", "rules": [{"broker": "*"}]}).status_code == 409
    assert ask("post", "/roles", {"name": "bad", "rules": []}).json()["fields"].keys() == {"rules"}
    changed = ask("patch", f"/accounts/{eve.pk}", {"roles": ["shop"]})
    assert changed.json()["roles"] == ["shop"]
    (row,) = ask("get", "/roles").json()["items"]
    assert row["accounts"] == ["eve"]
    assert row["rules"] == [
        {"broker": "default", "vhost": "shop", "queue": "*", "level": "operate", "reveals": False}
    ]
    items = ask("get", "/access?vhost=shop").json()["items"]
    assert {"account": "eve", "level": "operate", "reveals": False, "by": ["shop"]} in items
    assert (
        ask("put", f"/roles/{row['id']}", {"name": "shop", "rules": [{"broker": "prod"}]}).status_code == 200
    )
    assert ask("delete", f"/roles/{row['id']}").status_code == 204
    assert ask("delete", f"/roles/{Group.objects.get(name='admin').pk}").status_code == 404


def test_a_token_for_a_part(sign_in: SignIn) -> None:  # noqa: F811
    values = {
        "name": "shop",
        "level": "operate",
        "days": "7",
        "broker": "default",
        "vhost": "shop",
        "queue": "",
    }
    page = html(sign_in("operator").post(reverse("token_list"), values))
    token = page.partition('id="once">')[2].partition("<")[0]
    assert "the virtual host shop of" in page
    me = Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/me").json()
    assert me["may"] == []
    assert me["rules"] == [
        [{"broker": "*", "vhost": "*", "queue": "*", "level": "operate", "reveals": True}],
        [{"broker": "default", "vhost": "shop", "queue": "*", "level": "operate", "reveals": True}],
    ]
    bad = sign_in("operator").post(reverse("token_list"), values | {"vhost": "x" * 256})
    assert bad.status_code == 422
    assert "<details" in html(bad)


def test_who_has_a_part_only_sees_no_page_of_accounts(sign_in: SignIn) -> None:  # noqa: F811
    roles.create(by=ADA, name="shop", rules=[Given("default", "*", "*", "configure", reveals=True)])
    eve = User.objects.create_user("eve")
    roles.give(by=ADA, user=eve, roles=["shop"])
    browser = Client()
    browser.force_login(eve, backend="django.contrib.auth.backends.ModelBackend")
    for name in ("account_list", "role_list", "access", "audit_list"):
        response = browser.get(reverse(name))
        assert (response.status_code == 403) is (name != "audit_list") or "a part only" in html(response)
    assert "Accounts" not in html(browser.get(reverse("token_list")))
