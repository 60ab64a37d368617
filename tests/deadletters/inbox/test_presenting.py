from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from consumers.models import Consumer, Record
from mqadmin.deadletters.inbox import presenting
from mqadmin.deadletters.models import DeadLetter, LetterEvent

AT = datetime(2026, 11, 21, 13, 41, 7, tzinfo=UTC)


def dead(**fields: Any) -> DeadLetter:
    known = {"dead_letter_queue": "dlx", "source_exchange": "shop", "routing_keys": ["order.created"]}
    return DeadLetter(**{**known, "captured_at": AT + timedelta(minutes=5), "body": b"", **fields})


def death(queue: str, reason: str, seconds: int, count: int = 1) -> dict[str, Any]:
    return {
        "queue": queue,
        "reason": reason,
        "count": count,
        "time": (AT + timedelta(seconds=seconds)).isoformat(),
    }


def titles(letter: DeadLetter, records: list[Record] | None = None, events: Any = ()) -> list[str]:
    return [step.title for step in presenting.timeline(letter, records or [], list(events))]


def test_a_life_in_order() -> None:
    letter = dead(
        properties={"timestamp": int(AT.timestamp())},
        deaths=[death("mqadmin.delay.2000", "expired", 36), death("mqadmin.delay.1000", "expired", 2)],
    )
    consumer = Consumer(name="orders")
    records = [
        Record(pk=1, consumer=consumer, attempt=1, outcome="retried", started_at=AT + timedelta(seconds=1)),
        Record(pk=2, consumer=consumer, attempt=2, outcome="timed_out", started_at=AT + timedelta(seconds=4)),
        Record(
            pk=3, consumer=consumer, attempt=3, outcome="dead_lettered", started_at=AT + timedelta(seconds=40)
        ),
        Record(pk=4, consumer=consumer, attempt=1, outcome="acked", started_at=AT + timedelta(minutes=20)),
    ]
    events = [LetterEvent(at=AT + timedelta(minutes=10), kind="requeued", by="ann", text="to orders")]
    assert titles(letter, records, events) == [
        "Published",
        "Attempt 1 failed",
        "Waited 1 s",
        "Attempt 2 timed out",
        "Waited 2 s",
        "Attempt 3 failed, dead-lettered",
        "Captured",
        "Requeued",
        "Handled",
    ]


def test_what_was_timed_here_keeps_its_order_within_a_second() -> None:
    later = AT + timedelta(minutes=20)
    handled = Record(
        pk=1,
        consumer=Consumer(name="a"),
        attempt=1,
        outcome="acked",
        started_at=later + timedelta(seconds=0.3),
    )
    events = [
        LetterEvent(at=later + timedelta(seconds=offset), kind=kind, by="ann")
        for offset, kind in ((0.1, "edited"), (0.4, "requeued"))
    ]
    found = titles(dead(deaths=[death("q", "rejected", 5)]), [handled], events)
    assert found == ["Published", "Rejected", "Captured", "Edited", "Handled", "Requeued"]


def test_what_has_no_time_keeps_its_place() -> None:
    letter = dead(deaths=[{"queue": "q", "reason": "rejected", "count": 3, "time": None}])
    assert titles(letter) == ["Published", "Rejected, first of 3 times", "Captured"]


def test_the_last_attempt_is_told_from_the_headers_where_no_record_is() -> None:
    headers = {"mqadmin-attempt": 3, "mqadmin-death-time": int(AT.timestamp()) + 60}
    letter = dead(framework="mqadmin", headers=headers, source_queue="orders", consumer="shop")
    assert titles(letter) == ["Published", "Attempt 3 failed, dead-lettered", "Captured"]
    letter.headers = {"mqadmin-attempt": "x", "mqadmin-death-time": 10**30}
    assert titles(letter) == ["Published", "Failed, dead-lettered", "Captured"]


def test_a_reason_nobody_knows_is_shown_as_it_is() -> None:
    letter = dead(deaths=[death("q", "<b>", 1)], properties={"timestamp": 10**30})
    assert titles(letter) == ["Published", "Died: <b>", "Captured"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{\n  "a": 5,\n  "b": "x"\n}', ["5", '"x"']),
        ('[\n  "a: 5",\n  -1.5e3,\n  true,\n  null\n]', ['"a: 5"', "-1.5e3", "true", "null"]),
        ('{\n  "a: 1": "b \\" c"\n}', ['"b \\" c"']),
    ],
)
def test_values_are_coloured_and_nothing_is_lost(text: str, expected: list[str]) -> None:
    pieces = presenting.coloured(text)
    assert "".join(piece for _kind, piece in pieces) == text
    assert [piece for kind, piece in pieces if kind] == expected


def test_today_needs_no_date() -> None:
    assert presenting.Step("x", at=timezone.now()).is_today
    assert not presenting.Step("x", at=AT - timedelta(days=400)).is_today


def test_only_who_says_so_has_failed() -> None:
    rejected = {"deaths": [death("orders", "rejected", 1)], "reason": "rejected"}
    assert titles(dead(framework="faststream", **rejected)) == ["Published", "Rejected", "Captured"]
    assert titles(dead(framework="celery", **rejected)) == ["Published", "Rejected", "Captured"]
    assert "Failed, dead-lettered" in titles(dead(framework="dramatiq", trace="E: late", **rejected))
    assert "Failed, dead-lettered" in titles(dead(framework="spring", **rejected))


@pytest.mark.parametrize(
    ("reason", "count", "words"),
    [
        ("rejected", 1, "rejected once"),
        ("rejected", 2_147_483_647, "rejected 2\xa0147\xa0483\xa0647 times"),
        ("unknown", 0, ""),
        ("unknown", 3, "died 3 times"),
    ],
)
def test_deaths_in_words(reason: str, count: int, words: str) -> None:
    assert presenting.deaths_in_words(dead(reason=reason, death_count=count)) == words


def test_what_happened_is_told_in_the_readers_language_and_a_note_in_its_writers_own() -> None:
    events = [
        LetterEvent(kind="requeued", by="ann", at=AT, text="to task_queue, confirmed by the broker"),
        LetterEvent(kind="retried", by="retry rule", at=AT),
        LetterEvent(kind="noted", by="ann", at=AT, text="Nothing was done."),
    ]
    with translation.override("zh-hans"):
        told = {step.text for step in presenting.timeline(dead(), [], events)}
    assert {
        "ann\uff1a\u5230 task_queue\uff0c\u4ee3\u7406\u5df2\u786e\u8ba4",
        "\u91cd\u8bd5\u89c4\u5219",
        "ann\uff1aNothing was done.",
    } <= told
