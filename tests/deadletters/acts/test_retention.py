"""Letters that were decided go after their time, announced before; what nobody decided stays."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from mqadmin.core import hooks
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.acts import exporting, importing, retention
from mqadmin.deadletters.models import DeadLetter, LetterEvent
from mqadmin.deadletters.search import fulltext
from mqadmin.deadletters.search.searching import search
from tests.deadletters.factories import letter

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=400)
LATER = NOW + retention.NOTICE + timedelta(hours=1)


def ids() -> set[str]:
    return set(DeadLetter.objects.values_list("message_id", flat=True))


@pytest.fixture
def letters(db: None) -> None:
    for status in ("parked", "requeueing", "requeued", "discarded"):
        decided = LONG_AGO if status in ("requeued", "discarded") else None
        letter(message_id=f"old {status}", received_at=LONG_AGO, status=status, decided_at=decided)
        letter(message_id=f"new {status}", received_at=LONG_AGO, status=status, decided_at=decided and NOW)


def warned() -> list[str]:
    return [item.title for item in retention.attention("default", User(username="ann"))]


def test_nothing_goes_before_it_was_announced(letters: None) -> None:
    everything = ids()
    assert retention.step(NOW) == ""
    assert ids() == everything
    assert warned() == ["1 discarded letter will be deleted"]
    assert retention.step(LATER) == "2 letters deleted"
    assert everything - ids() == {"old requeued", "old discarded"}
    assert warned() == []
    written = AuditEntry.objects.filter(action="dead_letters.retention").order_by("target")
    assert [(entry.target, entry.count, entry.actor) for entry in written] == [
        ("discarded", 1, "mqadmin"),
        ("requeued", 1, "mqadmin"),
    ]
    assert retention.step(LATER) == ""


def test_what_nobody_decided_goes_only_where_that_is_said(letters: None, settings: Any) -> None:
    settings.MQADMIN_LETTERS_DAYS = 0.0
    retention.step(NOW)
    retention.step(LATER)
    assert len(ids()) == 8
    settings.MQADMIN_LETTERS_PARKED_DAYS = 10.0
    retention.step(LATER)  # told of from here on
    assert len(ids()) == 8
    retention.step(LATER + retention.NOTICE)
    assert {name for name in ids() if "parked" in name} == set()
    assert len(ids()) == 6


def test_fewer_days_are_announced_anew(letters: None, settings: Any) -> None:
    settings.MQADMIN_LETTERS_DAYS = 1000.0
    retention.step(NOW)
    settings.MQADMIN_LETTERS_DAYS = 100.0
    assert retention.step(LATER) == ""
    assert retention.step(LATER + retention.NOTICE) == "2 letters deleted"


def test_what_hangs_on_a_letter_goes_with_it(letters: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_FIRST", 1)
    fulltext.forget()
    fulltext.catch_up()
    old = DeadLetter.objects.get(message_id="old discarded")
    LetterEvent.objects.create(letter=old, at=LONG_AGO, kind="discarded")
    kept = letter(message_id="twin", maybe_duplicate_of_id=old.pk)
    retention.step(NOW)
    retention.step(LATER)
    assert not LetterEvent.objects.exists()
    kept.refresh_from_db()
    assert kept.maybe_duplicate_of_id is None
    assert old.pk not in fulltext.candidates(["discarded"])[0]
    found = search(DeadLetter.objects.all(), '"discarded"').rows.values_list("message_id", flat=True)
    assert set(found) == {"new discarded"}


def test_it_runs_by_itself_and_the_overview_warns() -> None:
    assert retention.step in hooks.retention()
    assert retention.attention in list(hooks._attention)


def test_a_pass_ends_in_time(letters: None, monkeypatch: pytest.MonkeyPatch) -> None:
    retention.step(NOW)
    monkeypatch.setattr(retention, "PASS_SECONDS", 0.0)
    assert retention.step(LATER) == ""
    monkeypatch.undo()
    assert retention.step(LATER) == "2 letters deleted"


@pytest.mark.parametrize(
    ("days", "parked", "told"),
    [
        ("", "", "30.0 0.0"),
        ("0", "12.5", "0.0 12.5"),
        ("soon", "", "MQADMIN_LETTERS_DAYS=soon is not a number, 0 or more."),
    ],
)
def test_the_days_are_settings(days: str, parked: str, told: str) -> None:
    """Read with all other settings, so that a wrong one is known when a process starts, not ten minutes later."""
    script = "from mqadmin import settings as s; print(s.MQADMIN_LETTERS_DAYS, s.MQADMIN_LETTERS_PARKED_DAYS)"
    environ = {**os.environ, "MQADMIN_LETTERS_DAYS": days, "MQADMIN_LETTERS_PARKED_DAYS": parked}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False
    )
    assert (done.stdout or done.stderr).strip().endswith(told)


def test_what_was_imported_decided_goes_as_if_it_was_decided_then(letters: None) -> None:
    file = io.BytesIO(b"".join(exporting.line(row) for row in DeadLetter.objects.filter(status="discarded")))
    DeadLetter.objects.all().delete()
    importing.take(file=file, broker="default", by=Actor("ann"))
    retention.step(NOW)
    assert retention.step(LATER) == ""
    assert retention.step(LATER + timedelta(days=30)) == "2 letters deleted"
