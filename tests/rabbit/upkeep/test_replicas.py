"""Which queues gain or lose a member: as RabbitMQ itself chooses them."""

from __future__ import annotations

import re

import pytest

from mqadmin.rabbit.upkeep.facts import Placed
from mqadmin.rabbit.upkeep.replicas import growing, shrinking


def placed(name: str, *members: str, type: str = "quorum", vhost: str = "/") -> Placed:
    return Placed(vhost, name, type, members[0] if members else "a", members, members)


QUEUES = [
    placed("one", "a"),
    placed("two", "a", "b"),
    placed("three", "a", "b", "c"),
    placed("shop.two", "b", "c", vhost="shop"),
    placed("stream", "a", type="stream"),
    placed("classic", type="classic"),
]


@pytest.mark.parametrize(
    ("node", "given", "expected"),
    [
        ("c", {}, ["one", "two"]),
        ("c", {"strategy": "even"}, ["two"]),
        ("d", {}, ["one", "two", "three", "shop.two"]),
        ("d", {"strategy": "even"}, ["two", "shop.two"]),
        ("d", {"vhost_pattern": "^shop$"}, ["shop.two"]),
        ("d", {"queue_pattern": "t"}, ["two", "three", "shop.two"]),
        ("d", {"queue_pattern": r"^shop\."}, ["shop.two"]),
        ("a", {}, ["shop.two"]),
    ],
)
def test_a_member_is_added_where_there_is_none_that_matches(
    node: str, given: dict[str, str], expected: list[str]
) -> None:
    options = {"strategy": "all", "vhost_pattern": ".*", "queue_pattern": ".*", **given}
    assert [item.name for item in growing(QUEUES, node, **options)] == expected


def test_a_pattern_that_is_none_is_an_error() -> None:
    with pytest.raises(re.error):
        growing(QUEUES, "c", strategy="all", vhost_pattern="(", queue_pattern=".*")


def test_members_are_taken_away_but_for_the_last() -> None:
    lose, keep = shrinking(QUEUES, "a")
    assert [item.name for item in lose] == ["two", "three"]
    assert [item.name for item in keep] == ["one"]
    assert shrinking(QUEUES, "d") == ([], [])
