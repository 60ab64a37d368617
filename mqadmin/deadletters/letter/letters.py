"""A captured message as a row, and back: what is read from it, bounded so that every database takes it."""

from __future__ import annotations

import codecs
import dataclasses
import functools
import json
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.utils.dateparse import parse_datetime

from mqadmin.deadletters.letter import grouping, tables
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.headers import REQUEUE_ID
from mqadmin.rabbit.message import Message, Properties
from mqadmin.rabbit.reading import deaths, decoders, display
from mqadmin.rabbit.reading.deaths import Death, DeathEntry

SEARCH_CHARACTERS = 8_000
ERROR_CHARACTERS = 8_000
TRACE_CHARACTERS = 32_000
MOST_DEATHS = 100
_INFLATED_AT_MOST = 1_000_000  # bytes of an encoded body that the search looks into
_LARGEST = 2**31 - 1

# What letters with the same headers share, then what each has of its own.
_SHARED = (
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
    "error_type",
    "error",
    "trace",
    "framework",
    "consumer",
    "group",
    "headers",
    "came_back_as",
    "status",
    "status_reason",
    "note",
    "edits",
    "requeue_count",
    "requeue_id",
)
COLUMNS = (
    *_SHARED,
    "captured_at",
    "message_id",
    "size",
    "properties",
    "body",
    "search_text",
    "fingerprint",
    "maybe_duplicate_of_id",
)


@dataclasses.dataclass(frozen=True)
class CapturedQueue:
    """The dead-letter queue that is captured."""

    broker: str
    vhost: str
    queue: str


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """A message taken from the queue. `table`: its headers; `properties`: the others, as JSON; `fingerprint`:
    what tells it again."""

    message: Message
    received_at: datetime
    table: tables.Table
    properties: str
    fingerprint: str


def take(place: CapturedQueue, message: Message, received_at: datetime) -> Taken:
    """Describe a message that came from the queue."""
    table = tables.table(message.properties.headers)
    properties, print_ = tables.describe(message, place.queue, table)
    return Taken(message, received_at, table, properties, print_)


def row(place: CapturedQueue, taken: Taken, *, duplicate_of: int | None) -> tuple[Any, ...]:
    """Return the values of COLUMNS for a message, ready for the database. Never raises for its content."""
    message = taken.message
    values, names = _read(place, taken)
    message_id = _clean(_text(message.properties.message_id), 255)
    names = f"{message_id}\n{names}" if message_id and names else message_id or names
    return (*values, *_own(taken, message_id, _search_text(message, names), duplicate_of))


def bare_row(place: CapturedQueue, taken: Taken, *, duplicate_of: int | None) -> tuple[Any, ...]:
    """Return COLUMNS with nothing but the message itself: what any database takes, whatever came."""
    cause = grouping.fingerprint(
        vhost=place.vhost, source_queue="", reason="unknown", error_type="", error=""
    )
    values = _shared(place, taken, reason=DeadLetter.Reason.UNKNOWN.value, group=cause)
    return (*values, *_own(taken, "", "", duplicate_of))


