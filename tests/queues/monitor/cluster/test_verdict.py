"""The verdict on a broker as tables: what is known, sample by sample, and the reasons that hold in the end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mqadmin.queues.monitor.cluster.facts import Clients, Deprecated, Facts, Memory
from mqadmin.queues.monitor.cluster.verdict import judge
from mqadmin.queues.pages import broker_wording
from mqadmin.rabbit.types import AlarmInfo, ConnectionInfo, ExchangeFlow, NodeInfo, OverviewInfo

NOW = 1_800_000_000.0
OVERVIEW = OverviewInfo(
    "RabbitMQ", "4.3.6", "shop", connections=3, channels=3, node="rabbit@a", clock_ahead=0.4
)
NODE = NodeInfo(
    "rabbit@a",
    running=True,
    mem_used=100,
    mem_limit=1000,
    mem_alarm=False,
    disk_free=10_000,
    disk_free_limit=1000,
    disk_free_alarm=False,
    uptime_s=5000,
    fd_used=10,
    fd_total=1000,
    proc_used=10,
    proc_total=1000,
)


NOBODY = Clients([])


def facts(node: dict[str, Any] | None = None, clients: Clients = NOBODY, **overview: Any) -> Facts:
    nodes = [replace(NODE, **(node or {}))]
    return Facts(replace(OVERVIEW, **overview), nodes, [], clients)


def reasons(*steps: Facts | tuple[float, Facts]) -> list[dict[str, Any]]:
    """Judge what is known at each step, five seconds after the one before or after so many; as it is stored."""
    memory, now = Memory(), NOW
    for step in steps:
        seconds, known = step if isinstance(step, tuple) else (5.0, step)
        now += seconds
        memory = Memory.from_json(json.loads(json.dumps(judge(memory, known, now).to_json())))
    for reason in memory.reasons:
        assert reason["code"] in broker_wording.WORDS
        assert "%(" not in broker_wording.text(reason)
    return memory.reasons


def codes(*steps: Facts | tuple[float, Facts]) -> list[tuple[str, str]]:
    return [(reason["code"], reason["level"]) for reason in reasons(*steps)]


def of(*items: ConnectionInfo) -> Clients:
    return Clients(items)


def connection(name: str = "c1", **values: Any) -> ConnectionInfo:
    return ConnectionInfo(name, f"the {name}", "/", "shop", **{"state": "running", "channels": 1, **values})


WELL = facts()


def test_a_broker_that_is_well_has_no_reasons() -> None:
    assert codes(WELL, WELL) == []


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"mem_used": 799}, []),
        ({"mem_used": 800}, [("memory_near", "watch")]),
        ({"mem_used": 990}, [("memory_near", "watch")]),
        ({"mem_used": None}, []),
        ({"disk_free": 2000}, [("disk_near", "watch")]),
        ({"disk_free": 2001}, []),
        ({"fd_used": 800}, [("descriptors_near", "watch")]),
        ({"fd_used": 950}, [("descriptors_near", "broken")]),
        ({"sockets_used": 0, "sockets_total": None}, []),
        ({"sockets_used": 99, "sockets_total": 100}, [("sockets_near", "broken")]),
        ({"proc_used": 850}, [("processes_near", "watch")]),
        ({"partitions": ("rabbit@b",)}, [("partitioned", "broken")]),
        ({"running": False, "mem_used": 999, "partitions": ("rabbit@b",)}, [("node_down", "broken")]),
    ],
)
def test_a_node_and_its_limits(node: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert codes(WELL, facts(node)) == expected


def test_close_to_a_limit_ends_clearly_below_it() -> None:
    near = facts({"mem_used": 850})
    assert codes(near, facts({"mem_used": 780})) == [("memory_near", "watch")]
    assert codes(near, facts({"mem_used": 749})) == []
    [reason] = reasons(near, (60, facts({"mem_used": 780})))
    assert (reason["since"], reason["params"]["percent"]) == (NOW + 5, 78)


def test_an_alarm_has_its_numbers_and_is_not_told_twice() -> None:
    known = replace(facts({"mem_used": 1200, "mem_alarm": True}), alarms=[AlarmInfo("rabbit@a", "memory")])
    [reason] = reasons(WELL, known, known)
    assert reason == {
        "code": "memory_alarm",
        "level": "broken",
        "params": {"node": "rabbit@a", "resource": "memory", "used": 1200, "limit": 1000},
        "since": NOW + 10,
    }
    # Its user may ask for alarms, and not for nodes.
    [reason] = reasons(replace(known, nodes=None))
    assert broker_wording.told(reason).evidence == "Publishers are blocked on all nodes."


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([facts({"uptime_s": 9000}), facts({"uptime_s": 3})], True),
        (
            [facts({"uptime_s": 9000}), facts({"uptime_s": 9000})],
            False,
        ),  # the broker counts every five seconds
        ([facts({"uptime_s": 60}), (3600, facts({"uptime_s": 300}))], True),  # while nobody looked
        ([facts({"uptime_s": 60}), (3600, facts({"uptime_s": 3660}))], False),
        (
            [facts({"uptime_s": 9000}), facts({"running": False, "uptime_s": None}), facts({"uptime_s": 2})],
            True,
        ),
        ([facts({"uptime_s": 3})], False),  # seen for the first time
        (
            [facts({"uptime_s": 9000}), facts({"uptime_s": 3}), (700, facts({"uptime_s": 703}))],
            False,
        ),  # long ago
    ],
)
def test_a_node_that_started_anew(steps: list[Any], expected: bool) -> None:
    assert codes(*steps) == ([("node_restarted", "watch")] if expected else [])


def test_a_clock_that_differs_at_two_samples() -> None:
    late = facts(clock_ahead=-90.2)
    assert codes(late) == []
    [reason] = reasons(late, late)
    assert "rabbit@a are dated 90 seconds before mqadmin's clock" in broker_wording.told(reason).evidence
    assert codes(late, late, WELL, (15, WELL)) == []
    assert codes(facts(clock_ahead=None), facts(clock_ahead=None)) == []


def test_publishers_that_wait() -> None:
    alarmed = replace(
        facts(clients=of(connection(state="blocked"), connection("c2", state="blocking"), connection("c3"))),
        alarms=[AlarmInfo("rabbit@a", "disk")],
    )
    assert codes(alarmed) == [("disk_alarm", "broken"), ("publishers_blocked", "broken")]
    reason = reasons(alarmed)[1]
    assert reason["params"] == {"count": 1, "names": ["the c1"], "waiting": 1}
    assert codes(alarmed, replace(alarmed, alarms=[])) == [], "the look is older than the end of the alarm"
    slowed = facts(clients=of(connection(state="flow")))
    assert codes(slowed, slowed) == []
    assert codes(slowed, (30, slowed)) == [("publishers_slowed", "watch")]


@pytest.mark.parametrize(
    ("channels", "limit", "expected"),
    [
        (199, 2047, None),
        (200, 2047, "watch"),
        (1900, 2047, "broken"),
        (9, 10, None),
        (10, 20, "watch"),
        (300, None, "watch"),
        (None, 2047, None),
    ],
)
def test_a_connection_with_many_channels(
    channels: int | None, limit: int | None, expected: str | None
) -> None:
    found = codes(facts(clients=of(connection("c2"), connection(channels=channels, channel_max=limit))))
    assert found == ([("many_channels", expected)] if expected else [])


def test_connections_that_become_more_and_more() -> None:
    def minutes(counts: list[int]) -> list[tuple[float, Facts]]:
        return [(60.0, facts(connections=count)) for count in counts]

    assert codes(*minutes([10 + 15 * n for n in range(12)])) == [("connections_growing", "watch")]
    assert codes(*minutes([10 + 15 * n for n in range(6)])) == [], "for a few minutes only"
    assert codes(*minutes([10] * 11 + [500])) == [], "at once, as when a service starts"
    assert codes(*minutes([10 + 15 * n for n in range(12)] + [90])) == [], "they were fewer again"
    assert codes(*minutes([2000 + n for n in range(12)])) == [], "few of many"


def test_connections_that_come_and_go() -> None:
    churn = facts(connections_opened_rate=40.0, connections_closed_rate=38.0)
    assert codes(churn, churn) == []
    assert codes(churn, (30, churn)) == [("connections_churn", "watch")]
    calm = facts(connections_opened_rate=0.0, connections_closed_rate=0.0)
    assert codes(churn, (30, churn), calm) == [("connections_churn", "watch")]
    assert codes(churn, (30, churn), calm, (30, calm)) == []
    start = facts(channels_opened_rate=400.0, channels_closed_rate=0.0)
    assert codes(start, (30, start)) == []


def test_messages_that_no_queue_takes() -> None:
    flows = [ExchangeFlow("/", "letters", 9, 4.0, 3, 1.0), ExchangeFlow("/", "ok", 9, 2.0, 9, 2.0)]
    look = Clients([], exchanges=flows)
    before, after = facts(dropped=10, returned=0), facts(clients=look, dropped=30, returned=0)
    [reason] = reasons(before, after)
    assert (reason["code"], reason["params"]["rate"]) == ("unroutable_dropped", 4.0)
    assert reason["params"]["exchanges"] == [{"vhost": "/", "name": "letters", "all": False}]
    still = facts(dropped=30, returned=0)
    [reason] = reasons(before, after, still)
    assert reason["params"]["rate"] == 4.0, "with the words of when it was so"
    assert codes(before, after, still, (60, still)) == []
    assert codes(before, facts(dropped=0, returned=0)) == [], "its counters began anew"
    assert codes(facts(dropped=10)) == [], "of what was before nothing is known"
    assert codes(WELL, facts(dropped=10)) == [("unroutable_dropped", "watch")], "the first ever"


def test_what_is_not_known_is_said() -> None:
    assert codes(facts(clients=Clients(why="no_answer"))) == [("connections_unknown", "unknown")]
    assert codes(facts(clients=Clients(why="statistics_off"), statistics_disabled=True)) == [
        ("statistics_off", "unknown")
    ]


def test_deprecated_features_and_a_slow_list() -> None:
    used = [Deprecated("management_metrics_collection"), Deprecated("made_up_feature", ("q1",))]
    [reason] = reasons(replace(WELL, deprecated=used))
    assert broker_wording.told(reason).title == "Deprecated, and in use: made up feature"
    slow = replace(WELL, listing_s=7.25, queues=9000)
    assert codes(slow) == []
    [reason] = reasons(slow, slow)
    assert broker_wording.told(reason).evidence.startswith("7.2 s for 9")


def test_a_reason_of_a_newer_version_is_shown_as_it_is() -> None:
    assert broker_wording.told({"code": "from_tomorrow"}).title == "from tomorrow"


def test_the_worst_comes_first() -> None:
    bad = facts({"mem_used": 900, "fd_used": 990}, Clients(why="no_answer"))
    assert [level for _code, level in codes(bad)] == ["broken", "watch", "unknown"]
