"""What became of an incident, in the order of time. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mqadmin.alerts.models import Delivery, Incident
from mqadmin.alerts.pages import timeline
from mqadmin.core.models import AuditEntry

BEGAN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


def told(what: str, state: str, minutes: int, answer: str, attempts: int = 1) -> Delivery:
    return Delivery(
        channel_name="ops",
        what=what,
        state=state,
        made_at=at(minutes),
        answer=answer,
        attempts=attempts,
        severity=3,
    )


def test_it_is_told_who_was_told_and_who_took_it_up() -> None:
    incident = Incident(
        severity=3, opened_at=BEGAN, acknowledged_at=at(20), acknowledged_by="ben", resolved_at=at(40)
    )
    deliveries = [told("repeated", "failed", 10, "HTTP 503", 4), told("opened", "sent", 1, "HTTP 204")]
    acts = [
        AuditEntry(action="incident.snooze", actor="ann", at=at(5)),
        AuditEntry(action="incident.acknowledge", actor="ben", at=at(20)),
    ]
    found = [(step.title, step.text, step.tone) for step in timeline.made(incident, deliveries, acts)]
    assert found == [
        ("Opened", "critical", "red"),
        ("ops was told: opened", "HTTP 204", "green"),
        ("Snoozed", "ann", "blue"),
        ("ops could not be told: repeated", "HTTP 503 Tried 4 times.", "red"),
        ("Acknowledged", "ben", "blue"),
        ("Resolved", "by itself: nothing fires any more", "green"),
    ]


def test_an_acknowledgement_that_the_audit_log_does_not_have_any_more_is_told() -> None:
    incident = Incident(severity=2, opened_at=BEGAN, acknowledged_at=at(3), acknowledged_by="ben")
    assert [step.title for step in timeline.made(incident, [], [])] == ["Opened", "Acknowledged"]