def _own(taken: Taken, message_id: str, text: str, duplicate_of: int | None) -> tuple[Any, ...]:
    """Return the columns behind _SHARED."""
    body = taken.message.body
    at = taken.received_at
    return (
        # To the millisecond: letters that came within one share the work of writing it down.
        _moment(at.replace(microsecond=at.microsecond // 1000 * 1000)),
        message_id,
        min(len(body), _LARGEST),
        taken.properties,
        body,
        text,
        taken.fingerprint,
        duplicate_of,
    )


def _shared(place: CapturedQueue, taken: Taken, **read: Any) -> tuple[Any, ...]:
    known: dict[str, Any] = {
        "broker": place.broker,
        "vhost": place.vhost,
        "dead_letter_queue": place.queue,
        "routing_keys": "[]",
        "death_count": 0,
        "deaths": "[]",
        "first_death_at": None,
        "headers": taken.table.stored,
        "status": DeadLetter.Status.PARKED.value,
        "edits": 0,
        "requeue_count": 0,
        **read,
    }
    return tuple(known.get(name, "") for name in _SHARED)


_Known = tuple[tuple[Any, ...], str]
_known: dict[tuple[Any, ...], _Known] = {}
_MOST_KNOWN = 512


def _read(place: CapturedQueue, taken: Taken) -> _Known:
    """Return (what is read from headers and address, the names in it for the search).

    Letters that died together have the same headers: what was read from them is kept for the next.
    """
    message, table = taken.message, taken.table
    if not table.key or _body_may_tell(message.body):
        return _read_anew(place, taken)
    app_id = message.properties.app_id
    key = (place, table.key, message.exchange, message.routing_key, app_id)
    found = _known.get(key)
    if found is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        found = _known[key] = _read_anew(place, taken)
    return found


def _body_may_tell(body: bytes) -> bool:
    """Whether a framework may have written its error into the body (see rabbit.reading.frameworks): only into a
    table of JSON, under names that are looked for here as they are written, and in no other encoding."""
    if body.lstrip()[:1] != b"{":
        return False
    return b'"actor_name"' in body or b'"RoutingKey"' in body or b"\\u" in body or b"\0" in body


def _read_anew(place: CapturedQueue, taken: Taken) -> _Known:
    message = taken.message
    death = deaths.read(message, place.queue)
    error_type, error = _clean(death.error_type, 200), _clean(death.error, ERROR_CHARACTERS)
    source = _clean(death.queue, 255)
    keys = [_clean(key, 255) for key in death.routing_keys[:20]]
    exchange = _clean(death.exchange, 255)
    values = _shared(
        place,
        taken,
        source_queue=source,
        source_exchange=exchange,
        routing_keys=json.dumps(keys),
        return_queue=_clean(death.return_address or "", 255),
        reason=death.reason,
        death_count=min(max(death.count, 0), _LARGEST),
        deaths=json.dumps([_entry(item) for item in death.deaths[:MOST_DEATHS]]),
        first_death_at=_moment(_first_death(death)),
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
        came_back_as=_clean(_text(message.headers.get(REQUEUE_ID)), 36),
    )
    names = (source, exchange, *keys, error_type, error)
    return values, "\n".join(name for name in names if name)


def search_text_of(letter: DeadLetter) -> str:
    """Return the search text of a stored letter, of what it holds now."""
    names = (
        letter.message_id,
        letter.source_queue,
        letter.source_exchange,
        *letter.routing_keys,
        letter.error_type,
        letter.error,
    )
    return _search_text(message_of(letter), "\n".join(name for name in names if name))


def _search_text(message: Message, names: str) -> str:
    text = f"{names}\n{_readable(message)}"[:SEARCH_CHARACTERS]
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


def _entry(entry: DeathEntry) -> dict[str, Any]:
    return {
        "queue": entry.queue,
        "reason": entry.reason,
        "count": min(entry.count, _LARGEST),  # whoever publishes can write any
        "time": entry.time.isoformat() if entry.time else None,
        "exchange": entry.exchange,
        "routing_keys": list(entry.routing_keys),
    }


def read_moment(value: Any) -> datetime | None:
    """Return the moment, in UTC, that an ISO text tells; None for anything else, also for one so near to the ends
    of the calendar that it has no local time somewhere."""
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if found is None or not datetime.min.year < found.year < datetime.max.year:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _first_death(death: Death) -> datetime | None:
    return death.first_at or death.last_at


@functools.lru_cache(maxsize=64)
def _moment(value: datetime | None) -> Any:
    if value is None:
        return None
    return connection.ops.adapt_datetimefield_value(value.astimezone(UTC))


def _readable(message: Message) -> str:
    """Return the text of the body without making it pretty; "" for what is not text."""
    body, properties = message.body, message.properties
    is_encoded = bool(properties.content_encoding) or body[:2] == b"\x1f\x8b"
    is_encoded = is_encoded or decoders.of(_text(properties.content_type)) is not None
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
