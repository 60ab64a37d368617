"""Guessing is stopped, and nobody who knows the password is kept out by it."""

from __future__ import annotations

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings as configured
from django.core.management import call_command
from django.db.models import Sum
from django.test import Client

from mqadmin.core.access import limits
from mqadmin.core.models import AuditEntry
from tests.core.access.conftest import ELSEWHERE, HERE, THERE, at, attempt, hammer, is_in, known, minutes_pass
from tests.core.conftest import PASSWORD, SignIn, make_user

pytestmark = pytest.mark.django_db
FEW, MANY = configured.AXES_FAILURE_LIMIT, configured.MQADMIN_SIGN_IN_LIMIT


@pytest.fixture(autouse=True)
def people() -> None:
    make_user("viewer")
    make_user("operator")


def test_a_name_is_locked_at_one_address_and_nowhere_else() -> None:
    hammer(HERE, FEW)
    assert not is_in(at(HERE))
    assert is_in(at(THERE))
    assert is_in(at(HERE), "operator")


def test_a_lock_ends_however_long_one_tries() -> None:
    hammer(HERE, FEW)
    for _minutes in range(5):
        minutes_pass(3.1)
        assert attempt(at(HERE)).status_code in (200, 429)
    assert is_in(at(HERE))


def test_what_is_tried_during_a_lock_is_not_written_anywhere() -> None:
    hammer(HERE, FEW)
    before = list(AccessAttempt.objects.values()), AuditEntry.objects.count()
    for number in range(30):
        assert attempt(at(HERE), HTTP_USER_AGENT=f"browser {number}").status_code == 429
    assert (list(AccessAttempt.objects.values()), AuditEntry.objects.count()) == before


def test_a_row_does_not_grow(client: Client) -> None:
    for number in range(FEW):
        client.post(
            f"/login/?next={'x' * 900}",
            {"username": "viewer", "password": "wrong", "more": "y" * 900},
            headers={"User-Agent": f"browser {number}", "Accept": "z" * 1000},
        )
    row = AccessAttempt.objects.get()
    assert row.failures_since_start == FEW
    assert row.get_data == row.post_data == row.http_accept == row.path_info == row.user_agent == ""


def test_many_names_from_one_address_are_locked_together() -> None:
    for number in range(MANY):
        attempt(at(HERE), f"name{number}")
    assert attempt(at(HERE), "another").status_code == 429
    assert not is_in(at(HERE))
    assert is_in(at(THERE))
    assert AccessAttempt.objects.aggregate(n=Sum("failures_since_start"))["n"] == MANY


def test_many_addresses_of_one_ipv6_network_are_one() -> None:
    for number in range(FEW):
        attempt(at(f"2001:db8:1:2::{number:x}"))
    assert attempt(at("2001:db8:1:2:ffff::1")).status_code == 429
    assert is_in(at("2001:db8:1:3::1"))


def _from_everywhere(name: str = "viewer") -> None:
    for number in range(MANY):
        attempt(at(f"192.0.2.{number}"), name)


def test_one_name_from_many_addresses_is_locked_for_strangers() -> None:
    _from_everywhere()
    assert not is_in(at(HERE))
    assert is_in(at(HERE), "operator")


def test_a_name_that_nobody_has_is_locked_alike() -> None:
    answers = []
    for name in ("viewer", "nosuchuser"):
        hammer(HERE, FEW - 1, name)
        answers.append([attempt(at(HERE), name).status_code, attempt(at(HERE), name).text])
        _from_everywhere(name)
        answers[-1].append(attempt(at(ELSEWHERE), name).text)
    assert answers[0] == answers[1]
    assert answers[0][0] == 429


def test_a_browser_that_is_known_is_not_locked_by_strangers() -> None:
    mine = known(HERE)
    hammer(HERE, FEW + 2)  # behind a proxy that is not trusted all share an address
    _from_everywhere()
    hammer(HERE, 5, "operator")
    assert not is_in(at(HERE))
    assert is_in(mine)
    mine.post("/logout/")
    assert is_in(mine, REMOTE_ADDR=ELSEWHERE)


