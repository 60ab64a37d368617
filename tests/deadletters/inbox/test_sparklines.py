"""Letters of each cause by the hour: right, in two queries for a page, and bounded however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mqadmin.deadletters.inbox import inbox, sparklines
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search.selection import Filter
from tests.deadletters.factories import died, letter

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 14, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _counted_anew() -> Iterator[None]:
    sparklines.forget()
    yield
    sparklines.forget()


def came(*minutes_ago: float, queue: str = "orders") -> str:
    for minutes in minutes_ago:
        letter(headers=died(queue), received_at=NOW - timedelta(minutes=minutes))
    return DeadLetter.objects.latest("pk").group


def points(group: str, now: datetime = NOW) -> tuple[int, ...]:
    found = sparklines.drawn("default", inbox.causes(Filter("default")), now)
    return next(cause.points for cause in found if cause.group == group)


def test_each_hour_and_the_last_sixty_minutes() -> None:
    # 14:20 - 15 min = 14:05, - 50 min = 13:30: both in the last 60 minutes, the second also in 13:00-14:00.
    orders = came(15, 50, 125, 130, 60 * 23 - 1, 60 * 25)
    other = came(1, queue="payments")
    assert points(orders) == (1, *[0] * 20, 2, 1, 2)
    assert points(other) == (*[0] * 23, 1)


def test_two_queries_for_all_causes_and_none_for_who_looks_right_after() -> None:
    for number in range(6):
        came(5, 100, 300, queue=f"q{'abcdef'[number]}")
    causes = inbox.causes(Filter("default"))
    with CaptureQueriesContext(connection) as first:
        before = sparklines.drawn("default", causes, NOW)
    with CaptureQueriesContext(connection) as second:
        assert sparklines.drawn("default", causes, NOW + timedelta(seconds=4)) == before
    with CaptureQueriesContext(connection) as third:
        assert sparklines.drawn("default", causes, NOW + timedelta(seconds=5)) == before
    assert (len(first), len(second), len(third)) == (2, 0, 1)
    assert all(sum(cause.points) == 3 for cause in before)


def test_an_hour_is_counted_again_until_late_letters_can_no_longer_come() -> None:
    hour_over = NOW.replace(minute=0)
    group = came(25)
    assert points(group, hour_over + timedelta(seconds=20))[-2] == 1
    came(26)  # stored only now
    assert points(group, hour_over + timedelta(seconds=40))[-2] == 2
    assert points(group, hour_over + timedelta(minutes=2))[-2] == 2
    came(27)
    assert points(group, hour_over + timedelta(minutes=3))[-2] == 2  # over: kept
    sparklines.forget()
    assert points(group, hour_over + timedelta(minutes=3))[-2] == 3


def test_a_flood_is_counted_newest_hour_first_and_estimated_where_one_hour_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sparklines, "MOST_ROWS", 4)
    # 13:00-14:00: 3. 12:00-13:00: 8, of which the newest 4 fill half the hour. 10:00-11:00: 1.
    group = came(30, 40, 79)
    came(*(80 + 60 / 8 * (index + 1) for index in range(8)))
    came(210)
    seen = [points(group)[-5:-1] for _ in range(4)]
    assert seen[0] == (0, 0, 0, 3)
    assert seen[1] == (0, 0, 8, 3)
    assert seen[2] == seen[3] == (1, 0, 8, 3)


def test_a_flood_in_the_last_hour_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparklines, "MOST_ROWS", 4)
    group = came(*(index * 7.5 for index in range(1, 9)))
    assert points(group)[-1] == 8


def test_the_page_says_the_numbers_behind_the_line() -> None:
    came(5, 6)
    cause = sparklines.drawn("default", inbox.causes(Filter("default")), NOW)[0]
    assert (cause.last_hour, cause.most) == (2, 2)


def test_a_cause_grows_when_most_of_its_day_is_of_the_last_hours() -> None:
    came(61, 62, 63, 64, 65)
    came(*(60 * hours for hours in (1, 8, 9, 10, 11, 12)), queue="payments")
    causes = sparklines.drawn("default", inbox.causes(Filter("default")), NOW)
    assert {cause.source_queue: cause.is_growing for cause in causes} == {"orders": True, "payments": False}
