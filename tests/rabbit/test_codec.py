"""Headers go through a real broker and come back with value, type and nesting unchanged."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pika.adapters.blocking_connection import BlockingChannel
from pika.compat import long

from mqadmin.rabbit import amqp
from mqadmin.rabbit.codec import LongString, RawField, RawTimestamp, decode_value, encode_value
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.message import Message, Properties, from_json, to_json
from mqadmin.rabbit.reading.jsontext import same
from mqadmin.rabbit.wire_numbers import INTEGERS, Float32, Int8, Int64
from tests.support import wire
from tests.support.length import examples
from tests.support.wire import Field
from tests.support.wire_values import EVERYWHERE, FIELDS

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NOT_UTF8 = st.binary(max_size=10).map(lambda tail: LongString(b"\xff" + tail))
TIMES = st.integers(0, 253402300799).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
LATE = st.integers(253402300800, 2**63).map(RawTimestamp)
DECIMALS = st.builds(
    lambda number, places: Decimal(number).scaleb(-places),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 20),
)
TYPED = st.one_of(
    *(st.integers(kind.bounds[0], kind.bounds[-1]).map(kind) for kind in INTEGERS if kind is not Int64),
    st.integers(-(2**31), 2**31 - 1).map(Int64),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(Float32),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    INT64,
    TYPED,
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.binary(max_size=20),
    NOT_UTF8,
    TIMES,
    LATE,
    DECIMALS,
)
KEYS = st.one_of(
    TEXT,
    st.sampled_from(
        ["$bytes", "$table", "$time", "$int64", "$int32", "x-death", "x-delivery-count", "count", "$float32"]
    ),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=5)


def shape(value: Any) -> Any:
    """Describe a value with its types, so that 1, 1.0 and True differ."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, bool | float | Decimal):
        return type(value).__name__, repr(value)
    return type(value).__name__, value


@pytest.fixture
def channel(broker_config: BrokerConfig, vhost: str) -> Iterator[BlockingChannel]:
    with amqp.channel(broker_config, vhost) as opened:
        opened.queue_declare("q")
        yield opened


def round_trip(channel: BlockingChannel, properties: Properties, body: bytes = b"") -> Message:
    channel.basic_publish("", "q", body, properties.to_pika())
    method, received, content = channel.basic_get("q", auto_ack=True)
    assert method is not None
    assert received is not None
    return Message.from_pika(method, received, content or b"")


@pytest.mark.broker
@settings(
    max_examples=examples(150),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(headers=TABLES)
def test_headers_survive_the_broker_and_json(channel: BlockingChannel, headers: dict[str, Any]) -> None:
    once = round_trip(channel, Properties(headers=headers))
    assert shape(once.properties.headers) == shape(headers)
    stored = json.loads(json.dumps(once.properties.to_json(), allow_nan=False))
    twice = round_trip(channel, Properties.from_json(stored))
    assert shape(twice.properties.headers) == shape(headers)


@pytest.mark.broker
@pytest.mark.parametrize("levels", [101, 5_000])
@pytest.mark.parametrize("kind", [b"A", b"F"])
def test_what_is_nested_too_deeply_is_kept_as_it_was(
    channel: BlockingChannel, levels: int, kind: bytes
) -> None:
    name = b"" if kind == b"A" else b"\0"
    value = b"V"
    for _ in range(levels):
        value = kind + struct.pack(">I", len(name + value)) + name + value
    once = round_trip(channel, Properties(headers={"deep": RawField(value), "after": 1}))
    assert once.headers["after"] == 1
    stored = json.loads(json.dumps(once.properties.to_json(), allow_nan=False))
    again = Properties.from_json(stored)
    assert again == once.properties
    pieces: list[bytes] = []
    encode_value(pieces, again.headers["deep"] if again.headers else None)
    assert b"".join(pieces) == value


@pytest.mark.broker
def test_every_basic_property_survives(channel: BlockingChannel, broker_config: BrokerConfig) -> None:
    properties = Properties(
        content_type="application/json",
        content_encoding="gzip",
        headers={"ratio": 0.5},
        delivery_mode=2,
        priority=7,
        correlation_id="c",
        reply_to="r",
        expiration="60000",
        message_id="m",
        timestamp=1_700_000_000,
        type="order.created",
        user_id=broker_config.username,
        app_id="shop",
        cluster_id="x",
    )
    assert round_trip(channel, properties, b"\x00\xff").properties == properties
    assert Properties.from_json(json.loads(json.dumps(properties.to_json()))) == properties


@pytest.mark.broker
def test_a_message_without_properties_gets_none(channel: BlockingChannel) -> None:
    assert round_trip(channel, Properties()).properties == Properties()


@pytest.mark.parametrize(
    "value",
    [
        2**63,
        -(2**63) - 1,
        Decimal("NaN"),
        float("inf"),
        float("nan"),
        Decimal(2**31),
        datetime(1969, 1, 1, tzinfo=UTC),
    ],
)
def test_what_amqp_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="AMQP"):
        encode_value([], value)


