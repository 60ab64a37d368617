"""The rows that tell of one message: by its id, by its correlation id, by its trace.

Ids of messages are indexed wherever they stand, and so is all that taps saw. Correlation ids and traces of records
and letters are not, as each of millions of rows would pay for it: the newest SEARCHED of each are looked
through, and what they tell of a message's id is looked up whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from consumers.models import Record
from consumers.records.masks import MaskedRecords
from mqadmin.core.errors import Refusal
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.passing.models import Seen
from mqadmin.passing.tapping import keeping
from mqadmin.rabbit.headers import TRACEPARENT
from mqadmin.telemetry import carried

SEARCHED = 20_000
MOST = 200  # rows of each kind
MOST_IDS = 20  # messages of one correlation or trace
MOST_READ, MOST_TRACES = 20, 5  # letters whose headers are read for their traces; traces that are named
_RECORD = ("traceback", "log", "body", "properties", "headers")
_LETTER = ("trace", "search_text", "body", "original", "properties", "headers", "note")


@dataclass(frozen=True)
class Key:
    """What a message is looked for by; what is "" is not."""

    message_id: str = ""
    correlation_id: str = ""
    trace_id: str = ""

    @classmethod
    def of(cls, text: str) -> Key:
        """Return what a text may be: a `traceparent` or trace id, else an id of either kind."""
        trace = carried.trace_of(text)
        return cls(trace_id=trace) if trace else cls(message_id=text, correlation_id=text)

    @property
    def is_empty(self) -> bool:
        return self == Key()


@dataclass
class Found:
    """The rows. `is_cut`: there are more of a kind; `is_partial`: some kinds were looked through in part alone."""

    seen: list[Seen] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)  # of the traces that they are of
    is_cut: bool = False
    is_partial: bool = False

    @property
    def message_ids(self) -> list[str]:
        """The messages that they are about."""
        rows: Iterable[Any] = (*self.seen, *self.records, *self.letters)
        return sorted({row.message_id for row in rows if row.message_id})


def look(key: Key) -> Found:
    """Return what is known. Raises Refusal (403) where a trace is asked for that is masked for whoever asks."""
    if key.trace_id and masking.is_refused("headers", [TRACEPARENT]):
        raise Refusal(_("The header traceparent is hidden from you."), "masked", status=403)
    found = Found()
    if key.message_id:
        _by_ids(found, [key.message_id])
    if key.correlation_id or key.trace_id:
        _by_others(found, key)
        _by_ids(found, found.message_ids[:MOST_IDS])
    masking.hide_in_errors(found.letters)
    if not masking.is_refused("headers", [TRACEPARENT]):
        found.trace_ids = _traces(found)
    return found


def _traces(found: Found) -> list[str]:
    """Return the traces of all that was found, those of the newest letters among them: their headers are wide."""
    letters = sorted((letter.pk for letter in found.letters), reverse=True)[:MOST_READ]
    stored = DeadLetter.objects.filter(pk__in=letters).values_list("headers", flat=True)
    named = {keeping.trace_id(headers) for headers in stored}
    named |= {row.trace_id for row in found.seen} | {row.trace_id or "" for row in found.records}
    return sorted(named - {""})[:MOST_TRACES]


def _by_ids(found: Found, ids: list[str]) -> None:
    _add(found, Q(message_id__in=ids), Q(message_id__in=ids), Q(message_id__in=ids))


def _by_others(found: Found, key: Key) -> None:
    seen = Q()
    if key.correlation_id:
        seen |= Q(correlation_id=key.correlation_id)
    if key.trace_id:
        seen |= Q(trace_id=key.trace_id)
    condition, handled = Q(), Q()
    if key.correlation_id:
        # As `json.dumps` writes it (core.fields): what only looks like it, inside another value, has escaped
        # quotes.
        condition |= Q(said_of_it__contains=f'"correlation_id": {json.dumps(key.correlation_id)}')
    if key.trace_id:
        condition |= Q(said_in_headers__contains=key.trace_id)
        handled |= Q(trace_id=key.trace_id)
    record, letter = _floor(Record), _floor(DeadLetter)
    found.is_partial = record > 0 or letter > 0
    _add(found, seen, Q(id__gt=record) & (condition | handled), Q(id__gt=letter) & condition)


def _floor(model: Any) -> int:
    """Return the id below which rows are not looked through, 0 where all are."""
    ids = model.objects.order_by("-id").values_list("id", flat=True)
    return ids[SEARCHED : SEARCHED + 1].first() or 0


def _add(found: Found, seen: Q, records: Q, letters: Q) -> None:
    """Add the rows that are not there yet."""
    _take(
        found,
        found.seen,
        Seen.objects.filter(seen).select_related("tap").defer("body", "headers", "properties"),
    )
    rows = _told(Record.objects.all()).filter(records).select_related("consumer")
    masked = MaskedRecords(model=Record, query=rows.defer(*_RECORD).order_by("-id").query)
    _take(found, found.records, masked)
    kept = _told(DeadLetter.objects.all()).filter(letters).defer(*_LETTER).prefetch_related("events")
    _take(found, found.letters, kept)


def _told(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the rows with their stored properties and headers as text, for conditions."""
    told: QuerySet[Any] = rows.alias(
        said_of_it=Cast(F("properties"), TextField()), said_in_headers=Cast(F("headers"), TextField())
    )
    return told


def _take(found: Found, there: list[Any], rows: QuerySet[Any]) -> None:
    new = list(rows.order_by("-id")[: MOST + 1])
    found.is_cut |= len(new) > MOST
    known = {row.pk for row in there}
    there += [row for row in new[:MOST] if row.pk not in known]
