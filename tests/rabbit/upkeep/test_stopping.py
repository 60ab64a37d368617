"""Whether a node may be stopped: what stands still, what is lost, who is cut off, what to do first."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.upkeep.facts import Client, Cluster, Machine, Placed
from mqadmin.rabbit.upkeep.finding import BREAKS, CARE, FINE, MOST, NOTE
from mqadmin.rabbit.upkeep.stopping import judge, steps, worst

A, B, C = "rabbit@a", "rabbit@b", "rabbit@c"
ALL = (A, B, C)


def machines(*, down: tuple[str, ...] = (), **of_a: Any) -> list[Machine]:
    return [Machine(name, running=name not in down, **(of_a if name == A else {})) for name in ALL]


def queue(type: str = "quorum", node: str = B, **given: Any) -> Placed:
    replicated = type in ("quorum", "stream")
    told = {"members": ALL, "online": ALL} if replicated else {}
    return Placed("/", given.pop("name", "orders"), type, node, **{**told, **given})


def client(node: str = A, product: str = "shop", label: str = "web") -> Client:
    return Client(f"{label} on {node}", label, node, "ann", "/", "AMQP 0-9-1", product)


def cluster(*queues: Placed, clients: Any = (), nodes: Any = None, **given: Any) -> Cluster:
    return Cluster(
        nodes=nodes or machines(),
        queues=queues,
        clients=clients,
        **{"addresses": 3, "broker_says": "", **given},
    )


CASES: list[tuple[str, Cluster, dict[str, str]]] = [
    ("nothing on it", cluster(), {"no_leaders": FINE, "no_classic": FINE, "no_clients": FINE}),
    ("all members there", cluster(queue()), {"quorum_safe": FINE}),
    ("it leads", cluster(queue(node=A)), {"leaders": CARE, "quorum_safe": FINE}),
    ("two of three online, one is it", cluster(queue(online=(A, B))), {"quorum_critical": BREAKS}),
    ("two of three online, it is away", cluster(queue(online=(B, C))), {"quorum_safe": FINE}),
    ("no majority already", cluster(queue(online=(A,))), {"quorum_short": BREAKS}),
    ("its only member", cluster(queue(members=(A,), online=(A,))), {"quorum_lone": BREAKS}),
    ("an even number of members", cluster(queue(members=(A, B), online=(A, B))), {"quorum_critical": BREAKS}),
    ("five, three online", cluster(queue(members=(*ALL, "d", "e"), online=ALL)), {"quorum_critical": BREAKS}),
    (
        "five, four online",
        cluster(queue(members=(*ALL, "d", "e"), online=(*ALL, "d"))),
        {"quorum_safe": FINE},
    ),
    ("members elsewhere", cluster(queue(members=(B, C), online=(B,))), {"no_leaders": FINE}),
    ("a stream", cluster(queue("stream", online=(A, B))), {"stream_critical": BREAKS}),
    ("a stream alone", cluster(queue("stream", members=(A,), online=(A,))), {"stream_lone": BREAKS}),
    ("durable classic", cluster(queue("classic", A, messages=5)), {"only_copy": CARE}),
    ("messages that are not saved", cluster(queue("classic", A, messages=5, unsaved=2)), {"unsaved": BREAKS}),
    ("transient classic", cluster(queue("classic", A, durable=False)), {"transient": BREAKS}),
    ("exclusive", cluster(queue("classic", A, durable=False, exclusive=True)), {"exclusive": NOTE}),
    ("mirrored", cluster(queue("classic", A, unsaved=3, mirrors=(B,))), {"mirrored": NOTE}),
    ("a mirror that is itself", cluster(queue("classic", A, mirrors=(A,))), {"only_copy": CARE}),
    ("classic elsewhere", cluster(queue("classic", B, unsaved=2)), {"no_classic": FINE}),
    ("somebody's connection", cluster(clients=(client(),)), {"clients": CARE}),
    (
        "somebody's connection to the only node",
        cluster(clients=(client(),), nodes=(Machine(A),)),
        {"only_node": BREAKS, "clients_shut_out": CARE},
    ),
    ("our own connection", cluster(clients=(client(product="mqadmin"),)), {"our_clients": CARE}),
    ("a connection elsewhere", cluster(clients=(client(B),)), {"no_clients": FINE}),
    ("connections not to be seen", cluster(clients=None), {"clients_unknown": CARE}),
    ("another is down", cluster(nodes=machines(down=(C,))), {"others_down": CARE}),
    ("it is drained", cluster(nodes=machines(draining=True)), {"draining": NOTE}),
    (
        "another is drained",
        cluster(nodes=[Machine(A), Machine(B, draining=True), Machine(C)]),
        {"others_draining": CARE},
    ),
    ("the only node", cluster(nodes=[Machine(A)]), {"only_node": BREAKS}),
    ("the last that runs", cluster(nodes=machines(down=(B, C))), {"only_node": BREAKS, "others_down": CARE}),
    (
        "Khepri's majority",
        cluster(nodes=machines(down=(C,)), store="Khepri"),
        {"metadata_short": BREAKS, "others_down": CARE},
    ),
    ("Mnesia needs none", cluster(nodes=machines(down=(C,)), store="Mnesia"), {"others_down": CARE}),
    ("our only address", cluster(nodes=machines(answers=True), addresses=1), {"our_address": CARE}),
    ("one of our addresses", cluster(nodes=machines(answers=True), addresses=2), {"no_leaders": FINE}),
    (
        "RabbitMQ objects",
        cluster(nodes=machines(answers=True), broker_says="critical"),
        {"broker_objects": BREAKS},
    ),
    ("it does not run", cluster(nodes=machines(down=(A,))), {"is_down": NOTE}),
]


@pytest.mark.parametrize(("facts", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_holds_before_a_node_is_stopped(facts: Cluster, expected: dict[str, str]) -> None:
    found = judge(facts, A)
    levels = {item.code: item.level for item in found}
    assert expected.items() <= levels.items()
    # Nothing worse than what is expected.
    order = [BREAKS, CARE, NOTE, FINE]
    first = worst(found)
    assert first is not None
    assert first.level == min(expected.values(), key=order.index)
    assert [item.order for item in found] == list(range(len(found)))
    assert {item.about for item in found} == {A}


def test_a_node_that_is_none_has_no_findings() -> None:
    assert judge(cluster(), "rabbit@nowhere") == []
    assert worst([]) is None
    assert steps([]) == []


def test_what_is_found_names_its_objects_and_counts_them_all() -> None:
    queues = [queue(name=f"q{number:03}", online=(A, B)) for number in range(120)]
    (critical,) = [item for item in judge(cluster(*queues), A) if item.code == "quorum_critical"]
    assert critical.count == 120
    assert len(critical.examples) == MOST
    assert critical.examples[0] == {"kind": "queue", "vhost": "/", "name": "q000", "detail": "2/3"}


def test_connections_are_told_by_who_they_are_of() -> None:
    clients = [client(), client(), client(label="job"), client(B), client(product="mqadmin", label="orders")]
    found = {item.code: item for item in judge(cluster(clients=clients), A)}
    assert found["clients"].count == 3
    assert [(item["name"], item["detail"]) for item in found["clients"].examples] == [
        ("web", "ann ×2"),
        ("job", "ann ×1"),
    ]
    assert found["our_clients"].count == 1


def test_messages_that_would_be_lost_are_counted() -> None:
    queues = [queue("classic", A, name=name, messages=10, unsaved=4) for name in "xy"]
    (unsaved,) = [item for item in judge(cluster(*queues), A) if item.code == "unsaved"]
    assert unsaved.params == {"messages": 8}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (cluster(), ["drain", "watch", "shutdown", "revive"]),
        (cluster(queue(online=(A, B))), ["wait_members", "drain", "watch", "shutdown", "revive"]),
        (cluster(queue(members=(A,), online=(A,))), ["add_members", "drain", "watch", "shutdown", "revive"]),
        (
            cluster(queue("classic", A, durable=False), nodes=machines(down=(C,))),
            ["bring_others", "empty_queues", "drain", "watch", "shutdown", "revive"],
        ),
        (cluster(nodes=[Machine(A)]), ["announce", "shutdown"]),
        (cluster(nodes=machines(down=(A,))), []),
    ],
)
def test_what_to_do_comes_in_order(facts: Cluster, expected: list[str]) -> None:
    assert [step.code for step in steps(judge(facts, A))] == expected


def test_draining_is_followed_until_nothing_is_left() -> None:
    drained = machines(draining=True)

    def done(*queues: Placed, clients: Any = ()) -> dict[str, bool]:
        found = judge(cluster(*queues, clients=clients, nodes=drained), A)
        return {step.code: step.is_done for step in steps(found)}

    assert done(queue(node=A))["drain"]
    assert not done(queue(node=A))["watch"]
    assert not done(clients=(client(),))["watch"]
    assert done(queue(node=B))["watch"]
    assert not done(queue(node=B))["shutdown"]
