"""What becomes of an alert, what is told and when, quiet hours: tables without a clock or a database."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from mqadmin.alerts.engine import deciding, quiet, states
from mqadmin.alerts.engine.deciding import Case, Told
from mqadmin.alerts.telling import outbox

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


PENDING, FIRING = "pending", "firing"


@pytest.mark.parametrize(
    ("alert", "hit", "holds", "since", "expected"),
    [
        (None, False, False, None, ""),
        (None, True, False, None, ""),  # better than what begins, worse than what ends
        (None, True, True, None, "begin"),
        (None, True, True, ago(61), "fire"),  # the evidence says that it has held for long
        (states.Now(PENDING, ago(59)), True, True, None, ""),
        (states.Now(PENDING, ago(60)), True, True, None, "fire"),
        (states.Now(PENDING, ago(600)), True, False, None, "drop"),
        (states.Now(PENDING, ago(600)), False, False, None, "drop"),
        (states.Now(FIRING, ago(600)), True, False, None, ""),  # hysteresis
        (states.Now(FIRING, ago(600)), False, False, None, "fine"),
        (states.Now(FIRING, ago(600), ago(29)), False, False, None, ""),
        (states.Now(FIRING, ago(600), ago(30)), False, False, None, "resolve"),
        (states.Now(FIRING, ago(600), ago(29)), True, False, None, "again"),
    ],
)
def test_an_alert_fires_after_a_while_and_ends_after_a_while(
    alert: states.Now | None, hit: bool, holds: bool, since: datetime | None, expected: str
) -> None:
    step = states.step(alert, hit=hit, holds=holds, since=since, now=NOW, for_s=60, clear_s=30)
    assert step == expected


def told(seconds: float, what: str = "opened", severity: int = 2, alerts: int = 1) -> Told:
    return Told(what, ago(seconds), severity, alerts)


def a_case(severity: int = 2, alerts: int = 1, opened: float = 900, **values: object) -> Case:
    return Case(severity, alerts, ago(opened), **{"repeat_s": 3600} | values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "before", "expected"),
    [
        (a_case(), [], "opened"),
        (a_case(severity=1), [], ""),  # the channel wants warnings
        (a_case(alerts=0, severity=0), [], ""),  # silenced
        (a_case(is_acknowledged=True), [], ""),
        (a_case(is_snoozed=True), [], ""),
        (a_case(), [told(3599)], ""),
        (a_case(), [told(3600)], "repeated"),
        (a_case(repeat_s=0), [told(99_999)], ""),
        (a_case(), [told(7200), told(3599, "repeated")], ""),
        (a_case(is_acknowledged=True), [told(3600)], ""),
        (a_case(is_snoozed=True), [told(3600)], ""),
        (a_case(severity=3), [told(1)], "grown"),
        (
            a_case(severity=3, is_acknowledged=True),
            [told(1)],
            "grown",
        ),  # it was another thing that was waved off
        (a_case(severity=3), [told(9, severity=3), told(1)], ""),
        (a_case(alerts=400), [told(300, alerts=10)], "grown"),
        (a_case(alerts=400, is_acknowledged=True), [told(300, alerts=10)], "grown"),
        (a_case(alerts=400, is_snoozed=True), [told(300, alerts=10)], ""),
        (a_case(alerts=400), [told(299, alerts=10)], ""),
        (a_case(alerts=6), [told(300, alerts=2)], ""),
        (a_case(alerts=2, news_at=ago(1)), [told(2)], "grown"),  # a second node, at once
        (a_case(alerts=2, news_at=ago(2)), [told(2)], ""),  # the first message was about both
        (a_case(alerts=2, news_at=ago(1)), [told(9, alerts=3)], "grown"),  # others are back
        (a_case(alerts=2, news_at=ago(1), is_acknowledged=True), [told(2)], "grown"),
        (a_case(alerts=2, news_at=ago(1), is_snoozed=True), [told(2)], ""),
    ],
)
def test_what_is_told(case: Case, before: list[Told], expected: str) -> None:
    assert deciding.decide(case, before, least=2, after_minutes=0, is_quiet=False, now=NOW) == expected
    assert deciding.decide(case, before, least=2, after_minutes=0, is_quiet=True, now=NOW) == ""


@pytest.mark.parametrize(
    ("opened", "acknowledged", "expected"), [(899, False, ""), (900, False, "escalated"), (900, True, "")]
)
def test_the_next_one_is_told_of_what_nobody_takes(opened: float, acknowledged: bool, expected: str) -> None:
    case = a_case(opened=opened, is_acknowledged=acknowledged)
    assert deciding.decide(case, [], least=1, after_minutes=15, is_quiet=False, now=NOW) == expected


@pytest.mark.parametrize(
    ("start", "end", "zone", "clock", "expected"),
    [
        ("22:00", "07:00", "UTC", "21:59", None),
        ("22:00", "07:00", "UTC", "22:00", "2026-03-03T07:00+00:00"),
        ("22:00", "07:00", "UTC", "06:59", "2026-03-02T07:00+00:00"),
        ("22:00", "07:00", "UTC", "07:00", None),
        ("22:00", "07:00", "Asia/Tokyo", "13:00", "2026-03-03T07:00+09:00"),
        ("09:00", "17:00", "Europe/Berlin", "08:00", "2026-03-02T17:00+01:00"),
        ("09:00", "17:00", "Europe/Berlin", "07:59", None),
        (None, None, "UTC", "03:00", None),
    ],
)
def test_quiet_hours(start: str | None, end: str | None, zone: str, clock: str, expected: str | None) -> None:
    now = datetime.fromisoformat(f"2026-03-02T{clock}+00:00")
    times = [None if text is None else time.fromisoformat(text) for text in (start, end)]
    found = quiet.ends_at(times[0], times[1], zone, now)
    assert found == (None if expected is None else datetime.fromisoformat(expected))


def test_a_service_that_is_away_is_asked_ever_less_often_but_for_long() -> None:
    delays = [outbox.delay(attempt).total_seconds() for attempt in (1, 2, 3, 7, 30, 30_000)]
    assert delays == [15, 30, 60, 900, 900, 900]
