"""Bodies under their encodings: gzip, zlib, base64, MessagePack, JSON, text, bytes; and hostile ones, bounded."""

from __future__ import annotations

import base64
import gzip
import json
import time
import tracemalloc
import zlib
from datetime import UTC, datetime
from typing import Any

import msgpack as library
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqadmin.rabbit.reading import bodies, display, messagepack
from tests.support.length import examples

DOCUMENT = {"order": {"id": 7, "price": 1.5}, "name": "Ada ☃"}
JSON = json.dumps(DOCUMENT).encode()
PACKED = (
    b"\x82\xa5order\x82\xa2id\x07\xa5price\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa4name\xa7Ada \xe2\x98\x83"
)
RAW = zlib.compressobj(wbits=-15)
RAW_DEFLATED = RAW.compress(JSON) + RAW.flush()


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "kind"),
    [
        (JSON, None, None, "json"),
        (JSON, "application/json; charset=utf-8", "utf-8", "json"),
        (
            json.dumps(DOCUMENT, ensure_ascii=False).encode("utf-16"),
            "application/json; charset=utf-16",
            None,
            "json",
        ),
        (gzip.compress(JSON, mtime=0), None, None, "gzip+json"),
        (gzip.compress(JSON, mtime=0), "application/json", "gzip", "gzip+json"),
        (zlib.compress(JSON), None, "deflate", "deflate+json"),
        (RAW_DEFLATED, None, "deflate", "deflate+json"),
        (zlib.compress(JSON), None, None, "zlib+json"),
        (base64.b64encode(JSON), None, None, "base64+json"),
        (base64.b64encode(JSON), None, "base64", "base64+json"),
        (base64.urlsafe_b64encode(gzip.compress(JSON, mtime=0)), None, "gzip, base64", "base64+gzip+json"),
        (base64.b64encode(zlib.compress(JSON)), None, None, "base64+zlib+json"),
        (PACKED, "application/msgpack", None, "msgpack+json"),
        (PACKED, None, None, "msgpack+json"),
        (gzip.compress(PACKED, mtime=0), "application/x-msgpack", "gzip", "gzip+msgpack+json"),
    ],
)
def test_documents_are_found(body: bytes, content_type: str | None, encoding: str | None, kind: str) -> None:
    assert bodies.document(body, content_type, encoding) == DOCUMENT
    text, shown = display.display_text(body, content_type, encoding)
    assert shown == kind
    assert json.loads(text) == DOCUMENT


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "kind", "text"),
    [
        (b"internationalisation", None, None, "text", "internationalisation"),  # base64, too
        (b"1234567890123456", None, None, "text", "1234567890123456"),
        (b"not gzip", None, "gzip", "text", "not gzip"),
        (b"%%%", None, "base64", "text", "%%%"),
        (b"x\x9c not zlib", None, None, "hex", None),
        (base64.b64encode(b"hello there, world"), None, "base64", "base64+text", "hello there, world"),
        (b"\x00\x01", "application/msgpack", None, "hex", None),
        (b"\x2a", "application/msgpack", None, "msgpack+json", "42"),
        (b"{broken", "application/json", None, "text", "{broken"),
        (b"\xff\xfe\x00", None, None, "hex", None),
    ],
)
def test_what_is_no_document_is_shown_as_it_is(
    body: bytes, content_type: str | None, encoding: str | None, kind: str, text: str | None
) -> None:
    shown, found = display.display_text(body, content_type, encoding)
    assert found == kind
    assert text is None or shown == text


