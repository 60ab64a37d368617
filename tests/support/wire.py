"""AMQP 0-9-1 by hand: what goes over the wire, byte for byte, with no client library between.

Enough of the protocol to publish a message with any content header and to get one back. A field of a table is
(type, value) with the type of the wire (RabbitMQ's: t b B s u I i l f d D S x T V A F); a table is a list of
(name, field), so that nothing a client library might change is changed here. Names and strings are bytes.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

from mqadmin.rabbit.config import BrokerConfig

Field = tuple[str, Any]
Table = Sequence[tuple[bytes, Field]]

_NUMBERS = {"b": ">b", "B": ">B", "s": ">h", "u": ">H", "I": ">i", "i": ">I", "l": ">q", "f": ">f", "d": ">d"}
_PLAIN = {**_NUMBERS, "t": ">?", "T": ">Q", "D": ">BI"}

# In the order of their flags, from bit 15 down: name and type ("s" short string, "o" octet).
PROPERTIES = (
    ("content_type", "s"),
    ("content_encoding", "s"),
    ("headers", "F"),
    ("delivery_mode", "o"),
    ("priority", "o"),
    ("correlation_id", "s"),
    ("reply_to", "s"),
    ("expiration", "s"),
    ("message_id", "s"),
    ("timestamp", "T"),
    ("type", "s"),
    ("user_id", "s"),
    ("app_id", "s"),
    ("cluster_id", "s"),
)
_FRAME_MAX = 131_072


def field(value: Field) -> bytes:
    """Encode one field."""
    kind, content = value
    if kind in _PLAIN:
        content = content if isinstance(content, tuple) else (content,)
        return kind.encode() + struct.pack(_PLAIN[kind], *content)
    if kind == "V":
        return b"V"
    if kind == "F":
        return b"F" + table(content)
    encoded: bytes = b"".join(map(field, content)) if kind == "A" else content
    return kind.encode() + struct.pack(">I", len(encoded)) + encoded


def table(items: Table) -> bytes:
    """Encode a table with its length."""
    encoded = b"".join(_short(name) + field(value) for name, value in items)
    return struct.pack(">I", len(encoded)) + encoded


def _short(text: bytes) -> bytes:
    return struct.pack(">B", len(text)) + text


def properties(**values: Any) -> bytes:
    """Encode basic properties (flags and list); `headers` is a Table, strings are bytes."""
    flags, encoded = 0, b""
    for bit, (name, kind) in zip(range(15, -1, -1), PROPERTIES, strict=False):
        value = values.pop(name, None)
        if value is None:
            continue
        flags |= 1 << bit
        match kind:
            case "s":
                encoded += _short(value)
            case "o":
                encoded += struct.pack(">B", value)
            case "T":
                encoded += struct.pack(">Q", value)
            case _:
                encoded += table(value)
    assert not values, f"no basic properties: {values}"
    return struct.pack(">H", flags) + encoded


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        found = self.data[self.at : self.at + count]
        assert len(found) == count, "the data ends too early"
        self.at += count
        return found

    def unpack(self, form: str) -> Any:
        found = struct.unpack(form, self.take(struct.calcsize(form)))
        return found if len(found) > 1 else found[0]

    def short(self) -> bytes:
        return self.take(self.unpack(">B"))

    def long(self) -> bytes:
        return self.take(self.unpack(">I"))

    def field(self) -> Field:
        kind = self.take(1).decode()
        if kind in _PLAIN:
            return kind, self.unpack(_PLAIN[kind])
        if kind == "V":
            return kind, None
        content = self.long()
        inner = _Reader(content)
        if kind == "F":
            return kind, inner.items()
        if kind == "A":
            found = []
            while inner.at < len(content):
                found.append(inner.field())
            return kind, found
        assert kind in "Sx", f"no field of type {kind!r}"
        return kind, content

    def items(self) -> list[tuple[bytes, Field]]:
        found = []
        while self.at < len(self.data):
            found.append((self.short(), self.field()))
        return found


@dataclass(frozen=True)
class Raw:
    """A message as it was on the wire. `properties`: flags and list of the content header."""

    properties: bytes
    body: bytes

    def meaning(self) -> dict[str, Any]:
        """Return the properties with the meaning of their values: what no client may change.

        Header fields have their types; tables are dicts.
        """
        reader = _Reader(self.properties)
        flags = reader.unpack(">H")
        found: dict[str, Any] = {}
        for bit, (name, kind) in zip(range(15, -1, -1), PROPERTIES, strict=False):
            if not flags & (1 << bit):
                continue
            match kind:
                case "s":
                    found[name] = reader.short()
                case "o":
                    found[name] = reader.unpack(">B")
                case "T":
                    found[name] = reader.unpack(">Q")
                case _:
                    found[name] = meaning(("F", _Reader(reader.long()).items()))[1]
        assert reader.at == len(self.properties)
        return found

    def types(self) -> set[str]:
        """Return the types of all header fields, at any depth."""
        reader = _Reader(self.properties)
        flags = reader.unpack(">H")
        for bit in (15, 14):
            if flags & (1 << bit):
                reader.short()
        if not flags & (1 << 13):
            return set()
        return _types(("F", _Reader(reader.long()).items()))


def _types(value: Field) -> set[str]:
    kind, content = value
    inner = [item for _name, item in content] if kind == "F" else content if kind == "A" else []
    return {kind}.union(*map(_types, inner))


def meaning(value: Field) -> tuple[str, Any]:
    """Return a field as (type, value), comparable: tables are dicts."""
    kind, content = value
    if kind in "fd":
        return kind, repr(content)
    if kind == "F":
        return kind, {name: meaning(item) for name, item in content}
    if kind == "A":
        return kind, [meaning(item) for item in content]
    return kind, content


def connect(config: BrokerConfig, vhost: str) -> Wire:
    """Open a connection by hand."""
    parts = urlsplit(config.amqp_url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Wire(config.host, config.port, user, password, vhost)


class Wire:
    """One connection with one channel in confirm mode. Blocking, one thread; 20 s for an answer."""

    def __init__(self, host: str, port: int, user: str, password: str, vhost: str) -> None:
        self._socket = socket.create_connection((host, port), timeout=20)
        self._file = self._socket.makefile("rb")
        self._open(user, password, vhost)

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._socket.close()

    def publish(self, exchange: str, key: str, message: Raw) -> None:
        """Publish a message and wait for its confirm. Raises AssertionError when RabbitMQ does not take it."""
        start = struct.pack(">HHH", 60, 40, 0) + _short(exchange.encode()) + _short(key.encode()) + b"\0"
        header = struct.pack(">HHQ", 60, 0, len(message.body)) + message.properties
        most = _FRAME_MAX - 8
        pieces = [message.body[at : at + most] for at in range(0, len(message.body), most)]
        frames = [_frame(1, 1, start), _frame(2, 1, header), *(_frame(3, 1, piece) for piece in pieces)]
        self._socket.sendall(b"".join(frames))
        self._expect(60, 80)

    def get(self, queue: str) -> Raw | None:
        """Take one message, acked at once; None from an empty queue."""
        self._send(1, 60, 70, struct.pack(">H", 0) + _short(queue.encode()) + b"\1")
        method, _arguments = self._method()
        if method == (60, 72):
            return None
        assert method == (60, 71), f"RabbitMQ answered with {method}"
        _kind, header = self._read()
        size = struct.unpack_from(">Q", header, 4)[0]
        body = b""
        while len(body) < size:
            body += self._read()[1]
        return Raw(header[12:], body)

    def _open(self, user: str, password: str, vhost: str) -> None:
        self._socket.sendall(b"AMQP\0\0\x09\x01")
        self._expect(10, 10)
        response = f"\0{user}\0{password}".encode()
        answer = table([]) + _short(b"PLAIN") + struct.pack(">I", len(response)) + response + _short(b"en_US")
        self._send(0, 10, 11, answer)
        self._expect(10, 30)
        self._send(0, 10, 31, struct.pack(">HIH", 10, _FRAME_MAX, 0))  # no heartbeat: it lives for seconds
        self._send(0, 10, 40, _short(vhost.encode()) + b"\0\0")
        self._expect(10, 41)
        self._send(1, 20, 10, b"\0")
        self._expect(20, 11)
        self._send(1, 85, 10, b"\0")
        self._expect(85, 11)

    def _send(self, channel: int, class_id: int, method_id: int, arguments: bytes) -> None:
        self._socket.sendall(_frame(1, channel, struct.pack(">HH", class_id, method_id) + arguments))

    def _expect(self, class_id: int, method_id: int) -> bytes:
        method, arguments = self._method()
        assert method == (class_id, method_id), f"RabbitMQ answered with {method}: {arguments!r}"
        return arguments

    def _method(self) -> tuple[tuple[int, int], bytes]:
        kind, payload = self._read()
        assert kind == 1, f"a frame of type {kind}"
        class_id, method_id = struct.unpack_from(">HH", payload)
        return (class_id, method_id), payload[4:]

    def _read(self) -> tuple[int, bytes]:
        kind, _channel, size = struct.unpack(">BHI", self._file.read(7))
        payload = self._file.read(size)
        assert self._file.read(1) == b"\xce"
        return kind, payload


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"
