"""The oldest message waits too long: when that is said, and when no more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mqadmin.queues.health.facts import FOREVER, QueueFacts, Verdict
from mqadmin.queues.health.judging import judge, remember
from mqadmin.queues.health.memory import Memory
from mqadmin.queues.health.thresholds import Limits

START = 1_800_000_000
FACTS = QueueFacts(ready=5, total=5, consumers=1, ack_rate=1.0, oldest_at=START)


def judged(facts: QueueFacts, *moments: float) -> Verdict:
    memory = Memory()
    for moment in moments:
        memory = Memory.from_json(remember(memory, facts, START + moment).to_json())
    return judge(facts, memory, START + moments[-1])


def codes(verdict: Verdict) -> list[str]:
    return [reason["code"] for reason in verdict.reasons]


@pytest.mark.parametrize(
    ("waited", "changes", "is_told"),
    [
        (599, {}, False),
        (600, {}, True),
        (61, {"limits": Limits(oldest_s=60)}, True),
        (9000, {"limits": Limits(oldest_s=86_400)}, False),
        (9000, {"limits": Limits(oldest_s=0)}, False),
        (9000, {"oldest_at": None, "ready": 0, "total": 0}, False),
        (9000, {"type": "stream"}, False),
        (9000, {"is_delay": True}, False),
        (9000, {"is_inbox": True}, False),
    ],
)
def test_when_it_is_told(waited: int, changes: dict[str, Any], is_told: bool) -> None:
    verdict = judged(replace(FACTS, **changes), waited)
    assert ("waits_long" in codes(verdict)) is is_told


def test_what_it_says() -> None:
    verdict = judged(replace(FACTS, oldest_at_least=True), 590, 605, 700)
    assert verdict.level == "watch"
    assert [reason for reason in verdict.reasons if reason["code"] == "waits_long"] == [
        {
            "code": "waits_long",
            "level": "watch",
            "params": {"oldest_at": START, "at_least": True, "limit": 600},
            "since": START + 605,
        }
    ]


def test_it_ends_well_below_the_limit() -> None:
    memory = Memory()
    told = []
    for moment, waits in ((0, 650), (5, 590), (10, 480), (15, 470), (26, 470), (31, 590)):
        facts = replace(FACTS, oldest_at=START + moment - waits)
        memory = remember(memory, facts, START + moment)
        told.append("waits_long" in codes(judge(facts, memory, START + moment)))
    assert told == [True, True, True, True, False, False]


def test_a_queue_that_stands_still_is_looked_at_when_it_is_to_be_told() -> None:
    idle = replace(FACTS, ack_rate=0.0, consumers=0)
    early = judged(idle, 0, 200, 500)
    assert (early.settled, early.wake_at) == (True, START + 600)
    for facts, moments in ((idle, (0, 200, 500, 700)), (replace(idle, is_inbox=True), (0, 200, 500))):
        late = judged(facts, *moments)
        assert (late.settled, late.wake_at) == (True, FOREVER)
