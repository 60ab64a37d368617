"""Members of quorum queues that lag: whom the monitor asks, how often, and what it makes of the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from mqadmin.queues.monitor import members
from mqadmin.queues.monitor.members import Members, behind
from mqadmin.rabbit.errors import NoResponse, RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import NodeInfo, QueueInfo, ReplicaInfo
from tests.support.management import Management

NODES = ("a", "b", "c")
OLD = [NodeInfo(name, running=True, uptime_s=9e6) for name in NODES]
STEP = 5.0
Answer = Callable[[str], list[ReplicaInfo]]


def queue(number: int, total: int = 0, kind: str = "quorum") -> QueueInfo:
    return QueueInfo("/", f"q{number}", kind, members=NODES, online=NODES, total=total)


def even(_name: str) -> list[ReplicaInfo]:
    return [ReplicaInfo(node, "follower", 0) for node in NODES]


class Broker:
    """Answers as told, and counts who was asked; a call takes `seconds`."""

    def __init__(self, answer: Answer = even, seconds: float = 0.004) -> None:
        self.asked: list[str] = []
        self.answer, self.seconds, self.time = answer, seconds, 0.0
        self.members = Members("default", self._replicas, lambda: self.time)

    def _replicas(self, _vhost: str, name: str) -> list[ReplicaInfo]:
        self.asked.append(name)
        self.time += self.seconds
        return self.answer(name)

    def look(self, infos: list[QueueInfo], at: float, nodes: list[NodeInfo] = OLD) -> list[str]:
        """Take a look at `at`; return who was asked."""
        before = len(self.asked)
        self.members.look(infos, nodes, at)
        return self.asked[before:]


def test_a_thousand_quiet_queues_cost_one_call_a_sample_and_each_has_its_turn() -> None:
    broker, infos = Broker(), [queue(number) for number in range(1000)]
    for sample in range(1000):
        assert len(broker.look(infos, sample * STEP)) == members.OTHERS
    assert set(Counter(broker.asked).values()) == {1}


def test_a_few_are_asked_once_a_minute_and_classic_ones_and_streams_never() -> None:
    broker = Broker()
    infos = [queue(1), queue(2, kind="classic"), queue(3, kind="stream")]
    for sample in range(24):
        broker.look(infos, sample * STEP)
    assert broker.asked == ["q1", "q1"]


def test_who_grows_is_asked_before_who_is_quiet() -> None:
    broker, quiet = Broker(), [queue(number) for number in range(20)]
    broker.look([*quiet, queue(20)], 0)
    assert "q20" not in broker.asked
    assert "q20" in broker.look([*quiet, queue(20, total=members.JUMP)], STEP)
    assert "q20" not in broker.look([*quiet, queue(20, total=members.JUMP)], 2 * STEP)


def test_after_a_node_came_back_its_queues_are_asked_first() -> None:
    broker = Broker()
    infos = [QueueInfo("/", f"p{number}", "quorum", members=("a", "b")) for number in range(20)]
    infos.append(QueueInfo("/", "mine", "quorum", members=NODES))
    young = [*OLD[:2], NodeInfo("c", running=True, uptime_s=20.0)]
    assert "mine" in broker.look(infos, 0, young)
    assert broker.look(infos, 4 * members.AGAIN_S, young).count("mine") == 1


def test_who_lags_is_asked_at_each_sample_until_it_does_not() -> None:
    lags = {"q3"}
    broker = Broker(
        lambda name: [ReplicaInfo("a", "leader", 0), ReplicaInfo("b", "follower", 5432 * (name in lags))]
    )
    infos = [queue(number) for number in range(10)]
    sample = 0
    while not broker.members.found:
        broker.look(infos, sample * STEP)
        sample += 1
    assert broker.members.found["/", "q3"].nodes == (("b", 5400),)
    assert "q3" in broker.look(infos, sample * STEP)
    assert "q3" in broker.look(infos, (sample + 1) * STEP)
    lags.clear()
    broker.look(infos, (sample + 2) * STEP)
    assert not broker.members.found["/", "q3"].nodes
    assert "q3" not in broker.look(infos, (sample + 3) * STEP)
    broker.look([queue(1)], (sample + 4) * STEP)
    assert not broker.members.found  # what is gone is forgotten


def test_a_broker_that_is_slow_gets_a_rest() -> None:
    broker, infos = Broker(seconds=2.0), [queue(number) for number in range(10)]
    young = [NodeInfo(name, running=True, uptime_s=5.0) for name in NODES]
    for sample in range(120):  # ten minutes
        broker.look(infos, sample * STEP, young)
    assert 0 < len(broker.asked) * broker.seconds <= 120 * STEP / members.SHARE + broker.seconds


@pytest.mark.parametrize("refuses", [False, True], ids=["tells nothing", "fails"])
def test_a_broker_that_does_not_tell_is_asked_ever_more_seldom(refuses: bool) -> None:
    def answer(_name: str) -> list[ReplicaInfo]:
        if refuses:
            raise NoResponse("gone")
        return []

    broker, infos = Broker(answer), [queue(number) for number in range(10)]
    for sample in range(720):  # an hour
        broker.look(infos, sample * STEP)
    assert 5 <= len(broker.asked) <= 12
    assert not broker.members.found
    broker.answer = even
    for sample in range(720, 900):
        broker.look(infos, sample * STEP)
    assert {f"q{number}" for number in range(10)} <= set(broker.asked[12:])  # then as before


def test_one_that_never_answers_keeps_no_other_from_its_turn() -> None:
    broker = Broker(lambda name: [] if name == "q0" else even(name))
    infos = [queue(number) for number in range(4)]
    for sample in range(60):
        broker.look(infos, sample * STEP)
    assert {"q1", "q2", "q3"} <= set(broker.asked)


def test_what_was_found_counts_for_an_hour_once_the_broker_tells_no_more() -> None:
    broker, infos = Broker(lambda _name: [ReplicaInfo("b", "follower", 5432)]), [queue(0)]
    broker.look(infos, 0)
    broker.answer = lambda _name: []
    for at in range(60, int(members.STALE_S), 60):
        broker.look(infos, at)
    assert broker.members.found["/", "q0"].at == 0
    broker.look(infos, 2 * members.STALE_S)
    assert not broker.members.found


def test_what_is_under_way_and_who_is_away_is_no_lag() -> None:
    busy = QueueInfo("/", "q", "quorum", members=NODES, online=("a", "b"), publish_rate=9e3, ack_rate=9e3)
    told = [
        ReplicaInfo("a", "leader", 0),
        ReplicaInfo("b", "follower", 20_000),
        ReplicaInfo("c", "noproc", None),
    ]
    assert behind(busy, told) == ()
    assert behind(busy, [ReplicaInfo("b", "follower", 40_001), ReplicaInfo("c", "x", 50_000)]) == (
        ("b", 40_000),
    )


@pytest.mark.broker
def test_a_real_broker_tells_or_is_left_alone(management: Management, vhost: str) -> None:
    """RabbitMQ 3.10 has no such call: its 404 is a fault to a client that was told nothing yet."""
    management.declare_queue(vhost, "a/b %2F", arguments={"x-queue-type": "quorum"})
    version = tuple(int(part) for part in management.overview().version.split(".")[:2])
    ask = members.asking(ManagementClient(management.config))
    if version >= (3, 13):
        assert [item.behind for item in ask(vhost, "a/b %2F")] == [0]
        return
    with pytest.raises(RabbitError):
        ask(vhost, "a/b %2F")
