"""What the routing table says of each kind of exchange, held against where a real broker puts the messages.

Each case is published to with every key and every set of headers; what arrives must be what the route says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pika import BasicProperties

from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.topology.routing import Choice, Route, RoutingTable
from tests.support.management import Management

KEYS = ["", "k", "a.b", "a.b.c"]
HEADERS: list[dict[str, Any]] = [
    {},
    {"a": 1},
    {"b": 2},
    {"a": 1, "b": 2},
    {"a": "1"},
    {"x-a": 1},
    {"a": 1, "x-a": 1},
]


@dataclass(frozen=True)
class Case:
    """An exchange `type` with bindings (key, arguments), each to a queue of its own, and what the map is to say."""

    type: str
    bindings: tuple[tuple[str, dict[str, Any]], ...]
    choice: Choice  # for a key that is not known
    alternate: bool = False
    by_way: bool = False  # the bindings are of a second exchange, which the first passes everything to
    sure: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    together: bool = True  # some message reaches more than one of the queues
    keyed: Choice = "all"


def match(kind: str, **headers: Any) -> tuple[str, dict[str, Any]]:
    return "", {"x-match": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}


CASES = {
    "headers-all": Case("headers", (match("all", a=1), match("all", b=2)), "matching", keyed="matching"),
    "headers-any": Case("headers", (match("any", a=1, b=2), match("any", b=2)), "matching", keyed="matching"),
    "headers-default": Case("headers", (("", {"a": 1}), match("all", b=2)), "matching", keyed="matching"),
    "headers-with-x": Case(
        "headers", (match("all-with-x", x_a=1), match("any-with-x", a=1, x_a=1)), "matching", keyed="matching"
    ),
    "headers-x-ignored": Case(
        "headers", (match("all", x_a=1), match("any", b=2)), "matching", sure=("q0",), keyed="matching"
    ),
    "headers-of-nothing": Case("headers", (match("all"), match("any")), "all", sure=("q0",), together=False),
    "headers-else": Case(
        "headers",
        (match("all", a=1), match("all", b=2)),
        "matching",
        True,
        otherwise=("rest",),
        keyed="matching",
    ),
    "headers-one": Case("headers", (match("all", a=1),), "matching", keyed="matching", together=False),
    "headers-by-way": Case(
        "headers", (match("all", a=1), match("all", b=2)), "matching", by_way=True, keyed="matching"
    ),
    "direct": Case("direct", (("k", {}), ("k", {}), ("a.b", {})), "matching"),
    "direct-else": Case(
        "direct", (("k", {}), ("a.b", {})), "matching", True, otherwise=("rest",), together=False
    ),
    "topic": Case("topic", (("a.*", {}), ("#.c", {}), ("#", {})), "matching", sure=("q2",)),
    "topic-else": Case("topic", (("a.*", {}), ("a.#", {})), "matching", True, otherwise=("rest",)),
    "topic-by-way": Case("topic", (("k", {}), ("a.#", {})), "matching", by_way=True, together=False),
    "fanout": Case("fanout", (("k", {}), ("other", {})), "all", sure=("q0", "q1")),
    "fanout-else": Case("fanout", (("k", {}), ("", {})), "all", True, sure=("q0", "q1")),
}


@pytest.mark.broker
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_route_is_what_the_broker_does(
    case: Case, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    names = _declare(case, management, vhost)
    table = RoutingTable(
        [(vhost, name) for name in names], management.bindings(vhost), management.exchanges(vhost)
    )
    unknown = table.route(vhost, "in", None)
    assert (unknown.choice, unknown.sure, unknown.otherwise) == (case.choice, case.sure, case.otherwise)
    arrivals = []
    with amqp.channel(broker_config, vhost) as channel:
        channel.confirm_delivery()
        for key in KEYS:
            route = table.route(vhost, "in", key)
            assert route.choice == case.keyed
            for headers in HEADERS:
                channel.basic_publish("in", key, b"", BasicProperties(headers=headers))
                arrived = {name for name in names if channel.queue_purge(name).method.message_count}
                _check(route, arrived)
                _check(unknown, arrived)
                arrivals.append(arrived)
    assert set().union(*arrivals) == set(unknown.queues), "each of them is reached by some message"
    assert any(len(arrived - {"rest"}) > 1 for arrived in arrivals) == case.together


def _declare(case: Case, management: Management, vhost: str) -> list[str]:
    alternate = {"alternate-exchange": "ae"} if case.alternate else {}
    management.declare_exchange(vhost, "in", type="fanout" if case.by_way else case.type, arguments=alternate)
    names = [f"q{number}" for number in range(len(case.bindings))]
    if case.by_way:
        management.declare_exchange(vhost, "second", type=case.type)
        management.bind(vhost, "in", "second", destination_type="exchange")
    if case.alternate:
        management.declare_exchange(vhost, "ae", type="fanout")
        management.declare_queue(vhost, "rest")
        management.bind(vhost, "ae", "rest")
    for name, (key, arguments) in zip(names, case.bindings, strict=True):
        management.declare_queue(vhost, name)
        management.bind(vhost, "second" if case.by_way else "in", name, key, arguments=arguments)
    return [*names, *(["rest"] if case.alternate else [])]


def _check(route: Route, arrived: set[str]) -> None:
    assert set(route.sure) <= arrived <= set(route.queues)
    if route.certain:
        assert arrived == set(route.queues)
    if arrived & set(route.otherwise):
        assert arrived == set(route.otherwise), "the rest goes there, and nothing else"
