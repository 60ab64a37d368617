"""From the broker's listing to a row: what changes one, what does not, and the length history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mqadmin.queues.monitor.observing import NOWHERE, Surroundings, moment, queue_facts
from mqadmin.queues.monitor.queue_row import Known, Row, extended, points, update
from mqadmin.rabbit.types import QueueInfo

INFO = QueueInfo(
    "/", "orders", "classic", state="running", ready=0, unacked=0, total=0, consumers=0, memory=1_000_000
)
START = 1_800_000_000.0


def around(seconds: float = 0.0, *alarms: str) -> Surroundings:
    return Surroundings(START + seconds, alarms, "mqadmin.parking")


def row_of(known: Known) -> Row:
    assert known.row is not None
    return known.row


def test_the_same_again_writes_nothing() -> None:
    known = Known()
    assert update(known, INFO, NOWHERE, False, around())
    for step in range(1, 200):
        assert not update(known, INFO, NOWHERE, False, around(5 * step))


def test_memory_noise_writes_nothing_but_growth_does() -> None:
    known = Known()
    update(known, INFO, NOWHERE, False, around())
    assert not update(known, replace(INFO, memory=1_200_000), NOWHERE, False, around(5))
    assert update(known, replace(INFO, memory=2_000_000), NOWHERE, False, around(10))
    assert row_of(known).memory == 2_000_000


@pytest.mark.parametrize(
    "change", [{"ready": 1, "total": 1}, {"consumers": 1}, {"state": "down"}, {"policy": "p"}]
)
def test_a_change_writes(change: dict[str, object]) -> None:
    known = Known()
    update(known, INFO, NOWHERE, False, around())
    assert update(known, replace(INFO, **change), NOWHERE, False, around(5))  # type: ignore[arg-type]


def test_a_queue_that_comes_back_is_written_again() -> None:
    known = Known()
    update(known, INFO, NOWHERE, False, around())
    known.go(datetime.now(UTC))
    assert update(known, INFO, NOWHERE, False, around(5))
    assert row_of(known).gone_at is None


def test_the_parking_queue_is_an_inbox() -> None:
    known = Known()
    update(known, replace(INFO, name="mqadmin.parking"), NOWHERE, False, around())
    assert row_of(known).is_inbox


def test_history_keeps_a_point_per_minute_where_the_length_changed() -> None:
    history: list[list[int]] = []
    for minute, total in [(0, 5), (1, 5), (2, 9), (3, 9), (70, 4)]:
        history = extended(history, total, START + 60 * minute)
    begin = int(START // 60)
    assert history == [[begin + 2, 9], [begin + 70, 4]]
    line = points(history, START + 70 * 60)
    assert (len(line), line[0], line[-2:]) == (60, 9, [9, 4])


def test_history_is_unknown_before_the_first_sample() -> None:
    assert points([[int(START // 60), 7]], START, steps=3) == [None, None, 7]
    assert extended([], None, START) == []


@pytest.mark.parametrize(
    ("arguments", "policy", "expected"),
    [({}, {}, None), ({"x-max-length": 5}, {}, 5), ({"x-max-length": 5}, {"max-length": 3}, 3)],
)
def test_the_smaller_limit_counts(
    arguments: dict[str, int], policy: dict[str, int], expected: int | None
) -> None:
    info = replace(INFO, arguments=arguments, effective_policy=policy)
    assert queue_facts(info, NOWHERE, tracked=False, around=around()).max_length == expected


@pytest.mark.parametrize(
    ("text", "known"),
    [("2026-11-21T03:09:01.283+00:00", True), ("2022-11-21 13:09:01", True), ("never", False), (None, False)],
)
def test_idle_since_in_every_form(text: str | None, known: bool) -> None:
    assert (moment(text) is not None) is known


@pytest.mark.parametrize(
    ("change", "calm", "by"),
    [
        ({"type": "quorum"}, False, "type"),
        ({"arguments": {"x-message-ttl": 5}}, False, "arguments"),
        ({"published": 3}, True, "counters"),
        ({"published": 3}, False, None),  # a node was restarted
        ({"published": 30}, True, None),
    ],
)
def test_another_queue_of_the_same_name_is_told(
    change: dict[str, object], calm: bool, by: str | None
) -> None:
    known, info = Known(), replace(INFO, published=9)
    update(known, info, NOWHERE, False, around())
    update(known, replace(info, **change), NOWHERE, False, replace(around(5), calm=calm))  # type: ignore[arg-type]
    told = {reason["code"]: reason["params"] for reason in row_of(known).read("health_reasons")}
    assert told.get("made_anew") == ({"by": by} if by else None)


def test_what_did_not_change_is_not_written_for_its_beginning() -> None:
    known = Known()
    lost = replace(NOWHERE, fault="exchange_missing")
    assert update(known, INFO, lost, False, around())
    assert row_of(known).read("health_reasons")[0]["since"] == START
    assert not update(known, INFO, lost, False, around(5))
    assert update(known, replace(INFO, consumers=1), lost, False, around(10))
    assert row_of(known).read("health_reasons")[0]["since"] == START
