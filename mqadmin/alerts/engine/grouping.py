"""What fires together: one incident for each broker and kind of trouble, and what of it each channel is for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mqadmin.alerts.engine.deciding import Case
from mqadmin.alerts.engine.planning import Firing
from mqadmin.alerts.models import Alert, Channel, Incident, Silence
from mqadmin.alerts.seeing.hits import Subject, is_of_a_node, subject_of
from mqadmin.alerts.seeing.world import World
from mqadmin.alerts.telling import messages
from mqadmin.alerts.telling.members import Member, subjects


@dataclass
class Group:
    """An incident and what fires in it now. `before`: its row as it was read, None for a new one."""

    incident: Incident
    members: list[Member] = field(default_factory=list)
    new: list[Alert] = field(default_factory=list)  # that begin to fire now
    before: dict[str, object] | None = None


COLUMNS = (
    "severity",
    "title",
    "firing",
    "most",
    "is_silenced",
    "opened_at",
    "resolved_at",
    "told_at",
    "escalated_at",
)


def state(incident: Incident) -> dict[str, object]:
    """Return the columns that an evaluation may change."""
    return {name: getattr(incident, name) for name in COLUMNS}


def groups(
    firing: Iterable[Firing],
    open_now: Iterable[Incident],
    silences: Sequence[Silence],
    world: World,
) -> list[Group]:
    """Return every open incident and every new one, with what fires in it; its row is brought up to date."""
    known = {incident.pk: Group(incident, before=state(incident)) for incident in open_now}
    by_kind = {(group.incident.broker, group.incident.kind): group for group in known.values()}
    for item in firing:
        group = known.get(item.alert.incident_id or 0)
        if group is None:
            group = _joined(by_kind, item, world.now)
        if item.is_new:
            group.new.append(item.alert)
        group.members.append(_member(item, is_silent(item, silences, world)))
    found = list(by_kind.values())
    for group in found:
        _count(group, world.now)
    return found


def is_silent(item: Firing, silences: Sequence[Silence], world: World) -> bool:
    """Whether nothing is to be told of an alert now: a silence covers it, or its queue is muted."""
    if item.hit is not None and item.hit.muted:
        return True
    whom, row_id = subject_of(item.alert), item.alert.row_id
    return any(
        (silence.rule_id is None or silence.rule_id == item.rule.pk)
        and covers(silence.broker, silence.queues, whom, row_id, world, otherwise=False)
        for silence in silences
    )


def covers(
    broker: str, queues: str, whom: Subject, row_id: int | None, world: World, *, otherwise: bool
) -> bool:
    """Whether a broker and a filter mean a subject. A filter of queues means nothing but queues.

    `otherwise`: what is so with a filter that cannot be applied; it must not keep people from being told.
    """
    if broker and broker != whom.broker:
        return False
    if not queues:
        return True
    if whom.kind != Alert.Subject.QUEUE:
        return False
    return world.means(broker, queues, row_id, otherwise=otherwise)


def for_channel(channel: Channel, group: Group, world: World) -> list[Member]:
    """Return what of an incident is for a channel, one a subject."""
    mine = [
        member
        for member in group.members
        if not member.is_silenced
        and covers(channel.broker, channel.queues, member.subject, member.row_id, world, otherwise=True)
    ]
    return subjects(mine)


def case(incident: Incident, mine: Sequence[Member], now: datetime) -> Case:
    """Return an incident as a channel sees it."""
    repeats = [member.rule.repeat_s for member in mine if member.rule.repeat_s]
    return Case(
        severity=max((member.severity for member in mine), default=0),
        alerts=len(mine),
        news_at=max((member.news_at for member in mine if member.news_at), default=None),
        opened_at=incident.opened_at,
        is_acknowledged=incident.acknowledged_at is not None,
        is_snoozed=incident.snoozed_until is not None and incident.snoozed_until > now,
        repeat_s=min(repeats, default=0),
    )


def _joined(by_kind: dict[tuple[str, str], Group], item: Firing, now: datetime) -> Group:
    trouble = item.hit.trouble[:60] if item.hit else "unknown"
    broker = item.alert.broker
    if (broker, trouble) not in by_kind:
        incident = Incident(broker=broker, kind=trouble, severity=item.rule.severity, opened_at=now)
        by_kind[broker, trouble] = Group(incident)
    return by_kind[broker, trouble]


def _member(item: Firing, silent: bool) -> Member:
    alert, hit = item.alert, item.hit
    subject = subject_of(alert)
    return Member(
        subject=subject,
        rule=item.rule,
        since=alert.since,
        params=hit.params if hit else {},
        value=hit.value if hit else alert.value,
        row_id=alert.row_id,
        is_silenced=silent,
        alert_id=alert.pk,
        news_at=alert.firing_at if is_of_a_node(subject) else None,
    )


def _count(group: Group, now: datetime) -> None:
    incident, members = group.incident, subjects(group.members)
    incident.firing = len(members)
    if not members:
        incident.resolved_at = now
        return
    incident.is_silenced = all(member.is_silenced for member in group.members)
    worst = max(member.severity for member in members)
    is_news = any(member.news_at == now for member in members)
    if len(members) > incident.most or worst > incident.severity or is_news:
        incident.title = messages.incident_title(incident, members)
    incident.severity = max(incident.severity, worst)
    incident.most = max(incident.most, len(members))
