"""Who must have a second factor, and who lost theirs."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from mqadmin.accounts.two_factor import codes
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry
from tests.accounts.conftest import sign_on
from tests.accounts.second_factors import (
    add_app,
    code,
    inside,
    is_in,
    make_with_app,
    password,
    second,
)
from tests.core.conftest import SignIn, make_user
from tests.support.openid import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


def test_who_must_have_one_sets_it_up_first(clock: Any, settings: Any) -> None:
    settings.MQADMIN_REQUIRE_TWO_FACTOR = "everybody"
    browser = inside()
    for path in ("/", "/queues/", "/account/password/", "/account/tokens/"):
        assert browser.get(path)["Location"] == "/account/two-factor/"
    assert browser.post("/theme/", {"theme": "dark"}).status_code == 302
    live = browser.get("/live/", headers={"HX-Request": "true"})
    assert (live.status_code, live["HX-Redirect"]) == (204, "/account/two-factor/")
    assert "must have a second factor" in browser.get("/account/two-factor/").text
    add_app(browser)
    assert is_in(browser)
    row = Authenticator.objects.get(type="totp")
    refused = browser.post(f"/account/two-factor/{row.pk}/remove/")
    assert refused.status_code == 409
    assert "set up another one first" in refused.text
    browser.post("/logout/")
    assert not is_in(browser)


def test_admins_alone_must_where_it_says_so(settings: Any) -> None:
    settings.MQADMIN_REQUIRE_TWO_FACTOR = "admins"
    assert is_in(inside("viewer"))
    assert not is_in(inside("admin"))


def test_a_session_of_before_signs_in_again(clock: Any, settings: Any, sign_in: SignIn) -> None:
    make_with_app("admin")
    before = sign_in("admin")
    assert is_in(before)
    settings.MQADMIN_REQUIRE_TWO_FACTOR = "admins"
    assert before.get("/queues/")["Location"] == "/login/"
    assert "a second factor is asked for from now on" in before.get("/login/").text
    password(before, "admin")
    second(before, code())
    assert is_in(before)


def test_tokens_headers_and_providers_need_none(settings: Any, provider: Provider) -> None:
    settings.MQADMIN_REQUIRE_TWO_FACTOR = "everybody"
    make_with_app()
    headers = {"Authorization": f"Bearer {tokens.create(user=make_user('viewer'))}"}
    assert Client().get("/api/v1/me", headers=headers).status_code == 200
    sign_on(browser := Client(), provider)
    assert is_in(browser)
    assert "You sign on elsewhere" in browser.get("/account/two-factor/").text
    settings.MQADMIN_TRUSTED_PROXIES = ["10.0.0.0/8"]
    settings.MQADMIN_SIGN_ON_HEADER = "X-Forwarded-User"
    header = {"X-Forwarded-User": "bob"}
    assert Client().get("/queues/", headers=header, REMOTE_ADDR="10.0.0.9").status_code in (200, 403)
    assert User.objects.filter(username="bob").exists()


def test_an_admin_sees_who_has_one_and_takes_it_away(clock: Any, sign_in: SignIn) -> None:
    user, admin = make_with_app(), sign_in("admin")
    codes.new_recovery_codes(user)
    assert ">app<" in re.sub(r"\s+", "", admin.get("/accounts/").text)
    assert "Take the second factor away" in admin.get(f"/accounts/{user.pk}/").text
    admin.post(f"/accounts/{user.pk}/second-factor/take-away/")
    assert not Authenticator.objects.exists()
    entry = AuditEntry.objects.get(action="user.second_factor_remove")
    assert (entry.actor, entry.target, entry.count, entry.detail) == (
        "admin",
        "viewer",
        1,
        {"factors": ["totp"]},
    )
    password(browser := Client())
    assert is_in(browser)


def test_nobody_takes_their_own_away_so(clock: Any, sign_in: SignIn) -> None:
    user = make_with_app("admin")
    assert sign_in("admin").post(f"/accounts/{user.pk}/second-factor/take-away/").status_code == 409
    assert Authenticator.objects.exists()


def test_the_api_says_who_has_one_and_takes_it_away() -> None:
    user = make_with_app()
    headers = {"Authorization": f"Bearer {tokens.create(user=make_user('admin'))}"}
    path = f"/api/v1/accounts/{user.pk}"
    assert Client().get(path, headers=headers).json()["second_factors"] == ["totp"]
    answer = Client().post(f"{path}/second-factors/take-away", headers=headers)
    assert answer.json()["second_factors"] == []


def test_a_command_takes_it_away_from_the_only_admin() -> None:
    make_with_app("admin")
    call_command("remove_second_factor", "admin", stdout=(said := StringIO()))
    assert "The password of admin alone signs in now." in said.getvalue()
    entry = AuditEntry.objects.get(action="user.second_factor_remove")
    assert (entry.via, entry.target, entry.count) == ("shell", "admin", 1)
    for name in ("admin", "nobody-there"):
        with pytest.raises(CommandError):
            call_command("remove_second_factor", name)
