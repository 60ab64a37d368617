"""What is bound, which messages match, what of them is kept: rules without a broker."""

from __future__ import annotations

import pytest
from django.db import connection

from mqadmin.core.query.syntax import BadQuery
from mqadmin.passing.models import Seen, Tap
from mqadmin.passing.tapping import keeping, matching, plan
from mqadmin.passing.tapping.running import Running
from mqadmin.rabbit.message import Message, Properties
from mqadmin.rabbit.types import BindingInfo
from mqadmin.telemetry import carried
from tests.passing.factories import make_tap

TYPES = {"shop": "topic", "all": "fanout", "hash": "x-consistent-hash", "heads": "headers"}


def bound(source: str, to: str, key: str = "", kind: str = "queue", **arguments: object) -> BindingInfo:
    return BindingInfo("/", source, to, kind, key, arguments)


@pytest.mark.parametrize(
    ("bindings", "copies", "refused"),
    [
        ([bound("", "q", "q")], [], "only_default"),
        ([bound("", "q", "q"), bound("shop", "q", "a.*")], [("shop", "a.*", {})], ""),
        # A queue bound to it takes messages from the others: never.
        ([bound("hash", "q", "1")], [], "sharing"),
        ([bound("hash", "q", "1"), bound("all", "q")], [("all", "", {})], ""),
        (
            [bound("heads", "q", **{"x-match": "any", "a": 1})],
            [("heads", "", {"x-match": "any", "a": 1})],
            "",
        ),
    ],
)
def test_a_queue_is_tapped_by_exact_copies(
    bindings: list[BindingInfo], copies: list[tuple[str, str, dict[str, object]]], refused: str
) -> None:
    found = plan.of_queue(bindings, TYPES)
    assert [tuple(item.listed) for item in found.copies] == copies
    assert found.refused == refused


@pytest.mark.parametrize(
    ("name", "bindings", "keys", "refused"),
    [
        ("", [], [], "default_exchange"),
        ("gone", [], [], "missing"),
        ("hash", [bound("hash", "q", "1")], [], "sharing"),
        ("shop", [], [], "nothing_bound"),
        ("shop", [bound("shop", "all", "#", "exchange")], [], "only_exchanges"),
        # Never a `#`: what no queue gets must go back to its publisher.
        (
            "shop",
            [bound("shop", "q", "a"), bound("shop", "r", "a"), bound("shop", "r", "b.*")],
            ["a", "b.*"],
            "",
        ),
        ("shop", [bound("shop", "mqadmin.tap.7.x", "a")], [], "nothing_bound"),
        ("all", [bound("all", "q"), bound("shop", "q", "a")], [""], ""),
    ],
)
def test_an_exchange_is_tapped_by_what_queues_get(
    name: str, bindings: list[BindingInfo], keys: list[str], refused: str
) -> None:
    found = plan.of_exchange(name, bindings, TYPES)
    assert [item.routing_key for item in found.copies] == keys
    assert found.refused == refused


def message(body: bytes = b'{"order": {"id": 17, "lines": [{"sku": "A"}]}}', **more: object) -> Seen:
    properties = {"message_id": "A-17", "content_type": "application/json", "type": "order"}
    given = {"message_id": "A-17", "routing_key": "order.new", "exchange": "shop", "correlation_id": "c-1"}
    headers = {"tenant": "acme", "tries": 3, "a.b": "x", "n": {"$int64": 5}}
    row = Seen(body=body, size=len(body), properties=properties, headers=headers, **given)
    for name, value in more.items():
        setattr(row, name, value)
    return row


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("", True),
        ("sku", True),
        ("acme", True),
        ("nothing", False),
        ("-sku", False),
        ("id:A-17", True),
        ("id:A-1", False),
        ("id:A-*", True),
        ("key:order.*", True),
        ("key:/^order/ exchange:shop", True),
        ("key:bill.* or correlation:c-1", True),
        ("header.tenant:acme", True),
        ("header.tenant!=acme", False),
        ("header.tries>2", True),
        ("header.tries>3", False),
        ("header.n:5", True),
        ("header.a.b:x", True),
        ("payload.order.id:17", True),
        ("payload.order.lines.sku:A", True),
        ("payload.order.id>17", False),
        ("size<10", False),
        ("size>10", True),
        ("type:order redelivered:no", True),
        ("body:LINES", True),
    ],
)
def test_a_filter_takes_what_it_says(query: str, holds: bool) -> None:
    assert matching.read(query).takes(message()) is holds


