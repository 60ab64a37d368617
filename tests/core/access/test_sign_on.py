"""Signing on at a proxy: who is believed, which account and role it becomes, and when it ends."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.checks import run_checks
from django.test import Client

from mqadmin import given
from mqadmin.core import permissions
from mqadmin.core.access import sign_on
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry
from tests.core.conftest import PASSWORD, SignIn, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker", "signed_on")]


@pytest.fixture
def signed_on(settings: Any) -> None:
    settings.MQADMIN_TRUSTED_PROXIES = ["10.0.0.0/8"]
    settings.MQADMIN_SIGN_ON_HEADER = "X-Forwarded-User"
    settings.MQADMIN_SIGN_ON_GROUPS_HEADER = "X-Forwarded-Groups"
    settings.MQADMIN_SIGN_ON_ROLES = {"oncall": "operator", "rabbit": "admin", "*": "viewer"}


def get(
    browser: Client, name: str = "", groups: str = "", *, peer: str = "10.0.0.9", path: str = "/queues/"
) -> Any:
    headers = {"X-Forwarded-User": name, "X-Forwarded-Groups": groups} if name else {}
    return browser.get(path, headers=headers, REMOTE_ADDR=peer)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("", "viewer"),
        ("oncall", "operator"),
        ("a,rabbit;oncall", "admin"),
        (" rabbit ", "admin"),
        ("Rabbit", "viewer"),
    ],
)
def test_who_the_proxy_names_is_in_with_the_role_of_their_groups(groups: str, role: str) -> None:
    browser = Client()
    assert get(browser, "eve@example.com", groups).status_code == 200
    user = User.objects.get()
    assert (user.username, permissions.role(user)) == ("eve@example.com", role)
    assert not user.has_usable_password()
    actions = list(AuditEntry.objects.order_by("id").values_list("action", "actor", "outcome"))
    assert actions == [("user.create", "mqadmin", "done"), ("user.sign_in", "eve@example.com", "done")]
    get(browser, "eve@example.com", groups)
    assert AuditEntry.objects.count() == 2  # once a session


def test_nobody_else_is_believed(settings: Any) -> None:
    assert get(Client(), "eve", peer="203.0.113.7").status_code == 302
    assert get(Client(), "eve", peer="").status_code == 302
    settings.MQADMIN_TRUSTED_PROXIES = []
    assert get(Client(), "eve").status_code == 302
    assert not User.objects.exists()


def test_a_role_follows_the_groups_and_leaves_with_them() -> None:
    browser = Client()
    get(browser, "eve", "rabbit")
    get(browser, "eve", "oncall")
    assert permissions.role(User.objects.get()) == "operator"
    assert AuditEntry.objects.get(action="user.role").detail == {
        "role": "operator",
        "was": "admin",
        "sign_on": True,
    }
    assert (
        browser.get("/accounts/", headers={"X-Forwarded-User": "eve"}, REMOTE_ADDR="10.0.0.9").status_code
        == 403
    )


def test_a_role_for_a_part_follows_the_groups_too(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.MQADMIN_SIGN_ON_ROLES = {"shop": "role:shop team", "bank": "role:gone", "*": "viewer"}
    shop, other = Group.objects.create(name="shop team"), Group.objects.create(name="other")
    get(Client(), "eve", "shop,bank")
    eve = User.objects.get(username="eve")
    assert permissions.parts(eve) == {"shop team"}
    assert "no such role" in caplog.text
    eve.groups.add(other)  # by an admin: groups say nothing of it
    get(Client(), "eve", "bank")
    assert permissions.parts(eve) == {"other"}
    get(Client(), "eve", "shop")
    assert permissions.parts(eve) == {"other", "shop team"}
    assert permissions.role(User.objects.get(pk=eve.pk)) == "viewer"
    assert shop.user_set.count() == 1


def test_without_a_header_of_groups_admins_decide(settings: Any) -> None:
    settings.MQADMIN_SIGN_ON_GROUPS_HEADER = ""
    browser = Client()
    get(browser, "eve", "rabbit")
    user = User.objects.get()
    assert permissions.role(user) == "viewer"
    user.groups.set([make_user("operator").groups.get()])
    get(Client(), "eve")
    assert permissions.role(User.objects.get(pk=user.pk)) == "operator"


def test_no_groups_no_role(settings: Any) -> None:
    settings.MQADMIN_SIGN_ON_ROLES = {"rabbit": "admin"}
    assert get(Client(), "eve", "oncall").status_code == 403
    assert get(Client(), "eve", "rabbit").status_code == 200


def test_a_header_does_not_open_an_account_with_a_password() -> None:
    make_user("admin")
    response = get(Client(), "admin", "rabbit")
    assert response.status_code == 403
    assert "An account with a password is called so." in response.text
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("name", ["e v e", "eve,admin", "e" * 151, "eve\u202e", "a/b"])
def test_a_name_that_no_account_can_have_is_refused(name: str) -> None:
    response = get(Client(), name.encode().decode("latin-1"))
    assert response.status_code == 403
    assert not User.objects.exists()


def test_names_of_all_alphabets_arrive_as_they_are() -> None:
    get(Client(), "zoë".encode().decode("latin-1"))
    assert User.objects.get().username == "zoë"


def test_who_is_switched_off_is_told() -> None:
    browser = Client()
    get(browser, "eve")
    User.objects.update(is_active=False)
    response = get(browser, "eve")
    assert response.status_code == 403
    assert "Your account is switched off." in response.text


def test_a_session_ends_when_the_proxy_names_nobody_or_another() -> None:
    browser = Client()
    get(browser, "eve")
    assert get(browser).status_code == 302  # signed out at the provider
    get(browser, "eve")
    assert get(browser, "bob").context["request"].user.username == "bob"
    assert get(browser, peer="203.0.113.7").status_code == 302


def test_a_session_ends_when_nobody_signs_on_at_a_proxy_any_more(settings: Any) -> None:
    browser = Client()
    assert get(browser, "eve").status_code == 200
    settings.MQADMIN_SIGN_ON_HEADER = ""
    assert get(browser, "eve").status_code == 302


def test_the_header_counts_more_than_who_is_signed_in(sign_in: SignIn) -> None:
    browser = sign_in("admin")
    assert get(browser, "eve", path="/operations/").context["request"].user.username == "eve"


def test_a_token_is_asked_for_itself_whatever_the_header_says() -> None:
    token = tokens.create(user=make_user("viewer"))
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-User": "admin"}
    assert Client().get("/api/v1/me", headers=headers, REMOTE_ADDR="10.0.0.9").json()["name"] == "viewer"
    make_user("admin")
    assert Client().get("/metrics", headers=headers, REMOTE_ADDR="10.0.0.9").status_code == 200
    assert (
        Client().get("/healthz", headers={"X-Forwarded-User": "admin"}, REMOTE_ADDR="10.0.0.9").status_code
        == 200
    )


def test_signing_out_goes_on_at_the_provider(settings: Any, sign_in: SignIn) -> None:
    settings.MQADMIN_SIGN_OUT_URL = "/oauth2/sign_out"
    browser = Client()
    get(browser, "eve")
    headers = {"X-Forwarded-User": "eve"}
    assert browser.post("/logout/", headers=headers, REMOTE_ADDR="10.0.0.9")["Location"] == "/oauth2/sign_out"
    assert sign_in("admin").post("/logout/")["Location"] == "/login/"


def test_passwords_can_be_switched_off_but_for_the_emergency(settings: Any, sign_in: SignIn) -> None:
    settings.MQADMIN_SIGN_ON_HEADER = ""
    local = sign_in("operator")
    assert local.get("/queues/").status_code == 200
    settings.MQADMIN_LOCAL_ACCOUNTS = False
    settings.MQADMIN_EMERGENCY_ACCOUNT = "admin"
    assert local.get("/queues/").status_code == 302  # at once
    for name, inside in (("operator", False), ("admin", True)):
        make_user(name)
        browser = Client()
        response = browser.post("/login/", {"username": name, "password": PASSWORD})
        assert (response.status_code == 302) is inside, name
        assert (browser.get("/queues/").status_code == 200) is inside, name
    assert (
        "Passwords are switched off here" in Client().post("/login/", {"username": "x", "password": "y"}).text
    )


def test_settings_that_would_let_anybody_or_nobody_in_are_told(settings: Any) -> None:
    assert not {"mqadmin.E003", "mqadmin.W002"} & {item.id for item in run_checks()}
    settings.MQADMIN_TRUSTED_PROXIES = []
    assert "mqadmin.E003" in {item.id for item in run_checks()}
    settings.MQADMIN_SIGN_ON_HEADER = ""
    settings.MQADMIN_LOCAL_ACCOUNTS = False
    assert "mqadmin.W002" in {item.id for item in run_checks()}


def test_roles_of_groups_are_read_or_refused() -> None:
    roles = ("viewer", "operator", "admin")
    found = given.pairs("X", roles, {"X": "cn=on=operator, *=viewer"})
    assert found == {"cn=on": "operator", "*": "viewer"}
    assert given.pairs("X", roles, {"X": "shop=role:shop team"}) == {"shop": "role:shop team"}
    for text in ("oncall", "oncall=", "=admin", "oncall=emperor", "shop=role:"):
        with pytest.raises(given.Unusable, match="not like GROUP=ROLE"):
            given.pairs("X", roles, {"X": text})


def test_the_greatest_role_counts(settings: Any) -> None:
    assert sign_on.role(["oncall", "rabbit"], settings.MQADMIN_SIGN_ON_ROLES) == "admin"
    assert sign_on.role(["rabbit"], {}) == ""


def test_an_account_is_left_to_the_sign_on_by_an_admin(sign_in: SignIn) -> None:
    eve, admin = make_user("operator"), sign_in("admin")
    assert get(Client(), "operator", "oncall").status_code == 403
    text = admin.get(f"/accounts/{eve.pk}/").text
    assert "Leave to the sign-on" in text
    admin.post(f"/accounts/{eve.pk}/leave/")
    assert get(Client(), "operator", "oncall").status_code == 200
    assert Client().post("/login/", {"username": "operator", "password": PASSWORD}).status_code == 200
    assert admin.post(f"/accounts/{eve.pk}/role/", {"role": "admin"}).status_code == 409  # its groups decide
    assert AuditEntry.objects.get(action="user.leave_to_sign_on").target == "operator"


def test_the_account_for_emergencies_keeps_its_password(settings: Any, sign_in: SignIn) -> None:
    user = make_user("root")
    settings.MQADMIN_EMERGENCY_ACCOUNT = "root"
    assert sign_in("admin").post(f"/accounts/{user.pk}/leave/").status_code == 409
    assert User.objects.get(pk=user.pk).has_usable_password()
