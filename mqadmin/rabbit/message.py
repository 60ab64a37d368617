"""One message: body, every basic property, headers; and their lossless way to JSON and back."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pika
from pika.exceptions import ShortStringTooLong
from pika.spec import Basic

from mqadmin.rabbit.codec import LongString, RawField, RawTimestamp
from mqadmin.rabbit.headers import COUNTS, DELIVERY_COUNT, ORIGINAL_DEATHS, X_DEATH
from mqadmin.rabbit.wire_numbers import (
    INT32,
    Float32,
    Int8,
    Int16,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    integer,
    single,
)

# All properties travel in one frame, whose payload RabbitMQ lets have 128 KiB (its and pika's `frame_max`);
# 12 bytes of it are taken. Over a larger one it closes the connection: 501, frame_too_large, tried on 3.10.8.
MAX_ENCODED = 131_072 - 12


class TooLarge(ValueError):
    """Properties and headers that no frame holds."""


class _Bounded(pika.BasicProperties):
    def encode(self) -> list[bytes]:
        # Either would close the channel, and with it the batch of everybody else's messages: tried on 3.10.8.
        if self.delivery_mode not in (None, 1, 2):
            raise ValueError(f"RabbitMQ has no delivery mode {self.delivery_mode}")
        if self.reply_to == "amq.rabbitmq.reply-to":
            raise ValueError("only who waits for the answer can publish with reply_to amq.rabbitmq.reply-to")
        pieces: list[bytes] = super().encode()
        size = sum(map(len, pieces))
        if size > MAX_ENCODED:
            raise TooLarge(f"its headers take {size} bytes, and RabbitMQ takes {MAX_ENCODED} at most")
        return pieces


@dataclass(frozen=True)
class Properties:
    """The basic properties of AMQP 0-9-1; None = not set. `timestamp` is seconds since 1970.

    `delivery_mode` 2 is persistent. `expiration` is milliseconds, as text. `headers` holds what AMQP tables
    hold: bool, int, float, Decimal, str, bytes, aware datetime, None, dict, list; and the numbers of
    `rabbit.wire_numbers`.
    """

    content_type: str | None = None
    content_encoding: str | None = None
    headers: dict[str, Any] | None = None
    delivery_mode: int | None = None
    priority: int | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    expiration: str | None = None
    message_id: str | None = None
    timestamp: int | None = None
    type: str | None = None
    user_id: str | None = None
    app_id: str | None = None
    cluster_id: str | None = None

    @classmethod
    def from_pika(cls, properties: pika.BasicProperties) -> Properties:
        return cls(**{name: getattr(properties, name) for name in _NAMES})

    def to_pika(self) -> pika.BasicProperties:
        """Return them for publishing. Encoding them, as publishing does first, raises TooLarge."""
        properties = _Bounded()
        for name in _NAMES:
            setattr(properties, name, getattr(self, name))
        return properties

    def check(self) -> None:
        """Raise ValueError for what AMQP cannot hold, with the name of the property or header to blame."""
        for name in _NAMES:
            if isinstance(getattr(self, name), bool):  # which pika would send as 1 or 0
                raise ValueError(f"{name}: true and false are no value of it")
        try:
            self.to_pika().encode()
        except TooLarge:
            raise
        except Exception as error:  # struct.error, AssertionError and pika's own, all for a wrong value
            raise ValueError(f"{self._blamed()}: {_why_not(error)}") from error

    def _blamed(self) -> str:
        """Return the name of the first part that cannot be encoded alone."""
        parts = {name: {name: getattr(self, name)} for name in _NAMES if name != "headers"}
        parts |= {
            f"header {str(name)[:60]}": {"headers": {name: value}}
            for name, value in (self.headers or {}).items()
        }
        for name, values in parts.items():
            try:
                Properties(**values).to_pika().encode()
            except Exception:
                return name
        return "headers"

    def fits(self, room: int = 0) -> bool:
        """Whether a frame holds them and `room` more bytes. Raises what encoding raises for a foreign value."""
        try:
            pieces: list[bytes] = self.to_pika().encode()
        except TooLarge:
            return False
        return sum(map(len, pieces)) + room <= MAX_ENCODED

    def to_json(self) -> dict[str, Any]:
        """Return the properties that are set, as `to_json` writes values."""
        return {name: to_json(value) for name in _NAMES if (value := getattr(self, name)) is not None}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Properties:
        """Undo `to_json`. Raises ValueError for a name that is no basic property."""
        unknown = set(value) - set(_NAMES)
        if unknown:
            raise ValueError(f"no basic property: {', '.join(sorted(unknown))}")
        return cls(**{name: from_json(item) for name, item in value.items()})


_NAMES = tuple(item.name for item in fields(Properties))


def _why_not(error: Exception) -> str:
    if isinstance(error, ShortStringTooLong):
        return "AMQP takes at most 255 bytes here"
    return str(error).split(" for self.")[0] or "AMQP cannot hold this value"


@dataclass(frozen=True)
class Message:
    """A message as a consumer or a peek receives it. `delivery_tag` is None outside a channel."""

    body: bytes
    properties: Properties
    exchange: str
    routing_key: str
    redelivered: bool = False
    delivery_tag: int | None = None

    @classmethod
    def from_pika(
        cls,
        method: Basic.Deliver | Basic.GetOk,
        properties: pika.BasicProperties,
        body: bytes,
    ) -> Message:
        return cls(
            body=body,
            properties=Properties.from_pika(properties),
            exchange=method.exchange or "",
            routing_key=method.routing_key or "",
            redelivered=bool(method.redelivered),
            delivery_tag=method.delivery_tag,
        )

    @property
    def headers(self) -> dict[str, Any]:
        return self.properties.headers or {}


# A value that JSON has no type for becomes an object with exactly one of these keys. A table of the user's
# with exactly one such key is wrapped itself, so the two cannot be confused.
_BYTES, _LONGSTR, _DECIMAL, _TIME, _RAW_TIME, _FLOAT, IN_PAIRS, _RAW, _FLOAT32 = (
    "$bytes",
    "$longstr",
    "$decimal",
    "$time",
    "$rawtime",
    "$float",
    "$table",
    "$raw",
    "$float32",
)
_INTEGERS: dict[str, type[int]] = {
    "$int8": Int8,
    "$uint8": UInt8,
    "$int16": Int16,
    "$uint16": UInt16,
    "$int32": int,
    "$uint32": UInt32,
    "$int64": Int64,
}
TYPED_NUMBERS = frozenset((*_INTEGERS, _FLOAT32)) - {"$int32"}
_TAG_OF = {of: tag for tag, of in _INTEGERS.items() if of is not int}
_TAGS = frozenset(
    (_BYTES, _LONGSTR, _DECIMAL, _TIME, _RAW_TIME, _FLOAT, IN_PAIRS, _RAW, _FLOAT32, *_INTEGERS)
)
# RabbitMQ writes these counts as `l`, however small: a plain one is that, and `I` is what is wrapped. The second is
# one of each table in these arrays.
_COUNT, _COUNT_OF_DEATHS = DELIVERY_COUNT, "count"
_DEATHS = frozenset((X_DEATH, ORIGINAL_DEATHS))


def to_json(value: Any) -> Any:
    """Return an AMQP field value as something `json.dumps(allow_nan=False)` takes and `from_json` undoes.

    Keeps every type and the nesting. Wrapped are: bytes {"$bytes": base64}, a string that is not UTF-8 {"$longstr":
    base64}, what is nested too deeply {"$raw": base64}, Decimal {"$decimal": text}, datetime {"$time": ISO 8601
    UTC}, a time past year 9999 {"$rawtime": seconds}, a float that JSON would change {"$float": text}, a number
    that is not of a plain one's type {"$int64": 1}, {"$float32": 0.5} and so on (see `rabbit.wire_numbers`), a
    table with keys that are not text, or that looks like one of these {"$table": [[key, value], ...]}. Raises
    ValueError for a type that AMQP does not have.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is dict:
        return _table_to_json(value)
    tag = _TAG_OF.get(kind)
    return _other_to_json(value) if tag is None else {tag: int(value)}


