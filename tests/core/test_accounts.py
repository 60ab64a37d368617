"""Accounts and tokens from the command line."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from mqadmin.core import permissions
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry

pytestmark = pytest.mark.django_db


def run(*arguments: str, **options: object) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_an_account_gets_its_role_and_a_password_that_works() -> None:
    printed = run("create_user", "ann", role="operator")
    password = printed.splitlines()[1].removeprefix("Password: ")
    ann = User.objects.get(username="ann")
    assert ann.check_password(password)
    assert permissions.may(ann, "operate")
    assert not permissions.may(ann, "configure")
    assert password not in str(AuditEntry.objects.get(action="user.create").detail)


def test_a_second_run_changes_the_role_and_keeps_the_password() -> None:
    password = run("create_user", "ann", role="operator").splitlines()[1].removeprefix("Password: ")
    assert run("create_user", "ann", role="viewer") == "ann is viewer.\n"
    ann = User.objects.get(username="ann")
    assert ann.check_password(password)
    assert not permissions.may(ann, "operate")


def test_a_weak_password_makes_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("12345\n"))
    with pytest.raises(CommandError, match="too short"):
        run("create_user", "ann", password=True)
    assert not User.objects.filter(username="ann").exists()


def test_revoked_tokens_open_nothing() -> None:
    ann = User.objects.create_user("ann")
    kept, revoked = tokens.create(user=ann), tokens.create(user=ann)
    if kept[-4:] != revoked[-4:]:
        assert run("revoke_tokens", "ann", hint=revoked[-4:]) == "Revoked 1 of ann's tokens.\n"
        assert tokens.user_of(revoked) is None
        assert tokens.user_of(kept) == ann
    run("revoke_tokens", "ann")
    assert tokens.user_of(kept) is None
    with pytest.raises(CommandError, match="no such token"):
        run("revoke_tokens", "ann")
