"""Who came in, who tried, from where: in the audit log and in the log's lines."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from mqadmin.core.api import tokens
from mqadmin.core.models import ApiToken, AuditEntry
from tests.core.access.conftest import HERE, at, attempt, hammer, is_in
from tests.core.conftest import PASSWORD, SignIn, make_user

pytestmark = pytest.mark.django_db
NEW = "another long phrase 7"


def entries() -> list[tuple[str, str, str, str, str]]:
    rows = AuditEntry.objects.order_by("id")
    return [(row.actor, row.action, row.target, row.outcome, row.detail.get("address", "-")) for row in rows]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("mqadmin.")]


def test_in_and_out(caplog: pytest.LogCaptureFixture) -> None:
    make_user("viewer")
    client = at(HERE)
    with caplog.at_level(logging.INFO):
        assert is_in(client)
        client.post("/logout/")
    assert entries() == [
        ("viewer", "user.sign_in", "", "done", HERE),
        ("viewer", "user.sign_out", "", "done", HERE),
    ]
    assert lines(caplog) == [f"'viewer' signed in from {HERE}", f"'viewer' signed out from {HERE}"]


def test_failures_and_the_lock(caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    make_user("viewer")
    hammer(HERE, settings.AXES_FAILURE_LIMIT + 3)
    failure = ("anonymous", "user.sign_in", "viewer", "refused", HERE)
    assert entries() == [
        *[failure] * settings.AXES_FAILURE_LIMIT,
        ("mqadmin", "user.lock_out", "viewer", "done", HERE),
    ]
    assert AuditEntry.objects.latest("id").reason == (
        "Too many wrong passwords for this name from this address: no more for 15 minutes."
    )
    said = lines(caplog)
    assert len(said) == settings.AXES_FAILURE_LIMIT + 1
    assert said[0].startswith(f"user.sign_in refused: 'viewer' from {HERE}: ")
    assert said[-1].startswith(f"locked out: 'viewer' from {HERE}: ")


def test_a_password_that_is_changed_and_one_that_is_not(sign_in: SignIn) -> None:
    client = sign_in("viewer", REMOTE_ADDR=HERE)
    form = {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
    client.post("/account/password/", form)
    client.post("/account/password/", {**form, "old_password": PASSWORD})
    assert entries() == [
        ("viewer", "user.password", "viewer", "refused", HERE),
        ("viewer", "user.password", "", "done", HERE),
    ]
    assert "wrong" not in str(list(AuditEntry.objects.values_list("detail")))


def test_a_password_that_is_changed_by_any_other_way() -> None:
    user = make_user("viewer")
    user.set_password(NEW)
    user.save()
    assert entries() == [("manage.py", "user.password", "viewer", "done", "")]
    user.first_name = "Ann"
    user.save()
    assert AuditEntry.objects.count() == 1


def test_an_account_that_is_made_has_one_entry() -> None:
    User.objects.create_user("ann", password=PASSWORD)
    assert entries() == []
    call_command("create_user", "bob", role="viewer", stdout=io.StringIO())
    assert [(entry[0], entry[1], entry[2]) for entry in entries()] == [("manage.py", "user.create", "bob")]


def test_an_account_that_may_do_everything_has_an_entry_whatever_made_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, username="root", email="", stdout=io.StringIO())
    assert entries() == [("manage.py", "user.create", "root", "done", "")]
    assert AuditEntry.objects.get().detail["superuser"]


def test_a_password_that_djangos_command_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user("viewer")
    monkeypatch.setattr(changepassword.Command, "_get_pass", lambda *_args, **_more: NEW)
    call_command("changepassword", "viewer", stdout=io.StringIO())
    assert entries() == [("manage.py", "user.password", "viewer", "done", "")]


def test_locks_that_a_command_lifts(settings: Any) -> None:
    make_user("viewer")
    hammer(HERE, settings.AXES_FAILURE_LIMIT)
    AuditEntry.objects.all().delete()
    call_command("axes_reset_username", "viewer", stdout=io.StringIO())
    assert is_in(at(HERE))
    call_command("axes_reset_ip", HERE, stdout=io.StringIO())
    call_command("axes_reset", stdout=io.StringIO())
    rows = AuditEntry.objects.filter(action="user.unlock").order_by("id")
    assert [(row.actor, row.target, row.count, row.outcome) for row in rows] == [
        ("manage.py", "viewer", 1, "done"),
        ("manage.py", HERE, 0, "done"),
        ("manage.py", "everybody", 0, "done"),
    ]


def test_tokens_made_and_revoked_say_from_where(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user("viewer")
    monkeypatch.setenv("SSH_CONNECTION", f"{HERE} 50022 10.0.0.1 22")
    monkeypatch.setenv("LOGNAME", "root")
    call_command("create_token", "viewer", name="ci", stdout=io.StringIO())
    hint = ApiToken.objects.get().hint
    call_command("revoke_tokens", "viewer", stdout=io.StringIO())
    assert entries() == [
        ("manage.py", "token.create", "viewer", "done", HERE),
        ("manage.py", "token.revoke", "viewer", "done", HERE),
    ]
    made, revoked = AuditEntry.objects.order_by("id")
    assert (made.detail["account"], made.detail["name"]) == ("root", "ci")
    assert revoked.detail["hints"] == [hint]


@pytest.mark.parametrize(
    "name",
    [
        "ann\n2026-01-01 00:00:00 INFO 'root' signed in from 10.0.0.1",
        "ann' from 10.0.0.1: '",
        "\x1b[2Jann\r",
        "\u202enna",
        "a\u2028b\u200b",
        "é" * 150,
    ],
)
def test_a_hostile_name_is_one_line_and_no_other_name(caplog: pytest.LogCaptureFixture, name: str) -> None:
    attempt(at(HERE), name)
    (line,) = lines(caplog)
    assert line.isprintable()
    assert len(line) < 1500
    entry = AuditEntry.objects.get()
    assert entry.target.isprintable()
    assert entry.actor == "anonymous"


def test_the_address_is_on_the_page_and_in_the_api(sign_in: SignIn) -> None:
    make_user("viewer")
    assert is_in(at(HERE))
    client = sign_in("viewer")
    assert HERE in client.get("/audit/").text
    token = tokens.create(user=make_user("viewer"))
    answer = client.get("/api/v1/audit?action=user.", headers={"Authorization": f"Bearer {token}"}).json()
    assert answer["items"][0]["detail"]["address"] == HERE


def test_a_path_is_one_line_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Client(enforce_csrf_checks=True).post("/consumers/hosts/x%0A2026-01-01 INFO faked/drain/")
    (line,) = [text for record in caplog.records if "faked" in (text := record.getMessage())]
    assert line.isprintable()
