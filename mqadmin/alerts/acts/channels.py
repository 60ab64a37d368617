"""Channels: made, changed, switched, deleted, tried. Addresses and secrets are read by who sends, never here."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin import place
from mqadmin.alerts.acts import state
from mqadmin.alerts.models import Channel, Delivery, Severity
from mqadmin.alerts.rules import checking
from mqadmin.alerts.telling import messages
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal

pause = time.sleep
STEP_S, WAIT_S = (
    0.2,
    8.0,
)  # how often one looks what became of a test, and for how long beside two evaluations
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
    """Have the monitor send a test message, as it sends all others, and return what became of it seconds later.

    It is still open where the service, or a message before it, takes longer. Raises Refusal (503): no monitor.
    """
    with audit.act(by=by, action="alert_channel.test", target=channel.name) as entry:
        if not state.engine().is_on:
            text = _(
                "No monitor runs that could send it, nor anything else: start it with %(command)s run_monitor."
            ) % {"command": place.COMMAND}
            raise Refusal(text, "monitor_away", status=503)
        delivery = messages.test(channel, by.name, timezone.now())
        delivery.save()
        patience = WAIT_S + 2 * settings.MQADMIN_ALERTS_SECONDS
        for _step in range(int(patience / STEP_S)):
            pause(STEP_S)
            delivery.refresh_from_db()
            if delivery.state not in Delivery.OPEN:
                break
        entry.detail = {"state": delivery.state, "answer": delivery.answer}
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
