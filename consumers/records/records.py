"""The record of every message handled: finding, replaying, and deleting what is old.

There may be millions. Every query here walks an index from the newest row and is bounded; no page counts all.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, F, FloatField, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from consumers.models import Consumer, ConsumerEvent, ConsumerMinute, HandledKey, Record, Suspect
from consumers.records import claims, masks
from consumers.records.minutes import KEPT_DAYS
from consumers.scaling import autoscaler
from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import formats
from mqadmin.core.rows.deleting import Steps, oldest_while
from mqadmin.rabbit.clean_copy import REQUEUE
from mqadmin.rabbit.errors import NoResponse
from mqadmin.rabbit.headers import ORIGIN_EXCHANGE, ORIGIN_ROUTING_KEY, REQUEUE_ID
from mqadmin.rabbit.message import Properties, from_json
from mqadmin.rabbit.publishing.publisher import Outgoing, Receipt

PAGE = 50
SEARCHED = 50_000  # a text is looked for in so many of the newest records
COUNTED = 1_000  # "999+ new"
DELETING = 60.0  # seconds that retention may take for one kind of rows
_STALE_CLAIM = timedelta(days=1)  # left by a process that died, of a message that nobody delivered again
_SLACK = timedelta(hours=1)  # a record is written when its message is done, so ids lag behind start times
_WIDE = ("body", "traceback", "log", "properties", "headers")

_NO_ANSWER = ("blocked", "timed_out", "connection_lost")  # of the broker's trouble, not of the message


class NotRequeued(Refusal):
    """The message was not published again, and why."""


@dataclass(frozen=True)
class RecordQuery:
    """What to look for; None and "" = everything."""

    outcome: str = ""
    q: str = ""
    message_id: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return self == RecordQuery()


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


def search(wanted: RecordQuery, consumer: Consumer | None = None) -> QuerySet[Record]:
    """Return the records that match, without their wide columns; `stored` says whether the body is there,
    `waited` for how many seconds the message had waited.

    A text is compared with message id, routing key, error and detail of the newest SEARCHED records (not with the
    last two where they may repeat what is hidden); a whole message id is found however old it is.
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
    waited = ExpressionWrapper(F("waited_ms") / 1000.0, output_field=FloatField())
    rows = rows.defer(*_WIDE).annotate(stored=stored, waited=waited).order_by("-id")
    return masks.Listed(model=Record, query=rows.query)


def _matching(rows: QuerySet[Record], text: str) -> QuerySet[Record]:
    exact = rows.filter(message_id=text)
    if exact.exists():
        return exact
    floor = rows.order_by("-id").values_list("id", flat=True)[SEARCHED : SEARCHED + 1].first()
    if floor is not None:
        rows = rows.filter(id__gt=floor)
    fields = ("message_id", "routing_key", "error_type", *(() if masks.is_on() else ("error", "detail")))
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
    wanted: RecordQuery, consumer: Consumer | None = None, *, before: int | None = None, limit: int = PAGE
) -> RecordPage:
    """Return the newest `limit` matching records, or those before the id `before`."""
    rows = search(wanted, consumer)
    if before is not None:
        rows = rows.filter(id__lt=before)
    items = list(rows[: limit + 1])
    older = items[limit - 1].pk if len(items) > limit else None
    items = items[:limit]
    return RecordPage(items, older, items[0].pk if items else 0)


def newer(wanted: RecordQuery, consumer: Consumer, after: int) -> int:
    """Return how many matching records are newer than the id `after`, counting to COUNTED at most."""
    return search(wanted, consumer).filter(id__gt=after)[:COUNTED].count()


def meaning(record: Record) -> str:
    """Say what an outcome means where its name alone does not, "" elsewhere."""
    if record.outcome == Record.Outcome.DUPLICATE:
        return _("The same message was handled before: acked without being handled again.")
    if record.outcome == Record.Outcome.RELEASED and not record.detail:
        return _("It went back to the queue unhandled.")
    return ""


