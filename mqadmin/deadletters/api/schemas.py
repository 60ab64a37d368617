"""The shapes of the API's calls for dead letters."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import Field, StrictBool

from mqadmin.core.api.plumbing import Body
from mqadmin.core.api.times import Moment
from mqadmin.deadletters.inbox import presenting
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import canary
from mqadmin.deadletters.requeue.requeue import Care

Encoding = Literal["utf-8", "base64"]


class LetterOut(Schema):
    """One letter. `group` is its cause; `size` that of the body in bytes."""

    id: int
    broker: str
    vhost: str
    dead_letter_queue: str
    source_queue: str
    source_exchange: str
    routing_keys: list[str]
    reason: str
    death_count: int
    first_death_at: datetime | None
    captured_at: datetime
    message_id: str
    error_type: str
    error: str
    group: str
    status: str
    status_reason: str
    size: int
    requeue_count: int
    came_back: bool
    maybe_duplicate_of: int | None
    note: str

    @staticmethod
    def resolve_came_back(obj: DeadLetter) -> bool:
        return bool(obj.came_back_as)

    @staticmethod
    def resolve_maybe_duplicate_of(obj: DeadLetter) -> int | None:
        return obj.maybe_duplicate_of_id


class LetterList(Schema):
    items: list[LetterOut]
    total: int
    next: str | None


class DeathOut(Schema):
    """One entry of x-death, newest first."""

    queue: str
    reason: str
    count: int
    time: datetime | None
    exchange: str
    routing_keys: list[str]


class EventOut(Schema):
    """Something that was done with the letter here."""

    at: datetime
    kind: str
    by: str
    text: str
    operation: int | None

    @staticmethod
    def resolve_operation(obj: Any) -> int | None:
        number: int | None = obj.operation_id
        return number


class LetterDetailOut(LetterOut):
    """One letter with everything. `properties` and `headers` are JSON that keeps every AMQP type."""

    return_queue: str
    framework: str
    consumer: str
    trace: str
    properties: dict[str, Any]
    headers: Any
    encoding: Encoding
    body: str
    edited: bool
    requeue_id: str
    operation: int | None
    deaths: list[DeathOut]
    history: list[EventOut]

    @staticmethod
    def resolve_encoding(obj: DeadLetter) -> Encoding:
        return body_text(obj)[0]

    @staticmethod
    def resolve_body(obj: DeadLetter) -> str:
        return body_text(obj)[1]

    @staticmethod
    def resolve_edited(obj: DeadLetter) -> bool:
        return obj.original is not None

    @staticmethod
    def resolve_operation(obj: DeadLetter) -> int | None:
        return obj.operation_id

    @staticmethod
    def resolve_deaths(obj: DeadLetter) -> list[dict[str, Any]]:
        return presenting.deaths(obj)

    @staticmethod
    def resolve_history(obj: DeadLetter) -> list[Any]:
        return list(obj.events.all())


class LetterQuery(Schema):
    """What letters must have. `queue`: the dead-letter queue; `source`: where they died; `q`: words in them."""

    broker: str = ""
    vhost: str = ""
    queue: str = ""
    source: str = ""
    reason: str = ""
    group: str = ""
    status: str = ""
    q: str = Field("", max_length=500)
    since: Moment | None = None
    until: Moment | None = None
    operation: int = 0


class LetterFilter(Body, LetterQuery):
    """The same in a body, where a name that is none is refused: without it the filter would find more letters."""


class LetterPatch(Body):
    """What to change; what is left out stays. `encoding` says how `body` is written."""

    body: str | None = None
    encoding: Encoding = "utf-8"
    headers: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None
    note: str | None = None


class SelectionIn(Body):
    """Either `ids`, or all letters that match `filter` now; `expect` refuses another number."""

    ids: list[int] | None = None
    filter: LetterFilter | None = None
    expect: int | None = Field(None, ge=0)


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

    `rate`: letters a second at most. `hold_seconds`: nothing is published before, it can be cancelled.
    `canary`: true for the usual steps, or their own.
    """

    to: Literal["source", "exchange"] | GivenPlace = "source"
    rate: float | None = Field(None, gt=0, le=1_000_000)
    hold_seconds: float = Field(0, ge=0, le=86_400)
    canary: StrictBool | CanaryIn | None = None
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
    """A queue that letters would reach. `consumers`: all that listen there; null is unknown, not 0."""

    vhost: str
    name: str
    arriving: int
    ready: int | None
    total: int | None
    consumers: int | None
    listeners: list[ListenerOut]
    warnings: list[str]


class DryRunOut(Schema):
    """What a requeue would do: counts by destination and by queue, what would stay, what to think of.

    `died_before`: letters that died more than once or came back after a requeue; the first of them by id.
    """

    total: int
    requeueable: int
    destinations: list[DestinationOut]
    queues: list[OutlookOut]
    died_before: int
    came_back: int
    died_before_ids: list[int]
    problems: list[str]
    warnings: list[str]


class GroupOut(Schema):
    """Letters with one cause. `came_back`: how many had been requeued before; `owner`: who looks after it."""

    group: str
    count: int
    error_type: str
    error: str
    source_queue: str
    reason: str
    first_at: datetime
    last_at: datetime
    came_back: int
    note: str
    owner: str


class GroupList(Schema):
    items: list[GroupOut]
    total: int
    next: str | None


class CausePatch(Body):
    """What to write beside a cause, "" for nothing; what is left out stays. `owner`: who looks after it."""

    broker: str = ""
    note: str | None = Field(None, max_length=500)
    owner: str | None = Field(None, max_length=150)


class CauseOut(Schema):
    """What is written beside a cause."""

    broker: str
    group: str
    note: str
    owner: str


class BulkEditIn(SelectionIn):
    """One change for many letters: a JSON Patch on {"body", "headers", "properties"}, or find and replace in
    the text of the body. `preview` only shows what would become of the first ten."""

    patch: list[dict[str, Any]] = []
    find: str = ""
    replace: str = ""
    preview: bool = False


class TriedOut(Schema):
    """What would become of one letter, without hidden values; with an `error` it would stay as it is."""

    id: int
    before: str
    after: str
    error: str


class PreviewOut(Schema):
    items: list[TriedOut]
    total: int
    next: str | None = None


class ImportQuery(Schema):
    """Which broker's letters they become; `dry_run` only tells what would be."""

    broker: str = ""
    dry_run: bool = False


class FaultOut(Schema):
    """What is wrong with a line, counted from 1."""

    line: int
    error: str


class ImportOut(Schema):
    """How many lines, how many became letters, how many were here already; `faults`: the first hundred."""

    total: int
    imported: int
    duplicates: int
    faults: list[FaultOut]
    detail: str = ""
    code: str = ""


class TrackedOut(Schema):
    """Whether the letters of a queue are captured, and by which consumer."""

    queue: int
    tracked: bool
    consumer: str | None


def body_text(letter: DeadLetter) -> tuple[Encoding, str]:
    """Return (encoding, body)."""
    body = bytes(letter.body)
    try:
        return "utf-8", body.decode()
    except UnicodeDecodeError:
        return "base64", base64.b64encode(body).decode()
