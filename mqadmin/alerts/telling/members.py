"""One alert as a message speaks of it: what fires, since when, with which evidence, by which rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mqadmin.alerts.models import Alert, Rule
from mqadmin.alerts.seeing.hits import Subject, subject_of


@dataclass(frozen=True, slots=True)
class Member:
    """`params`: as of now where it still holds, else as it was stored when it began to fire. `news_at`: when it
    began to fire, of what is told even beside others of its incident."""

    subject: Subject
    rule: Rule
    since: datetime
    params: Mapping[str, Any] = field(default_factory=dict)
    value: float | None = None
    row_id: int | None = None
    is_silenced: bool = False
    alert_id: int | None = None
    news_at: datetime | None = None

    @property
    def severity(self) -> int:
        return int(self.rule.severity)


def of(alert: Alert, rule: Rule) -> Member:
    """Return a stored alert as a member."""
    return Member(subject_of(alert), rule, alert.since, alert.params, alert.value, alert.row_id)


def subjects(members: list[Member]) -> list[Member]:
    """Return one member a subject, of the worst rule; the worst first, then those that hold longest."""
    ordered = sorted(members, key=lambda item: (-item.severity, item.since, item.subject))
    return list({item.subject: item for item in reversed(ordered)}.values())[::-1]
