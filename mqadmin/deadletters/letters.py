"""A captured message as a row, and back: what is read from it, bounded so that every database takes it."""

from __future__ import annotations

import codecs
import dataclasses
import functools
import json
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection

from mqadmin.deadletters import grouping
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit import deaths, display
from mqadmin.rabbit.deaths import Death, DeathEntry
from mqadmin.rabbit.message import Message, Properties, fingerprint

SEARCH_CHARACTERS = 8_000
ERROR_CHARACTERS = 8_000
TRACE_CHARACTERS = 32_000
MOST_DEATHS = 100
REQUEUE_ID: Final = "mqadmin-requeue-id"
_INFLATED_AT_MOST = 1_000_000  # bytes of an encoded body that the search looks into
_LARGEST = 2**31 - 1

COLUMNS = (
    "broker",
    "vhost",
    "dead_letter_queue",
    "source_queue",
    "source_exchange",
    "routing_keys",
    "return_queue",
    "reason",
    "death_count",
    "deaths",
    "first_death_at",
    "captured_at",
    "message_id",
    "error_type",
    "error",
    "trace",
    "framework",
    "consumer",
    "group",
    "status",
    "status_reason",
    "size",
    "properties",
    "headers",
    "body",
    "search_text",
    "note",
    "edits",
    "requeue_count",
    "fingerprint",
    "ack_pending",
    "maybe_duplicate_of_id",
    "came_back_as",
    "requeue_id",
)


@dataclasses.dataclass(frozen=True)
class Place:
    """The dead-letter queue that is captured."""

    broker: str
    vhost: str
    queue: str


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """A message taken from the queue. `described`: its properties as JSON; `fingerprint`: what tells it again."""

    message: Message
    received_at: datetime
    described: dict[str, Any]
    fingerprint: str


def take(place: Place, message: Message, received_at: datetime) -> Taken:
    """Describe a message that came from the queue."""
    described = message.properties.to_json()
    return Taken(message, received_at, described, fingerprint(message, place.queue, described=described))


def row(place: Place, taken: Taken, *, duplicate_of: int | None) -> tuple[Any, ...]:
    """Return the values of COLUMNS for a message, ready for the database. Never raises for its content."""
    message = taken.message
    death = deaths.read(message, place.queue)
    error_type, error = _clean(death.error_type, 200), _clean(death.error, ERROR_CHARACTERS)
    source = _clean(death.queue, 255)
    keys = [_clean(key, 255) for key in death.routing_keys[:20]]
    exchange = _clean(death.exchange, 255)
    message_id = _clean(_text(message.properties.message_id), 255)
    names = (message_id, source, exchange, *keys, error_type, error)
    return _values(
        place,
        taken,
        duplicate_of,
        source_queue=source,
        source_exchange=exchange,
        routing_keys=json.dumps(keys),
        return_queue=_clean(death.return_address or "", 255),
        reason=death.reason,
        death_count=min(max(death.count, 1), _LARGEST),
        deaths=json.dumps([_entry(item) for item in death.deaths[:MOST_DEATHS]]),
        first_death_at=_moment(_first_death(death)),
        message_id=message_id,
        error_type=error_type,
        error=error,
        trace=_clean(death.trace, TRACE_CHARACTERS),
        framework=_clean(death.framework, 30),
        consumer=_clean(death.consumer, 60),
        group=grouping.fingerprint(
            vhost=place.vhost,
            source_queue=source,
            reason=death.reason,
            error_type=error_type,
            error=error,
            trace=death.trace,
        ),
        search_text=search_text(message, names),
        came_back_as=_clean(_text(message.headers.get(REQUEUE_ID)), 36),
    )


def bare_row(place: Place, taken: Taken, *, duplicate_of: int | None) -> tuple[Any, ...]:
    """Return COLUMNS with nothing but the message itself: what any database takes, whatever came."""
    return _values(
        place,
        taken,
        duplicate_of,
        reason=DeadLetter.Reason.ERROR.value,
        routing_keys="[]",
        deaths="[]",
        group=grouping.fingerprint(
            vhost=place.vhost, source_queue="", reason="error", error_type="", error=""
        ),
        death_count=1,
        first_death_at=None,
    )


