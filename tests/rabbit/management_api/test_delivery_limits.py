"""Which delivery limit is in force, by everything that may set one."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.management_api import delivery_limits
from mqadmin.rabbit.types import PolicyInfo, QueueInfo


def queue(name: str = "orders", **more: Any) -> QueueInfo:
    return QueueInfo("/", name, "quorum", **more)


def policy(pattern: str = ".*", limit: int = 7, priority: int = 0, **more: Any) -> PolicyInfo:
    return PolicyInfo("/", "p", pattern, priority, {"delivery-limit": limit}, **more)


@pytest.mark.parametrize(
    ("info", "definitions", "version", "limit"),
    [
        (queue(), [], (3, 13), None),
        (queue(), [], (4, 0), 20),
        (queue(arguments={"x-delivery-limit": 50}), [{"delivery-limit": 8}], (3, 13), 8),
        (queue(arguments={"x-delivery-limit": 5}), [{"delivery-limit": 8}], (4, 0), 5),
        # A negative one is none, but not where another says what it is.
        (queue(arguments={"x-delivery-limit": -1}), [], (4, 0), None),
        (queue(arguments={"x-delivery-limit": -1}), [{"delivery-limit": 8}], (4, 0), 8),
        (
            queue(arguments={"x-delivery-limit": 8}, effective_policy={"delivery-limit": -1}),
            [{"delivery-limit": -1}],
            (4, 0),
            8,
        ),
        # The statistics are old: set, made stricter, loosened and deleted a moment ago.
        (queue(), [{"delivery-limit": 2}], (3, 13), 2),
        (queue(effective_policy={"delivery-limit": 50}), [{"delivery-limit": 2}], (3, 13), 2),
        (queue(effective_policy={"delivery-limit": 2}), [{"delivery-limit": 50}], (3, 13), 2),
        (queue(effective_policy={"delivery-limit": -1}), [], (4, 0), 20),
        (queue(delivery_limit=-1), [{"delivery-limit": 9}], (4, 2), 9),
        (queue(delivery_limit=9), [], (4, 2), 9),
        # Of policy and operator policy.
        (queue(), [{"delivery-limit": 30}, {"delivery-limit": 10}], (4, 0), 10),
        (queue(), [{"delivery-limit": True}, {"max-length": 1}], (3, 13), None),
        (queue(effective_policy={"delivery-limit": 6}), None, (4, 0), 6),
    ],
)
def test_of(
    info: QueueInfo, definitions: list[dict[str, Any]] | None, version: tuple[int, int], limit: int | None
) -> None:
    assert delivery_limits.of(info, version, definitions) == limit


@pytest.mark.parametrize(
    ("policies", "limits"),
    [
        ([policy("^ord"), policy("^x")], [7]),
        ([policy(limit=1), policy(limit=2, priority=5)], [2]),
        ([policy(limit=1, priority=5), policy(limit=2, priority=5)], [1, 2]),
        ([policy(limit=1, priority=9, apply_to="exchanges"), policy(limit=2)], [2]),
        ([policy(limit=1, priority=9, apply_to="classic_queues"), policy(limit=2)], [2]),
        ([policy(limit=1, apply_to="quorum_queues")], [1]),
        ([policy(limit=1, apply_to="queues")], [1]),
        ([PolicyInfo("other", "p", ".*", 0, {"delivery-limit": 1})], []),
        # Perl's, which Python does not read: it may match, and what is below it counts as well.
        ([policy("^\\Qord\\E(*PRUNE)", limit=1, priority=9), policy(limit=2)], [1, 2]),
        ([policy("ders$")], [7]),
    ],
)
def test_applying(policies: list[PolicyInfo], limits: list[int]) -> None:
    found = delivery_limits.applying(queue(), policies)
    assert [item["delivery-limit"] for item in found] == limits


def test_a_pattern_is_matched_by_bytes_as_in_erlang() -> None:
    assert delivery_limits.applying(queue("é"), [policy("^..$")])
    assert not delivery_limits.applying(queue("é"), [policy("^.$")])
