"""The API's calls for marks: what happened outside, told by those who did it."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import OPERATE, VIEW, Body, PageQuery, the_broker
from mqadmin.core.api.times import Moment
from mqadmin.core.errors import Refusal
from mqadmin.core.rights import asking, naming
from mqadmin.history import marking
from mqadmin.history.models import Mark

router = Router(tags=["brokers and queues"], auth=VIEW.of("rows"))


class MarkIn(Body):
    """What happened, and when: now, unless said. Without a broker it concerns all."""

    title: str = Field(min_length=1, max_length=200)
    broker: str = ""
    at: Moment | None = None
    link: str | None = Field(None, max_length=2083, pattern=r"^https?://\S+$")


class MarkOut(Schema):
    """One mark. `broker` "": it concerns all."""

    id: int
    at: datetime
    title: str
    broker: str
    link: str
    actor: str


class MarkList(Schema):
    items: list[MarkOut]
    total: int
    next: str | None


class MarkQuery(PageQuery):
    """Which marks."""

    broker: str | None = None
    since: Moment | None = None


@router.post("/marks", response={201: MarkOut}, auth=OPERATE.of("rows"))
def mark_post(request: HttpRequest, wanted: MarkIn) -> Status[Mark]:
    """Post a mark, such as a deployment: charts show it, and lists of what happened name it.

    Whose roles are for a part of a broker may post marks of that broker, which everybody on it sees.
    """
    broker = wanted.broker
    if not broker and asking.limited() is not None:
        broker = the_broker("")  # what concerns all is for whoever may operate all
    if broker and broker not in brokers.configs():
        text = _("There is no broker %(name)s.") % {"name": broker}
        raise Refusal(text, "invalid", status=422, fields={"broker": text})
    if broker and not naming.holds_inside(broker, "operate"):
        raise PermissionDenied(permissions.denied("operate"))
    mark = marking.post(
        by=audit.actor(request),
        title=wanted.title,
        broker=broker,
        at=wanted.at,
        link=wanted.link or "",
    )
    return Status(201, mark)


@router.get("/marks", response=MarkList)
def mark_list(request: HttpRequest, wanted: Query[MarkQuery]) -> Page:
    """List marks, newest first; those that concern all brokers are among those of each."""
    rows: QuerySet[Mark] = Mark.objects.all()
    if asking.limited() is not None:
        rows = rows.filter(broker__in=["", *brokers.configs()])
    if wanted.broker is not None:
        rows = rows.filter(broker__in=("", wanted.broker))
    if wanted.since:
        rows = rows.filter(at__gte=wanted.since)
    return paginate(rows, limit=wanted.limit, cursor=wanted.cursor)
