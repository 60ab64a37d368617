"""The short way of deliveries against pika's own: the same streams, cut anywhere, go through both."""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pika import BasicProperties, ConnectionParameters, exceptions, frame, spec
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.adapters.utils.io_services_utils import _AsyncPlaintextTransport
from pika.channel import Channel

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing import connection as short
from mqadmin.rabbit.publishing.connection import Connection, RememberingConnection
from tests.support.length import examples

PROPERTIES = (
    "content_type",
    "content_encoding",
    "headers",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "timestamp",
    "type",
    "user_id",
    "app_id",
    "cluster_id",
)
TAGS = {1: "consumer", 2: "é"}

texts = st.text(max_size=20)
tables = st.dictionaries(texts, st.one_of(st.integers(-(2**63), 2**63 - 1), texts, st.booleans()), max_size=3)
properties = st.builds(
    BasicProperties,
    **{
        name: st.none() | texts
        for name in PROPERTIES
        if name not in ("headers", "delivery_mode", "priority", "timestamp")
    },
    headers=st.none() | tables,
    delivery_mode=st.none() | st.integers(0, 255),
    priority=st.none() | st.integers(0, 255),
    timestamp=st.none() | st.integers(0, 2**64 - 1),
)
bodies = st.binary(max_size=40)
KINDS = st.sampled_from([Connection, RememberingConnection])


def deliver(channel: int = 1, tag: str | None = None, number: int = 7, routing_key: str = "key") -> bytes:
    method = spec.Basic.Deliver(
        tag or TAGS.get(channel, "nobody"), number, number % 2 == 1, "ex", routing_key
    )
    return frame.Method(channel, method).marshal()


