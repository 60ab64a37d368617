"""Why is it stuck? What stands in the way, by what is known; and the drawing of the way through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mqadmin.core.hooks import Reader
from mqadmin.queues.why import flow
from mqadmin.queues.why.facts import Facts, Holder
from mqadmin.queues.why.steps import Step, verdict, walk
from mqadmin.rabbit.types import BindingInfo, ConsumerInfo, QueueDetail, QueueInfo

INFO = QueueInfo(
    "/", "orders", "classic", state="running", ready=10, unacked=5, total=15, consumers=1, publish_rate=3.0
)
MOVES = {"deliver_rate": 3.0, "ack_rate": 3.0}
OURS = Reader(
    "pay", "/consumers/pay/", "running", "", runs=True, meant=True, tag="mqadmin.pay.", tone="green"
)
PAUSED = replace(OURS, label="paused", words="ann paused it.", runs=False, meant=False)
FAILED = replace(OURS, label="failed", words="It crashed three times.", runs=False)


def consumer(tag: str = "mqadmin.pay.h.1", **changes: Any) -> ConsumerInfo:
    base = ConsumerInfo("/", "orders", tag, True, False, 5, True, "c (1)", "c", "guest", "10.0.0.7:4711")
    return replace(base, **changes)


def holder(unacked: int | None = 2, **changes: Any) -> Holder:
    return Holder(consumer(**changes), unacked=unacked)


def facts(*, info: dict[str, Any] | None = None, **changes: Any) -> Facts:
    found = replace(INFO, **(info or {}))
    changes.setdefault("holders", [holder()])
    return Facts(info=found, detail=QueueDetail(found, **changes.pop("detail", {})), **changes)


def wrong(steps: list[Step]) -> list[str]:
    return [step.code for step in steps if step.ok is False]


@pytest.mark.parametrize(
    ("given", "stands_in_the_way", "evidence"),
    [
        (facts(info=MOVES), [], ""),
        (facts(seen="gone"), ["there"], "no queue of this name"),
        (facts(seen="down", info={"node": "rabbit@b"}), ["there"], "rabbit@b"),
        (facts(seen="unasked", fault="Refused."), [], "Refused."),
        (facts(info={"members": ("a", "b", "c"), "online": ("a",)}), ["there", "delivered", "acked"], "b, c"),
        (facts(info={**MOVES, "members": ("a", "b"), "online": ("a", "b")}), ["there"], "No member leads"),
        (facts(info=MOVES, alarms=("disk",)), ["accepts"], "disk alarm"),
        (
            facts(info={**MOVES, "arguments": {"x-max-length": 10, "x-overflow": "reject-publish"}}),
            ["accepts"],
            "limit of 10",
        ),
        (facts(info={**MOVES, "arguments": {"x-max-length": 10}}), ["kept"], "pushes the oldest out"),
        (facts(info={"consumers": 0, "unacked": 0}, holders=[]), ["subscribed"], "10 wait"),
        (facts(info={"consumers": 0, "unacked": 0}, holders=[], is_delay=True, delay_ms=5000), [], "5 s"),
        (facts(info={"consumers": 0, "unacked": 0}, holders=[], is_inbox=True), [], "for people"),
        (facts(info={"consumers": 0, "ready": 0, "total": 0}, holders=[]), [], "nothing waits"),
        (
            facts(info={"consumers": 0, "unacked": 0}, holders=[], readers=[PAUSED]),
            ["subscribed", "managed"],
            "pay is paused. ann paused it.",
        ),
        (facts(info={**MOVES}, readers=[FAILED]), ["managed"], "It crashed three times."),
        (facts(info={**MOVES}, readers=[PAUSED]), [], "pay is paused"),
        (facts(info={"unacked": 5}, holders=[holder(5)]), ["delivered", "acked"], "holds 5 unacked"),
        (facts(info=MOVES, holders=[holder(5)]), [], "holds 5 unacked"),
        (facts(stalled_at=0.0), ["delivered", "acked"], "nothing was acked since"),
        (
            facts(info={"type": "quorum"}, holders=[holder(timeout_ms=1_800_000)]),
            ["delivered", "acked"],
            "takes them back after 30 min",
        ),
        (facts(info={**MOVES, "redeliver_rate": 2.0}), ["acked"], "67 % of deliveries"),
        (facts(info=MOVES, dead_letter_fault="exchange_missing"), ["dead_letters"], "does not exist"),
        (facts(info=MOVES, dead_letters_to=("a", "b", "c", "d")), [], "a, b, c and 1 more"),
        (facts(info={**MOVES, "arguments": {"x-message-ttl": 1000}}), [], "1 s expires"),
        (facts(info={**MOVES, "delivery_limit": -1}), [], "no limit of deliveries"),
        (facts(info={**MOVES, "delayed": 3}), [], "delayed retry"),
        (facts(info={**MOVES, "publish_rate": 0.0}), [], "no other binding does"),
        (
            facts(info={**MOVES, "arguments": {"x-single-active-consumer": True}}),
            [],
            "now it is mqadmin.pay.h.1",
        ),
        (facts(info=MOVES, holders=[holder(exclusive=True)]), [], "exclusively"),
    ],
)
def test_what_stands_in_the_way(given: Facts, stands_in_the_way: list[str], evidence: str) -> None:
    steps = walk(given)
    assert wrong(steps) == stands_in_the_way
    assert evidence in " ".join(step.text for step in steps)
    assert all(step.text for step in steps)
    assert verdict(steps)


def test_ours_are_told_apart() -> None:
    steps = walk(facts(info=MOVES, holders=[Holder(consumer(), OURS), holder(tag="x")], readers=[OURS]))
    assert "2 consumers, 1 ours, 1 of others." in [step.text for step in steps]
    assert [step.code for step in steps].index("managed") == 4


def test_the_drawing_of_hundreds_shows_ten_and_a_count() -> None:
    bindings = [BindingInfo("/", f"ex.{n:03}", "orders", "queue", f"key.{n}") for n in range(300)]
    bindings += [BindingInfo("/", "ex.000", "orders", "queue", f"more.{n}") for n in range(9)]
    holders = [holder(1, peer=f"10.0.0.{n}:5", channel=str(n)) for n in range(200)]
    way = flow.way(facts(bindings=bindings, holders=holders), sources=(), dead=())
    assert len(way.exchanges.stops) == len(way.consumers.stops) == 10
    assert (way.exchanges.more, way.consumers.more) == ("and 291 more", "and 190 more")
    assert (len(way.exchanges.stops[0].marks), way.exchanges.stops[0].more) == (3, "and 7 more keys")
    assert way.dead.empty


def test_what_the_broker_does_not_tell_is_not_drawn_as_nothing() -> None:
    way = flow.way(facts(seen="unasked", bindings=None), sources=(), dead=())
    for lane in (way.exchanges, way.consumers):
        assert not lane.stops
        assert "not known" in lane.empty
