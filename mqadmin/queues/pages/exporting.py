"""Queues as a file: CSV for a spreadsheet, JSON Lines' elder brother for programs; row by row, however many."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from mqadmin.core.pages import prose
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import wording

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
_CHUNK = 500
# What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = (
    "vhost",
    "name",
    "type",
    "health",
    "ready",
    "unacked",
    "total",
    "consumers",
    "publish_rate",
    "deliver_rate",
    "ack_rate",
    "growth",
    "clears_in",
    "memory",
    "state",
    "node",
    "policy",
    "owner",
    "note",
    "muted_by",
)
_DERIVED = ("lag", "muted_until", "tracked", "verdict")
# Behind what was there before: scripts may go by the place.
_LATER = ("message_bytes", "capacity", "ram", "persistent", "bytes_ram", "bytes_persistent")
HEAD = (*_COLUMNS, *_DERIVED, "broker", *_LATER)


def rows(queues: QuerySet[Queue]) -> Iterator[dict[str, Any]]:
    """Yield what a file has of each queue; None is unknown. `lag`: seconds that the oldest waits, an estimate."""
    now = timezone.now()
    slugs = dict(Broker.objects.values_list("pk", "slug"))
    for queue in queues.iterator(chunk_size=_CHUNK):
        values = {"broker": slugs[queue.broker_id]} | {
            name: getattr(queue, name) for name in (*_COLUMNS, *_LATER)
        }
        is_muted = queue.muted_until is not None and queue.muted_until > now
        yield values | {
            "lag": None if queue.oldest_at is None else max(0, int(now.timestamp()) - queue.oldest_at),
            "muted_until": _moment(queue.muted_until) if is_muted else None,
            "muted_by": queue.muted_by if is_muted else "",
            "tracked": queue.tracked,
            "verdict": prose.paragraph(wording.sentences(queue.health_reasons)),
        }


def as_csv(queues: QuerySet[Queue]) -> Iterator[str]:
    """Yield the lines of a CSV file. What a spreadsheet would take for a formula begins with an apostrophe."""
    writer = csv.writer(_Line())
    yield writer.writerow(HEAD)
    for row in rows(queues):
        yield writer.writerow([safe(row[name]) for name in HEAD])


def as_json(queues: QuerySet[Queue]) -> Iterator[str]:
    """Yield the pieces of a JSON array, an object for each queue."""
    yield "["
    for number, row in enumerate(rows(queues)):
        yield (",\n" if number else "\n") + json.dumps(row, ensure_ascii=True)
    yield "\n]\n"


WRITERS = {"csv": as_csv, "json": as_json}


def safe(value: Any) -> Any:
    """Return a cell as a spreadsheet may have it; a number stays one, below zero too."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


class _Line:
    """What csv.writer writes to: it hands each line back."""

    def write(self, line: str) -> str:
        return line
