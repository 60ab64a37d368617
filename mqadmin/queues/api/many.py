"""The API's calls about many queues at once: by their ids, or all that a search finds."""

from __future__ import annotations

from typing import Any, Literal, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.plumbing import CONFIGURE, OPERATE, VIEW, Asked, Body, a_broker
from mqadmin.core.api.times import Moment
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.rows.among import among
from mqadmin.queues.acts import many
from mqadmin.queues.acts.many import MOST_SETTLED, Chosen
from mqadmin.queues.acts.settling import UNSET, Wanted
from mqadmin.queues.pages import choosing, exporting, listing
from mqadmin.queues.search import language
from mqadmin.queues.search.language import BadQuery

router = Router(tags=["brokers and queues"], auth=VIEW.of("rows"))
_FILE = {"content": {kind: {"schema": {"type": "string"}} for kind in exporting.CONTENT_TYPES.values()}}


class QueuesIn(Body):
    """Which queues of a broker: `ids`, or all that `filter` finds. `expect`: how many; another count is refused."""

    broker: str = ""
    ids: list[int] = Field([], max_length=many.MOST)
    filter: str = Field("", max_length=language.LONGEST)
    expect: int | None = Field(None, ge=0)


class PurgeManyIn(QueuesIn):
    """`snapshot`: keep what is dropped, in an operation for each queue."""

    snapshot: bool = False


class DeleteManyIn(QueuesIn):
    """`even_full`, `even_used`: also those that hold messages, or that somebody consumes from."""

    even_full: bool = False
    even_used: bool = False


class SettleManyIn(QueuesIn):
    """What is to be set on all of them, as on one; what is not named stays."""

    owner: str = ""
    thresholds: dict[str, int | float] = {}
    muted_until: Moment | None = None
    follow: list[Literal["owner", "thresholds", "mute"]] = []


class SettledOut(Schema):
    """How many queues changed."""

    changed: int


class ExportQuery(Asked):
    """Which queues, in which order, in which form."""

    broker: str = ""
    filter: str = Field("", max_length=language.LONGEST)
    sort: str = "name"
    format: Literal["csv", "json"] = "json"


def chosen(wanted: QueuesIn) -> Chosen:
    """Return the queues. Raises Refusal: none named, or a search that cannot be read (422); another count (409)."""
    if bool(wanted.ids) == bool(wanted.filter.strip()):
        text = _("Say which queues: ids, or a filter; name:* finds all.")
        raise Refusal(text, "invalid", status=422)
    rows = listing.present(a_broker(wanted.broker))
    rows = rows.filter(among(wanted.ids)) if wanted.ids else _found(rows, wanted.filter)
    named = rows.order_by("vhost", "name").values_list("pk", "name")[: MOST_SETTLED + 1]
    queues = choosing.of(a_broker(wanted.broker), named)
    if wanted.expect is not None and wanted.expect != len(queues.ids):
        text = _("It would be %(n)d queues now.") % {"n": len(queues.ids)}
        raise Refusal(text, "changed")
    return queues


def _found(rows: Any, text: str) -> Any:
    try:
        return language.read(text).apply(rows)
    except BadQuery as error:
        raise Refusal(error.message, "bad_query", status=422, fields={"filter": error.message}) from error


@router.post("/queues/purge", response={202: OperationOut}, auth=OPERATE.of("rows"))
def queues_purge(request: HttpRequest, wanted: PurgeManyIn) -> Status[Operation]:
    """Drop what is ready in many queues; what could not be done is told by queue in the operation."""
    by = audit.actor(request)
    return Status(202, many.start(act="purge", chosen=chosen(wanted), by=by, snapshot=wanted.snapshot))


@router.post("/queues/delete", response={202: OperationOut}, auth=CONFIGURE.of("rows"))
def queues_delete(request: HttpRequest, wanted: DeleteManyIn) -> Status[Operation]:
    """Delete many queues; those that are in use or hold messages are left alone, unless it is said."""
    by, queues = audit.actor(request), chosen(wanted)
    return Status(
        202,
        many.start(
            act="delete", chosen=queues, by=by, even_full=wanted.even_full, even_used=wanted.even_used
        ),
    )


@router.post("/queues/settle", response=SettledOut, auth=OPERATE.of("rows"))
def queues_settle(request: HttpRequest, wanted: SettleManyIn) -> dict[str, int]:
    """Set owner, thresholds or mute of many queues; it wins over the standing rules."""
    given = wanted.dict(exclude_unset=True)
    values = {name: given.get(name, UNSET) for name in ("owner", "thresholds", "muted_until")}
    what = Wanted(**values, follow=tuple(wanted.follow))
    return {"changed": many.settle(chosen=chosen(wanted), wanted=what, by=audit.actor(request))}


@router.get("/queues/export", response=None, openapi_extra={"responses": {200: _FILE}})
def queues_export(request: HttpRequest, wanted: Query[ExportQuery]) -> HttpResponse:  # noqa: ARG001
    """Give all queues that the filter finds as one JSON array, or as CSV that is safe against formulas."""
    if wanted.sort.removeprefix("-") not in listing.SORTS:
        known = ", ".join(listing.SORTS)
        raise Refusal(_("Sort by one of: %(known)s.") % {"known": known}, "bad_sort", status=400)
    rows = _found(listing.present(a_broker(wanted.broker)), wanted.filter)
    lines = exporting.WRITERS[wanted.format](rows.order_by(*listing.ordering(wanted.sort)))
    answer = StreamingHttpResponse(lines, content_type=exporting.CONTENT_TYPES[wanted.format])
    return cast(HttpResponse, answer)