def _other_to_json(value: Any) -> Any:
    match value:
        case RawField():
            return {_RAW: base64.b64encode(value).decode()}
        case LongString():
            return {_LONGSTR: base64.b64encode(value).decode()}
        case bytes() | bytearray():
            return {_BYTES: base64.b64encode(value).decode()}
        case RawTimestamp():
            return {_RAW_TIME: int(value)}
        case int():
            return int(value)
        case str():
            return value
        case Float32():
            return {_FLOAT32: _number(value)}
        case float():
            # A whole float is written "1.0", but other JSON readers (and jsonb) make an integer of it.
            plain = math.isfinite(value) and not value.is_integer()
            return value if plain else {_FLOAT: repr(value)}
        case Decimal():
            return {_DECIMAL: str(value)}
        case datetime():
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            return {_TIME: moment.astimezone(UTC).isoformat()}
        case dict():
            return _table_to_json(value)
        case list() | tuple():
            return [to_json(item) for item in value]
        case _:
            raise ValueError(f"AMQP has no type for {type(value).__name__}")


def _number(value: float) -> float | str:
    """Return it as a number where JSON, and jsonb, have it."""
    is_plain = math.isfinite(value) and (value != 0 or math.copysign(1, value) > 0)
    return float(value) if is_plain else float.__repr__(value)


