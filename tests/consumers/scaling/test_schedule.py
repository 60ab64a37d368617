"""Schedules: what they read, when they are open, when that changes; also where the clock is put forward or back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from consumers.scaling.schedule import Closed, Schedule, ScheduleError, Span, Window, parse

BERLIN = ZoneInfo("Europe/Berlin")
ALL = tuple(range(7))
OFFICE = (Span(480, 1080),)
MINUTE = timedelta(minutes=1)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", Schedule(), id="always"),
        pytest.param(" ; ", Schedule(), id="nothing between separators"),
        pytest.param("mon-fri 08:00-18:00", Schedule((Window((0, 1, 2, 3, 4), OFFICE),)), id="office"),
        pytest.param(
            "Mon - Fri 8:00 to 18:00", Schedule((Window((0, 1, 2, 3, 4), OFFICE),)), id="spaces, to"
        ),
        pytest.param("Monday,wed 08:00-18:00", Schedule((Window((0, 2), OFFICE),)), id="days in a list"),
        pytest.param(
            "sat-mon 08:00-18:00", Schedule((Window((0, 5, 6), OFFICE),)), id="days over the week's end"
        ),
        pytest.param("08:00-18:00", Schedule((Window(ALL, OFFICE),)), id="no days"),
        pytest.param("* 08:00-18:00", Schedule((Window(ALL, OFFICE),)), id="star"),
        pytest.param("sun", Schedule((Window((6,), (Span(0, 1440),)),)), id="no hours"),
        pytest.param("daily 22:00-06:00", Schedule((Window(ALL, (Span(1320, 1800),)),)), id="over midnight"),
        pytest.param("daily 18:00-24:00", Schedule((Window(ALL, (Span(1080, 1440),)),)), id="to midnight"),
        pytest.param(
            "08:00-12:00, 13:00-17:00",
            Schedule((Window(ALL, (Span(480, 720), Span(780, 1020))),)),
            id="a lunch break",
        ),
        pytest.param(
            "mon 08:00-18:00; sat 10:00-14:00",
            Schedule((Window((0,), OFFICE), Window((5,), (Span(600, 840),)))),
            id="two windows",
        ),
        pytest.param("every 2 h for 20 min", Schedule((Window(ALL, (), (120, 20)),)), id="every"),
        pytest.param(
            "mon every 1h for 5m", Schedule((Window((0,), (), (60, 5)),)), id="every, without spaces"
        ),
        pytest.param(
            "not 2026-12-24",
            Schedule(closed=(Closed(date(2026, 12, 24), date(2026, 12, 24)),)),
            id="only a closed day",
        ),
        pytest.param(
            "not 2026-12-24..2027-01-01, 2027-05-01",
            Schedule(
                closed=(
                    Closed(date(2026, 12, 24), date(2027, 1, 1)),
                    Closed(date(2027, 5, 1), date(2027, 5, 1)),
                )
            ),
            id="closed days",
        ),
        pytest.param(
            "08:00-18:00 Europe/Berlin", Schedule((Window(ALL, OFFICE),), zone="Europe/Berlin"), id="a zone"
        ),
        pytest.param(
            "08:00-18:00; not 2026-12-24; Europe/Berlin",
            Schedule(
                (Window(ALL, OFFICE),), (Closed(date(2026, 12, 24), date(2026, 12, 24)),), "Europe/Berlin"
            ),
            id="a zone of its own part",
        ),
        pytest.param("08:00-18:00 CET", Schedule((Window(ALL, OFFICE),), zone="CET"), id="a short zone"),
    ],
)
def test_what_a_text_says(text: str, expected: Schedule) -> None:
    assert parse(text) == expected


def test_the_zone_of_the_project_counts_where_none_is_named() -> None:
    assert parse("08:00-18:00", "Europe/Berlin").zone == "Europe/Berlin"
    assert parse("08:00-18:00 Asia/Tokyo", "Europe/Berlin").zone == "Asia/Tokyo"
    with pytest.raises(ZoneInfoNotFoundError):
        parse("", "Europe/Nowhere")


@pytest.mark.parametrize(
    ("text", "code", "position", "found"),
    [
        ("foo 08:00-18:00", "expected_day", 0, "foo"),
        ("mon-foo 08:00-18:00", "expected_day", 4, "foo"),
        ("mon 08:00-18:00; tue 25:00-26:00", "no_such_time", 21, "25:00"),
        ("mon 08:60-18:00", "no_such_time", 4, "08:60"),
        ("mon 24:00-25:00", "no_such_time", 4, "24:00"),
        ("mon 08:00-24:01", "no_such_time", 10, "24:01"),
        ("mon 08:00", "expected_end", 9, ""),
        ("mon 08:00-", "expected_time", 10, ""),
        ("daily 8-18", "expected_time", 6, "8"),
        ("mon 08:00-08:00", "empty_window", 10, "08:00"),
        ("mon 08:00-18:00 09:00", "unexpected", 16, "09:00"),
        ("mon & tue", "unknown_word", 4, "&"),
        ("mon 08:00-18:00 Europe/Nowhere", "unknown_zone", 16, "Europe/Nowhere"),
        ("mon 08:00-18:00 nonsense", "unknown_word", 16, "nonsense"),
        ("mon 08:00-18:00 ../../etc/passwd", "unknown_word", 18, "/"),
        ("Europe/Berlin", "no_hours", 0, "Europe/Berlin"),
        ("not", "expected_date", 3, ""),
        ("not 2026-02-30", "no_such_date", 4, "2026-02-30"),
        ("not 0001-01-01", "no_such_date", 4, "0001-01-01"),
        ("not 2026-02-03..2026-02-01", "backwards", 16, "2026-02-01"),
        ("every 2 h", "expected_for", 9, ""),
        ("every h for 2 min", "expected_amount", 6, "h"),
        ("every 2 for 2 min", "expected_unit", 8, "for"),
        ("every 7 h for 1 h", "uneven", 6, "7"),
        ("every 1 min for 1 min", "uneven", 6, "1"),
        ("every 1 h for 60 min", "too_long", 14, "60"),
        ("every 1 h for 0 min", "too_long", 14, "0"),
    ],
)
def test_what_is_wrong_with_a_text_and_where(text: str, code: str, position: int, found: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse(text)
    error = caught.value
    assert (error.code, error.position, error.found) == (code, position, found)
    assert f"character {position + 1}" in str(error)


@pytest.mark.parametrize(
    ("text", "moment", "is_open", "change"),
    [
        # 2026-03-02 is a Monday.
        pytest.param("", "2026-03-02 07:59", True, None, id="always"),
        pytest.param("daily 00:00-24:00", "2026-03-02 00:00", True, None, id="every hour of every day"),
        pytest.param("mon-fri 08:00-18:00", "2026-03-02 07:59", False, "2026-03-02 08:00", id="before"),
        pytest.param("mon-fri 08:00-18:00", "2026-03-02 08:00", True, "2026-03-02 18:00", id="begins"),
        pytest.param("mon-fri 08:00-18:00", "2026-03-02 18:00", False, "2026-03-03 08:00", id="ends"),
        pytest.param("mon-fri 08:00-18:00", "2026-03-06 19:00", False, "2026-03-09 08:00", id="the weekend"),
        pytest.param("daily 22:00-06:00", "2026-03-02 23:00", True, "2026-03-03 06:00", id="this night"),
        pytest.param("daily 22:00-06:00", "2026-03-02 05:00", True, "2026-03-02 06:00", id="last night"),
        pytest.param("fri 22:00-06:00", "2026-03-07 05:59", True, "2026-03-07 06:00", id="the day after"),
        pytest.param(
            "fri 22:00-06:00", "2026-03-06 05:00", False, "2026-03-06 22:00", id="not the day before"
        ),
        pytest.param(
            "mon 18:00-24:00; tue 00:00-03:00", "2026-03-02 19:00", True, "2026-03-03 03:00", id="adjoining"
        ),
        pytest.param(
            "mon 08:00-12:00; mon 10:00-14:00", "2026-03-02 09:00", True, "2026-03-02 14:00", id="overlapping"
        ),
        pytest.param("every 2 h for 20 min", "2026-03-02 14:10", True, "2026-03-02 14:20", id="every: in it"),
        pytest.param(
            "every 2 h for 20 min", "2026-03-02 23:10", False, "2026-03-03 00:00", id="every: between"
        ),
        pytest.param("not 2026-03-03", "2026-03-02 12:00", True, "2026-03-03 00:00", id="closed tomorrow"),
        pytest.param("not 2026-03-03", "2026-03-03 12:00", False, "2026-03-04 00:00", id="closed today"),
        pytest.param("not 2026-03-03", "2026-03-04 00:00", True, None, id="closed yesterday"),
        pytest.param(
            "mon-fri 08:00-18:00; not 2026-03-03..2026-03-06",
            "2026-03-02 18:00",
            False,
            "2026-03-09 08:00",
            id="a closed week",
        ),
        pytest.param(
            "daily 22:00-06:00; not 2026-03-03",
            "2026-03-02 23:00",
            True,
            "2026-03-03 00:00",
            id="a closed day ends the night before it",
        ),
        pytest.param(
            "daily 22:00-06:00; not 2026-03-03",
            "2026-03-03 22:30",
            False,
            "2026-03-04 00:00",
            id="and its own night begins after it",
        ),
        pytest.param(
            "mon-fri 08:00-18:00; not 2026-01-01..2031-12-31",
            "2026-03-02 09:00",
            False,
            "2032-01-01 08:00",
            id="closed for years",
        ),
        pytest.param("not 2040-03-03", "2026-03-02 12:00", True, "2040-03-03 00:00", id="closed in years"),
        pytest.param(
            "mon 08:00-18:00; not 2000-01-01..2999-12-31",
            "2026-03-02 09:00",
            False,
            "3000-01-06 08:00",
            id="closed for ages",
        ),
    ],
)
def test_when_it_is_open_and_when_that_changes(
    text: str, moment: str, is_open: bool, change: str | None
) -> None:
    schedule = parse(text, "Europe/Berlin")
    assert schedule.open(at(moment)) is is_open
    assert schedule.open(at(moment).astimezone(UTC)) is is_open
    assert schedule.next_change(at(moment)) == (at(change).astimezone(UTC) if change else None)


def openings(schedule: Schedule, first: datetime, last: datetime) -> list[tuple[str, str]]:
    """Return the windows between two moments as the wall clock shows them, minute by minute."""
    found: list[tuple[str, str]] = []
    began = None
    moment = first.astimezone(UTC)
    while moment <= last.astimezone(UTC):
        if schedule.open(moment) and began is None:
            began = moment
        elif began is not None and not schedule.open(moment):
            zone = ZoneInfo(schedule.zone)
            found.append((f"{began.astimezone(zone):%H:%M%z}", f"{moment.astimezone(zone):%H:%M%z}"))
            began = None
        moment += MINUTE
    return found


SPRING = at("2026-03-29 00:00"), at("2026-03-29 12:00")  # 02:00 becomes 03:00
AUTUMN = at("2026-10-25 00:00"), at("2026-10-25 12:00")  # 03:00 becomes 02:00


@pytest.mark.parametrize(
    ("text", "night", "expected"),
    [
        pytest.param("02:30-05:00", SPRING, ("03:00+0200", "05:00+0200"), id="begins in the missing hour"),
        pytest.param("01:00-02:30", SPRING, ("01:00+0100", "03:00+0200"), id="ends in the missing hour"),
        pytest.param("02:15-02:45", SPRING, ("03:00+0200", "03:30+0200"), id="lies in the missing hour"),
        pytest.param("01:00-05:00", SPRING, ("01:00+0100", "05:00+0200"), id="goes over the missing hour"),
        pytest.param("02:30-05:00", AUTUMN, ("02:30+0200", "05:00+0100"), id="begins in the doubled hour"),
        pytest.param("01:00-02:30", AUTUMN, ("01:00+0200", "02:30+0100"), id="ends in the doubled hour"),
        pytest.param("02:15-02:45", AUTUMN, ("02:15+0200", "02:45+0100"), id="lies in the doubled hour"),
    ],
)
def test_when_the_clock_is_put_forward_or_back(
    text: str, night: tuple[datetime, datetime], expected: tuple[str, str]
) -> None:
    assert openings(parse(text, "Europe/Berlin"), *night) == [expected]


def test_a_day_without_a_midnight() -> None:
    """In Cairo the clock is put forward at midnight: the last Friday of April begins at 01:00."""
    schedule = parse("fri 00:00-06:00; not 2026-05-01 Africa/Cairo")
    cairo = ZoneInfo("Africa/Cairo")
    change = schedule.next_change(at("2026-04-23 12:00", cairo))
    assert change is not None
    assert (f"{change.astimezone(cairo):%d %H:%M%z}", schedule.open(change)) == ("24 01:00+0300", True)
    assert schedule.next_change(change) == at("2026-04-24 06:00", cairo)
    assert schedule.next_change(at("2026-04-25 00:00", cairo)) == at("2026-05-08 00:00", cairo)


@pytest.mark.parametrize(
    "text",
    [
        "mon-fri 08:00-18:00; sat 10:00-14:00; not 2026-03-31",
        "daily 22:00-06:00; not 2026-03-29..2026-03-30",
        "sun 02:10-02:50; mon 23:30-00:30",
        "fri-sun every 3 h for 50 min",
    ],
)
@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
)
@pytest.mark.parametrize("month", [3, 4, 10, 11])
def test_the_next_change_is_the_first_moment_that_differs(text: str, zone: str, month: int) -> None:
    """Walk a fortnight: `next_change` finds the same moments as looking every five minutes does."""
    schedule = parse(text, zone)
    moment = datetime(2026, month, 22 if month in (3, 10) else 1, tzinfo=UTC)
    last = moment + timedelta(days=14)
    expected = schedule.next_change(moment)
    state, changes = schedule.open(moment), 0
    while moment < last:
        moment += 5 * MINUTE
        assert expected is not None
        if schedule.open(moment) != state:
            assert expected == moment
            state, expected, changes = not state, schedule.next_change(moment), changes + 1
        else:
            assert expected > moment
    assert changes >= 4


def test_a_moment_without_a_time_zone_is_refused() -> None:
    schedule = parse("mon")
    with pytest.raises(ValueError, match="time zone"):
        schedule.open(datetime(2026, 3, 2))
    with pytest.raises(ValueError, match="time zone"):
        schedule.next_change(datetime(2026, 3, 2))
