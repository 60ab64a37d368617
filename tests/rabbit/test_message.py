from __future__ import annotations

import gzip
import json
import os
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.rabbit.message import Message, Properties, fingerprint
from mqadmin.rabbit.reading.display import MAX_CHARACTERS, display_text

MESSAGE = Message(b"body", Properties(message_id="1", headers={"a": 1}), "ex", "key", delivery_tag=3)


def with_headers(**headers: Any) -> Message:
    return replace(MESSAGE, properties=replace(MESSAGE.properties, headers={"a": 1, **headers}))


@pytest.mark.parametrize(
    "same",
    [
        replace(MESSAGE, redelivered=True, delivery_tag=9),
        with_headers(**{"x-delivery-count": 4}),
        with_headers(**{"x-delivery-count": 4, "x-acquired-count": 9}),
        replace(MESSAGE, properties=replace(MESSAGE.properties)),
    ],
)
def test_a_redelivery_has_the_same_fingerprint(same: Message) -> None:
    assert fingerprint(same, "q") == fingerprint(MESSAGE, "q")


@pytest.mark.parametrize(
    "other",
    [
        replace(MESSAGE, body=b"bodY"),
        replace(MESSAGE, exchange="ey"),
        replace(MESSAGE, routing_key="kez"),
        replace(MESSAGE, properties=replace(MESSAGE.properties, message_id="2")),
        with_headers(a=1.0),
        with_headers(b=None),
    ],
)
def test_another_message_has_another_fingerprint(other: Message) -> None:
    assert fingerprint(other, "q") != fingerprint(MESSAGE, "q")


def test_the_queue_belongs_to_the_fingerprint() -> None:
    assert fingerprint(MESSAGE, "q") != fingerprint(MESSAGE, "r")


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "text", "kind"),
    [
        (b"", None, None, "", "empty"),
        (b'{"price":12.50}', None, None, '{\n  "price": 12.50\n}', "json"),
        (b'{"a":1,"a":2}', None, None, '{\n  "a": 1,\n  "a": 2\n}', "json"),
        (b"[0.12345678901234567890]", None, None, "[\n  0.12345678901234567890\n]", "json"),
        (b'["\\u4f60"]', "application/json", None, '[\n  "你"\n]', "json"),
        (b"{broken", "application/json", None, "{broken", "text"),
        ("grüße".encode("latin-1"), "text/plain; charset=iso-8859-1", None, "grüße", "text"),
        ("你好".encode("gbk"), 'text/plain; charset="gbk"', None, "你好", "text"),
        (gzip.compress(b"hello", mtime=0), None, None, "hello", "gzip+text"),
        (gzip.compress(b"[1]", mtime=0), None, "gzip", "[\n  1\n]", "gzip+json"),
        (zlib.compress(b"hello"), None, "deflate", "hello", "deflate+text"),
        (zlib.compress(b"hello", wbits=-15), None, "deflate", "hello", "deflate+text"),
        (b"hello", None, "gzip", "hello", "text"),
    ],
)
def test_a_body_is_shown_readably(
    body: bytes, content_type: str | None, encoding: str | None, text: str, kind: str
) -> None:
    assert display_text(body, content_type, encoding) == (text, kind)


def test_binary_is_shown_as_a_dump() -> None:
    text, kind = display_text(bytes(range(20)))
    assert kind == "hex"
    assert text.splitlines()[0].startswith("00000000  00 01 02")
    assert len(text.splitlines()) == 2


def test_a_zip_bomb_is_cut() -> None:
    text, kind = display_text(gzip.compress(b"0" * 50_000_000))
    assert kind == "gzip+text"
    assert len(text) < MAX_CHARACTERS + 20
    assert text.endswith("(cut)")


@pytest.mark.parametrize(
    "body", [b'{"a": [' + b"1, " * 400_000 + b"1]}", b"A" * 2_000_000, b"\xff" * 2_000_000]
)
def test_of_a_huge_body_only_the_beginning_is_worked_on(body: bytes) -> None:
    text, kind = display_text(body)
    assert kind in ("text", "hex"), "not parsed and indented as a whole"
    assert len(text) < MAX_CHARACTERS + 20


def test_a_half_surrogate_can_be_sent_to_a_browser() -> None:
    display_text(b'["\\ud800"]')[0].encode()


def test_nesting_does_not_exhaust_the_stack() -> None:
    assert display_text(b"[" * 100_000)[1] == "text"


@given(
    body=st.binary(max_size=200),
    kind=st.text(max_size=20),
    encoding=st.sampled_from([None, "gzip", "deflate"]),
)
def test_nothing_raises(body: bytes, kind: str, encoding: str | None) -> None:
    display_text(body, f"text/plain; charset={kind}", encoding)[0].encode()


def test_random_bytes_are_not_mistaken_for_text() -> None:
    assert display_text(b"\xfe" + os.urandom(50))[1] == "hex"


def test_properties_leave_out_what_is_not_set() -> None:
    assert Properties(priority=0, headers={}).to_json() == {"priority": 0, "headers": {}}
    assert json.dumps(Properties().to_json()) == "{}"
