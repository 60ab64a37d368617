"""The record of every message handled: finding, replaying, and deleting what is old.

There may be millions. Every query here walks an index from the newest row and is bounded; no page counts all.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from consumers.minutes import KEPT_DAYS
from consumers.models import Consumer, ConsumerEvent, ConsumerMinute, Record
from mqadmin.core import audit, brokers
from mqadmin.core.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.message import Properties, from_json
from mqadmin.rabbit.publisher import Outgoing, Verdict

PAGE = 50
SEARCHED = 50_000  # a text is looked for in so many of the newest records
COUNTED = 1_000  # "999+ new"
_BATCH = 1_000  # rows of one delete: the writers wait only so long
_MOST_BATCHES = 200
_SLACK = timedelta(hours=1)  # a record is written when its message is done, so ids lag behind start times
_WIDE = ("body", "traceback", "log", "properties", "headers")

# Headers that only tell of an earlier failure, or that would route the copy elsewhere.
_FAILURE_PREFIXES = ("x-first-death-", "x-last-death-", "mqadmin-death-", "mqadmin-error-")
_FAILURE_HEADERS = frozenset({"x-death", "x-delivery-count", "mqadmin-attempt"})
_RENAMED = {"CC": "mqadmin-original-CC", "BCC": "mqadmin-original-BCC"}


class NotRequeued(Refusal):
    """The message was not published again, and why."""


@dataclass(frozen=True)
class Filter:
    """What to look for; None and "" = everything."""

    outcome: str = ""
    q: str = ""
    message_id: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return self == Filter()


@dataclass(frozen=True)
class RecordPage:
    """Records, newest first. `older`: id to go on before, None at the end. `newest`: id of the first, or 0."""

    items: list[Record]
    older: int | None
    newest: int


@dataclass(frozen=True)
class Letter:
    """The dead letter that a record's message became, or came from."""

    id: int
    href: str
    text: str


_letter_finders: list[Callable[[Record], Letter | None]] = []


def register_letter(function: Callable[[Record], Letter | None]) -> Callable[[Record], Letter | None]:
    """Set who knows the dead letter of a record. Called in an AppConfig.ready() above this app."""
    if function not in _letter_finders:
        _letter_finders.append(function)
    return function


def letter(record: Record) -> Letter | None:
    """Return the dead letter linked with `record`, if there is one."""
    return next((found for function in _letter_finders if (found := function(record))), None)


def search(wanted: Filter, consumer: Consumer | None = None) -> QuerySet[Record]:
    """Return the records that match, without their wide columns; `stored` says whether the body is there.

    A text is compared with message id, routing key, error and detail of the newest SEARCHED records; a whole
    message id is found however old it is.
    """
    rows = Record.objects.all() if consumer is None else Record.objects.filter(consumer=consumer)
    if wanted.outcome:
        rows = rows.filter(outcome=wanted.outcome)
    if wanted.message_id:
        rows = rows.filter(message_id=wanted.message_id)
    if wanted.since:
        rows = rows.filter(started_at__gte=wanted.since, id__gte=_first_id_at(wanted.since - _SLACK))
    if wanted.until:
        rows = rows.filter(started_at__lte=wanted.until, id__lte=_first_id_at(wanted.until + _SLACK))
    if wanted.q:
        rows = _matching(rows, wanted.q)
    stored = ExpressionWrapper(Q(body__isnull=False, body_truncated=False), output_field=BooleanField())
    return rows.defer(*_WIDE).annotate(stored=stored).order_by("-id")


def _matching(rows: QuerySet[Record], text: str) -> QuerySet[Record]:
    exact = rows.filter(message_id=text)
    if exact.exists():
        return exact
    floor = rows.order_by("-id").values_list("id", flat=True)[SEARCHED : SEARCHED + 1].first()
    if floor is not None:
        rows = rows.filter(id__gt=floor)
    fields = ("message_id", "routing_key", "error_type", "error", "detail")
    condition = Q()
    for field in fields:
        condition |= Q(**{f"{field}__icontains": text})
    return rows.filter(condition)


def _first_id_at(when: datetime) -> int:
    """Return an id before which every record began before `when`, by halving: start times have no index."""
    ids = Record.objects.order_by("id").values_list("id", "started_at")
    first, last = ids.first(), ids.last()
    if first is None or last is None:
        return 0
    low, high = first[0], last[0] + 1
    while low < high:
        middle = (low + high) // 2
        found = ids.filter(id__gte=middle).first()
        if found is None or found[1] >= when:
            high = middle
        else:
            low = found[0] + 1
    return int(low)


