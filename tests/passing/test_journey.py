"""The journey of a message, from rows of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mqadmin.core.errors import Refusal
from mqadmin.deadletters.models import LetterEvent
from mqadmin.passing.journey import looking, steps
from mqadmin.passing.journey.looking import Key
from tests.core.conftest import SignIn
from tests.deadletters.factories import letter
from tests.passing.factories import make_seen, make_tap
from tests.support.consumers import make_consumer, make_record

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def after(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.fixture
def rows(db: None) -> None:
    """A message that was seen, failed, died, was requeued and handled; its id is on all, its trace on some."""
    make_seen(at=after(0), message_id="A-17", correlation_id="c-1", trace_id=TRACE)
    consumer = make_consumer()
    make_record(consumer, message_id="A-17", outcome="retried", started_at=after(1), error="no stock")
    made = letter(message_id="A-17", captured_at=after(3), headers={"traceparent": PARENT})
    death = {"queue": "orders", "reason": "rejected", "count": 1, "time": after(2).isoformat()}
    type(made).objects.filter(pk=made.pk).update(deaths=[death])
    LetterEvent.objects.create(letter=made, at=after(4), kind="requeued", by="ann")
    make_record(consumer, message_id="A-17", outcome="acked", started_at=after(5))
    make_record(consumer, message_id="B-1", outcome="acked", started_at=after(6))
    make_record(
        consumer,
        message_id="C-1",
        outcome="acked",
        started_at=after(7),
        properties={"correlation_id": "c-1"},
        headers={"traceparent": PARENT},
    )


def told(key: Key) -> list[str]:
    return [f"{step.kind} {step.message_id}" for step in steps.line(looking.look(key))]


WHOLE = ["seen A-17", "handled A-17", "died A-17", "letter A-17", "letter A-17", "handled A-17"]


def test_a_message_id_gives_one_line_of_time(rows: None) -> None:
    assert told(Key(message_id="A-17")) == WHOLE


@pytest.mark.parametrize("key", [Key(correlation_id="c-1"), Key(trace_id=TRACE)])
def test_a_correlation_or_a_trace_brings_all_of_its_messages(rows: None, key: Key) -> None:
    assert told(key) == [*WHOLE, "handled C-1"]


def test_a_trace_finds_what_was_handled_in_it_and_is_named(rows: None) -> None:
    make_record(make_consumer(), message_id="D-1", trace_id=TRACE, started_at=after(8))
    found = looking.look(Key(trace_id=TRACE))
    assert "D-1" in found.message_ids
    assert found.trace_ids == [TRACE]
    assert looking.look(Key(message_id="A-17")).trace_ids == [TRACE]
    assert looking.look(Key(message_id="B-1")).trace_ids == []


def test_a_masked_trace_is_not_named(rows: None, settings: object) -> None:
    settings.MQADMIN_MASKED = ["header.traceparent"]  # type: ignore[attr-defined]
    assert looking.look(Key(message_id="A-17")).trace_ids == []


def test_a_correlation_id_is_not_found_inside_another_value(db: None) -> None:
    inner = {"app_id": '"correlation_id": "c-9"', "correlation_id": "other"}
    make_record(make_consumer(), message_id="X", properties=inner)
    assert told(Key(correlation_id="c-9")) == []


def test_old_records_are_not_looked_through(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "SEARCHED", 2)
    found = looking.look(Key(correlation_id="c-1"))
    assert found.is_partial
    consumer = make_consumer(name="another")
    for number in range(3):
        make_record(consumer, message_id=f"new-{number}")
    assert "C-1" not in looking.look(Key(correlation_id="c-1")).message_ids


def test_no_table_is_read_whole_for_a_message_id(rows: None) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        looking.look(Key(message_id="A-17"))
    for query in queries.captured_queries:
        plan = _plan(query["sql"])
        assert "SCAN" not in plan, (query["sql"], plan)


def _plan(sql: str) -> str:
    if connection.vendor != "sqlite" or not sql.startswith("SELECT"):
        return ""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('%', '%%')}")
        return " ".join(str(row[3]) for row in cursor.fetchall())


def test_a_masked_trace_is_not_searched(db: None, settings: object) -> None:
    settings.MQADMIN_MASKED = ["header.traceparent"]  # type: ignore[attr-defined]
    with pytest.raises(Refusal):
        looking.look(Key(trace_id=TRACE))


def test_the_page_and_the_call_show_it(rows: None, sign_in: SignIn) -> None:
    viewer, operator = sign_in("viewer"), sign_in("operator")
    page = viewer.get("/journey/", {"q": "A-17"}).content.decode()
    assert page.count("<li class=") == len(WHOLE)
    assert "/messages/" not in page  # what a tap saw is for operators
    assert "/messages/" in operator.get("/journey/", {"q": "A-17"}).content.decode()
    hard = viewer.get("/journey/", {"q": '<script>\u202e"'}).content.decode()
    assert "<script>\u202e" not in hard


def test_a_tap_page_is_for_operators(db: None, sign_in: SignIn) -> None:
    tap = make_tap(kept=1, title="A set")
    row = make_seen(tap, body=b"<script>alert(1)</script>", headers={"x": "<b>"})
    address = f"/taps/{tap.pk}/messages/{row.pk}/"
    assert sign_in("viewer").get(address).status_code == 403
    page = sign_in("operator").get(address).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
    live = sign_in("operator").get(f"/taps/{tap.pk}/", {"until": row.pk}).content.decode()
    assert "new row" not in live
    make_seen(tap)
    assert "1 new row" in sign_in("operator").get(f"/taps/{tap.pk}/", {"until": row.pk}).content.decode()