def search_text(message: Message, names: tuple[str, ...]) -> str:
    """Return what a search looks into: names and readable body, casefolded, at most SEARCH_CHARACTERS."""
    found = "\n".join(name for name in names if name)
    text = f"{found}\n{_readable(message)}"[:SEARCH_CHARACTERS]
    return _clean(text.casefold(), SEARCH_CHARACTERS)


def message_of(letter: DeadLetter) -> Message:
    """Return the stored message as it is to be published: body, properties, headers. Exchange and key are
    those of its first publish."""
    properties = Properties.from_json({**letter.properties, "headers": letter.headers})
    keys = letter.routing_keys
    return Message(
        body=bytes(letter.body),
        properties=properties,
        exchange=letter.source_exchange,
        routing_key=keys[0] if keys else "",
    )


def described(letter: DeadLetter) -> str:
    """Return a letter in a few words, for the audit log."""
    return f"{letter.message_id or 'no message id'} from {letter.source_queue or letter.dead_letter_queue}"


def _values(
    place: Place,
    taken: Taken,
    duplicate_of: int | None,
    **read: Any,
) -> tuple[Any, ...]:
    message = taken.message
    properties = dict(taken.described)
    headers = properties.pop("headers", {})
    known: dict[str, Any] = {
        "broker": place.broker,
        "vhost": place.vhost,
        "dead_letter_queue": place.queue,
        "captured_at": _moment(taken.received_at),
        "status": DeadLetter.Status.PARKED.value,
        "size": min(len(message.body), _LARGEST),
        "properties": json.dumps(properties),
        "headers": json.dumps(headers),
        "body": message.body,
        "edits": 0,
        "requeue_count": 0,
        "fingerprint": taken.fingerprint,
        "ack_pending": True,
        "maybe_duplicate_of_id": duplicate_of,
        **read,
    }
    return tuple(known.get(name, "") for name in COLUMNS)


def _entry(entry: DeathEntry) -> dict[str, Any]:
    return {
        "queue": entry.queue,
        "reason": entry.reason,
        "count": entry.count,
        "time": entry.time.isoformat() if entry.time else None,
        "exchange": entry.exchange,
        "routing_keys": list(entry.routing_keys),
    }


def _first_death(death: Death) -> datetime | None:
    return death.first_at or death.last_at


@functools.lru_cache(maxsize=64)  # a window shares a few moments
def _moment(value: datetime | None) -> Any:
    if value is None:
        return None
    return connection.ops.adapt_datetimefield_value(value.astimezone(UTC))


def _readable(message: Message) -> str:
    """Return the text of the body without making it pretty; "" for what is not text."""
    body, properties = message.body, message.properties
    is_encoded = bool(properties.content_encoding) or body[:2] == b"\x1f\x8b"
    if is_encoded or b"\\u" in body[:SEARCH_CHARACTERS]:
        # JSON that escapes everything but ASCII: the search is for the characters, not for their escapes.
        if len(body) > _INFLATED_AT_MOST:
            return ""
        text, kind = display.display_text(
            body,
            _text(properties.content_type),
            _text(properties.content_encoding),
            max_characters=SEARCH_CHARACTERS,
        )
        return "" if kind.endswith("hex") else text
    start = body[: 4 * SEARCH_CHARACTERS]
    try:
        text = codecs.utf_8_decode(start, "strict", len(start) == len(body))[0]
    except UnicodeDecodeError:
        return ""
    return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _clean(text: str, most: int) -> str:
    """Bounded text that every database takes: PostgreSQL refuses NUL characters and lone surrogates."""
    text = text[:most]
    if text.isascii():
        return text.replace("\0", "\u2400") if "\0" in text else text
    return text.replace("\0", "\u2400").encode("utf-8", "replace").decode()