def test_a_browser_that_is_known_may_not_guess_either() -> None:
    mine = known(HERE)
    for _try in range(FEW):
        attempt(mine)
    assert not is_in(mine)
    assert is_in(at(HERE))  # and locks nobody else
    minutes_pass(15.1)
    assert is_in(mine)


def test_a_browser_is_known_for_its_own_names_only() -> None:
    mine = known(HERE, "operator")
    hammer(HERE, FEW)
    assert attempt(mine).status_code == 429
    assert is_in(mine, "operator")
    mine.post("/logout/")
    assert is_in(mine, "viewer", REMOTE_ADDR=THERE)
    mine.post("/logout/")
    for name in ("viewer", "operator"):
        hammer(HERE, FEW, name)
        assert is_in(mine, name, REMOTE_ADDR=HERE)
        mine.post("/logout/")


@pytest.mark.parametrize("cookie", ["", "x", "eyJpZCI6ICIxIn0:1abc:def", "\xe9", "a" * 3000])
def test_a_forged_cookie_makes_nobody_known(cookie: str) -> None:
    hammer(HERE, FEW)
    client = at(HERE)
    client.cookies["mqadmin_browser"] = cookie
    assert attempt(client).status_code == 429


def test_an_address_that_is_known_is_not_locked_by_what_others_try_elsewhere() -> None:
    known(HERE)
    _from_everywhere()
    assert not is_in(at(THERE))
    assert is_in(at(HERE))


def test_an_address_that_is_known_may_not_guess_either() -> None:
    known(HERE)
    _from_everywhere()
    hammer(HERE, FEW)
    assert not is_in(at(HERE))


def test_a_proxy_that_is_trusted_tells_them_apart(settings: Any) -> None:
    settings.MQADMIN_TRUSTED_PROXIES = ["10.0.0.9"]
    for _try in range(FEW):
        attempt(at("10.0.0.9"), HTTP_X_FORWARDED_FOR=f"{HERE}, {THERE}")
    assert not is_in(at("10.0.0.9"), HTTP_X_FORWARDED_FOR=THERE)
    assert is_in(at("10.0.0.9"), HTTP_X_FORWARDED_FOR=HERE)


def test_the_right_password_forgets_the_wrong_ones_of_this_place_only() -> None:
    hammer(HERE, FEW - 1)
    hammer(THERE, FEW - 1)
    assert is_in(at(HERE))
    hammer(HERE, FEW - 1)
    assert is_in(at(HERE))
    assert attempt(at(THERE)).status_code == 429


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_ROWS", 20)
    monkeypatch.setattr(limits, "_AT_ONCE", 5)
    for number in range(50):
        attempt(at(f"192.0.2.{number}"), f"name{number}")
    assert AccessAttempt.objects.count() <= 20
    assert AccessAttempt.objects.filter(username="name49").exists()


def test_a_lock_is_lifted_by_the_command_of_axes() -> None:
    hammer(HERE, FEW)
    call_command("axes_reset_username", "viewer")
    assert is_in(at(HERE))


def test_of_a_name_that_is_too_long_the_beginning_counts() -> None:
    for number in range(FEW):
        attempt(at(HERE), "x" * 10_000 + str(number))
    row = AccessAttempt.objects.get()
    assert (len(row.username), row.failures_since_start) == (150, FEW)
    assert len(AuditEntry.objects.latest("id").target) == 150


@pytest.mark.parametrize("name", ["nul\0", "", " "])
def test_a_name_that_no_account_can_have_is_refused_by_the_form(name: str) -> None:
    assert attempt(at(HERE), name).status_code == 200
    assert not AccessAttempt.objects.exists()


def test_the_old_password_is_no_way_to_guess(sign_in: SignIn) -> None:
    client, new = sign_in("viewer"), "another long phrase 7"
    form = {"old_password": "wrong", "new_password1": new, "new_password2": new}
    for _try in range(FEW):
        response = client.post("/account/password/", form)
    assert response.status_code == 429
    assert client.post("/account/password/", {**form, "old_password": PASSWORD}).status_code == 429
    assert make_user("viewer").check_password(PASSWORD)
    assert is_in(Client())
    minutes_pass(15.1)
    assert client.post("/account/password/", {**form, "old_password": PASSWORD}).status_code == 302
