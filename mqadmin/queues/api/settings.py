"""The API's calls for what people set on queues, one by one or by standing rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field

from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import OPERATE, VIEW, Body, one
from mqadmin.core.api.times import Moment
from mqadmin.queues.acts import settling, standings
from mqadmin.queues.acts.settling import UNSET, Wanted
from mqadmin.queues.acts.standings import Said
from mqadmin.queues.api import queues
from mqadmin.queues.api.queues import QueueOut, find_queue
from mqadmin.queues.models import Queue, Standing

router = Router(tags=["brokers and queues"], auth=VIEW)


class QueueSettingsIn(Body):
    """What is to be set; what is not named stays.

    `thresholds` replaces all of them; what is not named there is the default, 0 is never told. `muted_until` null:
    not muted. `follow`: what is to be as the standing rules say again.
    """

    owner: str = ""
    note: str = ""
    thresholds: dict[str, int | float] = {}
    muted_until: Moment | None = None
    follow: list[Literal["owner", "thresholds", "mute"]] = []


class StandingIn(Body):
    """A search of queues by what they are, and what holds for those that match. Empty or null: nothing of it."""

    name: str = Field(min_length=1, max_length=80)
    query: str = Field(min_length=1, max_length=2_000)
    owner: str = ""
    thresholds: dict[str, int | float] | None = None
    muted_until: Moment | None = None


class StandingOut(Schema):
    """A standing rule; of two that match, the one of the higher `rank` decides, which is higher in the list."""

    id: int
    rank: int
    name: str
    query: str
    owner: str
    thresholds: dict[str, Any] | None
    muted_until: datetime | None
    by: str
    at: datetime


class StandingMove(Body):
    """`up`: it is to decide before the one above it; `down`: after the one below it."""

    to: Literal["up", "down"]


class StandingDone(Schema):
    """A rule that holds, and how many queues changed by it."""

    rule: StandingOut
    changed: int


class StandingList(Schema):
    items: list[StandingOut]
    total: int
    next: str | None = None


@queues.router.patch("/queues/{int:queue_id}", response=QueueOut, auth=OPERATE.of("rows"))
def queue_settle(request: HttpRequest, queue_id: int, wanted: QueueSettingsIn) -> Queue:
    """Set owner, note, thresholds or mute of one queue; it wins over the standing rules."""
    given = wanted.dict(exclude_unset=True)
    follow = tuple(given.pop("follow", ()))
    values = {name: given.get(name, UNSET) for name in ("owner", "note", "thresholds", "muted_until")}
    return settling.settle(
        queue=find_queue(queue_id), wanted=Wanted(**values, follow=follow), by=audit.actor(request)
    )


@router.get("/queue-rules", response=StandingList)
def rule_list(request: HttpRequest) -> dict[str, Any]:
    """List the standing rules, the one that decides first on top."""
    rules = list(Standing.objects.all())
    return {"items": rules, "total": len(rules)}


@router.post("/queue-rules", response={201: StandingDone}, auth=OPERATE)
def rule_make(request: HttpRequest, wanted: StandingIn) -> Status[dict[str, Any]]:
    """Make a rule; it holds at once, and for queues that appear later. 422 where it cannot be read."""
    standing, changed = standings.create(said=Said(**wanted.dict()), by=audit.actor(request))
    return Status(201, {"rule": standing, "changed": changed})


@router.put("/queue-rules/{int:standing_id}", response=StandingDone, auth=OPERATE)
def rule_change(request: HttpRequest, standing_id: int, wanted: StandingIn) -> dict[str, Any]:
    """Have a rule say something else."""
    standing = _find(standing_id)
    changed = standings.change(standing=standing, said=Said(**wanted.dict()), by=audit.actor(request))
    return {"rule": standing, "changed": changed}


@router.post("/queue-rules/{int:standing_id}/move", response=StandingDone, auth=OPERATE)
def rule_move(request: HttpRequest, standing_id: int, wanted: StandingMove) -> dict[str, Any]:
    """Have a rule decide earlier or later. 409 where it is the first or the last already."""
    standing = _find(standing_id)
    changed = standings.move(standing=standing, to=wanted.to, by=audit.actor(request))
    return {"rule": standing, "changed": changed}


@router.delete("/queue-rules/{int:standing_id}", response={204: None}, auth=OPERATE)
def rule_delete(request: HttpRequest, standing_id: int) -> Status[None]:
    """Delete a rule: what it said holds no more."""
    standings.delete(standing=_find(standing_id), by=audit.actor(request))
    return Status(204, None)


def _find(standing_id: int) -> Standing:
    return one(Standing.objects.filter(pk=standing_id), _("There is no rule %(id)s.") % {"id": standing_id})
