"""The API's calls for channels. Names of environment variables go in and out, never what they hold."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field

from mqadmin.alerts.acts import channels
from mqadmin.alerts.api import severities
from mqadmin.alerts.api.deliveries import AlertDeliveryOut
from mqadmin.alerts.models import Channel, Delivery
from mqadmin.alerts.pages import channels as pages
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Body, one

router = Router(tags=["alerts"], auth=VIEW)

_CLOCK = r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$"


class AlertChannelFields(Schema):
    """Who is told. `variable`, `secret_variable` (of a webhook): names of environment variables, MQADMIN_ALERT_...

    `severity`: the least that is told. `after_minutes`: told only of what nobody acknowledged by then. Quiet hours
    are like 22:00, "" for none, in `time_zone` ("": the server's); `quiet_severity` and worse passes.
    """

    name: str = Field("", max_length=80)
    kind: Literal["apprise", "webhook"] = "apprise"
    variable: str = Field("", max_length=100)
    secret_variable: str = Field("", max_length=100)
    is_on: bool = True
    severity: severities.Name = "info"
    broker: str = Field("", max_length=60)
    queues: str = Field("", max_length=1000)
    after_minutes: int = Field(0, ge=0, le=7 * 24 * 60)
    quiet_from: str = Field("", pattern=_CLOCK)
    quiet_until: str = Field("", pattern=_CLOCK)
    time_zone: str = Field("", max_length=60)
    quiet_severity: severities.Name = "critical"


class AlertChannelIn(Body, AlertChannelFields):
    """A new channel: what is left out is as it is written here."""

    name: str = Field(max_length=80)
    variable: str = Field(max_length=100)


class AlertChannelPatch(Body, AlertChannelFields):
    """What is to change: what is left out stays as it is."""


class AlertChannelOut(AlertChannelFields):
    """A channel. `missing`: variables that the web process does not have; the monitor needs them too."""

    id: int
    missing: list[str]
    last_sent_at: datetime | None
    last_failed_at: datetime | None
    last_fault: str
    changed_by: str
    changed_at: datetime


class AlertChannelList(Schema):
    items: list[AlertChannelOut]
    total: int
    next: str | None = None


@router.get("/alert-channels", response=AlertChannelList)
def channel_list(request: HttpRequest) -> dict[str, Any]:
    """List the channels, those that are told at once first."""
    items = [_shown(row) for row in pages.rows()]
    return {"items": items, "total": len(items)}


@router.post("/alert-channels", response={201: AlertChannelOut}, auth=CONFIGURE)
def channel_create(request: HttpRequest, wanted: AlertChannelIn) -> Status[dict[str, Any]]:
    """Make a channel."""
    made = channels.create(by=audit.actor(request), **_values(wanted.dict()))
    return Status(201, _shown(pages.Row(made, pages.missing(made))))


@router.patch("/alert-channels/{int:channel_id}", response=AlertChannelOut, auth=CONFIGURE)
def channel_change(request: HttpRequest, channel_id: int, wanted: AlertChannelPatch) -> dict[str, Any]:
    """Change a channel, or switch it on or off."""
    values = _values(wanted.dict(exclude_unset=True))
    changed = channels.change(by=audit.actor(request), channel=_channel(channel_id), **values)
    return _shown(pages.rows(Channel.objects.filter(pk=changed.pk))[0])


@router.delete("/alert-channels/{int:channel_id}", response={204: None}, auth=CONFIGURE)
def channel_delete(request: HttpRequest, channel_id: int) -> Status[None]:
    """Delete a channel; what it was to be told is given up."""
    channels.delete(channel=_channel(channel_id), by=audit.actor(request))
    return Status(204, None)


@router.post("/alert-channels/{int:channel_id}/test", response=AlertDeliveryOut, auth=CONFIGURE)
def channel_test(request: HttpRequest, channel_id: int) -> Delivery:
    """Have the monitor send a test: `state` and `answer` say what became of it within some seconds, `due` or
    `sending` that it takes longer. 503 (`monitor_away`) where no monitor runs."""
    return channels.test(channel=_channel(channel_id), by=audit.actor(request))


def _channel(pk: int) -> Channel:
    return one(Channel.objects.filter(pk=pk), _("There is no channel %(id)s.") % {"id": pk})


def _values(given: dict[str, Any]) -> dict[str, Any]:
    for name in ("severity", "quiet_severity"):
        if name in given:
            given[name] = severities.VALUES[given[name]]
    for name in ("quiet_from", "quiet_until"):
        if name in given:
            given[name] = time.fromisoformat(given[name]) if given[name] else None
    return given


def _shown(row: pages.Row) -> dict[str, Any]:
    channel, failed = row.channel, row.failed
    found = {name: getattr(channel, name) for name in AlertChannelFields.model_fields}
    found |= {name: getattr(channel, name) for name in ("id", "changed_by", "changed_at")}
    for name in ("severity", "quiet_severity"):
        found[name] = severities.NAMES[found[name]]
    for name in ("quiet_from", "quiet_until"):
        found[name] = f"{found[name]:%H:%M}" if found[name] else ""
    return {
        **found,
        "missing": row.missing,
        "last_sent_at": row.sent.ended_at if row.sent else None,
        "last_failed_at": (failed.ended_at or failed.made_at) if failed else None,
        "last_fault": failed.answer if failed else "",
    }
