"""What has had its time goes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from mqadmin.core import tasks
from mqadmin.core.access import upkeep
from mqadmin.core.api import tokens
from mqadmin.core.models import ApiToken, AuditEntry, WallToken
from tests.core.access.conftest import ELSEWHERE, HERE, at, attempt, is_in, minutes_pass
from tests.core.conftest import SignIn, make_user

pytestmark = pytest.mark.django_db


def test_what_was_counted_goes_after_the_wait() -> None:
    attempt(at(HERE))
    minutes_pass(16)
    attempt(at(ELSEWHERE))
    AccessLog.objects.create(username="viewer")
    AccessFailureLog.objects.create(username="viewer")
    tasks.retention()
    assert [row.ip_address for row in AccessAttempt.objects.all()] == [ELSEWHERE]
    assert not AccessLog.objects.exists()
    assert not AccessFailureLog.objects.exists()


def test_expired_sessions_go_and_open_ones_stay(sign_in: SignIn) -> None:
    kept = sign_in("viewer")
    sign_in("operator")
    old = Session.objects.exclude(session_key=kept.session.session_key)
    old.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert "1 expired sessions deleted" in tasks.retention()
    assert Session.objects.count() == 1
    assert kept.get("/audit/").status_code == 200


def _token(**ages: int) -> str:
    token = tokens.create(user=make_user("viewer"), name="old")
    now = timezone.now()
    ApiToken.objects.filter(digest=tokens.digest(token)).update(
        **{field: now - timedelta(days=days) for field, days in ages.items()}
    )
    return token


def test_tokens_that_nobody_uses_are_revoked_and_that_is_told(settings: Any) -> None:
    unused, forgotten = _token(created_at=366), _token(created_at=500, last_used_at=366)
    used, young = _token(created_at=500, last_used_at=364), _token(created_at=364)
    settings.MQADMIN_TOKENS_DAYS = 0
    tasks.retention()
    assert ApiToken.objects.count() == 4
    settings.MQADMIN_TOKENS_DAYS = 365
    wall = WallToken.objects.create(user=make_user("admin"), name="cellar", digest="0" * 64, hint="abcd")
    WallToken.objects.filter(pk=wall.pk).update(created_at=timezone.now() - timedelta(days=366))
    tasks.retention()
    assert not WallToken.objects.exists()
    assert AuditEntry.objects.filter(action="wall.revoke", target="cellar", outcome="done").exists()
    assert [tokens.user_of(token) is None for token in (unused, forgotten, used, young)] == [
        True,
        True,
        False,
        False,
    ]
    entries = AuditEntry.objects.filter(action="token.revoke")
    assert {(entry.actor, entry.target, entry.outcome) for entry in entries} == {
        ("mqadmin", "viewer", "done")
    }
    assert entries.count() == 2
    assert "365 days" in entries[0].detail["why"]


def test_failures_are_kept_for_a_while_and_acts_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user("viewer")
    assert is_in(at(HERE))
    for number in range(6):
        attempt(at(HERE), f"name{number}")
    long_ago = timezone.now() - timedelta(days=91)
    AuditEntry.objects.filter(action="user.sign_in", target__in=["", "name0"]).update(at=long_ago)
    monkeypatch.setattr(upkeep, "MOST_REFUSALS", 3)
    tasks.retention()
    kept = AuditEntry.objects.order_by("id").values_list("outcome", "target")
    assert list(kept) == [("done", ""), ("refused", "name3"), ("refused", "name4"), ("refused", "name5")]


def test_a_visitor_who_is_not_let_in_leaves_no_session(client: Client) -> None:
    for name in ("viewer", "nosuchuser"):
        attempt(client, name)
        client.get("/login/")
        client.get("/audit/")
    assert not Session.objects.exists()
