"""Second factors of accounts with a password: an app, recovery codes, passkeys that are none."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from mqadmin.core.access import limits
from mqadmin.core.models import AuditEntry
from tests.accounts.second_factors import (
    SECRET,
    add_app,
    code,
    inside,
    is_in,
    make_with_app,
    password,
    second,
    shown,
)
from tests.core.access.conftest import minutes_pass
from tests.core.conftest import PASSWORD, SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


def test_the_password_alone_opens_nothing(clock: Any) -> None:
    make_with_app()
    browser = Client()
    assert password(browser, to="/queues/")["Location"] == "/login/second/"
    assert not is_in(browser)
    assert browser.get("/login/second/").status_code == 200
    assert second(browser, code())["Location"] == "/queues/"
    assert is_in(browser)
    entry = AuditEntry.objects.get(action="user.sign_in")
    assert (entry.actor, entry.outcome, entry.detail["second_factor"]) == ("viewer", "done", "totp")


def test_a_code_opens_once_and_none_of_before(clock: Any) -> None:
    make_with_app()
    used = code()
    password(first := Client())
    second(first, used)
    assert is_in(first)
    password(again := Client())
    assert second(again, used).status_code == 422
    assert second(again, code(ahead=-1)).status_code == 422
    assert not is_in(again)
    clock(30)
    second(again, code())
    assert is_in(again)


@pytest.mark.parametrize("ahead", [-1, 0, 1])
def test_a_telephone_may_be_half_a_minute_off(clock: Any, ahead: int) -> None:
    make_with_app()
    password(browser := Client())
    second(browser, code(ahead=ahead))
    assert is_in(browser)


def test_a_code_of_another_time_or_form_is_wrong(clock: Any) -> None:
    make_with_app()
    for wrong in (
        code(ahead=-2),
        code(ahead=2),
        "000",
        "x" * 40,
        "١٢٣٤٥٦",
        code(SECRET[::-1].replace("1", "A")),
    ):
        password(browser := Client())
        assert second(browser, wrong).status_code == 422
        limits.forget("viewer")
    assert second(browser, "x" * 41).status_code == 422


def test_codes_are_guessed_as_seldom_as_passwords_from_wherever(clock: Any) -> None:
    make_with_app()
    for number in range(8):
        browser = Client(REMOTE_ADDR=f"203.0.113.{number}")
        password(browser)
        last = second(browser, "000000")
    assert last.status_code == 429
    assert "Too many wrong codes" in last.text
    password(browser := Client(REMOTE_ADDR="198.51.100.1"))
    assert second(browser, code()).status_code == 429  # the right one is not looked at either
    lock = AuditEntry.objects.get(action="user.lock_out")
    assert "Too many wrong codes of a second factor for this name" in lock.reason
    assert AuditEntry.objects.filter(action="user.sign_in", outcome="refused").count() == 8
    minutes_pass(16)
    second(browser, code())
    assert is_in(browser)


def test_the_right_code_forgets_the_wrong_ones_and_so_does_an_admin(clock: Any, sign_in: SignIn) -> None:
    user = make_with_app()
    password(browser := Client())
    for _time in range(7):
        second(browser, "000000")
    second(browser, code())
    assert not AccessAttempt.objects.filter(user_agent=limits.CODE).exists()
    for _time in range(8):
        password(browser := Client())
        second(browser, "000000")
    sign_in("admin").post(f"/accounts/{user.pk}/unlock/")
    clock(30)
    password(browser := Client())
    second(browser, code())
    assert is_in(browser)


def test_who_is_half_way_in_is_nobody_for_long(clock: Any) -> None:
    user = make_with_app()
    password(late := Client())
    session = late.session
    session["half_way_in"] = session["half_way_in"] | {"since": time.time() - 601}
    session.save()
    assert second(late, code())["Location"] == "/login/"
    assert "That took too long" in late.get("/login/").text
    password(changed := Client())
    user.set_password("another battery staple")
    user.save()
    assert second(changed, code())["Location"] == "/login/"
    assert not is_in(changed)
    assert second(Client(), code())["Location"] == "/login/"
    user.set_password(PASSWORD)
    user.save()
    password(off := Client())
    User.objects.update(is_active=False)
    assert second(off, code())["Location"] == "/login/"


def test_where_passwords_are_off_half_way_is_no_way(clock: Any, settings: Any) -> None:
    make_with_app()
    password(browser := Client())
    settings.MQADMIN_LOCAL_ACCOUNTS = False
    assert second(browser, code())["Location"] == "/login/"
    assert not is_in(browser)


def test_an_app_is_set_up_and_asked_for_from_then_on(clock: Any) -> None:
    browser = inside()
    secret, sealed = shown(browser)
    wrong = browser.post("/account/two-factor/app/", {"sealed": sealed, "code": "000000"})
    assert wrong.status_code == 422
    assert shown_again(wrong.text) == secret
    assert not Authenticator.objects.exists()
    page = browser.post("/account/two-factor/app/", {"sealed": sealed, "code": code(secret)})
    assert len(set(re.findall(r"<code>(\d{4}-\d{4})</code>", page.text))) == 10
    assert "no-store" in page["Cache-Control"]
    password(other := Client())
    assert not is_in(other)
    assert second(other, code(secret)).status_code == 422  # used up by the set-up
    clock(30)
    second(other, code(secret))
    assert is_in(other)
    assert browser.get("/account/two-factor/app/").status_code == 409
    acts = set(AuditEntry.objects.values_list("action", "actor"))
    assert {("user.second_factor_add", "viewer"), ("user.recovery_codes", "viewer")} <= acts


def shown_again(page: str) -> str:
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    return found[1].replace(" ", "") if found else ""


def test_a_secret_is_set_up_for_whom_it_was_shown(clock: Any) -> None:
    mine, others = shown(inside("operator")), inside("viewer")
    others.post("/account/two-factor/app/", {"sealed": mine[1], "code": code(mine[0])})
    assert not Authenticator.objects.exists()


def test_recovery_codes_open_once_each(clock: Any) -> None:
    browser = inside()
    _secret, recovery = add_app(browser)
    for number, form in enumerate((recovery[0], recovery[1].replace("-", ""), f" {recovery[2]} ")):
        password(other := Client())
        second(other, form)
        assert is_in(other), number
        password(again := Client())
        assert second(again, form).status_code == 422
    assert "7 of 10 are left" in browser.get("/account/two-factor/").text
    page = browser.post("/account/two-factor/codes/").text
    password(old := Client())
    assert second(old, recovery[4]).status_code == 422
    second(old, re.findall(r"<code>(\d{4}-\d{4})</code>", page)[0])
    assert is_in(old)


def test_a_database_holds_no_secret_that_could_be_used(clock: Any, settings: Any) -> None:
    secret, recovery = add_app(inside())
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    for part in (secret, secret.lower(), *recovery, *(item.replace("-", "") for item in recovery)):
        assert part not in stored
    assert len(re.findall(r"gAAAA[\w=-]{80,}", stored)) == 2
    clock(30)
    settings.SECRET_KEY = "another key, of another installation" * 2
    password(browser := Client())
    response = second(browser, code(secret))
    assert response.status_code == 409
    assert "restored without the key" in response.text
    assert not is_in(browser)


def test_a_factor_is_removed_with_the_password_alone(clock: Any, sign_in: SignIn) -> None:
    make_with_app()
    row = Authenticator.objects.get()
    left_open = sign_in("viewer")  # long ago
    for path in (f"/account/two-factor/{row.pk}/remove/", "/account/two-factor/codes/"):
        assert left_open.post(path)["Location"].startswith("/account/two-factor/confirm/")
    assert left_open.get("/account/two-factor/app/")["Location"].endswith(
        "next=%2Faccount%2Ftwo-factor%2Fapp%2F"
    )
    assert Authenticator.objects.count() == 1
    assert left_open.post("/account/two-factor/confirm/", {"password": "wrong"}).status_code == 422
    right = left_open.post(
        "/account/two-factor/confirm/", {"password": PASSWORD, "next": "/account/two-factor/"}
    )
    assert right["Location"] == "/account/two-factor/"
    left_open.post(f"/account/two-factor/{row.pk}/remove/")
    assert not Authenticator.objects.exists()
    password(browser := Client())
    assert is_in(browser)


def test_the_password_is_not_guessed_where_a_factor_is_changed(sign_in: SignIn) -> None:
    browser = sign_in("viewer")
    for _time in range(8):
        last = browser.post("/account/two-factor/confirm/", {"password": "wrong"})
    assert last.status_code == 429
    assert browser.post("/account/two-factor/confirm/", {"password": PASSWORD}).status_code == 429


def test_nobody_removes_a_factor_of_somebody_else(clock: Any) -> None:
    make_with_app("operator")
    row = Authenticator.objects.get()
    assert inside().post(f"/account/two-factor/{row.pk}/remove/").status_code == 404
    assert Authenticator.objects.filter(pk=row.pk).exists()


ANSWERS = ["", "{}", "[]", "x", '{"id": "x"}', '{"id": "y"}', '{"id": 7}', '{"id": {"a": 1}}', "[" * 9_999]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_no_passkey_opens_nothing(answer: str, clock: Any) -> None:
    user = make_with_app()
    Authenticator.objects.create(user=user, type="webauthn", data={"name": "key", "credential": {"id": "y"}})
    browser = Client()
    assert browser.get("/login/passkey/asked/").json()["publicKey"]["userVerification"] == "required"
    assert browser.post("/login/passkey/", {"answer": answer})["Location"] == "/login/"
    assert "passkey" in browser.get("/login/").text
    password(browser)
    assert second(browser, "") is not None
    assert browser.post("/login/second/", {"answer": answer or "-"}).status_code == 422
    mine = inside("operator")
    mine.get("/account/two-factor/passkey/asked/")
    assert mine.post("/account/two-factor/passkey/", {"answer": answer}).status_code == 422
    assert not is_in(browser)
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_pages_of_the_library_are_not_reachable() -> None:
    for name in ("account_signup", "account_login", "account_reset_password", "account_email", "mfa_index"):
        with pytest.raises(NoReverseMatch):
            reverse(name)
    for path in ("/accounts/signup/", "/accounts/password/reset/", "/accounts/2fa/", "/accounts/3rdparty/"):
        assert Client().get(path).status_code == 404
