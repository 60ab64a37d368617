"""Autoscaling: single looks as a table, and closed loops in which what it decides changes what it sees next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consumers.scaling.replica_count import Decision, GrowthTrial, Remembered, Seen, Settings, decide

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
WIDE = Settings(min=1, max=16, seconds=300)
DAY = 86_400

Load = Callable[[int], float]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


# --- single looks ----------------------------------------------------------------------------------------------

# It runs two processes since ten minutes that handle 50/s each, and has looked five seconds ago.
KNOWN = Remembered(
    looked_at=after(-5),
    changed_at=after(-600),
    running=2,
    running_since=after(-590),
    was_waiting=True,
    waiting_since=after(-5),
    handled=3000.0,
    worked=60.0,
    learnt_at=after(-60),
    most=50.0,
    fewer=tuple((after(-5 * n), 2) for n in range(29, 0, -1)),
)
QUIET = replace(KNOWN, was_waiting=False, waiting_since=None)
FULL = Seen(
    backlog=30_000, unacked=20, arriving=90.0, handling=100.0, running=2, target=2, sampled_at=after(-2)
)
EMPTY = replace(FULL, backlog=0, arriving=100.0)
IDLE = replace(EMPTY, unacked=0, arriving=0.0, handling=0.0)
LONG_IDLE = replace(QUIET, fewer=tuple((at, 0) for at, _n in KNOWN.fewer))
LIMITED = replace(KNOWN, limit=2, limited_until=after(500), limits=1)

# It has grown from two to three lately, and all three handle no more than the two did.
TRIAL = GrowthTrial(running=2, handling=100.0, seconds=5.0, handled=500.0)
TRYING = replace(KNOWN, trial=TRIAL, running=3, running_since=after(-20), changed_at=after(-25), worked=90.0)
ON_TRIAL = replace(FULL, running=3, target=3, backlog=600, arriving=140.0)


@pytest.mark.parametrize(
    ("seen", "known", "settings", "replicas", "reason"),
    [
        pytest.param(EMPTY, QUIET, WIDE, 2, "enough", id="it keeps pace: keep"),
        # 90/s arrive and 30 000 are to be gone in 295 s: 192/s, at 50/s each.
        pytest.param(FULL, KNOWN, WIDE, 4, "up", id="much waits: as many as it takes"),
        pytest.param(FULL, KNOWN, replace(WIDE, seconds=600), 3, "up", id="in more time: fewer"),
        pytest.param(
            FULL, KNOWN, replace(WIDE, seconds=30), 4, "up", id="in no time: twice what runs, not more"
        ),
        pytest.param(FULL, KNOWN, replace(WIDE, max=3), 3, "up", id="not above max"),
        pytest.param(FULL, KNOWN, replace(WIDE, max=2), 2, "most", id="at max"),
        pytest.param(
            replace(FULL, target=9), KNOWN, replace(WIDE, max=5), 5, "bounds", id="above max: at once"
        ),
        pytest.param(
            replace(IDLE, target=2), LONG_IDLE, replace(WIDE, min=3), 3, "bounds", id="below min: at once"
        ),
        pytest.param(
            FULL, replace(KNOWN, changed_at=after(-14)), WIDE, 2, "cooling", id="just changed: wait"
        ),
        pytest.param(
            replace(FULL, target=4), KNOWN, replace(WIDE, seconds=10), 4, "starting", id="two of four run"
        ),
        pytest.param(replace(FULL, sampled_at=after(-31)), KNOWN, WIDE, 2, "stale", id="an old sample: keep"),
        pytest.param(replace(IDLE, sampled_at=after(-31)), LONG_IDLE, WIDE, 2, "stale", id="also downwards"),
        pytest.param(replace(FULL, sampled_at=None), KNOWN, WIDE, 2, "stale", id="never sampled: keep"),
        pytest.param(IDLE, LONG_IDLE, WIDE, 1, "down", id="nothing comes for long: down"),
        pytest.param(IDLE, LONG_IDLE, replace(WIDE, min=2), 2, "enough", id="not below min"),
        pytest.param(IDLE, QUIET, WIDE, 2, "holding", id="nothing comes, but not for long"),
        pytest.param(
            IDLE, replace(LONG_IDLE, fewer=()), WIDE, 2, "holding", id="or it is not known since when"
        ),
        pytest.param(
            replace(IDLE, running=1, target=1),
            replace(LONG_IDLE, running=1),
            replace(WIDE, min=0),
            0,
            "down",
            id="to none, where that is allowed",
        ),
        pytest.param(
            replace(IDLE, running=0, target=0, backlog=1),
            Remembered(),
            replace(WIDE, min=0),
            1,
            "probing",
            id="one message wakes it from none",
        ),
        pytest.param(
            replace(IDLE, running=16, target=16),
            replace(LONG_IDLE, running=16),
            WIDE,
            12,
            "down",
            id="by a quarter",
        ),
        pytest.param(FULL, LIMITED, WIDE, 2, "limited", id="more did not help"),
        pytest.param(
            FULL, replace(LIMITED, limited_until=after(0)), WIDE, 3, "up", id="tried again later, by one"
        ),
        pytest.param(
            replace(FULL, handling=0.0),
            replace(KNOWN, idle_since=after(-30)),
            WIDE,
            2,
            "stuck",
            id="none is handled",
        ),
        pytest.param(
            replace(FULL, backlog=600),
            replace(KNOWN, waiting_since=after(-1000)),
            WIDE,
            2,
            "enough",
            id="late",
        ),
        pytest.param(
            replace(FULL, backlog=6000),
            replace(KNOWN, waiting_since=after(-1000)),
            WIDE,
            4,
            "up",
            id="too late",
        ),
        pytest.param(ON_TRIAL, TRYING, WIDE, 3, "enough", id="growth on trial does not call for more growth"),
        pytest.param(
            replace(ON_TRIAL, arriving=160.0), TRYING, WIDE, 4, "up", id="what arrives meanwhile does"
        ),
        pytest.param(
            replace(ON_TRIAL, arriving=160.0),
            replace(TRYING, trial=replace(TRIAL, steps=3)),
            WIDE,
            3,
            "cooling",
            id="but only so often",
        ),
        pytest.param(FULL, Remembered(), WIDE, 2, "cooling", id="nothing is known yet: look first"),
        pytest.param(
            replace(FULL, handling=None),
            Remembered(looked_at=after(-5), running=2, running_since=after(-30), waiting_since=after(-30)),
            WIDE,
            3,
            "probing",
            id="rates are unknown: one more",
        ),
    ],
)
def test_one_look(seen: Seen, known: Remembered, settings: Settings, replicas: int, reason: str) -> None:
    decision, _known = decide(seen, settings, known, NOW)
    assert (decision.replicas, decision.reason) == (replicas, reason)
    assert decision.changed is (replicas != seen.target)


def test_the_numbers_of_a_decision() -> None:
    decision, _known = decide(FULL, WIDE, KNOWN, NOW)
    assert decision.per_replica == pytest.approx(50.0)
    assert replace(decision, per_replica=50.0) == Decision(4, True, "up", 30_000, 90.0, 100.0, 50.0, 4, True)
    assert decision.empty_in == pytest.approx(3000)  # 10/s faster than they come
    assert decision.will_empty_in == pytest.approx(30_000 / 110)


@pytest.mark.parametrize(
    ("backlog", "arriving", "handling", "expected"),
    [
        (0, None, None, 0.0),
        (10, None, 5.0, None),
        (10, 5.0, None, None),
        (10, 5.0, 5.0, None),
        (10, 3.0, 5.0, 5.0),
    ],
)
def test_seconds_to_empty(
    backlog: int, arriving: float | None, handling: float | None, expected: float | None
) -> None:
    assert Decision(1, False, "enough", backlog, arriving, handling).empty_in == expected


def test_after_growth_the_two_minutes_begin_again() -> None:
    """Also where one more was tried without knowing the rate: else it would be taken back before it shows."""
    unknown = replace(
        KNOWN,
        handled=0.0,
        worked=0.0,
        learnt_at=None,
        most=0.0,
        waiting_since=after(-40),
        fewer=LONG_IDLE.fewer,
    )
    grown, known = decide(replace(FULL, handling=None), WIDE, unknown, NOW)
    assert (grown.replicas, grown.reason) == (3, "probing")
    calm = replace(IDLE, running=3, target=3, sampled_at=after(20))
    decision, _known = decide(calm, WIDE, known, after(20))
    assert (decision.replicas, decision.reason) == (3, "holding")


def test_after_a_long_silence_it_does_not_scale_down_at_once() -> None:
    """What came while nobody looked is unknown; what one process can do is not forgotten."""
    earlier = replace(
        LONG_IDLE, looked_at=after(-600), fewer=tuple((after(-600 - 5 * n), 0) for n in range(30))
    )
    decision, known = decide(IDLE, WIDE, earlier, NOW)
    assert (decision.replicas, decision.reason) == (2, "holding")
    assert known.rate == KNOWN.rate
