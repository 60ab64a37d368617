from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from consumers.scaling.placement import Host
from consumers.supervisor.reconcile import (
    START_AT_ONCE,
    Action,
    Actual,
    End,
    Start,
    Stop,
    vacant,
)
from tests.consumers.supervisor.reconciling import DEAD, FOREIGN, RUNNING, WANTED, ago, crashed, decide

A, B, C = Host("a"), Host("b"), Host("c")


def starts(actions: list[Action]) -> list[int]:
    return [action.replica for action in actions if isinstance(action, Start)]


def test_replicas_are_spread_over_the_hosts_and_each_is_started_once() -> None:
    wanted = replace(WANTED, replicas=6)
    plans = {host.name: starts(decide([wanted], [], me=host.name, hosts=[A, B, C])) for host in (A, B, C)}
    assert sorted(replica for replicas in plans.values() for replica in replicas) == [0, 1, 2, 3, 4, 5]
    assert {len(replicas) for replicas in plans.values()} == {2}


def test_what_the_chosen_host_does_not_start_the_next_one_does() -> None:
    def on(host: str, waited: float) -> list[int]:
        return starts(decide([WANTED], [], me=host, hosts=[A, B], waited={(1, 0): waited}))

    [first] = [host for host in ("a", "b") if on(host, 0)]
    second = "b" if first == "a" else "a"
    assert (on(first, 2.9), on(second, 2.9)) == ([0], [])
    assert (on(first, 3.1), on(second, 3.1)) == ([], [0])


@pytest.mark.parametrize(
    ("hosts", "placement", "expected"),
    [
        ([A], {}, [0]),
        ([replace(A, drained=True)], {}, []),
        ([A], {"gpu": ""}, []),
        ([Host("a", {"gpu": "big"})], {"gpu": ""}, [0]),
        ([Host("a", {"gpu": "big"})], {"gpu": "small"}, []),
        ([Host("a", {"zone": "x", "gpu": "1"})], {"zone": "x", "gpu": "1"}, [0]),
        ([replace(A, capacity=1), replace(B, drained=True)], {}, [0]),
    ],
)
def test_only_a_host_that_fits_starts_anything(
    hosts: list[Host], placement: dict[str, str], expected: list[int]
) -> None:
    assert starts(decide([replace(WANTED, placement=placement)], [], hosts=hosts)) == expected


def test_a_full_host_starts_nothing_more() -> None:
    wanted = replace(WANTED, replicas=3)
    assert starts(decide([wanted], [RUNNING], hosts=[replace(A, capacity=2)])) == [1]


def test_a_drained_host_keeps_what_runs_and_does_not_start_it_again() -> None:
    drained = [replace(A, drained=True), B]
    assert decide([WANTED], [RUNNING], hosts=drained) == []
    ended = decide([WANTED], [crashed(DEAD, 1)], hosts=drained)
    assert ended == [End(10, "stopped", "this host takes it no more")]
    assert starts(decide([WANTED], [], me="b", hosts=drained)) == [0]


def test_few_start_at_the_same_moment() -> None:
    many = [replace(WANTED, consumer=number, name=f"c{number}") for number in range(50)]
    assert len(starts(decide(many, []))) == START_AT_ONCE
    assert len(starts(decide(many, [], starting=START_AT_ONCE - 1))) == 1
    assert starts(decide(many, [], starting=START_AT_ONCE)) == []
    dying = [replace(crashed(DEAD, 0), id=n, consumer=n) for n in range(50)]
    actions = decide(many, dying)
    assert len(starts(actions)) == START_AT_ONCE
    assert len(actions) == 2 * START_AT_ONCE, "a row is not closed before its successor has its turn"


def test_vacant_is_what_no_living_host_holds() -> None:
    wanted = [replace(WANTED, replicas=3), replace(WANTED, consumer=2, wanted=False)]
    held = [RUNNING, replace(FOREIGN, id=11, replica=1), replace(FOREIGN, id=12, replica=2, lapsed=3)]
    assert vacant(wanted, held) == {(1, 2)}
    assert vacant(wanted, []) == {(1, 0), (1, 1), (1, 2)}


# --- rolling restarts ---------------------------------------------------------------------------------------

ROLLING = replace(WANTED, replicas=3, nudge=3, rolling=True)
OLD = [replace(RUNNING, id=10 + number, replica=number) for number in range(3)]


def renewed(old: Actual, **changes: Any) -> Actual:
    fresh = {"id": old.id + 100, "nudge": 3, "subscribed_at": ago(0.5), "processed": 1}
    return replace(old, **{**fresh, **changes})


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        pytest.param(OLD, [Stop(10, "restart, as asked")], id="the first one first"),
        pytest.param(
            [replace(OLD[0], stop_requested_at=ago(1)), *OLD[1:]], [], id="while it drains the others go on"
        ),
        pytest.param(
            [renewed(OLD[0], state="connecting", subscribed_at=None), *OLD[1:]], [], id="not yet consuming"
        ),
        pytest.param([renewed(OLD[0], processed=0), *OLD[1:]], [], id="consuming for half a second"),
        pytest.param(
            [renewed(OLD[0]), *OLD[1:]], [Stop(11, "restart, as asked")], id="it has handled a message"
        ),
        pytest.param(
            [renewed(OLD[0], processed=0, subscribed_at=ago(2)), *OLD[1:]],
            [Stop(11, "restart, as asked")],
            id="it has consumed for two seconds",
        ),
        pytest.param(
            [renewed(OLD[0], alive=False, state="failed"), *OLD[1:]],
            [],
            id="the new one fails: the old ones stay",
        ),
        pytest.param([renewed(row) for row in OLD], [], id="done"),
        pytest.param(
            [renewed(OLD[0], state="paused", subscribed_at=None, processed=0, connected=True), *OLD[1:]],
            [Stop(11, "restart, as asked")],
            id="paused and connected: it cannot come further",
        ),
        pytest.param(
            [renewed(OLD[0], state="paused", subscribed_at=None, processed=0), *OLD[1:]],
            [],
            id="paused, not connected yet",
        ),
        pytest.param(
            [renewed(OLD[0]), replace(OLD[1], mine=False, alive=None, host="b"), OLD[2]],
            [],
            id="it is another host's turn",
        ),
    ],
)
def test_rolling_restart(actual: list[Actual], expected: list[Action]) -> None:
    assert decide([ROLLING], actual, hosts=[A, B]) == expected


def test_a_restart_that_does_not_roll_replaces_all_at_once() -> None:
    assert len(decide([replace(ROLLING, rolling=False)], OLD)) == 3


@pytest.mark.parametrize(
    ("hosts", "stops"),
    [
        pytest.param(
            [replace(A, capacity=3)], [10], id="there is room for three of five: those are replaced"
        ),
        pytest.param([A], [], id="the other two are just being started: first they"),
        pytest.param([replace(A, drained=True)], [], id="nobody could start again what is stopped"),
        pytest.param([replace(A, drained=True), replace(B, capacity=9)], [], id="b starts two first"),
    ],
)
def test_a_rolling_restart_with_fewer_places_than_replicas(hosts: list[Host], stops: list[int]) -> None:
    actions = decide([replace(ROLLING, replicas=5)], OLD, hosts=hosts)
    assert [action.process for action in actions if isinstance(action, Stop)] == stops


def test_a_rolling_restart_leaves_a_drained_host_only_for_another() -> None:
    drained = replace(A, drained=True)
    assert decide([ROLLING], OLD, hosts=[drained]) == []
    assert decide([ROLLING], OLD, hosts=[drained, B]) == [Stop(10, "restart, as asked")]
