"""The search of queues: what each term finds, on the database in use; where a query is refused; old addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.search import fields, language
from mqadmin.queues.search.language import BadQuery
from tests.queues.conftest import HOSTILE, make_queue

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ROWS: dict[str, dict[str, Any]] = {
    "orders": {
        "vhost": "prod",
        "type": "quorum",
        "ready": 1200,
        "total": 1203,
        "unacked": 3,
        "consumers": 0,
        "health": "broken",
        "health_reasons": [{"code": "no_consumers", "level": "broken", "params": {}}],
        "oldest_at": int(NOW.timestamp()) - 600,
        "publish_rate": 2.5,
        "owner": "team-a",
        "policy": "ha",
        "capacity": 0.25,
        "ram": 40,
        "persistent": 1200,
        "message_bytes": 5_000_000,
    },
    "orders.dlq": {"is_inbox": True, "tracked": True, "consumers": 1, "ready": 5, "health": "watch"},
    "amq.gen-1": {"exclusive": True, "consumers": 2, "growth": -1.5, "durable": False},
    "urn:shop:Mail": {
        "consumers": 1,
        "muted_until": NOW + timedelta(hours=1),
        "owner": "team-b",
        "note": "asks É first",
        "oldest_at": int(NOW.timestamp()) - 60,
        "memory": 20_000_000,
        "health_reasons": [{"code": "growing", "level": "watch", "params": {"no_consumers": '"code": "x"'}}],
    },
    "unseen 100%": {
        "ready": None,
        "total": None,
        "unacked": None,
        "consumers": None,
        "health": "unknown",
        "muted_until": NOW - timedelta(hours=1),
    },
    HOSTILE: {"vhost": "prod", "clears_in": 7200.0, "node": "rabbit@b", "state": "down"},
}
ORDERS, DLQ, AMQ, MAIL, UNSEEN, ODD = ROWS


@pytest.fixture
def rows(broker: Broker) -> Any:
    for name, values in ROWS.items():
        make_queue(broker, name, **values)
    Queue.objects.update(first_seen_at=NOW - timedelta(days=2))
    Queue.objects.filter(name=AMQ).update(first_seen_at=NOW - timedelta(hours=1))
    return Queue.objects.all()


FOUND = [
    ("", set(ROWS)),
    ("ORDERS", {ORDERS, DLQ}),
    ("orders -dlq", {ORDERS}),
    ("100%", {UNSEEN}),
    ("urn:shop:Mail", {MAIL}),  # a name with colons is a name
    ('"unseen 100"', {UNSEEN}),
    ("/^ORD.*s$/", {ORDERS}),
    ("/(dlq|gen-\\d)$/", {DLQ, AMQ}),
    ("-name:/^amq/ -vhost:prod", {DLQ, MAIL, UNSEEN}),
    ("name:orders", {ORDERS}),
    ("name:orders*", {ORDERS, DLQ}),
    ("name:Orders*", set()),
    ("name!=orders*", set(ROWS) - {ORDERS, DLQ}),
    ('name:"orders*"', set()),
    ("name:*rders*q", {DLQ}),
    ("name:*rders", {ORDERS}),
    ("vhost:prod health:broken ready>1000 type:quorum -name:/^amq/ lag>5m owner:team-a", {ORDERS}),
    ("health!=idle", {ORDERS, DLQ, UNSEEN}),
    ("reason:no_consumers", {ORDERS}),
    ("reason:no_*", {ORDERS}),
    ("reason:x", set()),
    ("lag>30s", {ORDERS, MAIL}),
    ("lag<5m", {MAIL}),
    ("-lag>5m", set(ROWS) - {ORDERS}),
    ("clears>1h", {ODD}),
    ("ready>=5", {ORDERS, DLQ}),
    ("-ready>=5", {AMQ, MAIL, UNSEEN, ODD}),
    ("consumers:0", {ORDERS, ODD}),
    ("consumers!=0", {DLQ, AMQ, MAIL, UNSEEN}),
    ("in>2", {ORDERS}),
    ("growth<-1", {AMQ}),
    ("memory>10M", {MAIL}),
    ("capacity<0.5", {ORDERS}),
    ("ram>30 persistent>=1200 bytes>1M", {ORDERS}),
    ("tracked:yes", {DLQ}),
    ("muted:yes", {MAIL}),
    ("muted:no or is:muted", set(ROWS)),
    ("is:inbox or is:exclusive", {DLQ, AMQ}),
    ("-is:durable", {AMQ}),
    ("is:owned", {ORDERS, MAIL}),
    ('owner:"" is:inbox', {DLQ}),
    ("is:noted note:first", {MAIL}),
    ("policy:ha or node:rabbit@b", {ORDERS, ODD}),
    ("state:down", {ODD}),
    ("<script>", {ODD}),
    ("seen:<1d", {AMQ}),
    ("broker:default vhost:prod", {ORDERS, ODD}),
    ("(name:/^o/ or unacked>2) not is:inbox", {ORDERS}),
    ('"a\0b"', set()),
    ("\ud800", set()),
]


def test_each_term_finds_what_it_says(rows: Any) -> None:
    for query, expected in FOUND:
        found = set(language.read(query).apply(rows, NOW).values_list("name", flat=True))
        assert found == expected, query


def test_every_field_is_tried_above() -> None:
    asked = " ".join(query for query, _found in FOUND)
    names = [name for name in fields.QUEUES.fields if not any(f"{name}{sign}" in asked for sign in ":<>!")]
    assert set(names) == {"total", "deliver_rate", "ack_rate", "redeliver_rate", "publish_rate"}


@pytest.mark.parametrize(
    ("query", "blamed", "words", "suggestion"),
    [
        ("helth:broken", "helth:broken", "no field “helth”", "health:broken"),
        ("health:brokn", "brokn", "none of broken", "broken"),
        ("ready>many", "many", "whole number", None),
        ("growth>fast", "fast", "needs a number", None),
        ("lag>5", "5", "no length of time", "5m"),
        ("lag:5m", "lag:5m", "compared", "lag>5m"),
        ("owner>a", "owner>a", "no order", "owner:a"),
        ("x /[/", "/[/", "Not a valid pattern", None),
        ("name:/(?=a)/", "name:/(?=a)/", "look-around", None),
        ("ready:/1/", "/1/", "with no pattern", None),
        ('vhost:"prod', '"prod', "does not end", '"prod"'),
        (" ".join(f"name:*{n}" for n in range(11)), "name:*10", "at most 10 patterns", None),
    ],
)
def test_a_bad_query_is_refused_with_the_place(
    query: str, blamed: str, words: str, suggestion: str | None
) -> None:
    with pytest.raises(BadQuery) as caught:
        language.read(query)
    error = caught.value
    assert query[error.start : error.end] == blamed
    assert words in error.text
    assert suggestion is None or suggestion in error.suggestions
    assert error.position == error.start


def test_steady_searches_are_those_that_no_sample_changes() -> None:
    assert language.read("vhost:prod -name:/^amq/ shop is:inbox").is_steady()
    for query in ("ready>1", "health:ok", "is:muted", "a or owner:b"):
        assert not language.read(query).is_steady(), query
