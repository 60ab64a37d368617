"""Finding records: what matches, newest first, a page at a time.

There may be millions. Every query here walks an index from the newest row and is bounded; no page counts all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, F, FloatField, Q, QuerySet, Value
from django.db.models.functions import Collate, Concat, Upper
from django.db.models.lookups import Contains

from consumers.models import Consumer, Record
from consumers.records import masks, merging, parts
from mqadmin.core.rights import asking

PAGE = 50
SEARCHED = 20_000  # a text is looked for in so many of the newest records
COUNTED = 1_000  # "999+ new"
_NEAR = 1_000  # ids: so near the place of a moment is found
_SLACK = timedelta(hours=1)  # a record is written when its message is done, so ids lag behind start times
_WIDE = ("body", "traceback", "log", "properties", "headers")


@dataclass(frozen=True)
class RecordSearch:
    """What to look for; None and "" = everything."""

    outcome: str = ""
    ack_lost: bool | None = None
    q: str = ""
    message_id: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return self == RecordSearch()


@dataclass(frozen=True)
class RecordPage:
    """Records, newest first. `older`: id to go on before, None at the end. `newest`: id of the first, or 0."""

    items: list[Record]
    older: int | None
    newest: int


@dataclass(frozen=True)
class Found:
    """The records that match. `narrow`: of some of them, and a number, gives the newest so many; None where the
    database finds them by itself, without passing all others."""

    rows: QuerySet[Record]
    narrow: Callable[[QuerySet[Record], int], QuerySet[Record]] | None = None


def search(wanted: RecordSearch, consumer: Consumer | None = None) -> QuerySet[Record]:
    """Return the records that match, without their wide columns; `stored` says whether the body is there,
    `waited` for how many seconds the message had waited.

    A text is compared with message id, routing key, error and detail of the newest SEARCHED records (not with the
    last two where they may repeat what is hidden); a whole message id is found however old it is.
    """
    return find(wanted, consumer).rows


def find(wanted: RecordSearch, consumer: Consumer | None = None) -> Found:
    """Return the records that match, as `search` does, and how to find the newest of them."""
    owners = _owners(wanted, consumer)
    rows = _of(wanted, consumer, by_message=bool(wanted.message_id))
    if owners is not None:  # to be counted by their index too
        rows = rows.filter(consumer__in=owners)
    beside = Q()
    if wanted.message_id:
        beside &= Q(message_id=wanted.message_id)
    if wanted.since:
        beside &= Q(started_at__gte=wanted.since, id__gte=not_after(wanted.since))
    if wanted.until:
        beside &= Q(started_at__lte=wanted.until, id__lte=_first_at(wanted.until + _SLACK)[1])
    rows = rows.filter(beside)
    if wanted.q:
        exact = _of(wanted, consumer, by_message=True).filter(beside, message_id=wanted.q)
        if exact.exists():
            return Found(_listed(exact))
        rows = _matching(rows, wanted.q, owners)
    if owners is None:
        return Found(_listed(rows))
    return Found(
        _listed(rows),
        lambda some, number: _listed(
            Record.objects.select_related("consumer").filter(id__in=merging.newest(some, number, owners))
        ),
    )


def _listed(rows: QuerySet[Record]) -> QuerySet[Record]:
    stored = ExpressionWrapper(Q(body__isnull=False, body_truncated=False), output_field=BooleanField())
    waited = ExpressionWrapper(F("waited_ms") / 1000.0, output_field=FloatField())
    rows = rows.defer(*_WIDE).annotate(stored=stored, waited=waited).order_by("-id")
    return masks.MaskedRecords(model=Record, query=rows.query)


def _owners(wanted: RecordSearch, consumer: Consumer | None) -> list[int] | None:
    """Return the consumers by whose own indexes the records are found; None where one walk by id is enough.

    It is not where what matches may be rare among all: an outcome, or those of who may see some consumers only.
    """
    if consumer is not None or wanted.message_id:
        return None
    if not wanted.outcome and not wanted.ack_lost and asking.limited() is None:
        return None
    return list(Consumer.objects.order_by().values_list("pk", flat=True))


def _of(wanted: RecordSearch, consumer: Consumer | None, *, by_message: bool) -> QuerySet[Record]:
    """Return the records of a consumer, an outcome. `by_message`: which are few, by their message id.

    SQLite counts nothing: of two indexes it takes the one with more columns, and would read all of a consumer.
    """
    is_hidden = by_message and connection.vendor == "sqlite"
    rows = Record.objects.alias(of=F("consumer_id") + 0, ended=Concat("outcome", Value("")))
    if consumer is not None:
        rows = rows.filter(of=consumer.pk) if is_hidden else rows.filter(consumer=consumer)
    if wanted.outcome:
        rows = rows.filter(ended=wanted.outcome) if is_hidden else rows.filter(outcome=wanted.outcome)
    if wanted.ack_lost is not None:
        rows = rows.filter(ack_lost__isnull=not wanted.ack_lost)
    return rows


def _matching(rows: QuerySet[Record], text: str, owners: list[int] | None) -> QuerySet[Record]:
    if owners is None:
        floor = rows.order_by("-id").values_list("id", flat=True)[SEARCHED : SEARCHED + 1].first()
    else:
        floor = next(iter(merging.newest(rows, SEARCHED + 1, owners)[SEARCHED:]), None)
    if floor is not None:
        rows = rows.filter(id__gt=floor)
    fields = ("message_id", "routing_key", "error_type", *(() if masks.is_on() else ("error", "detail")))
    condition = Q()
    for field in fields:
        condition |= _holding(field, text)
    return rows.filter(condition)


def _holding(field: str, text: str) -> Q:
    """Return the condition that a field holds the text, in capitals or not."""
    if connection.vendor == "postgresql" and text.isascii():
        # PostgreSQL knows the capitals of all alphabets, and is twice as quick where those of ASCII are enough.
        return Q(Contains(Upper(Collate(F(field), "C")), text.upper()))
    return Q(**{f"{field}__icontains": text})


def not_after(when: datetime) -> int:
    """Return an id behind which all records stand that began at `when` or later."""
    return _first_at(when - _SLACK)[0]


def _first_at(when: datetime) -> tuple[int, int]:
    """Return two ids, _NEAR apart at most, between which the first record stands that began at `when` or later.

    By halving: start times have no index.
    """
    with asking.asks(None):  # bounds of the search: of whose records they are does not matter
        ids = Record.objects.order_by("id").values_list("id", "started_at")
    first, last = ids.first(), ids.last()
    if first is None or last is None:
        return 0, 0
    low, high = first[0], last[0] + 1
    for began_with, began, ended_with in parts.spans():  # one query finds the part
        if began >= when:
            high = min(high, began_with)
            break
        low, high = began_with, ended_with + 1
    while high - low > _NEAR:
        middle = (low + high) // 2
        found = ids.filter(id__gte=middle, id__lt=high).first()  # what is beyond is not planned for
        if found is None or found[1] >= when:
            high = middle
        else:
            low = found[0] + 1
    return low, high


def page(
    wanted: RecordSearch, consumer: Consumer | None = None, *, before: int | None = None, limit: int = PAGE
) -> RecordPage:
    """Return the newest `limit` matching records, or those before the id `before`."""
    rows = search(wanted, consumer)
    if before is not None:
        rows = rows.filter(id__lt=before)
    items = list(rows[: limit + 1])
    older = items[limit - 1].pk if len(items) > limit else None
    items = items[:limit]
    return RecordPage(items, older, items[0].pk if items else 0)


def newer(wanted: RecordSearch, consumer: Consumer, after: int) -> int:
    """Return how many matching records are newer than the id `after`, counting to COUNTED at most."""
    return search(wanted, consumer).filter(id__gt=after)[:COUNTED].count()
