"""The API's call that requeues letters, or tells where they would go."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.plumbing import OPERATE, VIEW, Body
from mqadmin.deadletters.api.selections import SelectionIn, selection_of
from mqadmin.deadletters.requeue import canary, dryrun, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.requeue.requeue import Care

router = Router(tags=["dead letters"], auth=VIEW.of("rows"))


class GivenPlace(Body):
    """An exchange ("" is the default one) and a key; without a key each letter keeps its own."""

    exchange: str
    routing_key: str | None = None


class CanaryIn(Body):
    """Steps of so many letters, each watched for `seconds` before the next; after them the rest."""

    seconds: float = Field(default=60, gt=0, le=86_400)
    steps: list[Annotated[int, Field(ge=1, le=canary.MOST_WATCHED)]] = Field(
        default=list(canary.STEPS), min_length=1, max_length=canary.MOST_STEPS
    )


class RequeueIn(SelectionIn):
    """What to requeue and where to. `dry_run` only tells what it would do.

    `keep_headers`: what another framework wrote into the headers of a letter that it gave up goes with the copy.

    `allow_loss`: also where a queue would drop some of them, or of its own (`losses` of the dry run); 409
    `would_lose` without it.

    `rate`: letters a second at most. `hold_seconds`: nothing is published before, it can be cancelled.
    `canary`: true for the usual steps, or their own.
    """

    to: Literal["source", "exchange"] | GivenPlace = "source"
    rate: float | None = Field(None, gt=0, le=1_000_000)
    hold_seconds: float = Field(0, ge=0, le=86_400)
    canary: bool | CanaryIn | None = None
    keep_headers: bool = False
    allow_loss: bool = False
    dry_run: bool = False

    @property
    def care(self) -> Care:
        """The same for the service."""
        steps = CanaryIn() if self.canary is True else self.canary or None
        return Care(
            rate=self.rate or 0,
            hold_seconds=self.hold_seconds,
            canary_seconds=steps.seconds if steps else 0,
            canary_steps=tuple(steps.steps) if steps else canary.STEPS,
        )


class DestinationOut(Schema):
    """Where some of the letters would go; with a `problem` they would stay."""

    vhost: str
    exchange: str
    routing_key: str
    count: int
    queues: list[str]
    problem: str
    warning: str


class ListenerOut(Schema):
    """One of our consumers on a queue: what it is told to be, and how many of its processes consume now."""

    name: str
    desired: str
    running: int


class OutlookOut(Schema):
    """A queue that letters would reach. `consumers`: all that listen there; null is unknown, not 0. `losses`: those
    of the warnings that are a loss."""

    vhost: str
    name: str
    arriving: int
    ready: int | None
    total: int | None
    consumers: int | None
    listeners: list[ListenerOut]
    warnings: list[str]
    losses: list[str]


class LeftBehindOut(Schema):
    """Headers that do not go with the copies: whose (`rabbitmq` or a framework's name), which, in how many letters.

    `can_stay`: with `keep_headers` they would go with them.
    """

    framework: str
    names: list[str]
    letters: int
    can_stay: bool


class DryRunOut(Schema):
    """What a requeue would do: counts by destination and by queue, what would stay, what to think of.

    `died_before`: letters that died more than once or came back after a requeue; the first of them by id.
    `headers`: what does not go with the copies, as the headers of `headers_read` letters have it.
    """

    total: int
    requeueable: int
    destinations: list[DestinationOut]
    queues: list[OutlookOut]
    died_before: int
    came_back: int
    died_before_ids: list[int]
    headers: list[LeftBehindOut]
    headers_read: int
    problems: list[str]
    losses: list[str]
    warnings: list[str]


@router.post("/dead-letters/requeue", response={202: OperationOut, 200: DryRunOut}, auth=OPERATE.of("rows"))
def letter_requeue(request: HttpRequest, wanted: RequeueIn) -> Status[Any]:
    """Requeue parked letters; with `dry_run` only tell where they would go."""
    chosen = selection_of(wanted)
    to = To.from_json(wanted.to if isinstance(wanted.to, str) else wanted.to.dict())
    if wanted.dry_run:
        return Status(200, dryrun.of(selection=chosen, to=to, keep_headers=wanted.keep_headers))
    operation = requeue.start(
        selection=chosen,
        to=to,
        by=audit.actor(request),
        expect=wanted.expect,
        care=wanted.care,
        keep_headers=wanted.keep_headers,
        allow_loss=wanted.allow_loss,
    )
    return Status(202, operation)
