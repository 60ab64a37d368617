"""The search's language: what it reads, where it refuses, and that the database agrees with what it means."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mqadmin.core.errors import Refusal
from mqadmin.core.query.syntax import All, BadQuery, Condition, Either, Not, Words
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import searching, selection
from mqadmin.deadletters.search.query import meaning
from mqadmin.deadletters.search.query.meaning import Facts
from mqadmin.deadletters.search.query.parser import parse
from mqadmin.deadletters.search.selection import Filter
from tests.deadletters.factories import died, letter
from tests.deadletters.search import query_support
from tests.support.length import examples

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def shape(query: str) -> Any:
    def of(node: Any) -> Any:
        match node:
            case All(parts):
                return ["all", *map(of, parts)]
            case Either(parts):
                return ["or", *map(of, parts)]
            case Not(part):
                return ["not", of(part)]
            case Words(text):
                return text
            case Condition():
                return (".".join((node.field.name, *node.path)), node.operator, node.value.text)

    return of(parse(query, zone=UTC))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["all"]),
        ("timeout", "timeout"),
        ("ord-10442", "ord-10442"),
        ('"two words"', "two words"),
        ('"a \\"quoted\\" one"', 'a "quoted" one'),
        ("source:orders", ("source", ":", "orders")),
        ("SOURCE:orders", ("source", ":", "orders")),
        ("header.tenant=acme", ("header.tenant", "=", "acme")),
        ('header."my tenant"=acme', ("header.my tenant", "=", "acme")),
        ("payload.order.id>1000", ("payload.order.id", ">", "1000")),
        ("payload.order.id:>=1000", ("payload.order.id", ">=", "1000")),
        ("died:<2h", ("died", "<", "2h")),
        ("size>10k", ("size", ">", "10k")),
        ("is:back", ("is", ":", "back")),
        ("reason:Delivery-Limit", ("reason", ":", "delivery_limit")),
        ("a b or c", ["or", ["all", "a", "b"], "c"]),
        ("a and (b or c)", ["all", "a", ["or", "b", "c"]]),
        ("-a not b --c", ["all", ["not", "a"], ["not", "b"], "c"]),
        ("-source:x", ["not", ("source", ":", "x")]),
        ('"or" and "and"', ["all", "or", "and"]),
    ],
)
def test_what_is_read(query: str, expected: Any) -> None:
    assert shape(query) == expected


@pytest.mark.parametrize(
    ("query", "blamed", "words", "suggestion"),
    [
        ("sorce:orders", "sorce:orders", "no field “sorce”", "source:orders"),
        ("http://shop/x failed", "http://shop/x", "no field “http”", '"http://shop/x"'),
        ("a reason:rejekted", "rejekted", "none of rejected", "rejected"),
        ('x "no end', '"no end', "does not end", '"no end"'),
        ("(a or b", "(", "not closed", None),
        ("a) b", ")", "No bracket was opened", None),
        ("a or", "or", "missing behind", None),
        ("or a", "or", "between two terms", '"or"'),
        ("()", ")", "missing before", None),
        ("source:", "source:", "value is missing", '"source:"'),
        ("died:<soon", "soon", "is no time", None),
        ("died:<2026-02-30", "2026-02-30", "is no time", None),
        ("size>big", "big", "whole number", None),
        ("source>orders", "source>orders", "no order", "source:orders"),
        ("header=x", "header=x", "header.NAME=x", None),
        ("source.x=1", "source.x=1", "no fields of its own", '"source.x=1"'),
        ("(" * 13 + "a" + ")" * 13, "(", "nested", None),
    ],
)
def test_errors_point_at_the_place(query: str, blamed: str, words: str, suggestion: str | None) -> None:
    with pytest.raises(BadQuery) as caught:
        parse(query)
    error = caught.value
    assert query[error.start : error.end] == blamed
    assert words in error.text
    assert suggestion is None or suggestion in error.suggestions


@settings(max_examples=examples(400))
@given(query_support.any_queries())
def test_any_query_is_read_or_refused_with_a_place(query: str) -> None:
    error = refused(query)
    if error is None:
        return
    assert 0 <= error.start <= error.end <= len(query)
    assert error.text
    for suggestion in error.suggestions:  # what is suggested must not be wrong at that place again
        again = refused(query[: error.start] + suggestion + query[error.end :])
        assert again is None or (again.start, again.text) != (error.start, error.text)


def refused(query: str) -> BadQuery | None:
    try:
        parse(query)
    except BadQuery as error:
        return error
    return None


@pytest.fixture
def letters(db: None) -> None:
    changes: list[dict[str, Any]] = [
        {
            "headers": {
                **died("orders", type="shop.Timeout", message="no answer in 30 s"),
                "tenant": "acme",
                "n": 5,
            }
        },
        {
            "headers": {**died("ord*", "expired"), "a.b": "acme", "deep": {"list": [1, "Timeout"]}},
            "note": "É 100%",
        },
        {"headers": died("payments", type="É", message="TIMEOUT"), "status": "requeued", "requeue_count": 2},
        {"body": b"\x00\xff", "headers": {}, "came_back_as": "x", "edits": 1, "app_id": "shop"},
        {"body": b'{"tenant": "acme", "order": {"id": 1000}, "items": [{"sku": "a.b"}, {"sku": "ord-1"}]}'},
        {
            "body": b'{"n": 1.5, "a": {"b": "Timeout"}, "tenant": null, "items": [true, 7]}',
            "message_id": "ord-1",
        },
        {"body": b'{"n": 1000, "x": "\\u00c9"}', "headers": {"tenant": True, "n": "1000"}},
    ]
    for number, change in enumerate(changes):
        letter(received_at=NOW - timedelta(hours=number * 9), **change)


def stored() -> list[dict[str, Any]]:
    names = [field.attname for field in DeadLetter._meta.concrete_fields]
    return [{**row, "pk": row["id"]} for row in DeadLetter.objects.values(*names)]


def agrees(query: str) -> None:
    node = parse(query)
    expected = {row["pk"] for row in stored() if meaning.matches(node, Facts(row), NOW)}
    found = searching.search(DeadLetter.objects.filter(broker="default"), query, now=NOW)
    assert set(found.rows.values_list("pk", flat=True)) == expected, query


@settings(
    max_examples=examples(300),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(query=query_support.valid_queries())
def test_the_database_agrees_with_the_meaning(letters: None, query: str) -> None:
    agrees(query)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    query=query_support.valid_queries(),
    body=query_support.bodies(),
    headers=query_support.headers(),
    error=st.text(max_size=20),
)
def test_the_database_agrees_for_any_letter(
    letters: None, query: str, body: bytes, headers: dict[str, Any], error: str
) -> None:
    letter(body, headers={**headers, **died(type="x.Timeout", message=error)}, received_at=NOW)
    agrees(query)


@pytest.mark.parametrize(
    ("query", "bodies_found"),
    [
        ("payload.order.id>1000", [b'{"order": {"id": 1001}}', b'{"order": {"id": "1002"}}']),
        ("payload.order.id=1000", [b'{"order": {"id": 1000}}']),
        ("payload.order.id!=1000", [b'{"order": {"id": 1001}}', b'{"order": {"id": "1002"}}']),
        (
            "payload.order.id:*",
            [b'{"order": {"id": 1000}}', b'{"order": {"id": 1001}}', b'{"order": {"id": "1002"}}'],
        ),
        ("payload.items.sku:A*", [b'[{"items": [{"sku": "B1"}, {"sku": "A1"}]}]']),
        ("payload.items.0.sku:A*", []),
        ('payload.order.id="1002"', [b'{"order": {"id": "1002"}}']),
        ("payload.deep.x=1", [b"\x1f\x8b"]),
    ],
)
def test_fields_of_bodies(db: None, query: str, bodies_found: list[bytes]) -> None:
    import gzip

    zipped = gzip.compress(b'{"deep": {"x": 1}}')
    everything = [
        b'{"order": {"id": 1000}}',
        b'{"order": {"id": 1001}}',
        b'{"order": {"id": "1002"}}',
        b'[{"items": [{"sku": "B1"}, {"sku": "A1"}]}]',
        b"no document",
        zipped,
    ]
    for body in everything:
        letter(body, content_encoding="gzip" if body == zipped else None)
    found = Filter("default", q=query).rows().order_by("pk").values_list("body", flat=True)
    wanted = [zipped if body == b"\x1f\x8b" else body for body in bodies_found]
    assert [bytes(body) for body in found] == wanted


@settings(max_examples=examples(300))
@given(pattern=st.text("ab*", max_size=8).filter(lambda text: "*" in text), text=st.text("ab\n", max_size=10))
@example("a*a", "a")
@example("ab*ba", "aba")
@example("*", "")
@example("**a**", "bab")
@example("*aba*ab*", "abab")
def test_stars_stand_for_any_characters(pattern: str, text: str) -> None:
    condition = parse(f"source:{pattern}")
    assert isinstance(condition, Condition)
    wanted = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL)
    assert meaning.fits(condition, text) == (wanted is not None)


def test_a_row_of_stars_takes_no_longer_than_another_pattern() -> None:
    start = time.process_time()
    condition = parse("payload.x:" + "*a" * 1_500 + "*b")
    assert isinstance(condition, Condition)
    for text in ("a" * 255, "ab" * 500_000 + "a", "\ud800" * 1_000_000):
        assert not meaning.fits(condition, text)
    assert meaning.fits(condition, "ab" * 500_000)
    assert time.process_time() - start < 5  # a backtracking engine takes years for the first text


def test_a_filter_takes_a_query(letters: None) -> None:
    found = Filter("default", status="parked", q="source:orders error:timeout header.tenant=acme").rows()
    assert [item.error_type for item in found] == ["shop.Timeout"]
    with pytest.raises(Refusal) as caught:
        Filter("default", q="sorce:x").rows()
    assert (caught.value.status, caught.value.code) == (422, "bad_query")


def test_a_search_without_an_index_says_how_far_it_looked(
    letters: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MOST_READ", 3)
    monkeypatch.setattr(searching, "MOST_SCANNED", 4)
    rows = DeadLetter.objects.filter(broker="default")
    newest = list(rows.order_by("-pk").values_list("pk", flat=True))
    read = searching.search(rows, "payload.order.id=1000")
    assert (read.limit, read.oldest, read.ids) == (3, newest[2], (newest[2],))
    assert "newest 3 letters" in read.notice
    assert not searching.search(
        rows, "payload.n=1.5 -payload.a.b=x source:none"
    ).notice  # an index leaves few
    scanned = searching.search(rows, "-note:x")
    assert (scanned.limit, scanned.rows.count()) == (4, 4)
    assert not searching.search(rows, "status:requeued").notice


def test_an_act_keeps_the_letters_it_was_shown(letters: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ages go on while an operation runs, and the newest letters are others later."""
    rows = DeadLetter.objects.filter(broker="default")
    text, ids = searching.freeze(rows, "captured:<1d or captured:>2d x")
    assert ids is None
    assert "1d" not in text
    assert "2d" not in text
    parse(text)
    monkeypatch.setattr(searching, "MOST_SCANNED", 2)
    shown = set(searching.search(rows, "-note:x").rows.values_list("pk", flat=True))
    text, ids = searching.freeze(rows, "-note:x")
    letter(message_id="later")
    assert set(searching.narrow(rows, text).values_list("pk", flat=True)) - shown == {
        DeadLetter.objects.latest("pk").pk
    }
    wanted = DeadLetter.objects.filter(search_text__contains='"id": 1000').values_list("pk", flat=True)
    monkeypatch.setattr(searching, "MOST_SCANNED", 50)
    assert searching.freeze(rows, "payload.order.id=1000")[1] == tuple(wanted)
    chosen = selection.all_that_match(Filter("default", q="payload.order.id=1000"))
    assert chosen.rows().count() == 1