def waited_words(record: Record) -> str:
    """Say how long the message waited: its time is in whole seconds, so less is not told apart."""
    if record.waited_ms is None:
        return ""
    if record.waited_ms < 1000:
        return _("less than a second")
    return formats.duration(int(record.waited_ms // 1000))


def why_not(record: Record) -> str:
    """Return why this record's message cannot be published again, "" when it can."""
    if record.body is None:
        return _("Its body was not kept: see “Keep bodies” in the consumer's settings.")
    if record.body_truncated:
        return _("Only the first part of its body was kept.")
    if record.properties is None:
        return _("Its properties were not kept.")
    return ""


def requeue(*, record: Record, by: Actor) -> Receipt:
    """Publish the recorded message to its queue again, confirmed. The record stays as it is.

    The copy goes through the default exchange, so no other queue gets it, and counts as a first attempt.
    Raises NotRequeued with the reason: not wholly stored, not routed, or refused; NoResponse when the broker did
    not answer: then nothing was published, or the sentence says that it is not known.
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
        requeue_id = uuid.uuid4().hex
        username = brokers.config(consumer.broker).username
        outgoing = copy_of(record, requeue_id=requeue_id, username=username)
        entry.detail["requeue_id"] = requeue_id
        publisher = brokers.publisher(consumer.broker, consumer.vhost)
        receipt = publisher.publish_batch([outgoing])[0]
        if receipt.ok:
            return receipt
        if receipt.unknown or receipt.reason in _NO_ANSWER:
            raise NoResponse(receipt.detail or receipt.reason, code=receipt.reason)
        raise NotRequeued(receipt.detail or receipt.reason, receipt.reason)


def copy_of(record: Record, *, requeue_id: str, username: str) -> Outgoing:
    """Return the message as it is published again, by `username`: as a requeued letter is.

    Raises NotRequeued when the stored form cannot be read.
    """
    try:
        headers: dict[str, Any] = from_json(record.headers) or {}
        stored = {name: value for name, value in (record.properties or {}).items() if name != "headers"}
        properties = Properties.from_json(stored)
    except ValueError as error:
        raise NotRequeued(_("The stored message cannot be read: %s") % error, "unreadable") from error
    kept = REQUEUE.headers(headers)
    kept[ORIGIN_EXCHANGE], kept[ORIGIN_ROUTING_KEY] = record.exchange, record.routing_key
    kept[REQUEUE_ID] = requeue_id
    return Outgoing(
        exchange="",
        routing_key=record.queue,
        body=bytes(record.body or b""),
        properties=REQUEUE.properties(properties, kept, username=username),
    )


def delete_old(now: datetime | None = None) -> str:
    """Delete what is too old or too much, in small steps, and say what was done.

    Records by age and by number; events, counters and notes of messages that came back by age; dedupe keys past
    their consumer's window, and claims that a dead process left a day ago. Each kind has DELETING seconds; the
    rest is the next call's.
    """
    moment = now or timezone.now()
    oldest = moment - timedelta(days=settings.MQADMIN_RECORDS_DAYS)
    steps = Steps(DELETING)
    gone = oldest_while(Record.objects.filter(started_at__lt=oldest), steps)
    floor = _surplus()
    if floor is not None:
        gone += oldest_while(Record.objects.filter(id__lte=floor), steps)
    oldest_while(ConsumerEvent.objects.filter(at__lt=oldest), Steps(DELETING))
    kept_from = int((moment - timedelta(days=KEPT_DAYS)).timestamp() // 60)
    oldest_while(ConsumerMinute.objects.filter(minute__lt=kept_from), Steps(DELETING))
    oldest_while(Suspect.objects.filter(noted_at__lt=oldest), Steps(DELETING))
    oldest_while(autoscaler.old_points(moment), Steps(DELETING))
    _delete_keys(moment, Steps(DELETING))
    return _("%(n)d records deleted") % {"n": gone} if gone else ""


def _surplus() -> int | None:
    """Return the newest id that is one too many, None where there are not too many."""
    ids = Record.objects.order_by("id").values_list("id", flat=True)
    first, last = ids.first(), ids.last()
    if first is None or last is None or last - first < settings.MQADMIN_RECORDS_MAX:
        return None
    surplus = Record.objects.count() - settings.MQADMIN_RECORDS_MAX
    return ids[surplus - 1] if surplus > 0 else None


def _delete_keys(now: datetime, steps: Steps) -> None:
    """Delete the dedupe keys that mean nothing any more, walking from the oldest.

    A consumer's window is in its definition, and the keys of all are in one order: those of longer windows are
    passed over.
    """
    kept = {
        pk: now - timedelta(seconds=seconds)
        for pk, seconds in Consumer.objects.values_list("id", "dedupe_seconds")
    }
    living = set(claims.living(now).values_list("pk", flat=True))
    stale = now - _STALE_CLAIM
    rows = HandledKey.objects.filter(at__lt=max([stale, *kept.values()])).order_by("at", "id")
    after: Q = Q()
    while steps.goes_on:
        part = list(
            rows.filter(after).values_list("id", "at", "consumer_id", "process_id", "done")[: steps.size]
        )
        if not part:
            break
        done = [pk for pk, at, consumer, _process, done in part if done and at < kept.get(consumer, now)]
        left = [
            pk
            for pk, at, _consumer, process, done in part
            if not done and at < stale and process not in living
        ]
        if done or left:
            # As they were read: a claim may have been taken over meanwhile.
            unchanged = Q(id__in=done, done=True) | Q(id__in=left, done=False)
            steps.delete(HandledKey.objects.filter(unchanged, at__lte=part[-1][1]))
        pk, at = part[-1][:2]
        after = Q(at__gte=at) & (Q(at__gt=at) | Q(id__gt=pk))
