"""What happened to a broker between two samples, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.history.happenings import Asked
from mqadmin.queues.models import BrokerEvent
from mqadmin.queues.monitor.cluster import changes, events
from mqadmin.queues.monitor.cluster.changes import Definitions, Event
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.queues.pages import broker_happenings
from mqadmin.rabbit.errors import NoResponse
from mqadmin.rabbit.types import NodeInfo, PolicyInfo
from tests.support.management import Management

UP, DOWN = {"name": "a", "running": True}, {"name": "a", "running": False}


def kinds(found: Iterable[Event]) -> list[str]:
    return [event.kind for event in found]


@pytest.mark.parametrize(
    ("before", "now", "restarts", "expected"),
    [
        ([], [NodeInfo("a", True)], {}, []),
        ([UP], [NodeInfo("a", True)], {}, []),
        ([UP], [], {}, []),  # not to be seen any more
        ([UP], [NodeInfo("a", False)], {}, ["node_stopped"]),
        ([DOWN], [NodeInfo("a", False)], {}, []),
        ([DOWN], [NodeInfo("a", True)], {}, ["node_back"]),
        ([DOWN], [NodeInfo("a", True)], {"a": 7.0}, ["node_started"]),
        ([UP], [NodeInfo("a", True)], {"a": 7.0}, ["node_started"]),
        ([UP], [NodeInfo("a", True), NodeInfo("b", True)], {}, ["node_joined"]),
        ([UP, {"name": "b"}], [NodeInfo("a", True)], {}, ["node_left"]),
        ([UP], [NodeInfo("a", True, partitions=("b",))], {}, ["split"]),
        ([{**UP, "partitions": ["b"]}], [NodeInfo("a", True)], {}, ["split_over"]),
    ],
)
def test_nodes(
    before: list[Any], now: list[NodeInfo], restarts: dict[str, float], expected: list[str]
) -> None:
    assert kinds(changes.of_nodes(before, now, restarts, 9.0)) == expected


def test_alarms() -> None:
    memory, disk = {"node": "a", "resource": "memory"}, {"node": "a", "resource": "disk"}
    found = list(changes.of_alarms([memory], [disk], 9.0))
    assert [(event.kind, event.params["resource"]) for event in found] == [
        ("alarm_raised", "disk"),
        ("alarm_gone", "memory"),
    ]


def defined(*policies: PolicyInfo, vhosts: Iterable[str] = ("/",), hidden: Iterable[str] = ()) -> Definitions:
    return Definitions.of(vhosts, hidden, policies, ())


def policy(name: str, **definition: Any) -> PolicyInfo:
    return PolicyInfo("/", name, "^orders", 0, definition)


def test_policies() -> None:
    before = Definitions.from_json(defined(policy("ttl", **{"message-ttl": 1000})).to_json())
    now = defined(policy("ttl", **{"message-ttl": 50}), policy("new"))
    made, changed = changes.of_definitions(before, now, 9.0)
    assert (made.kind, changed.kind) == ("policy_made", "policy_changed")
    assert broker_happenings.words(*changed[1:]) == "Policy ttl changed in /: message-ttl 1000 → 50"
    assert kinds(changes.of_definitions(now, defined(policy("new")), 9.0)) == ["policy_deleted"]
    assert list(changes.of_definitions(None, now, 9.0)) == [], "seen for the first time"
    assert kinds(changes.of_definitions(now, defined(vhosts=()), 9.0)) == ["vhost_deleted"]
    assert kinds(changes.of_definitions(now, defined(hidden=["/"]), 9.0)) == [], "not to be seen any more"


def test_many_policies_at_once_are_one_event() -> None:
    found = list(changes.of_definitions(defined(), defined(*(policy(f"p{n:02}") for n in range(40))), 9.0))
    assert [(event.kind, event.params["count"], len(event.params["names"])) for event in found] == [
        ("policy_made", 40, 10)
    ]
    assert "p09 and 30 more made in /" in broker_happenings.words(*found[0][1:])


@pytest.mark.any_database
@pytest.mark.broker
@pytest.mark.django_db
def test_what_people_do_to_a_real_broker(management: Management, vhost: str) -> None:
    sampler = Sampler("default", brokers.client("default"))
    at = timezone.now().timestamp()
    for act in (
        lambda: None,
        lambda: management.set_policy(vhost, "ttl", "^o", {"message-ttl": 1000}, apply_to="queues"),
        lambda: management.set_policy(vhost, "ttl", "^o", {"message-ttl": 50}, apply_to="queues"),
        lambda: management.set_policy(vhost, "cap", "^o", {"max-length": 5}, kind="operator-policies"),
        lambda: management.declare_queue(vhost, "orders"),
        lambda: management.declare_queue(vhost, "passing", auto_delete=True),
        lambda: management.delete_policy(vhost, "ttl"),
        lambda: management.delete_queue(vhost, "orders"),
    ):
        act()
        at += 31  # when definitions are looked at again
        sampler.sample(at)
    sampler.fail(NoResponse("gone"))
    sampler.fail(NoResponse("gone"))
    sampler.sample(at + 31)
    asked = Asked("default", timezone.now() - timedelta(hours=1), timezone.now() + timedelta(hours=1))
    found = [item.what for item in broker_happenings.happenings(asked)]
    ours = [what for what in found if vhost in what or "broker" in what]
    assert sorted(ours) == sorted(
        [
            f"Policy ttl made in {vhost}: apply-to queues, message-ttl 1000, pattern ^o, priority 0",
            f"Policy ttl changed in {vhost}: message-ttl 1000 → 50",
            f"Operator policy cap made in {vhost}: apply-to all, max-length 5, pattern ^o, priority 0",
            f"Queue declared in {vhost}: orders",
            f"Policy ttl deleted from {vhost}",
            f"Queue gone from {vhost}: orders",
            "The broker cannot be reached",
            "The broker answers again",
        ]
    )
    of_queue = Asked("default", asked.since, asked.until, (vhost, "other"))
    assert not any("orders" in item.what for item in broker_happenings.happenings(of_queue))


@pytest.mark.django_db
def test_events_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST", 3)
    events.write("default", [Event(timezone.now().timestamp(), "node_back", {"node": "a"})] * 5)
    events.write("other", [Event(timezone.now().timestamp(), "node_back", {"node": "a"})] * 2)
    events.write("other", [Event(datetime(2020, 1, 1, tzinfo=UTC).timestamp(), "node_back", {"node": "a"})])
    assert events.forget() == "3 events of brokers"
    assert BrokerEvent.objects.filter(broker="default").count() == 3
    assert BrokerEvent.objects.filter(broker="other").count() == 2