def page(
    wanted: Filter, consumer: Consumer | None = None, *, before: int | None = None, limit: int = PAGE
) -> RecordPage:
    """Return the newest `limit` matching records, or those before the id `before`."""
    rows = search(wanted, consumer)
    if before is not None:
        rows = rows.filter(id__lt=before)
    items = list(rows[: limit + 1])
    older = items[limit - 1].pk if len(items) > limit else None
    items = items[:limit]
    return RecordPage(items, older, items[0].pk if items else 0)


def newer(wanted: Filter, consumer: Consumer, after: int) -> int:
    """Return how many matching records are newer than the id `after`, counting to COUNTED at most."""
    return search(wanted, consumer).filter(id__gt=after)[:COUNTED].count()


def why_not(record: Record) -> str:
    """Return why this record's message cannot be published again, "" when it can."""
    if record.body is None:
        return _("Its body was not kept: see “Keep bodies” in the consumer's settings.")
    if record.body_truncated:
        return _("Only the first part of its body was kept.")
    if record.properties is None:
        return _("Its properties were not kept.")
    return ""


def requeue(*, record: Record, by: Actor) -> Verdict:
    """Publish the recorded message to its queue again, confirmed. The record stays as it is.

    The copy goes through the default exchange, so no other queue gets it, and counts as a first attempt.
    Raises NotRequeued with the reason: not wholly stored, not routed, or not confirmed.
    """
    consumer = record.consumer
    with audit.act(
        by=by,
        action="record.requeue",
        broker=consumer.broker,
        target=f"{consumer.vhost}:{record.queue}",
        count=1,
        detail={"record": record.pk, "message_id": record.message_id},
    ) as entry:
        reason = why_not(record)
        if reason:
            raise NotRequeued(reason, "not_stored")
        outgoing = copy_of(record, requeue_id=uuid.uuid4().hex)
        entry.detail["requeue_id"] = outgoing.properties.headers["mqadmin-requeue-id"]  # type: ignore[index]
        publisher = brokers.publisher(consumer.broker, consumer.vhost)
        verdict = publisher.publish_batch([outgoing])[0]
        if not verdict.ok:
            raise NotRequeued(verdict.detail or verdict.reason, verdict.reason)
        return verdict


def copy_of(record: Record, *, requeue_id: str) -> Outgoing:
    """Return the message as it is published again. Raises NotRequeued when the stored form cannot be read."""
    try:
        headers: dict[str, Any] = from_json(record.headers) or {}
        stored = {name: value for name, value in (record.properties or {}).items() if name != "headers"}
        properties = Properties.from_json(stored)
    except ValueError as error:
        raise NotRequeued(_("The stored message cannot be read: %s") % error, "unreadable") from error
    kept = {
        _RENAMED.get(name, name): value
        for name, value in headers.items()
        if name not in _FAILURE_HEADERS and not name.startswith(_FAILURE_PREFIXES)
    }
    if properties.expiration is not None:  # it would let the copy expire again, perhaps at once
        kept.setdefault("mqadmin-original-expiration", properties.expiration)
    kept["mqadmin-origin-exchange"] = record.exchange
    kept["mqadmin-origin-routing-key"] = record.routing_key
    kept["mqadmin-requeue-id"] = requeue_id
    return Outgoing(
        exchange="",
        routing_key=record.queue,
        body=bytes(record.body or b""),
        # Another user's `user_id` would close the channel.
        properties=replace(properties, headers=kept, expiration=None, user_id=None),
    )


def delete_old(now: datetime | None = None) -> str:
    """Delete records, events and counters that are too old or too many, in small steps; say what was done."""
    moment = now or timezone.now()
    oldest = moment - timedelta(days=settings.MQADMIN_RECORDS_DAYS)
    gone = _delete_while(Record.objects.filter(started_at__lt=oldest))
    surplus = Record.objects.order_by("-id").values_list("id", flat=True)[settings.MQADMIN_RECORDS_MAX :]
    floor = surplus.first()
    if floor is not None:
        gone += _delete_while(Record.objects.filter(id__lte=floor))
    _delete_while(ConsumerEvent.objects.filter(at__lt=oldest))
    kept_from = int((moment - timedelta(days=KEPT_DAYS)).timestamp() // 60)
    _delete_while(ConsumerMinute.objects.filter(minute__lt=kept_from))
    return _("%(n)d records deleted") % {"n": gone} if gone else ""


def _delete_while(rows: QuerySet[Any]) -> int:
    """Delete the oldest rows, as long as they match: ids grow with time, so the first that does not ends it."""
    model = rows.model
    gone = 0
    for _step in range(_MOST_BATCHES):
        oldest = list(model.objects.order_by("id").values_list("id", flat=True)[:_BATCH])
        doomed = list(rows.filter(id__in=oldest).values_list("id", flat=True))
        if not doomed:
            break
        model.objects.filter(id__in=doomed).delete()
        gone += len(doomed)
    return gone
