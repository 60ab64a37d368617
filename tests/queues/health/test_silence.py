"""Queues to which nothing comes any more: told where something used to, and not where pauses are usual."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from mqadmin.queues.health.facts import QueueFacts, Verdict
from mqadmin.queues.health.judging import judge, remember
from mqadmin.queues.health.memory import Memory
from mqadmin.queues.health.thresholds import Limits

MONDAY = datetime(2027, 1, 4, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86_400.0
QUIET = QueueFacts(consumers=1, published=0)


class Life:
    """A queue that is looked at every `step` seconds."""

    def __init__(self, begin: float = MONDAY, step: float = 30.0, facts: QueueFacts = QUIET) -> None:
        self.now, self.step, self.facts, self.published = begin, step, facts, 1000
        self.memory = Memory()
        self.told: dict[str, float] = {}  # code -> when it was first told

    def live(self, seconds: float, *, every: float | None = None) -> Verdict:
        """Let time pass; one message comes `every` so many seconds, or none."""
        end, verdict = self.now + seconds, None
        while self.now < end:
            if every is not None and self.now % every < self.step:
                self.published += 1
            facts = self._facts()
            self.memory = remember(self.memory, facts, self.now)
            verdict = judge(facts, self.memory, self.now)
            for reason in verdict.reasons:
                if reason["code"] in ("silent", "producer_stopped"):
                    self.told.setdefault(reason["code"], self.now)
            self.now += self.step
        assert verdict is not None
        return verdict

    def _facts(self) -> QueueFacts:
        values = {name: getattr(self.facts, name) for name in QueueFacts.__dataclass_fields__}
        handled = dict.fromkeys(("published", "left", "delivered"), self.published)
        return QueueFacts(**values | handled)


@cache
def known(days: int) -> tuple[Memory, int]:
    """Return what is remembered after `days`: messages come every other minute from 8 to 18, Monday to Friday."""
    life = Life(step=120)
    for day in range(days):
        life.live(8 * HOUR)
        life.live(10 * HOUR, every=120 if day % 7 < 5 else None)
        life.live(6 * HOUR)
    assert "silent" not in life.told
    return life.memory, life.published


def after(days: int) -> Life:
    life = Life(begin=MONDAY + days * DAY, step=60)
    life.memory, life.published = known(days)
    return life


def test_a_producer_that_stops_is_told_within_minutes_and_for_half_an_hour() -> None:
    life = Life(step=5)
    life.live(2400, every=5)
    stopped = life.now
    life.live(600)
    assert life.told.keys() == {"producer_stopped"}
    assert 150 <= life.told["producer_stopped"] - stopped <= 190
    assert "producer_stopped" not in {reason["code"] for reason in life.live(1800).reasons}


@pytest.mark.parametrize("facts", [QueueFacts(consumers=0), QueueFacts(consumers=1, is_inbox=True)])
def test_where_nobody_waits_for_it_no_producer_is_missed(facts: QueueFacts) -> None:
    life = Life(step=5, facts=facts)
    life.live(2400, every=5)
    life.live(600)
    assert not life.told


def test_bursts_are_no_steady_producer() -> None:
    life = Life()
    for _burst in range(20):
        life.live(600, every=30)
        life.live(900)
    assert not life.told


def test_a_queue_that_works_by_day_is_silent_when_it_does_not_by_day() -> None:
    life = after(14)
    life.live(8 * HOUR)
    assert not life.told  # the third Monday begins: neither the weekend nor its nights were news
    life.live(3 * HOUR, every=60)
    stopped = life.now  # at eleven
    life.live(HOUR)
    assert life.told["silent"] - stopped <= 660
    assert life.live(120, every=60).reasons == ()  # it is over with the next message


def test_a_morning_on_which_nothing_begins_is_told() -> None:
    life = after(14)
    life.live(12 * HOUR)
    assert life.told.keys() == {"silent"}
    assert 9 * HOUR <= life.told["silent"] - (MONDAY + 14 * DAY) <= 11 * HOUR


def test_before_a_week_is_known_nothing_is_usual() -> None:
    life = after(3)
    life.live(DAY)
    assert not life.told


def test_what_its_owner_set_stands_for_all_rules() -> None:
    life = Life(step=5, facts=QueueFacts(consumers=1, limits=Limits(silent_s=120)))
    life.live(300, every=5)
    verdict = life.live(130)
    assert [(reason["code"], reason["params"]) for reason in verdict.reasons] == [("silent", {"own": 120})]
    life = Life(step=5, facts=QueueFacts(consumers=1, limits=Limits(silent_s=0)))
    life.live(2400, every=5)
    life.live(600)
    assert not life.told


def test_a_settled_queue_wakes_when_its_silence_is_to_be_told() -> None:
    life = Life(step=5, facts=QueueFacts(consumers=1, limits=Limits(silent_s=600)))
    life.live(60, every=5)
    verdict = life.live(120)
    assert verdict.settled
    assert verdict.wake_at == pytest.approx(life.now + 600 - 180, abs=60)


class Town(Life):
    """A queue to which messages come by the clock on the wall of a town."""

    def __init__(self, town: str, monday: datetime) -> None:
        self.zone = ZoneInfo(town)
        self.day = monday.replace(tzinfo=self.zone)
        super().__init__(self.day.timestamp(), 300.0, replace(QUIET, zone=self.zone))

    def until(self, hour: int, every: float | None = None) -> None:
        """Go on to an hour of this day, 24 for the next one's beginning."""
        at = self.day.replace(hour=hour) if hour < 24 else self.day + timedelta(days=1)
        self.live(at.timestamp() - self.now, every=every)
        if hour == 24:
            self.day += timedelta(days=1)

    def work(self, days: int) -> None:
        """Work from 8 to 18 from Monday to Friday."""
        for _day in range(days):
            self.until(8)
            self.until(18, every=300 if self.day.weekday() < 5 else None)
            self.until(24)


@pytest.mark.parametrize(
    ("town", "monday"),
    [
        ("Pacific/Auckland", datetime(2027, 6, 7)),  # its Monday begins on UTC's Sunday
        ("Europe/Berlin", datetime(2027, 3, 15)),  # clocks are set on by an hour on the second Sunday
        ("Europe/Berlin", datetime(2027, 10, 18)),  # and back
        ("Asia/Kolkata", datetime(2027, 6, 7)),  # half an hour off
    ],
    ids=["far", "spring", "autumn", "half"],
)
def test_people_work_by_the_clock_on_their_wall(town: str, monday: datetime) -> None:
    life = Town(town, monday)
    life.work(days=15)
    assert not life.told  # neither nights, nor weekends, nor the day of the change, nor the next
    life.until(11, every=300)
    life.until(12)
    assert life.told.keys() == {"silent"}
    stopped = life.day.replace(hour=11).timestamp()
    assert life.told["silent"] - stopped <= 3 * 10 * 60
    stored = Memory.from_json(life.memory.to_json())
    assert stored.usual == life.memory.usual


def test_what_was_learnt_by_other_hours_is_of_no_use() -> None:
    life = after(14)
    life.facts = replace(QUIET, zone=ZoneInfo("Asia/Kolkata"))
    life.live(8 * HOUR)
    life.live(3 * HOUR, every=60)
    life.live(HOUR)
    assert "silent" not in life.told
    assert life.memory.usual.zone == "Asia/Kolkata"
