"""From a message to the row that is kept of it: masked first, cut then; and the newest of a tap alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from django.conf import settings

from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.passing.models import Seen, Tap
from mqadmin.rabbit.message import Message, from_json
from mqadmin.telemetry import carried

MOST, MOST_BYTES = 2_000, 32 * 1024 * 1024  # of one tap: the newest
BODY_BYTES = 128 * 1024  # of one message; what is beyond is not kept
HEADERS_BYTES = 64 * 1024


def seen(tap: Tap, message: Message, at: float) -> Seen:
    """Return the row of a message that came at `at`, seconds since 1970; not saved, not cut.

    Nothing that is masked is in it: a filter asks the row, so that nobody finds a hidden value out by asking.
    """
    described = message.properties.to_json()
    headers = described.pop("headers", {})
    row = Seen(
        tap=tap,
        at=datetime.fromtimestamp(at, UTC),
        exchange=message.exchange[:255],
        routing_key=message.routing_key[:255],
        message_id=_text(message.properties.message_id),
        correlation_id=_text(message.properties.correlation_id),
        redelivered=message.redelivered,
        size=len(message.body),
        properties=cast(Any, described),
        headers=headers,
        body=message.body,
    )
    if settings.MQADMIN_MASKED:
        _mask(row)
    row.trace_id = trace_id(row.headers)
    return row


def _mask(row: Seen) -> None:
    letter = DeadLetter(properties=row.properties, headers=row.headers, body=row.body)
    hidden: list[Any] = []
    masking.hide(letter, hidden)
    row.is_masked = bool(hidden)
    row.properties, row.headers, row.body = letter.properties, letter.headers, letter.body


def cut(row: Seen) -> Seen:
    """Cut what is too large to keep, in this object; returns it."""
    body = bytes(row.body)
    if len(body) > BODY_BYTES:
        row.body, row.is_cut = body[:BODY_BYTES], True
    if len(str(row.headers)) > HEADERS_BYTES:
        row.headers, row.is_cut = {}, True
    return row


def trace_id(headers: Any) -> str:
    """Return the trace id of a `traceparent` (W3C Trace Context) among stored headers, "" where there is none."""
    try:
        return carried.trace_id(from_json(headers)) if isinstance(headers, dict) else ""
    except ValueError:
        return ""


def _text(value: Any) -> str:
    return value[:255].replace("\0", "�") if isinstance(value, str) else ""


class Ring:
    """The newest rows of one tap: those beyond MOST and MOST_BYTES are deleted. One thread."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._held: deque[tuple[int, int]] = deque()
        self._bytes = 0

    def add(self, rows: Sequence[Seen]) -> int:
        """Store rows, and delete the oldest beyond the bounds; returns how many are held. Raises
        django.db.Error."""
        for row in Seen.objects.bulk_create([cut(row) for row in rows]):
            size = len(row.body)
            self._held.append((row.pk, size))
            self._bytes += size
        gone = []
        while self._held and (len(self._held) > self._most or self._bytes > self._most_bytes):
            number, size = self._held.popleft()
            self._bytes -= size
            gone.append(number)
        if gone:
            Seen.objects.filter(pk__in=gone).delete()
        return len(self._held)