def _table_to_json(table: dict[Any, Any], count: str = _COUNT) -> Any:
    looks_tagged = len(table) == 1 and next(iter(table)) in _TAGS
    if looks_tagged or not all(isinstance(key, str) for key in table):
        return {IN_PAIRS: [[to_json(key), to_json(item)] for key, item in table.items()]}
    return {
        key: _count_to_json(item)
        if key == count
        else _deaths_to_json(item)
        if key in _DEATHS
        else to_json(item)
        for key, item in table.items()
    }


def _count_to_json(value: Any) -> Any:
    if type(value) is Int64:
        return int(value)
    return {"$int32": value} if type(value) is int and value in INT32 else to_json(value)


def _deaths_to_json(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return to_json(value)
    return [
        _table_to_json(item, _COUNT_OF_DEATHS) if isinstance(item, dict) else to_json(item) for item in value
    ]


def from_json(value: Any) -> Any:
    """Undo `to_json`. Raises ValueError for a wrapper whose content is not what its key says."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    return _table_from_json(value) if isinstance(value, dict) else value


def _table_from_json(value: dict[str, Any], count: str = _COUNT) -> Any:
    if len(value) == 1:
        tag, content = next(iter(value.items()))
        if tag in _TAGS:
            try:
                return _untag(tag, content)
            except (TypeError, ValueError, ArithmeticError) as error:
                raise ValueError(f"not a valid {tag} value: {content!r}") from error
    return {
        key: _count_from_json(item)
        if key == count
        else _deaths_from_json(item)
        if key in _DEATHS
        else from_json(item)
        for key, item in value.items()
    }


def _count_from_json(value: Any) -> Any:
    return Int64(value) if type(value) is int and value in INT32 else from_json(value)


def _deaths_from_json(value: Any) -> Any:
    if not isinstance(value, list):
        return from_json(value)
    return [
        _table_from_json(item, _COUNT_OF_DEATHS) if isinstance(item, dict) else from_json(item)
        for item in value
    ]


def _untag(tag: str, content: Any) -> Any:
    match tag:
        case "$bytes":
            return base64.b64decode(content, validate=True)
        case "$raw":
            return RawField(base64.b64decode(content, validate=True))
        case "$longstr":
            return LongString(base64.b64decode(content, validate=True))
        case "$decimal":
            return Decimal(content)
        case "$time":
            return datetime.fromisoformat(content)
        case "$rawtime":
            return RawTimestamp(content)
        case "$float":
            return float(content)
        case "$float32":
            return single(content)
        case "$table":
            return {from_json(key): from_json(item) for key, item in content}
        case _:
            return integer(_INTEGERS[tag], content)


def fingerprint(message: Message, queue: str, *, described: dict[str, Any] | None = None) -> str:
    """Return a hex digest (32 characters) that a redelivery of the same message has again.

    Covers queue, exchange, routing key, properties, headers and body. Leaves out the redelivered flag and
    what a quorum queue counts with each return. `described` is the properties' `to_json`,
    for a caller who has it already.
    """
    described = dict(message.properties.to_json() if described is None else described)
    if not COUNTS.isdisjoint(message.headers):
        headers = {key: item for key, item in message.headers.items() if key not in COUNTS}
        described["headers"] = to_json(headers)
    described.setdefault("headers", {})
    frame = json.dumps(
        [queue, message.exchange, message.routing_key, described],
        sort_keys=True,
        ensure_ascii=True,
    )
    digest = hashlib.blake2b(digest_size=16)
    digest.update(len(frame).to_bytes(8, "big"))
    digest.update(frame.encode())
    digest.update(message.body)
    return digest.hexdigest()
