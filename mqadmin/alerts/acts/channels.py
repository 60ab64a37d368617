"""Channels: made, changed, switched, deleted, tried. Addresses and secrets are read by who sends, never here."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.alerts.models import Channel, Delivery, Severity
from mqadmin.alerts.rules import checking
from mqadmin.alerts.telling import messages, services
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal

FIELDS = (
    "name",
    "kind",
    "variable",
    "secret_variable",
    "is_on",
    "severity",
    "broker",
    "queues",
    "after_minutes",
    "quiet_from",
    "quiet_until",
    "time_zone",
    "quiet_severity",
)


def create(*, by: Actor, **values: Any) -> Channel:
    """Make a channel. Raises Refusal (422) with the faults by field."""
    return _stored(Channel(), values, by, "alert_channel.create")


def change(*, by: Actor, channel: Channel, **values: Any) -> Channel:
    """Change a channel. Raises Refusal (422) with the faults by field."""
    return _stored(channel, values, by, "alert_channel.change")


def switch(*, by: Actor, channel: Channel, is_on: bool) -> Channel:
    """Switch a channel on or off."""
    return _stored(channel, {"is_on": is_on}, by, "alert_channel.on" if is_on else "alert_channel.off")


def delete(*, by: Actor, channel: Channel) -> None:
    """Delete a channel; what was sent by it stays in the history, what waits is given up."""
    with audit.act(by=by, action="alert_channel.delete", target=channel.name, detail=_told(channel)):
        channel.deliveries.filter(state__in=Delivery.OPEN).update(
            state=Delivery.State.FAILED, ended_at=timezone.now(), answer=_("The channel was deleted.")
        )
        channel.delete()


def test(*, by: Actor, channel: Channel) -> Delivery:
    """Send a test message now, from this process, and return what became of it; it waits for the service."""
    with audit.act(by=by, action="alert_channel.test", target=channel.name) as entry:
        delivery = messages.test(channel, by.name, timezone.now())
        delivery.claimed_at, delivery.claimed_by = timezone.now(), by.name[:100]
        delivery.state, delivery.attempts = Delivery.State.SENDING, 1
        delivery.save()
        answer = services.send(channel, messages.of(delivery))
        delivery.state = Delivery.State.SENT if answer.ok else Delivery.State.FAILED
        delivery.answer, delivery.ended_at = answer.text, timezone.now()
        delivery.save(update_fields=["state", "answer", "ended_at"])
        entry.detail = {"state": delivery.state, "answer": answer.text}
    return delivery


def _stored(channel: Channel, values: dict[str, Any], by: Actor, action: str) -> Channel:
    unknown = sorted(set(values) - set(FIELDS))
    if unknown:
        raise TypeError(f"a channel has no {', '.join(unknown)}")
    before = _told(channel)
    for name, value in values.items():
        setattr(channel, name, value.strip() if isinstance(value, str) else value)
    faults = checking.channel(channel)
    if channel.severity not in Severity.values or channel.quiet_severity not in Severity.values:
        faults["severity"] = _("Choose how bad it must be.")
    if faults:
        raise Refusal(next(iter(faults.values())), "invalid", status=422, fields=faults)
    channel.changed_by = by.name
    now = _told(channel)
    changed = now if channel.pk is None else {name: now[name] for name in now if now[name] != before[name]}
    with audit.act(by=by, action=action, broker=channel.broker, target=channel.name, detail=changed):
        channel.save()
    return channel


def _told(channel: Channel) -> dict[str, Any]:
    told = {name: getattr(channel, name) for name in FIELDS}
    return {
        name: value if isinstance(value, str | int | bool) else str(value or "")
        for name, value in told.items()
    }
