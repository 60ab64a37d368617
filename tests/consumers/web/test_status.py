"""The state in words: a table of what the rows say and what a person reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumers import status
from consumers.models import Consumer, ConsumerProcess

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def consumer(desired: str = "running", **fields: Any) -> Consumer:
    values = {
        "pk": 1,
        "name": "orders",
        "desired": desired,
        "replicas": 1,
        "revision": 3,
        "stop_seconds": 30.0,
    }
    return Consumer(**{**values, **fields})


def process(state: str = "running", **fields: Any) -> ConsumerProcess:
    values: dict[str, Any] = {
        "consumer_id": 1,
        "host": "host-a",
        "supervisor": "host-a",
        "pid": 41,
        "revision": 3,
        "state": state,
        "state_since": NOW,
        "heartbeat_at": NOW,
    }
    return ConsumerProcess(**{**values, **fields})


ago, ahead = (lambda s: NOW - timedelta(seconds=s)), (lambda s: NOW + timedelta(seconds=s))

CASES = [
    # told, processes, supervised, state, words
    (consumer(), [process()], True, "running", ""),
    (consumer(), [process()], False, "running", ""),
    (consumer(), [], True, "starting", ""),
    (
        consumer(),
        [process("connecting", state_reason="Trying 10.0.0.1")],
        True,
        "starting",
        "Trying 10.0.0.1",
    ),
    (consumer(replicas=2), [process()], True, "starting", ""),
    (consumer(), [process("draining", in_flight=1)], True, "starting", "1 message in hand"),
    (consumer(), [process("waiting", state_reason="The database is locked")], True, "waiting", "database"),
    (consumer(), [], False, "unsupervised", "No supervisor is running"),
    (
        consumer(),
        [process("backoff", exit_reason="exit 137", crashes=4, next_start_at=ahead(8))],
        True,
        "backoff",
        "Starts again in 8 s, crash 4: exit 137",
    ),
    (consumer(), [process("backoff", next_start_at=ago(1))], True, "backoff", "Starts again now"),
    (consumer(), [process("backoff")], False, "unsupervised", "No supervisor"),
    (consumer(), [process("failed", state_reason="No such queue")], True, "failed", "No such queue"),
    (
        consumer(replicas=3),
        [process(), process("failed", replica=1, state_reason="died 6 times")],
        True,
        "failed",
        "1 of 3: died 6 times",
    ),
    (consumer(), [process(heartbeat_at=ago(16))], True, "lost", "No sign of life from process 41 on host-a."),
    (consumer(), [process(heartbeat_at=ago(14))], True, "running", ""),
    (consumer("paused", desired_by="anna"), [process("paused")], True, "paused", "Paused by anna."),
    (consumer("paused"), [process(in_flight=2)], True, "pausing", "2 messages in hand"),
    (consumer("paused"), [process("failed", state_reason="broken")], True, "failed", "broken"),
    (consumer("stopped"), [], True, "stopped", ""),
    (consumer("stopped"), [], False, "stopped", ""),
    (consumer("stopped", desired_by="bo"), [], True, "stopped", "Stopped by bo."),
    (
        consumer("stopped"),
        [process("draining", in_flight=2, stop_requested_at=ago(9))],
        True,
        "stopping",
        "2 messages in hand, 21 s left",
    ),
    (
        consumer("stopped", desired_at=ago(10)),
        [process(in_flight=1)],
        True,
        "stopping",
        "1 message in hand, 20 s left",
    ),
    (consumer("stopped"), [process(stop_requested_at=ago(31))], True, "stopping", "past its time"),
    (consumer("stopped"), [process(kill_requested_at=NOW)], True, "stopping", "Being killed"),
    # What has ended is history, whatever state it ended in.
    (consumer("stopped"), [process("failed", ended_at=ago(5))], True, "stopped", ""),
    (consumer(), [process("lost", ended_at=ago(5)), process()], True, "running", ""),
]


@pytest.mark.parametrize(("told", "processes", "supervised", "state", "words"), CASES)
def test_state_in_words(
    told: Consumer, processes: list[ConsumerProcess], supervised: bool, state: str, words: str
) -> None:
    found = status.derive(told, processes, supervised=supervised, now=NOW)

    assert found.state == state
    assert words in found.words
    assert bool(words) == bool(found.words)


def test_counts_say_how_many_run_and_which_are_older() -> None:
    rows = [process(), process(replica=1, revision=2), process("backoff", replica=2)]

    found = status.derive(consumer(replicas=3), rows, supervised=True, now=NOW)

    assert (found.running, found.live, found.wanted, found.older) == (2, 2, 3, 1)


def test_every_state_has_a_word_and_a_colour() -> None:
    assert set(status.labels()) == set(status.TONES)
    assert set(status.PROCESS_TONES) == {state.value for state in ConsumerProcess.State}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ""),
        ({"connected_at": NOW - timedelta(seconds=59), "connections": 1}, "just connected"),
        ({"connected_at": NOW - timedelta(seconds=61), "connections": 1}, "connected 1 min"),
        ({"connected_at": NOW - timedelta(days=4), "connections": 2}, "connected 4 d, 2nd connection"),
        ({"connections": 3, "connection_errors": 3}, "no connection, 3 connection errors"),
        ({"connection_errors": 1, "channel_errors": 1200}, "1 connection error, 1\u00a0200 channel errors"),
        ({"connected_at": NOW + timedelta(seconds=5), "connections": 1}, "just connected"),
    ],
)
def test_the_connection_in_words(fields: dict[str, Any], words: str) -> None:
    assert status.connection_words(process(**fields), NOW) == words