def content(body: bytes, given: BasicProperties | None = None, channel: int = 1, pieces: int = 1) -> bytes:
    found = [frame.Header(channel, len(body), given or BasicProperties()).marshal()]
    step = -(-len(body) // pieces) or 1
    found += [frame.Body(channel, body[at : at + step]).marshal() for at in range(0, len(body), step)]
    return b"".join(found)


@st.composite
def messages(draw: Any) -> bytes:
    """A delivery on a channel that consumes or does not, in one body frame or several, with frames between."""
    channel = draw(st.sampled_from([1, 1, 1, 2, 3]))
    tag = draw(st.sampled_from([None, None, None, "cancelled", "unknown"]))
    method = deliver(channel, tag, draw(st.integers(0, 2**64 - 1)), draw(texts))
    between: bytes = draw(st.sampled_from([b"", b"", b"", frame.Heartbeat().marshal()]))
    rest: bytes = content(draw(bodies), draw(properties), channel, draw(st.integers(1, 3)))
    behind: bytes = draw(st.sampled_from([b"", frame.Heartbeat().marshal()]))
    return method + between + rest + behind


acks = st.builds(
    lambda channel, method: bytes(frame.Method(channel, method).marshal()),
    st.sampled_from([1, 2, 3, 4]),
    st.builds(spec.Basic.Ack, st.integers(0, 2**64 - 1), st.booleans())
    | st.builds(spec.Basic.Nack, st.integers(0, 2**64 - 1), st.booleans()),
)


class Heard:
    """What one kind of connection makes of a stream: deliveries, counters, and the error that ends it."""

    def __init__(self, kind: type[SelectConnection]) -> None:
        self.found: list[Any] = []
        self.messages: list[Any] = []  # the same without the counters
        parameters = ConnectionParameters()
        # Any: pika's published types leave out what is not for everybody.
        self.connection = cast(
            Any, kind(parameters, custom_ioloop=IOLoop(), internal_connection_workflow=False)
        )
        for number, tag in TAGS.items():
            channel: Any = Channel(self.connection, number, lambda _channel: None)
            channel._consumers = {tag: self._note, "cancelled": self._note}
            channel._cancelled = {"cancelled"}
            self.connection._channels[number] = channel
        for number in (1, 4):  # 4: confirms are heard once; 2: by nobody; 3: no channel at all
            for kind_ in (spec.Basic.Ack, spec.Basic.Nack):
                self.connection.callbacks.add(number, kind_, self._settled, number == 4)

    def _settled(self, given: Any) -> None:
        method = given.method
        self.found.append((given.channel_number, type(method), method.delivery_tag, method.multiple))

    def _note(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        values = {name: getattr(properties, name) for name in PROPERTIES}
        self.found.append((int(channel), method.__dict__, values, body))

    def hear(self, stream: bytes, cuts: list[int]) -> Heard:
        edges = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
        for start, end in itertools.pairwise(edges):
            try:
                self.connection._on_data_available(stream[start:end])
            except Exception as error:
                self.found.append(type(error))
                self.messages = list(self.found)
                return self
        counted = self.connection
        self.messages = list(self.found)
        self.found.append((counted.bytes_received, counted.frames_received, len(counted._frame_buffer)))
        return self


@settings(max_examples=examples(300))
@given(KINDS, st.lists(messages() | acks, max_size=6), st.lists(st.integers(0, 10_000), max_size=12))
def test_deliveries_and_confirms_arrive_as_pika_would_deliver_them(
    kind: type[Connection], parts: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(parts) * 2  # one kind remembers
    assert Heard(kind).hear(stream, cuts).found == Heard(SelectConnection).hear(stream, cuts).found


@settings(max_examples=examples(300))
@example(
    Connection, deliver() + content(b""), [(len(deliver()) + 7, 1)], []
)  # of a class that does not exist
@given(
    KINDS,
    messages() | acks,
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=2),
    st.lists(st.integers(0, 10_000), max_size=4),
)
def test_broken_bytes_are_judged_by_pika(
    kind: type[Connection], message: bytes, changes: list[tuple[int, int]], cuts: list[int]
) -> None:
    """A frame that says it is longer than it is keeps both waiting, ours perhaps a frame earlier."""
    broken = bytearray(message)
    for at, value in changes:
        broken[at % len(message)] = value
    stream = bytes(broken) + deliver() + content(b"next")
    ours, theirs = Heard(kind).hear(stream, cuts), Heard(SelectConnection).hear(stream, cuts)
    assert ours.messages == theirs.messages[: len(ours.messages)]
    assert len(ours.messages) == len(theirs.messages) or ours.connection._frame_buffer


def test_whole_deliveries_go_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the tests above compare pika with itself."""

    def refuse(_data: bytes) -> None:
        raise AssertionError("pika's way")

    monkeypatch.setattr(frame, "decode_frame", refuse)
    stream = (
        deliver()
        + content(b"body", BasicProperties(headers={"a": 1}, timestamp=5))
        + deliver()
        + content(b"")
    )
    found = Heard(Connection).hear(stream, [20, 60]).found
    assert [item[3] for item in found[:2]] == [b"body", b""]


class Written:
    """What one kind of connection writes for publishes, and its counters or the error."""

    def __init__(self, kind: type[SelectConnection]) -> None:
        parameters = ConnectionParameters()
        connection = cast(Any, kind(parameters, custom_ioloop=IOLoop(), internal_connection_workflow=False))
        self.found: list[Any] = []
        written: list[bytes] = []
        connection._adapter_emit_data = written.append
        connection._body_max_length = 10
        channel: Any = Channel(connection, 1, lambda _channel: None)
        channel._state = Channel.OPEN
        self._channel, self._connection, self._written = channel, connection, written

    def publish(self, exchange: str, key: str, body: bytes, given: BasicProperties, mandatory: bool) -> None:
        try:
            self._channel.basic_publish(exchange, key, body, given, mandatory=mandatory)
        except Exception as error:
            self.found.append(type(error))
        self.found.append(
            (b"".join(self._written), self._connection.bytes_sent, self._connection.frames_sent)
        )


keys = st.sampled_from(["", "key", "é", "k" * 255, "k" * 256])


@settings(max_examples=examples(200))
@given(
    st.lists(
        st.tuples(
            keys,
            keys,
            st.binary(max_size=35),
            properties | st.just(BasicProperties(headers={"a": object()})),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_messages_are_written_as_pika_would_write_them(
    messages: list[tuple[str, str, bytes, BasicProperties, bool]],
) -> None:
    ours, theirs = Written(Connection), Written(SelectConnection)
    for message in messages:
        ours.publish(*message)
        theirs.publish(*message)
    assert ours.found == theirs.found


def test_routing_keys_without_end_do_not_fill_the_memory() -> None:
    heard = Heard(Connection)
    for number in range(3 * short._MOST_KNOWN):
        heard.hear(deliver(number=number, routing_key=f"key-{number}") + content(b""), [])
    assert len(heard.connection._routes) <= short._MOST_KNOWN
    keys = [item[1]["routing_key"] for item in heard.found if len(item) == 4]
    assert keys == [f"key-{number}" for number in range(3 * short._MOST_KNOWN)]


def test_headers_that_are_alike_are_read_once_and_no_memory_without_end_is_kept() -> None:
    heard = Heard(RememberingConnection)
    tables: list[Any] = []
    heard._note = lambda *given: tables.append(given[2].headers)  # type: ignore[method-assign]
    heard.connection._channels[1]._consumers["consumer"] = heard._note
    for number in (1, 2, 1):
        heard.hear(deliver() + content(b"", BasicProperties(headers={"a": number, "b": [1.5]})), [])
    assert tables == [{"a": number, "b": [1.5]} for number in (1, 2, 1)]
    assert tables[0] is tables[2]
    for number in range(3 * short._MOST_KNOWN):
        heard.hear(deliver() + content(b"", BasicProperties(headers={"n": number})), [])
    heard.hear(deliver() + content(b"", BasicProperties(headers={"large": "x" * 5_000})), [])
    assert len(heard.connection._tables) <= short._MOST_KNOWN
    assert max(map(len, heard.connection._tables)) <= short._LARGEST_KNOWN


def test_a_wrong_end_mark_is_an_error() -> None:
    stream = bytearray(deliver() + content(b"body"))
    stream[-1] = 0
    assert Heard(Connection).hear(bytes(stream), []).found == [exceptions.InvalidFrameError]


def test_properties_that_do_not_fill_their_frame_are_left_to_pika() -> None:
    encoded = b"".join(BasicProperties(content_type="a", type="b").encode())
    flags = struct.unpack(">H", encoded[:2])[0]
    assert short.received(encoded, 2, len(encoded), flags) is not None
    assert short.received(encoded + b"x", 2, len(encoded) + 1, flags) is None
    assert short.received(encoded, 2, len(encoded), flags | 1) is None


@given(properties)
def test_what_is_passed_on_unread_is_written_as_it_came(sent: BasicProperties) -> None:
    encoded = b"".join(sent.encode())
    flags = struct.unpack(">H", encoded[:2])[0]
    passed = short.unread(b"before" + encoded[2:] + b"behind", 6, 6 + len(encoded) - 2, flags)
    assert passed is not None
    assert b"".join(passed.encode()) == encoded
    assert Properties.from_pika(passed.read()) == Properties.from_pika(sent)
    assert passed.is_signed == (sent.user_id is not None)
    assert short.unread(encoded, 2, len(encoded), flags | 1) is None
    with pytest.raises(ValueError, match="cannot be read"):
        short.Unread(flags, encoded[2:] + b"x").read()


def carried(
    config: BrokerConfig, vhost: str, bodies: list[bytes], begun: Callable[[], object] = lambda: None
) -> list[bytes]:
    """Publish bodies to a queue within one turn of the loop, after `begun`, and return what came of them."""
    found: list[bytes] = []
    loop = IOLoop()

    def take(channel: Channel, _method: object, _properties: object, body: bytes) -> None:
        found.append(body)
        if len(found) == len(bodies):
            channel.connection.close()

    def begin(channel: Channel) -> None:
        channel.queue_declare("q", exclusive=True)
        channel.basic_consume("q", take, auto_ack=True)
        begun()
        for body in bodies:
            channel.basic_publish("", "q", body, BasicProperties(message_id=str(len(body))))

    Connection(
        config.connection_parameters(vhost),
        on_open_callback=lambda connection: connection.channel(on_open_callback=begin),
        on_open_error_callback=lambda _connection, _error: loop.stop(),
        on_close_callback=lambda _connection, _error: loop.stop(),
        custom_ioloop=loop,
    )
    loop.call_later(60, loop.stop)
    loop.start()
    return found


@pytest.mark.broker
def test_bodies_of_every_size_arrive_whole(broker_config: BrokerConfig, vhost: str) -> None:
    """Of one frame, of exactly one, of several; read from a real socket."""
    wanted = [os.urandom(size) for size in (0, 1, 131_063, 131_064, 131_065, 300_000, 5, 2_000_000, 7)]
    found = carried(broker_config, vhost, wanted)
    assert [len(body) for body in found] == [len(body) for body in wanted]
    assert found == wanted


@pytest.mark.broker
def test_what_is_written_in_one_turn_is_sent_together(
    broker_config: BrokerConfig, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of the system for one message would wake RabbitMQ for that one."""
    wanted = [str(number).encode() * 100 for number in range(1_000)]
    sent: list[int] = []
    plainly = _AsyncPlaintextTransport._sigint_safe_send

    def send(sock: object, data: bytes) -> int:
        sent.append(len(data))
        return int(plainly(sock, data))

    def listen() -> None:
        monkeypatch.setattr(_AsyncPlaintextTransport, "_sigint_safe_send", staticmethod(send))

    assert carried(broker_config, vhost, wanted, listen) == wanted
    assert max(sent) <= short.SEND_BYTES
    assert len(sent) < 50  # the socket may take a piece in part, then the rest of it goes alone
