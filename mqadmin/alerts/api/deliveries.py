"""The API's call for what was sent. Not the text: it holds the link by which anybody acknowledges."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema

from mqadmin.alerts.api import severities
from mqadmin.alerts.models import Delivery
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import VIEW, PageQuery

router = Router(tags=["alerts"], auth=VIEW)


class DeliveryOut(Schema):
    """One message to one channel. `state`: due (again at `next_at`), sending, sent, failed (given up).

    `alert_id` null: a test; `channel_id` null: the channel is deleted. `answer`: what the service said last.
    """

    id: int
    alert_id: int | None
    channel_id: int | None
    channel: str
    what: str
    severity: severities.Name
    title: str
    state: str
    made_at: datetime
    next_at: datetime | None
    ended_at: datetime | None
    attempts: int
    answer: str

    @staticmethod
    def resolve_alert_id(obj: Delivery) -> int | None:
        return obj.incident_id

    @staticmethod
    def resolve_channel(obj: Delivery) -> str:
        return obj.channel_name

    @staticmethod
    def resolve_severity(obj: Delivery) -> severities.Name:
        return severities.NAMES[obj.severity]


class DeliveryList(Schema):
    items: list[DeliveryOut]
    total: int
    next: str | None


class DeliveryQuery(PageQuery):
    """Which messages."""

    state: Literal["due", "sending", "sent", "failed"] | None = None
    channel: int | None = None
    alert: int | None = None


@router.get("/alert-deliveries", response=DeliveryList)
def delivery_list(request: HttpRequest, wanted: Query[DeliveryQuery]) -> Page:
    """List what was sent and what failed, newest first."""
    rows = Delivery.objects.defer("text", "payload")
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.channel is not None:
        rows = rows.filter(channel=wanted.channel)
    if wanted.alert is not None:
        rows = rows.filter(incident=wanted.alert)
    return paginate(rows, limit=wanted.limit, cursor=wanted.cursor)