@pytest.mark.parametrize("query", ["size:many", "(", "key:/(/", "header:x"])
def test_a_filter_that_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(BadQuery):
        matching.read(query)


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"[" * 100_000, b'{"order": "\xf0"}'])
def test_a_filter_bears_any_body(body: bytes) -> None:
    assert not matching.read("payload.order.id:17").takes(message(body))


def test_nothing_masked_is_stored_or_found(settings: object, db: None) -> None:
    settings.MQADMIN_MASKED = ["header.authorization", "payload.card"]  # type: ignore[attr-defined]
    headers = {"Authorization": "Bearer s3cret", "note": "it said s3cret-card"}
    properties = Properties(headers=headers, content_type="application/json")
    came = Message(b'{"card": "s3cret-card", "total": 5}', properties, "shop", "order.new")
    row = keeping.seen(make_tap(), came, 1.0)
    assert row.is_masked
    for query in ("s3cret", "payload.card:s3cret-card", 'header.Authorization:"Bearer s3cret"'):
        assert not matching.read(query).takes(row), query
    assert matching.read("payload.total:5").takes(row)
    keeping.Ring().add([row])
    with connection.cursor() as cursor:
        cursor.execute("SELECT headers, properties, body FROM passing_seen")
        stored = [
            bytes(value) if not isinstance(value, str) else value.encode() for value in cursor.fetchone()
        ]
    assert not any(b"s3cret" in value for value in stored)


def test_the_newest_stay_and_large_ones_are_cut(db: None) -> None:
    tap = make_tap()
    ring = keeping.Ring(most=3, most_bytes=300_000)
    for number in range(5):
        ring.add([Seen(tap=tap, at="2026-01-01T00:00Z", body=b"x", message_id=f"m{number}")])
    names = Seen.objects.filter(tap=tap).order_by("pk").values_list("message_id", flat=True)
    assert list(names.all()) == ["m2", "m3", "m4"]
    ring.add(
        [Seen(tap=tap, at="2026-01-01T00:00Z", body=b"y" * 200_000, message_id=f"big{n}") for n in range(3)]
    )
    assert list(names.all()) == ["big1", "big2"]
    row = Seen.objects.get(message_id="big2")
    assert (len(row.body), row.is_cut) == (keeping.BODY_BYTES, True)


def test_no_more_are_kept_a_second_than_asked_for(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(make_tap(rate=5), "me", lambda: False)
    clock = [10.0]
    monkeypatch.setattr("mqadmin.passing.tapping.running.time.monotonic", lambda: clock[0])
    rows = [message() for _ in range(4)]
    assert [len(running._thinned(rows)) for _ in range(3)] == [4, 1, 0]
    clock[0] = 11.0
    assert len(running._thinned(rows)) == 4


@pytest.mark.parametrize(
    ("text", "trace"),
    [
        ("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c"),
        ("0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319c"),
        ("00-short-b7ad6b7169203331-01", ""),
        ("A-17", ""),
    ],
)
def test_a_trace_is_read(text: str, trace: str) -> None:
    assert carried.trace_of(text) == trace


def test_what_is_unseen_is_not_known_where_the_broker_does_not_count() -> None:
    assert Tap(passed=None, taken=3).unseen is None
    assert Tap(passed=10, taken=3).unseen == 7