@pytest.mark.parametrize(
    ("packed", "value"),
    [
        (b"\xc0", None),
        (b"\xc3", True),
        (b"\xff", -1),
        (b"\xcd\x01\x00", 256),
        (b"\xd3" + b"\xff" * 8, -1),
        (b"\xca\x3f\x80\x00\x00", 1.0),
        (b"\xd9\x02hi", "hi"),
        (b"\xc4\x01\x00", b"\x00"),
        (b"\xdc\x00\x02\x01\x02", [1, 2]),
        (b"\xde\x00\x01\x01\xc2", {"1": False}),
        (b"\xd5\x05ab", b"ab"),
        (b"\xd6\xff\x00\x00\x00\x01", "1970-01-01T00:00:01+00:00"),
        (b"\xc7\x0c\xff\x00\x00\x00\x00" + b"\x7f" * 8, 0x7F7F7F7F7F7F7F7F),
        (b"\xd7\xff" + (5 << 34 | 1).to_bytes(8, "big"), "1970-01-01T00:00:01+00:00"),
        (b"\xc8\x00\x0c\xff\x00\x0f\x42\x40" + b"\xff" * 8, "1969-12-31T23:59:59.001000+00:00"),
        (b"\x92\xd4\xff\x07\x01", [b"\x07", 1]),  # type -1 and yet no timestamp
        (b"\xd7\xff" + b"\xff" * 8, b"\xff" * 8),  # more nanoseconds than a second has
        (b"\xc7\x00\x05", b""),
        (b"\xa2\xff\xfe", "\ufffd\ufffd"),
        (b"\x82\xa1a\x01\xa1a\x02", {"a": 2}),
        (b"\x81\xc4\x01k\x93\x01\xc0\xcb\x40\x04\x00\x00\x00\x00\x00\x00", {"k": [1, None, 2.5]}),
        (b"\x81\x91\x01\x90", {"[1]": []}),
    ],
)
def test_messagepack(packed: bytes, value: Any) -> None:
    found = messagepack.unpack(packed)
    assert (found.isoformat() if hasattr(found, "isoformat") else found) == value


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\xc1",
        b"\x81\x01",
        b"\x01\x01",
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x05",
        b"\xc9\xff\xff\xff\xff\xff",
        b"\xd6\xff\x00\x00\x00",
        b"\xc7\x04",
        b"\xde\x00",
        b"\x91" * 500,
    ],
)
def test_messagepack_that_is_none(packed: bytes) -> None:
    with pytest.raises(ValueError):
        messagepack.unpack(packed)


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\x01", b"\xdd\x00\x00\x00\x01"])
def test_messagepack_is_read_so_deep_and_no_deeper(opening: bytes) -> None:
    assert messagepack.unpack(opening * messagepack.DEEPEST + b"\xc0")
    with pytest.raises(ValueError, match="too deep"):
        messagepack.unpack(opening * (messagepack.DEEPEST + 1) + b"\xc0")


def test_messagepack_has_so_many_values_and_no_more() -> None:
    most = messagepack.MOST_VALUES - 1  # beside the list itself
    assert len(messagepack.unpack(b"\xdd" + most.to_bytes(4, "big") + b"\xc0" * most)) == most
    with pytest.raises(ValueError, match="too many"):
        messagepack.unpack(b"\xdd" + (most + 1).to_bytes(4, "big") + b"\xc0" * (most + 1))


def test_messagepack_takes_no_room_for_what_only_a_length_promises() -> None:
    claims = b"\xdd\x00\x0f\xff\xff" * 200_000  # lists of a million in one another
    tracemalloc.start()
    with pytest.raises(ValueError):
        messagepack.unpack(claims)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000


PACKABLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=300)
    | st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=8), inner, max_size=20),
    max_leaves=40,
)


@settings(max_examples=examples(200))
@given(PACKABLE)
def test_what_the_library_packs_is_read(value: Any) -> None:
    packed = library.packb(value, datetime=True)
    assert messagepack.unpack(packed) == value
    for end in {0, len(packed) // 2, len(packed) - 1}:
        with pytest.raises(ValueError):
            messagepack.unpack(packed[:end])


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b" " * 200_000_000), "gzip"),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"[" * 50_000_000)))), None),
        (b"[" * 1_000_000, None),
        (b"\xdd\x00\x0f\xff\xff" + b"\x90" * 0x0FFFFF, None),
        (base64.b64encode(b"A" * 20_000_000), "base64"),
        (b"9" * 1_000_000, None),
        (b" " * 100_000 + b"!", "base64"),
        (b" " * 100_000 + b"!", None),
    ],
    ids=[
        "gzip",
        "nested gzip",
        "deep json",
        "wide msgpack",
        "base64",
        "digits",
        "blanks as base64",
        "blanks",
    ],
)
def test_bombs_are_bounded(body: bytes, encoding: str | None) -> None:
    started = time.process_time()
    text, _kind = display.display_text(body, None, encoding)
    bodies.document(body, None, encoding)
    assert len(text) < display.MAX_CHARACTERS + 100
    assert time.process_time() - started < 5


@settings(max_examples=examples(300))
@given(
    st.binary(max_size=200),
    st.sampled_from([None, "gzip", "deflate", "base64", "x", "gzip,base64,gzip,gzip"]),
)
def test_nothing_raises(body: bytes, encoding: str | None) -> None:
    for content_type in (None, "application/msgpack", "application/json; charset=utf-16"):
        text, kind = display.display_text(body, content_type, encoding)
        text.encode()
        assert kind
        bodies.document(body, content_type, encoding)
