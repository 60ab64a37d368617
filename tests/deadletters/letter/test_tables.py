"""Letters described fast are described as before: the same JSON, the same fingerprint, the same reading."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.deadletters.letter import letters, tables
from mqadmin.deadletters.letter.letters import COLUMNS, CapturedQueue
from mqadmin.rabbit.codec import LongString, RawTimestamp
from mqadmin.rabbit.message import Message, Properties, fingerprint
from mqadmin.rabbit.wire_numbers import Float32, Int8, Int64, UInt32

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([Int8(1), UInt32(1), Int64(1), Float32(0.5)]),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.binary(max_size=5),
    st.binary(max_size=5).map(lambda tail: LongString(b"\xff" + tail)),
    st.integers(2**40, 2**60).map(RawTimestamp),
    st.integers(0, 10**6).map(lambda number: Decimal(number).scaleb(-2)),
    st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
NAMES = st.one_of(TEXT, st.sampled_from(["x-delivery-count", "x-acquired-count", "x-death", "b"]))
PROPERTIES = st.builds(
    Properties,
    content_type=st.none() | TEXT,
    headers=st.none() | st.dictionaries(NAMES, VALUES, max_size=4),
    delivery_mode=st.none() | st.integers(0, 255),
    message_id=st.none() | TEXT | st.binary(max_size=4),
    timestamp=st.none() | st.integers(0, 2**63),
    user_id=st.none() | TEXT,
    app_id=st.none() | TEXT,
)
PLACE = CapturedQueue("default", "/", "dlq")
AT = datetime(2026, 1, 1, tzinfo=UTC)


@given(PROPERTIES, TEXT, TEXT, st.binary(max_size=10))
def test_json_and_fingerprint_are_those_of_the_message(
    properties: Properties, exchange: str, key: str, body: bytes
) -> None:
    message = Message(body, properties, exchange, key)
    table = tables.table(properties.headers)
    for _again in range(2):  # the second time from memory
        described, print_ = tables.describe(message, "dlq", tables.table(properties.headers))
        assert print_ == fingerprint(message, "dlq")
    whole = properties.to_json()
    assert json.loads(table.stored) == whole.pop("headers", {})
    assert json.loads(described) == whole


@given(st.dictionaries(NAMES, VALUES, max_size=3), st.dictionaries(NAMES, VALUES, max_size=3))
def test_headers_share_a_key_only_when_they_are_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    if one and other and tables.table(one).key == tables.table(other).key:
        assert tables.table(one).stored == tables.table(other).stored


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1, True),
        (1, 1.0),
        (b"a", LongString(b"a")),
        (5, RawTimestamp(5)),
        (5, Int64(5)),
        (Int8(5), Int64(5)),
        (0.5, Float32(0.5)),
    ],
)
def test_values_that_are_equal_but_of_another_type_are_told_apart(first: Any, second: Any) -> None:
    assert tables.table({"a": first}).stored != tables.table({"a": second}).stored


def _row(body: bytes, headers: dict[str, Any]) -> dict[str, Any]:
    message = Message(body, Properties(headers=headers, message_id="m"), "shop", "key")
    taken = letters.take(PLACE, message, AT)
    return dict(zip(COLUMNS, letters.row(PLACE, taken, duplicate_of=None), strict=True))


@pytest.mark.django_db
@pytest.mark.parametrize("escape", [False, True])
def test_a_body_that_tells_the_error_is_read_although_the_headers_were_seen_before(escape: bool) -> None:
    headers = {"x-first-death-queue": "mails"}
    assert _row(b'{"order": 1}', headers)["framework"] == ""
    document = {
        "actor_name": "send",
        "queue_name": "mails",
        "options": {"traceback": "ValueError: no address", "retries": 3},
    }
    body = json.dumps(document)
    if escape:
        body = body.replace("actor_name", "\\u0061ctor_name")
    found = _row(body.encode(), headers)
    assert (found["framework"], found["error_type"], found["death_count"]) == ("dramatiq", "ValueError", 4)
    assert _row(body.encode("utf-16-le"), headers)["framework"] == "dramatiq"
    assert _row(b'{"order": 2}', headers)["framework"] == ""
