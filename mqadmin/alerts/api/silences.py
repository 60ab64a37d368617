"""The API's calls for silences."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from mqadmin.alerts.acts import silences
from mqadmin.alerts.models import Rule, Silence
from mqadmin.core.acts import audit
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import OPERATE, VIEW, Body, PageQuery, one
from mqadmin.core.api.times import Moment

router = Router(tags=["alerts"], auth=VIEW)


class SilenceIn(Body):
    """What is silenced until `ends_at`, from now on or from `begins_at`; all of it where nothing narrows it."""

    reason: str = Field(max_length=300)
    ends_at: Moment
    begins_at: Moment | None = None
    broker: str = ""
    queues: str = Field("", max_length=1000)
    rule_id: int | None = None


class SilenceOut(Schema):
    """A silence. `broker`, `queues` "" and `rule_id` null: all."""

    id: int
    reason: str
    broker: str
    queues: str
    rule_id: int | None
    begins_at: datetime
    ends_at: datetime
    by: str
    made_at: datetime


class SilenceList(Schema):
    items: list[SilenceOut]
    total: int
    next: str | None


class SilenceQuery(PageQuery):
    """Which silences: those that last now, those to come, those that are over."""

    state: Literal["current", "coming", "over"] | None = None


@router.get("/silences", response=SilenceList)
def silence_list(request: HttpRequest, wanted: Query[SilenceQuery]) -> Page:
    """List silences, the one that ends last first."""
    now = timezone.now()
    rows = {
        "current": silences.current(now),
        "coming": silences.coming(now),
        "over": Silence.objects.filter(ends_at__lte=now),
        None: Silence.objects.all(),
    }[wanted.state]
    return paginate(rows, limit=wanted.limit, cursor=wanted.cursor, order=["-ends_at", "-id"])


@router.post("/silences", response={201: SilenceOut}, auth=OPERATE)
def silence_begin(request: HttpRequest, wanted: SilenceIn) -> Status[Silence]:
    """Make a silence; one that begins later is a maintenance window."""
    values = wanted.dict(exclude={"rule_id"})
    rule = None
    if wanted.rule_id is not None:
        words = _("There is no rule %(id)s.") % {"id": wanted.rule_id}
        rule = one(Rule.objects.filter(pk=wanted.rule_id), words)
    return Status(201, silences.begin(by=audit.actor(request), rule=rule, **values))


@router.delete("/silences/{int:silence_id}", response={204: None}, auth=OPERATE)
def silence_end(request: HttpRequest, silence_id: int) -> Status[None]:
    """End a silence now; one that has not begun is gone. 409 where it is over."""
    words = _("There is no silence %(id)s.") % {"id": silence_id}
    silences.end(silence=one(Silence.objects.filter(pk=silence_id), words), by=audit.actor(request))
    return Status(204, None)
