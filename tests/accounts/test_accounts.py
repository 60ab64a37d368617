"""Accounts: what the acts guard, what the pages show, what the API answers."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from mqadmin.accounts.acts import accounts
from mqadmin.core import permissions
from mqadmin.core.access import limits
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from tests.core.conftest import SignIn, make_user, sign_in  # noqa: F401
from tests.support.pages import html

pytestmark = pytest.mark.usefixtures("no_broker")
ADA = Actor("ada")


def test_a_new_account_signs_in_with_the_password_that_is_shown_once(sign_in: SignIn) -> None:  # noqa: F811
    admin = sign_in("admin")
    response = admin.post(reverse("account_new"), {"name": "eve", "role": "operator", "password": ""})
    found = re.search(r'id="once">([^<]+)<', html(response))
    assert found
    password = found.group(1)
    assert response["Cache-Control"].startswith("max-age=0")
    browser = Client()
    assert browser.post("/login/", {"username": "eve", "password": password})["Location"] == "/"
    assert browser.get("/queues/").status_code == 200
    assert browser.get("/accounts/").status_code == 403
    entry = AuditEntry.objects.get(action="user.create")
    assert (entry.actor, entry.target, entry.outcome) == ("admin", "eve", "done")
    assert password not in str(entry.detail)
    assert AuditEntry.objects.filter(action="user.password").count() == 0  # the first one is no change
    assert password not in html(admin.get(reverse("account_list")))


@pytest.mark.parametrize(
    ("name", "role", "password", "field"),
    [
        ("", "viewer", "", "name"),
        ("viewer", "viewer", "", "name"),
        ("ev/e", "viewer", "", "name"),
        ("e" * 151, "viewer", "", "name"),
        ("eve", "emperor", "", "role"),
        ("eve", "viewer", "12345678", "password"),
    ],
)
def test_what_makes_no_account_is_said_beside_its_field(
    sign_in: SignIn,  # noqa: F811
    name: str,
    role: str,
    password: str,
    field: str,
) -> None:
    make_user("viewer")
    response = sign_in("admin").post(
        reverse("account_new"), {"name": name, "role": role, "password": password}
    )
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {field}
    assert sorted(User.objects.values_list("username", flat=True)) == ["admin", "viewer"]


def test_a_role_takes_the_place_of_all_rights(db: None) -> None:
    user = make_user("root")
    make_user("admin")
    accounts.give_role(by=ADA, user=user, role="viewer")
    changed = User.objects.get(pk=user.pk)
    assert permissions.role(changed) == "viewer"
    assert not changed.is_superuser
    entry = AuditEntry.objects.get(action="user.role")
    assert entry.detail == {"role": "viewer", "was": "admin"}


@pytest.mark.parametrize("last", ["admin", "root"])
def test_the_last_admin_stays_one(db: None, last: str) -> None:
    user = make_user(last)
    make_user("operator")
    User.objects.create_user("off", is_superuser=True, is_active=False)  # signs in no more: does not count
    for act in (
        lambda: accounts.give_role(by=ADA, user=user, role="operator"),
        lambda: accounts.switch(by=ADA, user=user, is_on=False),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.code == "last_admin"
    assert permissions.role(User.objects.get(pk=user.pk)) == "admin"
    second = User.objects.create_user("second")
    second.groups.add(Group.objects.get(name="admin"))
    accounts.switch(by=ADA, user=user, is_on=False)
    assert not User.objects.get(pk=user.pk).is_active


def test_nobody_does_to_their_own_account_what_would_shut_them_out(sign_in: SignIn) -> None:  # noqa: F811
    admin, user = sign_in("admin"), make_user("admin")
    make_user("root")
    for page, data in (
        ("account_role", {"role": "viewer"}),
        ("account_switch", {"on": "0"}),
        ("account_password", {}),
    ):
        response = admin.post(reverse(page, args=[user.pk]), data)
        assert response.status_code == 409, page
    user.refresh_from_db()
    assert user.is_active
    assert permissions.role(user) == "admin"


def test_who_is_switched_off_is_out_and_may_come_back(sign_in: SignIn) -> None:  # noqa: F811
    admin, eve = sign_in("admin"), sign_in("operator")
    user = make_user("operator")
    admin.post(reverse("account_switch", args=[user.pk]), {"on": "0"})
    assert eve.get("/queues/").status_code == 302
    admin.post(reverse("account_switch", args=[user.pk]), {"on": "1"})
    assert eve.get("/queues/").status_code == 200
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["user.switch_off", "user.switch_on"]


def test_sessions_end_those_of_others_stay(sign_in: SignIn) -> None:  # noqa: F811
    admin, eve, second = sign_in("admin"), sign_in("viewer"), sign_in("viewer")
    user = make_user("viewer")
    token = tokens.create(user=user)
    admin.post(reverse("account_sign_out", args=[user.pk]))
    assert [client.get("/queues/").status_code for client in (eve, second, admin)] == [302, 302, 200]
    assert Session.objects.count() >= 1
    assert tokens.user_of(token) == user
    assert AuditEntry.objects.get(action="user.sign_out_everywhere").count == 2


def test_a_new_password_ends_sessions_by_the_old_one(sign_in: SignIn) -> None:  # noqa: F811
    eve, user = sign_in("viewer"), make_user("viewer")
    password = accounts.new_password(by=ADA, user=user)
    assert eve.get("/queues/").status_code == 302
    assert User.objects.get(pk=user.pk).check_password(password)
    assert AuditEntry.objects.filter(action="user.password").count() == 1


def test_wrong_passwords_are_forgotten(sign_in: SignIn) -> None:  # noqa: F811
    user = make_user("viewer")
    browser = Client()
    for _try in range(8):
        browser.post("/login/", {"username": "viewer", "password": "wrong"})
    assert limits.wrong("viewer") == 8
    admin = sign_in("admin")
    assert "8 lately" in html(admin.get(reverse("account_detail", args=[user.pk])))
    admin.post(reverse("account_unlock", args=[user.pk]))
    assert limits.wrong("viewer") == 0
    assert AuditEntry.objects.get(action="user.unlock").actor == "admin"


def test_the_list_finds_by_name_and_asks_as_often_for_many(
    sign_in: SignIn,  # noqa: F811
    django_assert_max_num_queries: pytest.FixtureRequest,
) -> None:
    admin = sign_in("admin")
    group = Group.objects.get(name="operator")
    for number in range(30):
        User.objects.create_user(f"one-{number}").groups.add(group)
    text = html(admin.get("/accounts/?q=ONE-2"))
    assert "one-29" in text
    assert "one-3" not in text
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        rows = admin.get("/accounts/").context["rows"]
    assert [row.role for row in rows[:3]] == ["admin", "operator", "operator"]


def test_the_sidebar_leads_an_admin_to_the_accounts(sign_in: SignIn) -> None:  # noqa: F811
    assert 'href="/accounts/"' in html(sign_in("admin").get("/operations/"))
    assert 'href="/accounts/"' not in html(sign_in("operator").get("/operations/"))


def test_the_api_makes_changes_and_lists_accounts(db: None) -> None:
    token = tokens.create(user=make_user("admin"))
    api = Client(headers={"Authorization": f"Bearer {token}"})

    def call(method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        response = getattr(api, method)(f"/api/v1{path}", body, content_type="application/json")
        return response.status_code, response.json()

    status, made = call("post", "/accounts", {"name": "eve", "role": "operator"})
    assert status == 201
    assert User.objects.get(username="eve").check_password(str(made["password"]))
    status, faults = call("post", "/accounts", {"name": "eve"})
    assert (status, faults["fields"]) == (422, {"name": faults["detail"]})
    status, changed = call("patch", f"/accounts/{made['id']}", {"role": "viewer", "is_active": False})
    assert (status, changed["role"], changed["is_active"]) == (200, "viewer", False)
    assert api.get("/api/v1/accounts?q=EV").json()["items"] == [changed]
    own = User.objects.get(username="admin").pk
    assert call("patch", f"/accounts/{own}", {"role": "viewer"})[0] == 409
    assert call("post", f"/accounts/{own}/password")[1]["code"] == "own_account"
    assert call("post", "/accounts/0/unlock")[0] == 404
