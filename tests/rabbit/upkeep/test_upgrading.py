"""What breaks, changes or should be known when RabbitMQ is upgraded: each rule, with and without its cause."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.upkeep.facts import (
    Client,
    FlagFact,
    Installed,
    Machine,
    Placed,
    PolicyFact,
    PrefetchFact,
)
from mqadmin.rabbit.upkeep.finding import BREAKS, CARE, NOTE
from mqadmin.rabbit.upkeep.upgrading import assess, series


def installed(version: str = "3.13.7", **given: Any) -> Installed:
    return Installed(version, **{"erlang": "26.2.5", **given})


def queue(type: str = "classic", **given: Any) -> Placed:
    return Placed("/", "orders", type, "a", **given)


def policy(definition: dict[str, Any], **given: Any) -> PolicyFact:
    return PolicyFact("/", "mine", definition, **given)


def client(protocol: str) -> Client:
    return Client("c", "c", "a", "ann", "/", protocol)


MIRRORED = {"ha-mode": "all"}
SHARED = (PrefetchFact("ch", "conn", "ann", "/", 10),)
DLX = {"dead-letter-exchange": "dlx"}
CASES: list[tuple[Installed, dict[str, str]]] = [
    (installed("3.10.8", policies=[policy(MIRRORED)]), {"mirrored": BREAKS}),
    (installed("3.10.8", policies=[policy(MIRRORED, is_operator=True)]), {"mirrored": BREAKS}),
    (installed("4.0.5", policies=[policy(MIRRORED)]), {"mirrored_left": CARE}),
    (installed(queues=[queue(effective=MIRRORED)]), {"mirrored": BREAKS}),
    (installed(queues=[queue("quorum")]), {"limit_loses": BREAKS}),
    (installed(queues=[queue("quorum", effective=DLX)]), {"limit_dead_letters": CARE}),
    (
        installed(queues=[queue("quorum", arguments={"x-dead-letter-exchange": ""})]),
        {"limit_dead_letters": CARE},
    ),
    (installed("4.3.6", shared_prefetch=SHARED), {"shared_prefetch": BREAKS}),
    (installed("4.0.5", queues=[queue(durable=False)]), {"transient": BREAKS}),
    (installed(queues=[queue(version=1)]), {"storage_one": CARE}),
    (installed(queues=[queue(messages=2, bytes=2 * 17 * 2**20)]), {"too_large": BREAKS}),
    (installed(policies=[policy({"queue-mode": "lazy"})]), {"outdated_keys": CARE}),
    (installed(policies=[policy({"queue-version": 1})]), {"outdated_keys": CARE}),
    (installed("4.0.5", queues=[queue(arguments={"x-queue-mode": "lazy"})]), {"outdated_keys": CARE}),
    (installed(flags=[FlagFact("x", "disabled", "stable")]), {"flags_missing": BREAKS}),
    (
        installed("4.1.0", flags=[FlagFact("khepri_db", "disabled", "experimental")]),
        {"khepri_missing": BREAKS},
    ),
    (installed(nodes=[Machine("a", is_ram=True)]), {"ram_nodes": BREAKS}),
    (installed(nodes=[Machine("a"), Machine("b", running=False)]), {"nodes_down": BREAKS}),
    (
        installed(nodes=[Machine("a", version="3.13.6"), Machine("b", version="3.13.7")]),
        {"versions_mixed": BREAKS},
    ),
    (installed(erlang="25.2.3"), {"erlang_old": BREAKS}),
    (installed("4.0.5", deprecated=["amqp_address_v1"]), {"deprecated_used": CARE}),
    (installed(clients=[client("AMQP 1-0")]), {"amqp_one": CARE}),
    (installed(plugins=["rabbitmq_amqp1_0"]), {"amqp_one": CARE}),
    (installed(clients=[client("MQTT 3-1-1")]), {"mqtt": CARE}),
    (installed("3.10.8", plugins=["rabbitmq_mqtt"]), {"mqtt": CARE}),
    (installed(clients=None, flags=None), {"not_known": CARE}),
    (installed("3.10.8"), {"route": NOTE, "size_limit": NOTE}),
    (installed("LavinMQ"), {"version_unknown": CARE}),
]


@pytest.mark.parametrize(("facts", "expected"), CASES, ids=[next(iter(case[1])) for case in CASES])
def test_what_stands_in_the_way_of_an_upgrade(facts: Installed, expected: dict[str, str]) -> None:
    found = {item.code: item.level for item in assess(facts)}
    assert found.pop("route", NOTE) == NOTE
    assert found.pop("size_limit", NOTE) == NOTE
    assert found == {code: level for code, level in expected.items() if level != NOTE}


@pytest.mark.parametrize(
    "facts",
    [
        installed(queues=[queue("quorum", arguments={"x-delivery-limit": 5})]),
        installed(queues=[queue("quorum", effective={"delivery-limit": -1})]),
        installed("4.0.5", queues=[queue("quorum")]),
        installed("4.0.5", queues=[queue(version=1)]),
        installed(queues=[queue(version=2)]),
        installed(queues=[queue("stream", bytes=10**12)]),
        installed(queues=[queue(messages=2, bytes=2 * 15 * 2**20)]),
        installed(queues=[queue(durable=False, exclusive=True)]),
        installed(policies=[policy({"max-length": 5, "queue-version": 2})]),
        installed(flags=[FlagFact("x", "enabled", "stable"), FlagFact("y", "disabled", "experimental")]),
        installed("4.0.5", deprecated=["transient_nonexcl_queues"]),
        installed("4.0.5", clients=[client("AMQP 1-0"), client("MQTT 5-0")]),
        installed("4.0.5", erlang="25.3"),
        installed(clients=[client("AMQP 0-9-1")]),
    ],
)
def test_what_is_well_is_not_called_wrong(facts: Installed) -> None:
    assert {item.level for item in assess(facts)} <= {NOTE}


def test_the_worst_comes_first_with_its_objects() -> None:
    facts = installed(
        "3.10.8",
        queues=[queue(version=1), queue("quorum")],
        policies=[policy(MIRRORED), policy({"queue-mode": "lazy"})],
        flags=[FlagFact("x", "disabled", "stable")],
    )
    found = assess(facts)
    levels = [item.level for item in found]
    assert levels == sorted(levels, key=[BREAKS, CARE, NOTE].index)
    assert [item.order for item in found] == list(range(len(found)))
    mirrored = next(item for item in found if item.code == "mirrored")
    assert mirrored.examples == [{"kind": "policy", "vhost": "/", "name": "mine", "detail": "ha-mode"}]
    assert mirrored.params == {"policies": 1, "queues": 0}


@pytest.mark.parametrize(
    ("version", "steps"),
    [
        ("3.10.8", ["3.10.8", "3.11", "3.12", "3.13", "4.2", "4.3"]),
        ("3.13.7", ["3.13.7", "4.2", "4.3"]),
        ("4.2.1", ["4.2.1", "4.3"]),
    ],
)
def test_the_way_goes_by_versions_that_may_be_upgraded_at_once(version: str, steps: list[str]) -> None:
    (route,) = [item for item in assess(installed(version)) if item.code == "route"]
    assert route.params == {"steps": steps}


def test_a_version_is_read() -> None:
    assert series("4.3.6") == (4, 3)
    assert series("3.13.0-rc.1") == (3, 13)
    assert series("") is None
