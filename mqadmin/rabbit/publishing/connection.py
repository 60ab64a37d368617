"""pika's SelectConnection with a shorter way for deliveries, publishes and confirms.

pika 1.4.4 builds an object for each frame, looks for callbacks of each, and copies the rest of its buffer after
each: four times what it takes to read a message in one step. A delivery that lies whole in the buffer, as nearly
all do, is read here so instead. Everything else goes pika's way, frame by frame: other methods, a body
of more than one frame, frames of others in between, and whatever does not look exactly as it should, so that
errors are pika's too. A confirm is read likewise, and a message is written in one piece instead of three frames'
objects. tests/rabbit/publishing/test_connection.py compares the two ways.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import pika
from pika import data, frame
from pika.adapters.select_connection import SelectConnection
from pika.spec import Basic

RECV_BYTES = 65_536  # at a time; pika's 4,096 are eight messages of 250 bytes
SEND_BYTES = 65_536  # at a time; pika calls the system for each message, and RabbitMQ wakes for each

_METHOD, _HEADER, _BODY, _HEARTBEAT = 1, 2, 3, 8
_FRAME_END = 0xCE
_OVERHEAD = 8  # bytes of a frame around its payload: 7 before, the end mark behind
_DELIVER = struct.pack(">I", Basic.Deliver.INDEX)
_ACK = struct.pack(">I", Basic.Ack.INDEX)
_ACK_BYTES = 21  # of the whole frame
_MOST_KNOWN = 1_000  # pairs of exchange and routing key that are remembered decoded
_LARGEST_KNOWN = 4_096  # bytes of a table that is remembered

_frame = struct.Struct(">BHI").unpack_from  # type, channel, size of the payload
_tag_and_flags = struct.Struct(">QB").unpack_from
_content = struct.Struct(
    ">BHIHHQH"
).unpack_from  # a header frame: also class, weight, body size, property flags
_CONTENT_BYTES = 21
_size = struct.Struct(">I").unpack_from
_timestamp = struct.Struct(">Q").unpack_from
_pack_frame = struct.Struct(">BHI").pack
_pack_content = struct.Struct(">BHIHxxQ").pack
_pack_flags = struct.Struct(">H").pack
_USER_ID = 1 << 4
_END = bytes([_FRAME_END])

_SHORT, _OCTET, _TIMESTAMP, _TABLE = range(4)
# In the order of their flags, from bit 15 down, and of the values.
_PROPERTIES = (
    ("content_type", _SHORT),
    ("content_encoding", _SHORT),
    ("headers", _TABLE),
    ("delivery_mode", _OCTET),
    ("priority", _OCTET),
    ("correlation_id", _SHORT),
    ("reply_to", _SHORT),
    ("expiration", _SHORT),
    ("message_id", _SHORT),
    ("timestamp", _TIMESTAMP),
    ("type", _SHORT),
    ("user_id", _SHORT),
    ("app_id", _SHORT),
    ("cluster_id", _SHORT),
)


class _Received(pika.BasicProperties):
    """Properties of which only those that are set are stored."""

    def __init__(self) -> None:
        pass


for _name, _kind in _PROPERTIES:
    setattr(_Received, _name, None)


_plans: dict[int, tuple[tuple[str, int], ...]] = {}  # by flags, of `received`


def received(
    buffer: bytes, at: int, end: int, flags: int, known: dict[bytes, dict[str, Any]] | None = None
) -> pika.BasicProperties | None:
    """Return the properties whose values lie in `at` to `end`; None for what is pika's to judge.

    `flags`: their first two bytes, which say what there is. `known`: tables by their bytes; the headers are taken
    out of it where they are there, and put into it.
    """
    plan = _plans.get(flags)
    if plan is None:
        if flags & 3:  # more flags follow, or one that does not exist
            return None
        plan = _plans[flags] = tuple(
            (name, kind) for bit, (name, kind) in enumerate(_PROPERTIES) if flags & 1 << (15 - bit)
        )
    properties = _Received()
    values = properties.__dict__
    try:
        for name, kind in plan:
            if kind == _SHORT:
                start = at + 1
                at = start + buffer[at]
                values[name] = str(buffer[start:at], "utf-8")
            elif kind == _OCTET:
                values[name] = buffer[at]
                at += 1
            elif kind == _TABLE:
                values[name], at = (
                    data.decode_table(buffer, at) if known is None else _remembered(buffer, at, known)
                )
            else:
                values[name] = _timestamp(buffer, at)[0]
                at += 8
    except Exception:  # pika says what is wrong with it
        return None
    return properties if at == end else None


def _remembered(buffer: bytes, at: int, known: dict[bytes, dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """Do what `data.decode_table` does, for tables of which many are alike."""
    end = at + 4 + _size(buffer, at)[0]
    raw = buffer[at:end]
    found = known.get(raw)
    if found is not None:
        return found, end
    decoded: tuple[Any, int] = data.decode_table(buffer, at)
    table, behind = decoded
    if behind == end and len(raw) <= _LARGEST_KNOWN:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[raw] = table
    return table, behind


class Unread(pika.BasicProperties):
    """Properties as they came, which are written again byte for byte; `read` says what they are."""

    def __init__(self, flags: int, values: bytes) -> None:
        self.flags = flags
        self.values = values

    def encode(self) -> list[bytes]:
        return [_pack_flags(self.flags), self.values]

    @property
    def is_signed(self) -> bool:
        """Whether `user_id` is set."""
        return bool(self.flags & _USER_ID)

    def read(self) -> pika.BasicProperties:
        """Return them decoded. Raises ValueError for what is no table of AMQP."""
        properties = received(self.values, 0, len(self.values), self.flags)
        if properties is None:
            raise ValueError("the properties cannot be read")
        return properties


def unread(buffer: bytes, at: int, end: int, flags: int) -> Unread | None:
    """Return the properties that lie in `at` to `end` as they are; see `received`."""
    return None if flags & 3 else Unread(flags, buffer[at:end])


def _produce_together(waiting: deque[bytes], produce: Callable[[], None]) -> None:
    """Have `produce` send what waits for the socket in pieces of about SEND_BYTES."""
    if len(waiting) > 1:
        pieces: list[bytes] = []
        part: list[bytes] = []
        size = 0
        for data in waiting:
            if part and size + len(data) > SEND_BYTES:
                pieces.append(b"".join(part))
                part, size = [], 0
            part.append(data)
            size += len(data)
        waiting.clear()
        waiting.extend([*pieces, b"".join(part)])
    produce()


class Connection(SelectConnection):
    """A drop-in for SelectConnection. I/O thread only, as that."""

    _read_properties: Callable[[bytes, int, int, int], pika.BasicProperties | None] = staticmethod(received)

    # What pika has, and its published types have not.
    bytes_received: int
    bytes_sent: int
    callbacks: Any
    frames_received: int
    frames_sent: int
    _adapter_emit_data: Callable[[bytes], None]
    _body_max_length: int
    _channels: dict[int, Any]
    _frame_buffer: bytes
    _process_frame: Callable[[Any], None]
    _transport: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Before pika's own, which may already begin to connect.
        self._routes: dict[bytes, tuple[str, str]] = {}
        self._tags: dict[bytes, str] = {}
        self._publishes: dict[tuple[int, str, str, bool], bytes] = {}
        super().__init__(*args, **kwargs)

    def _proto_connection_made(self, transport: Any) -> None:
        transport._MAX_RECV_BYTES = RECV_BYTES
        if not self.params.ssl_options:
            # Once a turn of the loop, which comes back at once for more: without the read that finds nothing.
            # Under TLS what is left may lie in the library, where the loop does not see it.
            transport._MAX_CONSUME_BYTES = 1
            # Not under TLS, where a write that was begun must be gone on with as it was.
            transport._produce = partial(_produce_together, transport._tx_buffers, transport._produce)
        super()._proto_connection_made(transport)  # type: ignore[misc]

    @property
    def unsent(self) -> int:
        """How many bytes wait for RabbitMQ to read on. Any thread."""
        transport = self._transport
        return 0 if transport is None else int(transport.get_write_buffer_size())

    def _on_data_available(self, data_in: bytes) -> None:
        """Take what was read from the socket: all whole frames in it and in what was left before."""
        buffer = self._frame_buffer + data_in if self._frame_buffer else data_in
        at = 0
        self._frame_buffer = b""
        try:
            while (end := self._next(buffer, at)) > at:
                at = end
        finally:
            self._frame_buffer = buffer[at:]

    def _next(self, buffer: bytes, at: int) -> int:
        """Process what begins at `at`, and return where the next begins; `at` itself while it is incomplete."""
        if len(buffer) - at < _OVERHEAD:
            return at
        kind, number, size = _frame(buffer, at)
        if kind == _METHOD and buffer.startswith(_DELIVER, at + 7):
            behind = self._delivery(buffer, at, number, at + _OVERHEAD + size)
            if behind is not None:
                return behind
        elif kind == _METHOD and buffer.startswith(_ACK, at + 7) and size == _ACK_BYTES - _OVERHEAD:
            behind = self._confirm(buffer, at, number)
            if behind is not None:
                return behind
        if kind in (_METHOD, _HEADER, _BODY, _HEARTBEAT):
            end = at + _OVERHEAD + size
            if end > len(buffer):
                return at
            consumed, value = frame.decode_frame(buffer[at:end])
        else:  # the broker speaks another version, or something else altogether
            consumed, value = frame.decode_frame(buffer[at:])
        if not value:
            return at
        self.bytes_received += consumed  # the heartbeat's checker looks at it
        self._process_frame(value)
        return at + int(consumed)

    def _delivery(self, buffer: bytes, at: int, number: int, header: int) -> int | None:
        """Hand over the delivery that begins at `at`, and return where the next frame begins.

        Returns `at` while it is incomplete, None for one that must go pika's way. `header`: where the frame
        after the method's begins.
        """
        length = len(buffer)
        if length >= header and buffer[header - 1] != _FRAME_END:
            return None
        if length < header + _CONTENT_BYTES + 1:
            return at if length <= header or buffer[header] == _HEADER else None
        kind, also, size, index, _weight, body_size, flags = _content(buffer, header)
        body: int = header + _OVERHEAD + size
        if kind != _HEADER or also != number or index != Basic.INDEX:
            return None
        if length < body:
            return at
        if buffer[body - 1] != _FRAME_END:
            return None
        end = body
        content = b""
        if body_size:
            if length < body + _OVERHEAD:
                return at if length <= body or buffer[body] == _BODY else None
            kind, also, size = _frame(buffer, body)
            end = body + _OVERHEAD + size
            if kind != _BODY or also != number or size != body_size:
                return None
            if length < end:
                return at
            if buffer[end - 1] != _FRAME_END:
                return None
            content = buffer[body + 7 : end - 1]
        channel = self._channels.get(number)
        method = self._method(buffer, at + 11, header - 1)
        if channel is None or method is None or method.consumer_tag in channel._cancelled:
            return None
        callback = channel._consumers.get(method.consumer_tag)
        properties = self._read_properties(buffer, header + _CONTENT_BYTES, body - 1, flags)
        partial = channel._content_assembler
        if callback is None or properties is None or partial._method_frame or partial._header_frame:
            return None
        self.bytes_received += end - at
        self.frames_received += 3 if body_size else 2
        callback(channel, method, properties, content)
        return end

    def _confirm(self, buffer: bytes, at: int, number: int) -> int | None:
        """Hand over the confirm at `at`; returns as `_delivery` does."""
        end = at + _ACK_BYTES
        if len(buffer) < end:
            return at
        wanted = self.callbacks._stack.get(str(number), {}).get("Basic.Ack", ())
        if len(wanted) != 1 or buffer[end - 1] != _FRAME_END:
            return None
        entry = wanted[0]
        if entry["one_shot"] or entry["only"] is not None or entry["arguments"] is not None:
            return None
        tag, bits = _tag_and_flags(buffer, at + 11)
        self.bytes_received += _ACK_BYTES
        self.frames_received += 1
        entry["callback"](frame.Method(number, Basic.Ack(tag, bool(bits & 1))))
        return end

    def _send_message(
        self, channel_number: int, method: Any, content: tuple[pika.BasicProperties, bytes]
    ) -> None:
        """Write a message: called by Channel.basic_publish. Raises what encoding raises, then nothing is sent."""
        properties, body = content
        published = self._published(channel_number, method)
        header = b"".join(properties.encode())
        pieces = [
            published,
            _pack_content(_HEADER, channel_number, 12 + len(header), properties.INDEX, len(body)),
            header,
            _END,
        ]
        most = self._body_max_length
        for start in range(0, len(body), most):
            part = body[start : start + most] if len(body) > most else body
            pieces += (_pack_frame(_BODY, channel_number, len(part)), part, _END)
        data = b"".join(pieces)
        self.bytes_sent += len(data)
        self.frames_sent += 2 + -(-len(body) // most)
        self._adapter_emit_data(data)

    def _published(self, channel_number: int, method: Any) -> bytes:
        """Return the method's frame: of few different ones, as a rule."""
        key = (channel_number, method.exchange, method.routing_key, method.mandatory)
        known = self._publishes.get(key)
        if known is None:
            payload = struct.pack(">I", method.INDEX) + b"".join(method.encode())
            known = _pack_frame(_METHOD, channel_number, len(payload)) + payload + _END
            if len(self._publishes) >= _MOST_KNOWN:
                self._publishes.clear()
            self._publishes[key] = known
        return known

    def _method(self, buffer: bytes, at: int, end: int) -> Basic.Deliver | None:
        """Return the method whose arguments lie in `at` to `end`, None for one that is pika's to judge."""
        behind = at + 1 + buffer[at]
        if behind + 11 > end:
            return None
        key = buffer[at + 1 : behind]
        name = buffer[behind + 9 : end]
        route = self._routes.get(name)
        tag = self._tags.get(key)
        if route is None or tag is None:
            exchange, offset = data.decode_short_string(name, 0)
            routing_key, offset = data.decode_short_string(name, offset)
            consumer_tag, _ = data.decode_short_string(buffer, at)
            if offset != len(name) or not all(
                isinstance(text, str) for text in (exchange, routing_key, consumer_tag)
            ):
                return None
            if len(self._routes) >= _MOST_KNOWN:  # routing keys may be as many as messages
                self._routes.clear()
                self._tags.clear()
            route = self._routes[name] = (str(exchange), str(routing_key))
            tag = self._tags[key] = str(consumer_tag)
        number, bits = _tag_and_flags(buffer, behind)
        return Basic.Deliver(tag, number, bool(bits & 1), route[0], route[1])


class PassingConnection(Connection):
    """For what passes messages on unread: most deliveries' properties are `Unread`."""

    _read_properties = staticmethod(unread)


class RememberingConnection(Connection):
    """For who reads many messages with the same headers, and changes none: they share one table."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._tables: dict[bytes, dict[str, Any]] = {}
        super().__init__(*args, **kwargs)

    def _read_properties(self, buffer: bytes, at: int, end: int, flags: int) -> pika.BasicProperties | None:
        return received(buffer, at, end, flags, self._tables)
