"""The API's calls for queues."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import VIEW, ApiError, PageQuery, one
from mqadmin.core.rights import naming
from mqadmin.core.rows.among import among
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import listing, live_queue, wording
from mqadmin.queues.search import language, patterns

router = Router(tags=["brokers and queues"], auth=VIEW.of("rows"))


class QueueReasonOut(Schema):
    """One reason of a verdict: a code and its numbers for programs, sentences for people.

    `since`: when it began, where that is known. `evidence`: the numbers that show it; `advice`: what to do.
    """

    code: str
    level: str
    text: str
    since: datetime | None
    evidence: str
    advice: str
    params: dict[str, Any]


class HealthOut(Schema):
    """broken, watch, ok, idle or unknown; the worst reason first."""

    level: str
    reasons: list[QueueReasonOut]


class QueueOut(Schema):
    """One queue as last sampled. Null is unknown, not 0.

    `dead_letters_choice`: which of the queues of `dead_letters_to` a dead letter reaches: all of them, one, each
    that is matching, or some, when it depends on the message otherwise. `oldest_at`: since when its oldest ready
    message waits, an estimate from what came and went; `oldest_at_least`: or for longer, as it was there before
    anybody looked, or the queue has priorities. `own`: which of owner, thresholds and mute somebody set on the
    queue itself; standing rules say the rest.
    """

    id: int
    broker: str
    vhost: str
    name: str
    type: str
    state: str
    ready: int | None
    unacked: int | None
    total: int | None
    consumers: int | None
    publish_rate: float | None
    deliver_rate: float | None
    ack_rate: float | None
    health: HealthOut
    dead_letters_to: list[str]
    dead_letters_from: list[str]
    dead_letters_choice: Literal["all", "one", "matching", "some"]
    tracked: bool
    oldest_at: datetime | None
    oldest_at_least: bool
    owner: str
    note: str
    thresholds: dict[str, Any]
    muted_until: datetime | None
    muted_by: str
    own: list[str]
    sampled_at: datetime | None

    @staticmethod
    def resolve_oldest_at(obj: Queue) -> datetime | None:
        return None if obj.oldest_at is None else datetime.fromtimestamp(obj.oldest_at, UTC)

    @staticmethod
    def resolve_broker(obj: Queue) -> str:
        return obj.broker.slug

    @staticmethod
    def resolve_health(obj: Queue) -> dict[str, Any]:
        return {"level": obj.health, "reasons": [_reason(item) for item in wording.told(obj)]}

    @staticmethod
    def resolve_dead_letters_to(obj: Queue) -> list[str]:
        return naming.seen(obj.broker.slug, obj.vhost, obj.dead_letters_to)

    @staticmethod
    def resolve_dead_letters_from(obj: Queue) -> list[str]:
        return naming.seen(obj.broker.slug, obj.vhost, obj.dead_letters_from)

    @staticmethod
    def resolve_dead_letters_choice(obj: Queue) -> str:
        return obj.dead_letter_choice or "all"

    @staticmethod
    def resolve_sampled_at(obj: Queue) -> datetime | None:
        return obj.broker.sampled_at


def _reason(item: wording.Told) -> dict[str, Any]:
    return {
        "code": item.code,
        "level": item.level,
        "text": item.sentence,
        "since": None if item.since_at is None else datetime.fromtimestamp(item.since_at, UTC),
        "evidence": item.evidence,
        "advice": item.advice,
        "params": item.params,
    }


class QueueList(Schema):
    items: list[QueueOut]
    total: int
    next: str | None


class MemberOut(Schema):
    """A node that holds a copy of a quorum queue or stream: whether it is there, whether it leads."""

    node: str
    online: bool
    leads: bool


class QueueDetailOut(QueueOut):
    """One queue, live from the broker, with what it was declared with. `members` is empty for a classic queue.

    `delayed`: messages that wait for a delayed retry; `by_priority`: those that are ready and were not returned.
    Both, as `delivery_limit` and `delayed_retry`, where the broker says it: of quorum queues, from RabbitMQ 4.3 on.
    `head_at`: the timestamp that its publisher gave to the message at the head of a classic queue, which the broker
    tells up to five seconds before or after the counts that go with it; `first_at`: when the first message of a
    stream that is still there was written (RabbitMQ 4.3).
    """

    durable: bool
    auto_delete: bool
    exclusive: bool
    arguments: dict[str, Any]
    policy: str
    effective_policy: dict[str, Any]
    members: list[MemberOut]
    delayed: int | None
    next_retry_at: datetime | None
    head_at: datetime | None
    first_at: datetime | None
    delivery_limit: int | None
    delayed_retry: str
    by_priority: dict[int, int]


class QueueQuery(PageQuery):
    """Which queues, in which order."""

    broker: str | None = None
    vhost: str | None = None
    name: str | None = None
    q: str | None = None
    health: str | None = None
    type: str | None = None
    filter: str | None = Field(None, max_length=language.LONGEST)
    sort: str = "name"


@router.get("/queues", response=QueueList)
def queue_list(request: HttpRequest, wanted: Query[QueueQuery]) -> Page:
    """List queues. `name` is exact, `q` text in the name or `/pattern/`; `sort` a field, "-" for descending.

    `filter` is a search as the page has it: `vhost:prod health:broken ready>1000 -name:/^amq/ lag>5m`; 400
    `bad_query` with the place where it cannot be read.
    """
    return found(wanted)


def found(wanted: QueueQuery) -> Page:
    """Return a page of queues. Raises ApiError for a search, a pattern or an order that makes no sense."""
    rows: QuerySet[Queue] = Queue.objects.filter(gone_at__isnull=True).select_related("broker")
    names = {"broker__slug": "broker", "vhost": "vhost", "name": "name", "health": "health", "type": "type"}
    exact = {column: getattr(wanted, name) for column, name in names.items()}
    rows = rows.filter(**{column: value for column, value in exact.items() if value is not None})
    q = wanted.q
    if q and _is_pattern(q):
        rows = rows.filter(among(_matching(q, list(rows.values_list("pk", "name")))))
    elif q:
        rows = rows.filter(name__icontains=q)
    try:
        rows = language.read(wanted.filter or "").apply(rows)
    except language.BadQuery as error:
        raise ApiError(400, "bad_query", error.message) from error
    return paginate(rows, limit=wanted.limit, cursor=wanted.cursor, order=_order(wanted.sort))


def _is_pattern(q: str) -> bool:
    return len(q) > 2 and q.startswith("/") and q.endswith("/")


def _matching(q: str, rows: list[tuple[int, str]]) -> list[int]:
    try:
        matches = list(patterns.matching(patterns.compiled(q[1:-1]), (name for _pk, name in rows)))
    except patterns.BadPattern as error:
        raise ApiError(400, "bad_pattern", str(error)) from error
    return [pk for (pk, _name), matched in zip(rows, matches, strict=True) if matched]


def _order(sort: str) -> list[str]:
    field, down = sort.removeprefix("-"), sort.startswith("-")
    if field not in listing.SORTS:
        known = ", ".join(listing.SORTS)
        raise ApiError(400, "bad_sort", _("Sort by one of: %(known)s.") % {"known": known})
    return [f"{'-' if down else ''}{listing.SORTS[field][0]}", "name", "vhost"]


@router.get("/queues/{int:queue_id}", response=QueueDetailOut)
def queue_detail(request: HttpRequest, queue_id: int) -> Queue:
    """Show one queue, live from the broker; 503 while broker or queue do not answer, 404 once it is gone."""
    queue = find_queue(queue_id)
    live = live_queue.ask(queue)
    if live.is_down:
        text = _("The queue is down: %(node)s, where it lives, is away.") % {
            "node": queue.node or _("its node")
        }
        raise ApiError(503, "queue_down", text)
    if live.detail is None:
        raise live.error or ApiError(404, "not_found", _("The broker has no such queue."))
    return live_queue.updated(queue, live.detail)


def find_queue(queue_id: int) -> Queue:
    return one(
        Queue.objects.select_related("broker").filter(pk=queue_id),
        _("There is no queue %(id)s.") % {"id": queue_id},
    )
