"""What a rule found: a subject, what was compared, and the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from mqadmin.alerts.models import Alert, Rule


class Subject(NamedTuple):
    """Whom an alert is about. `kind`: of `Alert.Subject`."""

    kind: str
    broker: str = ""
    vhost: str = ""
    name: str = ""


def is_of_a_node(subject: Subject) -> bool:
    """Whether it is one node of a broker, called "code:node": each of them is news, however few they are."""
    return subject.kind == Alert.Subject.BROKER and ":" in subject.name


def subject_of(alert: Alert) -> Subject:
    return Subject(alert.subject, alert.broker, alert.vhost, alert.name)


@dataclass(frozen=True, slots=True)
class Hit:
    """`trouble`: what it is grouped by. `holds`: whether it is so bad that it may begin to fire; otherwise it is so
    little better only that what fires goes on. `since`: when that began, where the evidence says it."""

    subject: Subject
    trouble: str
    holds: bool = True
    value: float | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    row_id: int | None = None
    since: datetime | None = None
    muted: bool = False


def beyond(rule: Rule, value: float) -> bool | None:
    """Whether a value fires a rule; None where it is too good to go on firing."""
    if rule.value is None:
        return None
    clear = rule.value if rule.clear_value is None else rule.clear_value
    if rule.operator == Rule.Operator.ABOVE:
        return True if value > rule.value else (False if value > clear else None)
    return True if value < rule.value else (False if value < clear else None)
