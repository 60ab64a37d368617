"""Which messages an evaluation writes: for each open incident and each channel, as `deciding` says."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mqadmin.alerts.engine import deciding, quiet
from mqadmin.alerts.engine.deciding import Told
from mqadmin.alerts.engine.grouping import Group, case, for_channel
from mqadmin.alerts.models import Alert, Channel, Delivery, Incident
from mqadmin.alerts.seeing.world import World
from mqadmin.alerts.telling import messages
from mqadmin.alerts.telling.members import Member, of

log = logging.getLogger(__name__)

What = Delivery.What

Before = Mapping[tuple[int, int], Sequence[Told]]  # by incident and channel


@dataclass(frozen=True)
class Wanted:
    """A message that is to be written, once its incident has an id."""

    group: Group
    channel: Channel
    what: str
    members: Sequence[Member]
    not_before: datetime | None = None


def told_before(open_now: Iterable[Incident]) -> Before:
    """Return what was told of incidents; one query."""
    ids = [incident.pk for incident in open_now]
    found: dict[tuple[int, int], list[Told]] = defaultdict(list)
    if ids:
        rows = Delivery.objects.filter(incident__in=ids, channel__isnull=False)
        rows = rows.exclude(what__in=(What.TEST, What.RESOLVED)).order_by("id")
        for row in rows.values("incident_id", "channel_id", "what", "made_at", "severity", "alerts"):
            told = Told(row["what"], row["made_at"], row["severity"], row["alerts"])
            found[row["incident_id"], row["channel_id"]].append(told)
    return found


def wanted(
    groups: Iterable[Group], channels: Sequence[Channel], before: Before, world: World
) -> list[Wanted]:
    """Return what is to be told now; notes in the incidents that it is."""
    now = world.now
    found: list[Wanted] = []
    for group in groups:
        for channel in channels:
            told = before.get((group.incident.pk or 0, channel.pk), ())
            one = (
                _ended(group, channel, told, now)
                if not group.members
                else _goes_on(group, channel, told, world)
            )
            if one is not None:
                found.append(one)
    for one in found:
        incident = one.group.incident
        incident.told_at = now
        if one.what == What.ESCALATED and incident.escalated_at is None:
            incident.escalated_at = now
    return found


def written(found: Sequence[Wanted], now: datetime) -> list[Delivery]:
    """Return the messages, unsaved. The incidents have their ids by now."""
    kept: dict[int, Mapping[int, Any]] = {}
    return [_written(one, now, kept) for one in found]


def _goes_on(group: Group, channel: Channel, told: Sequence[Told], world: World) -> Wanted | None:
    mine = for_channel(channel, group, world)
    seen = case(group.incident, mine, world.now)
    what = deciding.decide(
        seen,
        told,
        least=channel.severity,
        after_minutes=channel.after_minutes,
        is_quiet=_quiet_until(channel, seen.severity, world.now) is not None,
        now=world.now,
    )
    return Wanted(group, channel, what, mine) if what else None


def _ended(group: Group, channel: Channel, told: Sequence[Told], now: datetime) -> Wanted | None:
    """Tell those that were told of it that it is over; in quiet hours after them."""
    if not told:
        return None
    until = _quiet_until(channel, group.incident.severity, now)
    return Wanted(group, channel, What.RESOLVED, (), until)


def _quiet_until(channel: Channel, severity: int, now: datetime) -> datetime | None:
    if severity >= channel.quiet_severity:
        return None
    return quiet.ends_at(channel.quiet_from, channel.quiet_until, channel.time_zone, now)


def _written(one: Wanted, now: datetime, kept: dict[int, Mapping[int, Any]]) -> Delivery:
    incident = one.group.incident
    if one.what == What.RESOLVED:
        rows = Alert.objects.filter(incident=incident).select_related("rule").order_by("-firing_at")
        members = [of(alert, alert.rule) for alert in rows[: messages.SHOWN]]
        count: int | None = max(incident.most, len({member.subject for member in members}))
    else:
        members, count = _with_evidence(one, kept), None
    try:
        return messages.about(
            incident,
            members,
            what=one.what,
            channel=one.channel,
            now=now,
            count=count,
            not_before=one.not_before,
        )
    except Exception:  # no query is made there: it is the words that fail
        log.exception("alerts: the evidence of incident %s cannot be put into words", incident.pk)
        severity = max((member.severity for member in members), default=int(incident.severity))
        count = len(members) if count is None else count
        return messages.bare(
            incident, what=one.what, channel=one.channel, severity=severity, count=count, now=now
        )


def _with_evidence(one: Wanted, kept: dict[int, Mapping[int, Any]]) -> list[Member]:
    """Give those that do not hold just now the evidence that was stored when they began to fire."""
    incident_id = one.group.incident.pk
    shown = list(one.members[: messages.IN_PAYLOAD])
    without = [member.alert_id for member in shown if not member.params and member.alert_id]
    if without and incident_id not in kept:
        kept[incident_id] = dict(Alert.objects.filter(pk__in=without).values_list("pk", "params"))
    stored = kept.get(incident_id, {})
    shown = [
        member if member.params else replace(member, params=stored.get(member.alert_id or 0, {}))
        for member in shown
    ]
    return [*shown, *one.members[messages.IN_PAYLOAD :]]
