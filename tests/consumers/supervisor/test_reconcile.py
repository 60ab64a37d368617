from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from consumers.supervisor.deaths import Exit, backoff
from consumers.supervisor.reconcile import (
    Action,
    Actual,
    Desired,
    End,
    Forgive,
    Hold,
    Kill,
    Start,
    Stop,
)
from tests.consumers.supervisor.reconciling import (
    DEAD,
    EARLY,
    FOREIGN,
    GONE,
    NOW,
    RUNNING,
    STOPPED,
    WANTED,
    ago,
    crashed,
    decide,
)


@pytest.mark.parametrize(
    ("desired", "actual", "expected"),
    [
        pytest.param([WANTED], [], [Start(1, 0)], id="nothing runs: start"),
        pytest.param([STOPPED], [], [], id="stopped and nothing runs"),
        pytest.param([], [], [], id="nothing defined"),
        pytest.param([WANTED], [RUNNING], [], id="as wanted"),
        pytest.param([STOPPED], [RUNNING], [Stop(10, "no longer wanted")], id="stop"),
        pytest.param([], [RUNNING], [Stop(10, "no longer wanted")], id="the definition is gone"),
        pytest.param([replace(WANTED, replicas=3)], [RUNNING], [Start(1, 1), Start(1, 2)], id="scaled up"),
        pytest.param(
            [WANTED],
            [RUNNING, replace(RUNNING, id=11, replica=1)],
            [Stop(11, "no longer wanted")],
            id="scaled down: the highest replica goes",
        ),
        pytest.param(
            [replace(WANTED, revision=4)], [RUNNING], [], id="a changed definition restarts nothing"
        ),
        pytest.param(
            [replace(WANTED, nudge=3)], [RUNNING], [Stop(10, "restart, as asked")], id="restart asked"
        ),
        pytest.param(
            [STOPPED], [replace(RUNNING, stop_requested_at=ago(29))], [], id="stopping, within its time"
        ),
        pytest.param(
            [STOPPED],
            [replace(RUNNING, stop_requested_at=ago(34))],
            [Kill(10, "killed: it had not stopped after 34 s")],
            id="past the stop deadline",
        ),
        pytest.param(
            [STOPPED], [replace(RUNNING, stop_requested_at=ago(34), killed=True)], [], id="killed once"
        ),
        pytest.param(
            [STOPPED],
            [replace(RUNNING, stop_requested_at=ago(1), kill_requested_at=NOW)],
            [Kill(10, "killed, as asked")],
            id="a second click escalates",
        ),
        pytest.param(
            [WANTED],
            [replace(RUNNING, stop_requested_at=ago(1))],
            [],
            id="started again while it drains: wait",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, 0, stop_requested_at=ago(1))],
            [End(10, "stopped", "exit 0"), Start(1, 0, replaces=10, restarts=1)],
            id="drained, and wanted again: the next one at once",
        ),
        pytest.param(
            [STOPPED],
            [crashed(DEAD, -9, stop_requested_at=ago(40))],
            [End(10, "stopped", "exit -9")],
            id="killed at its deadline is stopped, not crashed",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, -9, kill_requested_at=ago(1), crashes=4)],
            [End(10, "stopped", "exit -9"), Start(1, 0, replaces=10, restarts=1)],
            id="killed by a person but wanted: replaced at once",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, 0, crashes=2)],
            [End(10, "stopped", "exit 0"), Start(1, 0, replaces=10, restarts=1, crashes=2)],
            id="stopped by a signal from outside: started again, no crash",
        ),
        pytest.param([STOPPED], [crashed(DEAD)], [End(10, "stopped", "exit 1")], id="crashed while unwanted"),
        pytest.param(
            [WANTED],
            [crashed(DEAD)],
            [Hold(10, "backoff", "exit 1", NOW, 1, 0)],
            id="first crash",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, crashes=3, early_deaths=3)],
            [Hold(10, "backoff", "exit 1", NOW + timedelta(seconds=8), 4, 0)],
            id="it had consumed: backs off, is not given up",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, crashes=30)],
            [Hold(10, "backoff", "exit 1", NOW + timedelta(seconds=300), 31, 0)],
            id="at most five minutes",
        ),
        pytest.param(
            [WANTED],
            [
                replace(
                    DEAD, exit=Exit(-9, "killed", outside=True), kills=6, kills_since=ago(600), early_deaths=5
                )
            ],
            [
                Hold(
                    10,
                    "backoff",
                    "killed, 7 times in 10 min; it worked each time in between",
                    NOW + timedelta(seconds=15),
                    0,
                    0,
                    7,
                    ago(600),
                )
            ],
            id="killed from outside again and again while it worked: never given up",
        ),
        pytest.param(
            [WANTED],
            [replace(EARLY, exit=Exit(-9, "killed", outside=True), crashes=5, early_deaths=5)],
            [
                Hold(
                    10,
                    "failed",
                    "died 6 times in a row before it had consumed in health; the last time: killed",
                    None,
                    6,
                    6,
                )
            ],
            id="killed each time before it worked: a person must look",
        ),
        pytest.param(
            [WANTED],
            [replace(RUNNING, subscribed_at=ago(700), kills=3, kills_since=ago(900))],
            [Forgive(10)],
            id="ten healthy minutes forgive the kills",
        ),
        pytest.param(
            [WANTED],
            [replace(DEAD, state="backoff", next_start_at=NOW, kills=2, kills_since=ago(9))],
            [Start(1, 0, replaces=10, restarts=1, kills=2, kills_since=ago(9))],
            id="the successor knows of the kills",
        ),
        pytest.param(
            [WANTED],
            [crashed(EARLY, crashes=4, early_deaths=4)],
            [Hold(10, "backoff", "exit 1", NOW + timedelta(seconds=16), 5, 5)],
            id="fifth early death",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, subscribed_at=ago(3), crashes=0)],
            [Hold(10, "backoff", "exit 1", NOW + timedelta(seconds=1), 1, 1)],
            id="two seconds of connection without a message is no health",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, subscribed_at=ago(3), processed=1)],
            [Hold(10, "backoff", "exit 1", NOW, 1, 0)],
            id="one handled message is",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, subscribed_at=ago(700), crashes=7)],
            [Hold(10, "backoff", "exit 1", NOW, 1, 0)],
            id="ten healthy minutes had reset the count",
        ),
        pytest.param(
            [WANTED],
            [crashed(EARLY, 3)],
            [Hold(10, "failed", "exit 3", None, 0, 0)],
            id="configuration error: a person must look",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, 75)],
            [End(10, "stopped", "exit 75"), Start(1, 0, replaces=10, restarts=1)],
            id="it ended itself to be started anew",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, 75, subscribed_at=ago(20), processed=1, crashes=1)],
            [Hold(10, "backoff", "exit 75", NOW + timedelta(seconds=2), 2, 0)],
            id="and does so again and again",
        ),
        pytest.param([WANTED], [replace(DEAD, state="failed")], [], id="failed waits for a person"),
        pytest.param(
            [replace(WANTED, nudge=3)],
            [replace(DEAD, state="failed", crashes=6, early_deaths=6)],
            [Start(1, 0, replaces=10, restarts=1)],
            id="start now",
        ),
        pytest.param(
            [STOPPED],
            [replace(DEAD, state="failed")],
            [End(10, "stopped", "no longer wanted")],
            id="failed, and stopped by a person",
        ),
        pytest.param(
            [WANTED],
            [replace(DEAD, state="backoff", next_start_at=NOW + timedelta(seconds=1))],
            [],
            id="not yet",
        ),
        pytest.param(
            [WANTED],
            [replace(DEAD, state="backoff", next_start_at=NOW, crashes=2, early_deaths=1, restarts=5)],
            [Start(1, 0, replaces=10, restarts=6, crashes=2, early_deaths=1)],
            id="the wait is over",
        ),
        pytest.param(
            [replace(WANTED, nudge=3)],
            [replace(DEAD, state="backoff", next_start_at=NOW + timedelta(seconds=99), crashes=5)],
            [Start(1, 0, replaces=10, restarts=1)],
            id="start now instead of waiting",
        ),
        pytest.param(
            [WANTED],
            [crashed(DEAD, None)],
            [End(10, "lost", "exit None"), Start(1, 0, replaces=10, restarts=1, crashes=1)],
            id="ended while no supervisor watched: replaced at once",
        ),
        pytest.param(
            [WANTED],
            [replace(RUNNING, silent_for=59)],
            [],
            id="silent for a while",
        ),
        pytest.param(
            [WANTED],
            [replace(RUNNING, silent_for=61)],
            [Kill(10, "killed: no sign of life for 61 s")],
            id="silent for too long",
        ),
        pytest.param(
            [WANTED],
            [replace(RUNNING, crashes=3, subscribed_at=ago(601))],
            [Forgive(10)],
            id="ten healthy minutes",
        ),
        pytest.param([WANTED], [FOREIGN], [], id="another host runs it"),
        pytest.param([STOPPED], [FOREIGN], [], id="another host stops it"),
        pytest.param([WANTED], [replace(FOREIGN, lapsed=-0.1)], [], id="its lease holds"),
        pytest.param(
            [WANTED],
            [replace(FOREIGN, lapsed=0.5, restarts=2)],
            [End(10, "lost", GONE), Start(1, 0, replaces=10, restarts=3)],
            id="the other host is gone: taken over",
        ),
        pytest.param(
            [STOPPED], [replace(FOREIGN, lapsed=0.5)], [End(10, "lost", GONE)], id="gone, and not wanted"
        ),
        pytest.param(
            [replace(WANTED, strict=True)],
            [replace(FOREIGN, lapsed=1.9)],
            [],
            id="what must not run twice is left the time to end",
        ),
        pytest.param(
            [replace(WANTED, strict=True)],
            [replace(FOREIGN, lapsed=2.0)],
            [End(10, "lost", GONE), Start(1, 0, replaces=10, restarts=1)],
            id="and taken over then",
        ),
        pytest.param(
            [WANTED],
            [replace(FOREIGN, lapsed=500, state="failed")],
            [],
            id="failed on a host that is gone: a person must look all the same",
        ),
        pytest.param(
            [replace(WANTED, nudge=3)],
            [replace(FOREIGN, lapsed=500, state="failed")],
            [End(10, "lost", GONE), Start(1, 0, replaces=10, restarts=1)],
            id="and has",
        ),
        pytest.param(
            [replace(WANTED, open=False)], [RUNNING], [Stop(10, "outside its hours")], id="its hours end"
        ),
        pytest.param([replace(WANTED, open=False)], [], [], id="outside its hours nothing is started"),
        pytest.param(
            [replace(WANTED, open=False)],
            [replace(DEAD, state="backoff", next_start_at=NOW)],
            [End(10, "stopped", "outside its hours")],
            id="nor started again",
        ),
        pytest.param(
            [WANTED],
            [replace(DEAD, state="backoff", crashes=2, next_start_at=NOW + timedelta(hours=1))],
            [Start(1, 0, replaces=10, restarts=1, crashes=2)],
            id="a wait that is longer than any: the clock was set back",
        ),
        pytest.param(
            [WANTED],
            [replace(RUNNING, heartbeat_at=ago(3600), silent_for=1)],
            [],
            id="a heartbeat by a clock of another hour is one",
        ),
        pytest.param(
            [STOPPED],
            [replace(RUNNING, stop_requested_at=NOW + timedelta(hours=1), stopping_for=34)],
            [Kill(10, "killed: it had not stopped after 34 s")],
            id="the deadline of a stop does not go by the clock",
        ),
    ],
)
def test_what_to_do(desired: list[Desired], actual: list[Actual], expected: list[Action]) -> None:
    assert decide(desired, actual) == expected


def test_sixth_early_death_is_failed_and_says_why() -> None:
    [action] = decide([WANTED], [crashed(EARLY, crashes=5, early_deaths=5)])
    assert isinstance(action, Hold)
    assert (action.state, action.early_deaths, action.start_at) == ("failed", 6, None)
    assert "6 times in a row" in action.reason
    assert "exit 1" in action.reason


def test_silence_from_before_the_database_was_back_says_nothing() -> None:
    process = RUNNING
    silent = replace(process, silent_for=90)
    assert decide([WANTED], [silent], trusted=5) == []


def test_backoff_doubles_to_five_minutes() -> None:
    assert [backoff(n) for n in (1, 2, 3, 4, 9, 10, 11, 500)] == [1, 2, 4, 8, 256, 300, 300, 300]
