"""Schedules in plain words."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from consumers.scaling import schedule_words
from consumers.scaling.schedule import ScheduleError

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = datetime(2026, 3, 1, 19, 0, tzinfo=BERLIN)


@pytest.fixture(autouse=True)
def _berlin(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("mon-fri 08:00-18:00", "Monday to Friday 08:00 to 18:00 (Europe/Berlin)"),
        ("sat,sun 08:00-18:00 UTC", "Saturday and Sunday 08:00 to 18:00 (UTC)"),
        ("fri-mon 22:00-06:00", "Friday to Monday 22:00 to 06:00 (Europe/Berlin)"),
        (
            "mon,wed-fri,sun 00:00-24:00",
            "Wednesday to Friday, Sunday and Monday, the whole day (Europe/Berlin)",
        ),
        ("daily 08:00-12:00,13:00-17:00", "daily 08:00 to 12:00 and 13:00 to 17:00 (Europe/Berlin)"),
        ("every 2 h for 20 min", "daily every 2 h for 20 min, counted from midnight (Europe/Berlin)"),
        ("not 2026-12-24", "always; not on 24 December 2026 (Europe/Berlin)"),
        (
            "mon 08:00-18:00; sat 10:00-14:00; not 2026-12-24..2026-12-26",
            "Monday 08:00 to 18:00; Saturday 10:00 to 14:00; "
            "not on 24 December 2026 to 26 December 2026 (Europe/Berlin)",
        ),
    ],
)
def test_the_hours(text: str, words: str) -> None:
    assert schedule_words.words(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("daily 00:00-24:00", ""),
        ("mon-fri 08:00-18:00", "starts again Monday 08:00, in 13 h"),
        ("sun 08:00-19:20", "runs until 19:20, for another 20 min"),
        ("sun 08:00-19:01", "runs until 19:01, for another 60 seconds"),
        ("mon-fri 08:00-18:00 UTC", "starts again Monday 08:00, in 14 h"),
        ("sat 08:00-18:00", "starts again Saturday 08:00, in 6 d"),
        ("daily 08:00-09:00; not 2026-03-02..2026-04-01", "starts again 2 April 2026 08:00, in 32 d"),
        ("not 2026-12-24", "runs until 24 December 2026 00:00, for another 297 d"),
    ],
)
def test_what_happens_next(text: str, words: str) -> None:
    assert schedule_words.status(text, SUNDAY) == words


def test_it_counts_real_hours_where_the_clock_is_put_forward() -> None:
    evening = datetime(2026, 3, 28, 20, 0, tzinfo=BERLIN)
    assert schedule_words.status("sun 08:00-18:00", evening) == "starts again Sunday 08:00, in 11 h"


def test_all_in_one_line() -> None:
    expected = "Monday to Friday 08:00 to 18:00 (Europe/Berlin); starts again Monday 08:00, in 13 h"
    assert schedule_words.describe("mon-fri 08:00-18:00", SUNDAY) == expected
    assert schedule_words.describe("", SUNDAY) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mon 25:00-26:00", "At character 5, “25:00”: there is no such time of day."),
        ("mon 08:00", "At character 10: a window has two times, like 08:00-18:00."),
        (
            "08:00-18:00 Europe/Nowhere",
            "At character 13, “Europe/Nowhere”: there is no such time zone. One is called Europe/Berlin.",
        ),
    ],
)
def test_what_is_wrong(text: str, words: str) -> None:
    assert schedule_words.problem(text) == words
    assert schedule_words.describe(text, SUNDAY).endswith(words)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "foo 08:00-09:00",
            "mon &",
            "mon 08:00-09:00 x/y",
            "UTC",
            "daily 8-9",
            "mon 08:00",
            "mon 08:00-08:00",
        ),
        *("mon 24:00-25:00", "not", "not 2026-02-30", "not 2026-02-02..2026-02-01", "every 2 h", "every h"),
        *("every 2", "every 7 h for 1 h", "every 1 h for 1 h", "mon 08:00-09:00 10:00"),
    ],
)
def test_every_error_has_words(text: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        schedule_words.parsed(text)
    assert schedule_words.error_words(caught.value).startswith(f"At character {caught.value.position + 1}")


def test_whether_it_may_run() -> None:
    assert schedule_words.is_open("", SUNDAY)
    assert schedule_words.is_open("sun", SUNDAY)
    assert not schedule_words.is_open("mon", SUNDAY)
    assert schedule_words.is_open("nonsense", SUNDAY), "what cannot be read counts as none"
    assert schedule_words.problem("sun") == ""


def test_a_changed_time_zone_of_the_project_counts_at_once(settings: Any) -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=ZoneInfo("UTC"))
    assert schedule_words.is_open("mon", late)
    settings.TIME_ZONE = "UTC"
    assert not schedule_words.is_open("mon", late)
