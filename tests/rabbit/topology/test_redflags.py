from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.topology.redflags import flags
from mqadmin.rabbit.topology.topology import dead_letter_map
from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, QueueInfo


def queue(name: str, dlx: str | None = None, key: str | None = None, **more: Any) -> QueueInfo:
    arguments = dict(more.pop("arguments", {}))
    if dlx is not None:
        arguments["x-dead-letter-exchange"] = dlx
    if key is not None:
        arguments["x-dead-letter-routing-key"] = key
    kind = more.pop("type", "classic")
    return QueueInfo(vhost="/", name=name, type=kind, arguments=arguments, **more)


def wrong(*queues: QueueInfo) -> dict[str, list[tuple[str, str]]]:
    exchanges = [ExchangeInfo("/", "dlx", "direct")]
    found = dead_letter_map(queues, [BindingInfo("/", "dlx", "dlq", "queue", "k")], exchanges)
    return {
        key[1]: [(flag.code, flag.value) for flag in items] for key, items in flags(queues, found).items()
    }


ONCE = {"x-dead-letter-strategy": "at-least-once"}
REJECT = {"x-overflow": "reject-publish"}


@pytest.mark.parametrize(
    ("queues", "expected"),
    [
        ([queue("a", "dlx", "k"), queue("dlq")], {}),
        ([queue("a")], {}),
        ([queue("a", "gone")], {"a": [("exchange_missing", "gone")]}),
        ([queue("a", "dlx", "other"), queue("dlq")], {"a": [("routes_nowhere", "other")]}),
        ([queue("a", "", "gone")], {"a": [("routes_nowhere", "gone")]}),
        (
            [queue("a", "dlx", "k", type="quorum", arguments=ONCE), queue("dlq")],
            {"a": [("at_least_once_fell_back", "drop-head")]},
        ),
        ([queue("a", "dlx", "k", type="quorum", arguments={**ONCE, **REJECT}), queue("dlq")], {}),
        (
            [
                queue(
                    "a",
                    "dlx",
                    "k",
                    type="quorum",
                    effective_policy={"dead-letter-strategy": "at-least-once", "overflow": "drop-head"},
                ),
                queue("dlq"),
            ],
            {"a": [("at_least_once_fell_back", "drop-head")]},
        ),
        # The argument wins over the policy.
        (
            [
                queue(
                    "a",
                    "dlx",
                    "k",
                    type="quorum",
                    arguments=REJECT,
                    effective_policy={"overflow": "drop-head"},
                ),
                queue("dlq"),
            ],
            {},
        ),
        # Only quorum queues know at-least-once.
        (
            [
                queue("a", "dlx", "k", effective_policy={"dead-letter-strategy": "at-least-once"}),
                queue("dlq"),
            ],
            {},
        ),
        (
            [queue("a", "dlx", "k"), queue("dlq", arguments={"x-message-ttl": 60_000})],
            {"dlq": [("ttl_eats", "60000")]},
        ),
        (
            [queue("a", "dlx", "k"), queue("dlq", effective_policy={"message-ttl": 5, "max-length": 9})],
            {"dlq": [("ttl_eats", "5"), ("length_eats", "9")]},
        ),
        (
            [queue("a", "dlx", "k"), queue("dlq", arguments={"x-max-length-bytes": 10})],
            {"dlq": [("length_eats", "10 B")]},
        ),
        (
            [queue("a", "dlx", "k"), queue("dlq", arguments={"x-max-length": 10, **REJECT})],
            {"dlq": [("length_refuses", "10")]},
        ),
        (
            [queue("a", "dlx", "k"), queue("dlq", arguments={"x-expires": 7})],
            {"dlq": [("queue_expires", "7")]},
        ),
        ([queue("a", "dlx", "k"), queue("dlq", durable=False)], {"dlq": [("is_transient", "")]}),
        # What expires in a dead-letter queue that goes on elsewhere is not lost.
        ([queue("a", "dlx", "k"), queue("dlq", "", "end", arguments={"x-message-ttl": 5}), queue("end")], {}),
        # A limit on a queue that is no inbox is its own affair.
        ([queue("a", "dlx", "k", arguments={"x-max-length": 5, "x-message-ttl": 9}), queue("dlq")], {}),
        ([queue("a", "", "a")], {"a": [("cycle", "")]}),
        ([queue("a", "", "b"), queue("b", "", "a")], {"a": [("cycle", "")], "b": [("cycle", "")]}),
        # A delay loop is no fault.
        (
            [
                queue("main", "", "retry", consumers=1),
                queue("retry", "", "main", arguments={"x-message-ttl": 9}),
            ],
            {},
        ),
    ],
)
def test_red_flags(queues: list[QueueInfo], expected: dict[str, list[tuple[str, str]]]) -> None:
    assert wrong(*queues) == expected


@pytest.mark.parametrize(
    ("source", "inbox", "killers"),
    [(20, 20, ("a",)), (19, 20, ()), (25, 20, ("a",)), (None, 20, ()), (20, None, ()), (3, 3, ("a",))],
)
def test_letters_that_died_of_their_returns_bear_none_more(
    source: int | None, inbox: int | None, killers: tuple[str, ...]
) -> None:
    """As on RabbitMQ 4.3, where they keep their count."""
    queues = [queue("a", "", "dlq", type="quorum"), queue("c", "", "dlq"), queue("dlq", type="quorum")]
    limits = {("/", "a"): source, ("/", "dlq"): inbox}
    found = flags(queues, dead_letter_map(queues, [], []), limits=limits)
    assert [(flag.code, flag.others) for flag in found.get(("/", "dlq"), ())] == (
        [("returns_kill", killers)] if killers else []
    )
    assert flags(queues, dead_letter_map(queues, [], [])) == {}


def test_a_cycle_names_who_else_is_in_it() -> None:
    queues = [queue("a", "", "b"), queue("b", "", "c"), queue("c", "", "a")]
    found = flags(queues, dead_letter_map(queues, [], []))
    assert found["/", "a"][0].others == ("b", "c")
    assert found["/", "a"][0].level == "red"