@given(value=st.one_of(VALUES, st.floats(), st.dictionaries(st.binary(max_size=3), LEAVES, max_size=2)))
def test_json_keeps_type_and_value(value: Any) -> None:
    text = json.dumps(to_json(value), allow_nan=False)
    assert shape(from_json(json.loads(text))) == shape(value)


@pytest.mark.parametrize(
    "value",
    [
        {"$bytes": 1},
        {"$time": "soon"},
        {"$table": [1]},
        {"$decimal": "x"},
        {"$float": None},
        {"$raw": 1},
        {"$int8": 128},
        {"$uint32": -1},
        {"$int64": 2**63},
        {"$int64": True},
        {"$int32": 2**31},
        {"$int16": 1.0},
        {"$int16": "1"},
        {"$float32": 1e39},
        {"$float32": "half"},
    ],
)
def test_a_wrong_wrapper_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        from_json(value)


def test_an_unknown_property_is_refused() -> None:
    with pytest.raises(ValueError, match="no basic property: colour"):
        Properties.from_json({"colour": "red"})


def encoded(value: Any) -> bytes:
    pieces: list[bytes] = []
    assert encode_value(pieces, value) == len(b"".join(pieces))
    return b"".join(pieces)


@given(field=FIELDS)
@example(field=("F", EVERYWHERE))
def test_what_is_read_is_written_byte_for_byte_also_after_it_was_stored(field: Field) -> None:
    raw = wire.field(field)
    value, end = decode_value(raw, 0)
    assert end == len(raw)
    assert encoded(value) == raw
    stored = json.loads(json.dumps(to_json(value), allow_nan=False))
    assert encoded(from_json(stored)) == raw


def test_a_plain_number_is_written_as_ever() -> None:
    numbers = [5, -(2**31), 2**31, -(2**63), 0.5, True, long(5)]
    assert b"".join(encoded(number)[:1] for number in numbers) == b"IIlldtl"


def test_to_a_handler_a_number_of_any_type_is_a_plain_one() -> None:
    table = [(b"n", ("l", 5)), (b"f", ("f", 0.5)), (b"large", ("l", 2**40)), (b"plain", ("I", 7))]
    found = decode_value(wire.field(("F", table)), 0)[0]
    assert found == {"n": 5, "f": 0.5, "large": 2**40, "plain": 7}
    assert json.dumps(found) == '{"n": 5, "f": 0.5, "large": 1099511627776, "plain": 7}'
    assert f"{found['n']} {found['n']!r} {found['f']}" == "5 5 0.5"
    assert [type(found["n"] + 1), type(found["f"] * 2)] == [int, float]
    assert [type(found["large"]), type(found["plain"])] == [int, int]
    assert {5: "five"}[found["n"]] == "five"
    assert [type(value) for value in copy.deepcopy(found).values()] == [Int64, Float32, int, int]


def test_what_was_stored_before_types_were_kept_is_still_read() -> None:
    stored = {"n": 5, "f": 0.5, "x-delivery-count": 2, "x-death": [{"queue": "q", "count": 1}, "odd"]}
    found = from_json(stored)
    assert to_json(found) == stored
    assert [type(found[name]) for name in ("n", "f")] == [int, float]
    # As RabbitMQ had written them.
    assert [type(value) for value in (found["x-delivery-count"], found["x-death"][0]["count"])] == [Int64] * 2


def test_a_count_of_another_type_than_rabbitmqs_keeps_it() -> None:
    forged = {"x-delivery-count": 2, "x-death": [{"count": Int8(1)}, {"count": 2**40}], "count": Int64(3)}
    assert shape(from_json(to_json(forged))) == shape(forged)


@pytest.mark.parametrize("other", [True, 1.0, {"$int64": 1}, {"$float": "1.0"}, "1"])
def test_numbers_of_json_are_the_same_only_in_the_same_type(other: Any) -> None:
    assert same({"a": [1], "b": 2}, {"b": 2, "a": [1]})
    assert not same({"a": [1]}, {"a": [other]})
