"""The state in words: a table of what the rows say and what a person reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumers.models import Consumer, ConsumerProcess
from consumers.scaling.placement import Host
from consumers.status import line_words, state_words, tones
from consumers.supervisor.hosts import Fleet

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


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def ahead(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


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
    (
        consumer(),
        [process("failed", state_reason="No such queue")],
        True,
        "failed",
        "No such queue. It stays down until somebody starts it.",
    ),
    (
        consumer(replicas=2),
        [process(), process("backoff", replica=1, next_start_at=ago(1))],
        False,
        "unsupervised",
        "so nothing starts it",
    ),
    (
        consumer(replicas=3),
        [process(), process("failed", replica=1, state_reason="died 6 times")],
        True,
        "failed",
        "1 of 3: died 6 times",
    ),
    (consumer(), [process(heartbeat_at=ago(16))], True, "lost", "No sign of life from process 41 on host-a."),
    (consumer(), [process(heartbeat_at=ago(16))], True, "lost", "it is replaced within a minute or so."),
    (consumer(), [process(heartbeat_at=ago(16))], False, "lost", "so nothing replaces it."),
    (consumer(), [process(heartbeat_at=ago(16), supervisor="")], True, "lost", "Whoever started it"),
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
    # Without a supervisor nothing kills, and nothing says that it ended: a process only ends itself in time.
    (consumer("stopped"), [process(stop_requested_at=ago(9))], False, "stopping", "21 s left"),
    (
        consumer("stopped"),
        [process(stop_requested_at=ago(31))],
        False,
        "stopping",
        "0 messages in hand, no supervisor is running to end it",
    ),
    (consumer("stopped"), [process(kill_requested_at=NOW)], False, "stopping", "No supervisor is running"),
    (
        consumer("stopped"),
        [process(kill_requested_at=NOW, supervisor="")],
        False,
        "stopping",
        "Being killed",
    ),
    # Monday 4 May 2026, 12:00 UTC.
    (consumer(schedule="mon 08:00-18:00 UTC"), [process()], True, "running", ""),
    (
        consumer(schedule="tue 08:00-18:00 UTC"),
        [],
        True,
        "off_hours",
        "Waits for its hours: starts again Tuesday 08:00, in 20 h.",
    ),
    (
        consumer("paused", schedule="mon 08:00-11:59 UTC"),
        [process(in_flight=2, stop_requested_at=ago(9))],
        True,
        "stopping",
        "Outside its hours: 2 messages in hand, 21 s left.",
    ),
    (consumer(schedule="tue 08:00-18:00 UTC"), [process(supervisor="")], True, "running", ""),
    (consumer(schedule="when it suits"), [process()], True, "running", ""),
    (consumer("stopped", schedule="tue 08:00-18:00 UTC"), [], True, "stopped", ""),
    # A restart, one after another and all at once; what stands in its way comes first.
    (
        consumer(replicas=3, nudge=2, rolling=True),
        [process(nudge=2), process(nudge=2, replica=1), process(nudge=1, replica=2)],
        True,
        "restarting",
        "Restarting one after another: 2 of 3 replaced.",
    ),
    (
        consumer(replicas=2, nudge=2),
        [process("draining", nudge=1, in_flight=4), process("draining", nudge=1, replica=1)],
        True,
        "restarting",
        "Restarting: 0 of 2 replaced, 4 messages in hand.",
    ),
    (
        consumer(replicas=5, nudge=2, rolling=True),
        [process(nudge=2), process(nudge=1, replica=1)],
        True,
        "restarting",
        "Restarting one after another: 1 of 2 replaced.",
    ),
    (
        consumer(replicas=2, nudge=2, rolling=True),
        [process("backoff", nudge=2, next_start_at=ahead(8)), process(nudge=1, replica=1)],
        True,
        "backoff",
        "Starts again in 8 s",
    ),
    # Autoscaling says how many; what it decided outside its bounds does not count.
    (consumer(replicas=9, autoscale_max=3, autoscaled=1), [process()], True, "running", ""),
    (consumer(replicas=1, autoscale_max=3, autoscaled=2), [process()], True, "starting", ""),
    # What has ended is history, whatever state it ended in.
    (consumer("stopped"), [process("failed", ended_at=ago(5))], True, "stopped", ""),
    (consumer(), [process("lost", ended_at=ago(5)), process()], True, "running", ""),
]


@pytest.mark.parametrize(("told", "processes", "supervised", "state", "words"), CASES)
def test_state_in_words(
    told: Consumer, processes: list[ConsumerProcess], supervised: bool, state: str, words: str
) -> None:
    found = state_words.derive(told, processes, supervised=supervised, now=NOW)

    assert found.state == state
    assert words in found.words
    assert bool(words) == bool(found.words)


def test_counts_say_how_many_run_and_which_are_older() -> None:
    rows = [process(), process(replica=1, revision=2), process("backoff", replica=2)]

    found = state_words.derive(consumer(replicas=3), rows, supervised=True, now=NOW)

    assert (found.running, found.live, found.wanted, found.older) == (2, 2, 3, 1)


@pytest.mark.parametrize(
    ("replicas", "own", "outside", "counts", "state", "words"),
    [
        (4, 4, 1, (4, 4, 1), "running", "4 of 4 running, 1 more started outside."),
        (4, 4, 2, (4, 4, 2), "running", "4 of 4 running, 2 more started outside."),
        (4, 3, 1, (3, 4, 1), "starting", "3 of 4 running, 1 more started outside."),
        (4, 4, 0, (4, 4, 0), "running", ""),
        # Where no supervisor has any, as under Kubernetes, they are what is wanted.
        (1, 0, 1, (1, 1, 0), "running", ""),
        (1, 0, 3, (1, 1, 2), "running", "1 of 1 running, 2 more started outside."),
        (4, 0, 3, (3, 4, 0), "starting", ""),
    ],
)
def test_what_was_started_outside_is_told_apart(
    replicas: int, own: int, outside: int, counts: tuple[int, int, int], state: str, words: str
) -> None:
    rows = [process(replica=number) for number in range(own)]
    rows += [process(supervisor="", host="pod") for _ in range(outside)]
    found = state_words.derive(consumer(replicas=replicas), rows, supervised=True, now=NOW)
    assert (found.running, found.wanted, found.outside) == counts
    assert (found.state, found.words) == (state, words)


def test_what_was_started_outside_takes_no_place() -> None:
    rows = [process(), process(supervisor="", host="pod")]
    found = state_words.derive(
        consumer(replicas=3, placement="gpu"), rows, supervised=True, now=NOW, fleet=FLEET
    )
    assert found.words.startswith("2 of 3: No host may run it")


FLEET = Fleet(
    (
        Host("host-a", {"zone": "a"}, capacity=8),
        Host("host-b", {"zone": "b", "gpu": ""}, drained=True),
        Host("host-c", {"zone": "c"}),
    ),
    {"host-a": 8},
)


@pytest.mark.parametrize(
    ("placement", "words"),
    [
        ("gpu", "No host may run it: it asks for gpu, and host-b is drained."),
        ("zone=a", "No host may run it: it asks for zone=a, and host-a is full (8 of 8)."),
        ("zone=d", "No host may run it: it asks for zone=d, and no host has that."),
        ("=d", "No host may run it: what it asks of a host, “=d”, cannot be read."),
        ("", ""),
        ("zone=c", ""),
    ],
)
def test_no_host_in_words(placement: str, words: str) -> None:
    found = state_words.derive(consumer(placement=placement), [], supervised=True, now=NOW, fleet=FLEET)
    assert (found.state, found.words) == (("unplaced", words) if words else ("starting", ""))
    # Whoever runs already goes on, wherever that is.
    found = state_words.derive(
        consumer(placement=placement), [process()], supervised=True, now=NOW, fleet=FLEET
    )
    assert (found.state, found.words) == ("running", "")


def test_every_host_is_drained() -> None:
    fleet = Fleet((Host("host-b", drained=True),))
    found = state_words.derive(consumer(replicas=3), [process()], supervised=True, now=NOW, fleet=fleet)
    assert found.words == "2 of 3: No host may run it: host-b is drained."


def test_a_rolling_restart_that_no_host_may_carry_out_says_so() -> None:
    fleet = Fleet((Host("host-b", drained=True),))
    told = consumer(replicas=2, nudge=2, rolling=True)
    rows = [process(nudge=2), process(nudge=1, replica=1)]
    found = state_words.derive(told, rows, supervised=True, now=NOW, fleet=fleet)
    expected = "1 of 2 replaced, the others wait. No host may run it: host-b is drained."
    assert found.words == f"Restarting one after another: {expected}"


def test_autoscaling_says_how_many_are_wanted() -> None:
    told = consumer(replicas=9, autoscale_min=2, autoscale_max=6, autoscaled=4)
    assert state_words.derive(told, [], supervised=True, now=NOW).wanted == 4


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"heartbeat_at": ago(40)}, "No sign of life for 40 s."),
        (
            {"lease_until": ago(12)},
            "Its host let the lease lapse 12 s ago: another host may take over.",
        ),
        ({"lease_until": ahead(8)}, ""),
        ({"state": "failed", "exit_reason": "no"}, "no. It stays down until somebody starts it."),
        # What is over starts no more.
        ({"state": "backoff", "exit_reason": "exit 137", "crashes": 2, "ended_at": ago(5)}, "exit 137"),
        ({"state": "failed", "exit_reason": "no", "ended_at": ago(5)}, "no"),
        ({"lease_until": ago(12), "state": "backoff", "next_start_at": ahead(3)}, "Starts again in 3 s"),
    ],
)
def test_a_process_says_that_its_host_is_in_trouble(fields: dict[str, Any], words: str) -> None:
    assert state_words.process_words(process(**fields), NOW) == words


def test_what_is_under_way_is_looked_at_often() -> None:
    def is_steady(told: Consumer, *processes: ConsumerProcess) -> bool:
        return state_words.derive(told, processes, supervised=True, now=NOW).is_steady

    assert is_steady(consumer(), process())
    assert is_steady(consumer("stopped"))
    assert is_steady(consumer(), process("failed"))
    assert not is_steady(consumer("stopped"), process())
    assert not is_steady(consumer("paused"), process())
    assert not is_steady(consumer())
    assert not is_steady(consumer(nudge=1), process("failed"), process(replica=1))


def test_every_state_has_a_word_and_a_colour() -> None:
    assert set(state_words.labels()) == set(tones.CONSUMER)
    assert set(tones.PROCESS) == {state.value for state in ConsumerProcess.State}


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
    assert line_words.connection_words(process(**fields), NOW) == words


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("", ""),
        ("low on disk", "RabbitMQ takes no copies from it: low on disk"),
        (
            "flow control, 9 bytes wait to be read",
            "RabbitMQ slows its copies down: flow control, 9 bytes wait to be read",
        ),
    ],
)
def test_what_hinders_publishing_is_said(reason: str, words: str) -> None:
    assert line_words.blocked_words(process(blocked_reason=reason)) == words
