"""Bodies in Avro, Protocol Buffers, CBOR and zstd: read, or shown with what was tried; never a fault."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from random import Random
from typing import Any

import cbor2
import pytest
import zstandard
from google.protobuf import descriptor_pb2
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.rabbit.reading import avro, bodies, decoders, protobuf
from mqadmin.rabbit.reading.decoders import Decoder, Rule
from mqadmin.rabbit.reading.display import display_text

RECORD = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": "string"}],
}
LIST = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}
DESCRIPTORS = descriptor_pb2.FileDescriptorSet()
_file = DESCRIPTORS.file.add(name="shop.proto", package="shop", syntax="proto3")
_order = _file.message_type.add(name="Order")
_order.field.add(name="order_id", number=1, type=5, label=1)
_order.field.add(name="card", number=2, type=9, label=1)
_order.field.add(name="inner", number=3, type=11, type_name=".shop.Order", label=1)
ORDER = b"\x08\x07\x12\x044711"  # by hand: field 1 = 7, field 2 = "4711"


@pytest.fixture(autouse=True)
def _no_rules() -> Iterator[None]:
    before = decoders._load
    yield
    decoders.use(before)


def use(decoder: Decoder, content_type: str = "application/x-shop", queue: str = "") -> None:
    decoders.use(lambda: [Rule(content_type, queue, decoder)])


def message(name: str = "shop.Order") -> Decoder:
    return Decoder(
        "protobuf",
        f"Protocol Buffers, {name}",
        protobuf.Message(DESCRIPTORS.SerializeToString(), name).decode,
    )


@pytest.mark.parametrize(
    ("schema", "content", "value"),
    [  # the first four are the specification's own
        ("string", b"\x06foo", "foo"),
        (RECORD, b"\x36\x06foo", {"a": 27, "b": "foo"}),
        ({"type": "array", "items": "long"}, b"\x04\x06\x36\x00", [3, 27]),
        (["null", "string"], b"\x02\x02a", "a"),
        (["null", "string"], b"\x00", None),
        ("long", b"\x01", -1),
        ("long", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -(2**63)),
        ("boolean", b"\x01", True),
        ("double", b"\x00\x00\x00\x00\x00\x00\xf8\x3f", 1.5),
        ("float", b"\x00\x00\xc0\x3f", 1.5),
        ("bytes", b"\x04\x00\xff", b"\x00\xff"),
        ({"type": "array", "items": "long"}, b"\x03\x04\x06\x36\x00", [3, 27]),  # a block that says its size
        ({"type": "map", "values": "int"}, b"\x02\x02a\x04\x00", {"a": 2}),
        ({"type": "enum", "name": "E", "symbols": ["x", "y"]}, b"\x02", "y"),
        ({"type": "fixed", "name": "F", "size": 2}, b"ab", b"ab"),
        ({"type": "int", "logicalType": "date"}, b"\x02", "1970-01-02"),
        ({"type": "long", "logicalType": "timestamp-millis"}, b"\xd0\x0f", "1970-01-01T00:00:01+00:00"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, b"\x04\x04\xd2", "12.34"),
        (LIST, b"\x02\x02\x00", {"next": {"next": {"next": None}}}),
    ],
)
def test_avro_is_read_as_the_specification_says(schema: Any, content: bytes, value: Any) -> None:
    assert avro.Schema(json.dumps(schema)).decode(content) == value


@pytest.mark.parametrize(
    ("schema", "content"),
    [
        (LIST, b"\x02" * 1_000_000 + b"\x00"),  # overflows the stack of fastavro
        ({"type": "array", "items": "null"}, b"\xfe\xff\xff\xff\xff\x7f\x00"),
        ({"type": "map", "values": "null"}, b"\xfe\xff\xff\xff\xff\x7f\x00"),
        ("bytes", b"\xfe\xff\xff\xff\x0fx"),
        ("bytes", b"\x01"),
        ("string", b"\x02\xff"),
        ("long", b"\xff" * 20),
        ("long", b"\x02\x02"),
        (["null"], b"\x08"),
        (RECORD, b""),
        ({"type": "record", "name": "R", "fields": [{"name": "r", "type": "R"}]}, b""),
    ],
)
def test_avro_that_is_hostile_is_refused_within_limits(schema: Any, content: bytes) -> None:
    with pytest.raises(ValueError):
        avro.Schema(json.dumps(schema)).decode(content)


@pytest.mark.parametrize("text", ["", "{}", '"Unknown"', '{"type": "record"}', "[" * 5_000, "7"])
def test_what_is_no_schema_of_avro_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        avro.Schema(text)


@given(
    st.binary(max_size=200),
    st.sampled_from([RECORD, LIST, ["null", "string", RECORD], {"type": "map", "values": LIST}]),
)
def test_no_bytes_make_avro_do_anything_else(content: bytes, schema: Any) -> None:
    try:
        decoders.tidy(avro.Schema(json.dumps(schema)).decode(content))
    except ValueError:
        pass


def test_a_message_is_read_by_its_description() -> None:
    use(message())
    text, kind = display_text(ORDER, "application/x-shop; charset=binary")
    assert (json.loads(text), kind) == ({"order_id": 7, "card": "4711"}, "protobuf+json")
    assert bodies.document(ORDER, "Application/X-Shop") == {"order_id": 7, "card": "4711"}
    assert bodies.document(zstandard.compress(ORDER), "application/x-shop", "zstd") == {
        "order_id": 7,
        "card": "4711",
    }
    deep = ORDER
    for _level in range(200):
        size = len(deep)
        deep = b"\x1a" + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + deep
    text, kind = display_text(deep, "application/x-shop")
    assert kind == "protobuf?+hex"
    assert text.startswith("Not read as Protocol Buffers, shop.Order: ")


def test_what_cannot_be_read_is_shown_with_what_was_tried() -> None:
    use(message())
    text, kind = display_text(b"\xff\xff", "application/x-shop")
    assert kind == "protobuf?+hex"
    assert text.startswith("Not read as Protocol Buffers, shop.Order: ")
    assert "ff ff" in text
    assert bodies.document(b"\xff\xff", "application/x-shop") is None
    assert (
        display_text(b"\x50\x01", "application/x-shop")[1] == "protobuf?+hex"
    )  # a field that it does not have
    assert not bodies.is_plain(b"only text", "application/x-shop")
    with pytest.raises(ValueError, match="no message shop"):
        message("shop.Nobody")
    with pytest.raises(ValueError, match="no descriptor set"):
        protobuf.Message(b"\xff" * 9, "x")


def test_a_queue_chooses_where_the_message_does_not_say_its_type() -> None:
    use(message(), content_type="", queue="orders.*")
    for stated in (None, "", "application/octet-stream"):
        assert bodies.document(ORDER, stated, None, "orders.new") == {"order_id": 7, "card": "4711"}
    assert bodies.document(ORDER, None, None, "invoices") is None
    assert bodies.document(b'{"a": 1}', "application/json", None, "orders.new") == {"a": 1}
    assert display_text(ORDER, queue="orders.new")[1] == "protobuf+json"


def test_cbor_is_read_and_what_refers_to_itself_does_not_unfold() -> None:
    content = cbor2.dumps({"a": [1, None, b"\x00\x01"], 2: "x", "big": 2**70})
    text, kind = display_text(content, "application/cbor")
    assert kind == "cbor+json"
    assert json.loads(text) == {"a": [1, None, "base64:AAE="], "2": "x", "big": 2**70}
    assert bodies.document(content, "application/senml+cbor")["2"] == "x"
    bomb: Any = ["x" * 1_000]
    for _level in range(50):
        bomb = [bomb, bomb]
    shared = cbor2.dumps(bomb, value_sharing=True)
    cycle: list[Any] = []
    cycle.append(cycle)
    for hostile in (
        shared,
        cbor2.dumps(cycle, value_sharing=True),
        b"\x81" * 100_000,
        b"\x9b" + b"\x7f" * 8,
        b"\xc0\x00",
    ):
        assert display_text(hostile, "application/cbor")[1] == "cbor?+hex"


@pytest.mark.parametrize("levels", [decoders.DEEPEST, 22])
def test_what_is_decoded_has_limits(levels: int) -> None:
    deep: Any = 0
    wide: Any = [0]
    for _level in range(levels + 1):
        deep, wide = [deep], [wide, wide]
    with pytest.raises(ValueError, match="too deep, or has too many values"):
        decoders.tidy(deep if levels == decoders.DEEPEST else wide)
    with pytest.raises(ValueError, match="too long"):
        decoders.tidy(["x" * 1_000_000] * 5)


@given(st.binary(max_size=200))
def test_no_bytes_make_cbor_do_anything_else(content: bytes) -> None:
    assert display_text(content, "application/cbor")[1] in ("empty", "cbor+json", "cbor?+hex")


def test_zstd_is_undone_and_no_bomb_goes_off() -> None:
    assert display_text(zstandard.compress(b'{"a": 1}'), "application/json", "zstd")[1] == "zstd+json"
    assert bodies.document(zstandard.compress(b'{"a": 1}')) == {"a": 1}  # nobody said so
    bomb = zstandard.compress(bytes(500_000_000))
    found = bodies.unwrap(bomb)
    assert len(found.content) <= bodies.MAX_INFLATED_BYTES
    assert not found.is_whole
    cut = bodies.unwrap(zstandard.compress(Random(1).randbytes(400_000))[:300_000])
    assert len(cut.content) > 200_000
    assert not cut.is_whole
    wide = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=27)
    ).compressobj()
    assert bodies.unwrap(wide.compress(b"x" * 300_000) + wide.flush()).layers == ()  # 128 MB to read it
    assert bodies.unwrap(b"no zstd", None, "zstd").layers == ()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_is_told_and_never_opened(protocol: int) -> None:
    class Boom:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("it was opened",))

    content = pickle.dumps({"call": Boom(), "text": "x" * 50}, protocol)
    text, kind = display_text(content, "application/x-python-serialize")
    assert kind == "pickle+hex"
    assert text.startswith("Python's pickle: it is not opened")
    assert display_text(content)[1] == "pickle+hex"
    assert bodies.document(content) is None
