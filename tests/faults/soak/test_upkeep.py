"""A cluster of three under our acts: members come and go, leaders are spread, and what is said before a node is
stopped is what happens when it is drained and stopped.

In `make soak` alone: the nodes take half a minute to start. With MQADMIN_TEST_ROOT they are of that RabbitMQ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pika
import pytest
from django.test import Client
from django.urls import reverse
from pika.exceptions import AMQPError

from mqadmin.administration.listing import tables
from mqadmin.administration.members import acts
from mqadmin.administration.nodes import acts as node_acts
from mqadmin.administration.vhosts import acts as vhost_acts
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.local.node import Node
from mqadmin.rabbit.administration import members, upkeep, vhosts
from mqadmin.rabbit.upkeep.facts import Placed
from mqadmin.rabbit.upkeep.finding import Finding
from tests.core.conftest import sign_in  # noqa: F401
from tests.faults.soak.sizes import TIMEOUT
from tests.support import node_control, own_nodes
from tests.support.cluster import cluster, urls
from tests.support.length import IN_FULL
from tests.support.management import Management
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.broker,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(TIMEOUT),
    IN_FULL,
]
VHOST, BY = "kept up", {"broker": "default", "by": Actor("ann")}
QUORUM = [f"orders {number}" for number in range(6)]


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Node]]:
    with own_nodes.folder(tmp_path) as folder, cluster(folder / "cluster") as found:
        for name, value in urls(found).items():
            monkeypatch.setenv(name, value)
        brokers.forget()
        tables.forget()
        yield found
        brokers.forget()


class Watched:
    """The cluster as mqadmin sees it."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.names = [node.name for node in nodes]
        self.client = Management(brokers.config("default"))

    def queues(self) -> dict[str, Placed]:
        return {item.name: item for item in members.placed(self.client) if item.vhost == VHOST}

    def sizes(self) -> set[int]:
        """Return how many members the quorum queues have; all of them are online."""
        found = [self.queues()[name] for name in QUORUM]
        return {len(item.members) if len(item.members) == len(item.online) else 0 for item in found}

    def leaders(self) -> Counter[str]:
        return Counter(self.queues()[name].node for name in QUORUM)

    def said(self, node: Node) -> dict[str, Finding]:
        return {item.code: item for item in upkeep.stops(self.client) if item.about == node.name}

    def takes(self, node: Node, queue: str) -> bool:
        """Whether a message that is published through a node arrives in a queue: it is confirmed."""
        parameters = pika.URLParameters(node.amqp_url)
        parameters.virtual_host = VHOST
        try:
            connection = pika.BlockingConnection(parameters)
            channel = connection.channel()
            channel.confirm_delivery()
            channel.basic_publish("", queue, b"x", pika.BasicProperties(delivery_mode=2), mandatory=True)
            connection.close()
        except AMQPError:
            return False
        return True


def test_members_leaders_and_a_stop(nodes: list[Node], sign_in: object) -> None:  # noqa: F811
    seen = Watched(nodes)
    seen.client.create_vhost(VHOST)
    version = tuple(map(int, seen.client.overview().version.split(".")[:2]))
    size = 1 if version >= (3, 13) else 3  # before, members do not come and go over HTTP
    arguments = {"x-queue-type": "quorum", "x-quorum-initial-group-size": size}
    for name in QUORUM:
        seen.client.declare_queue(VHOST, name, arguments=arguments)
    wait_until(lambda: seen.sizes() == {size}, 30, interval=0.5)
    if size == 1:
        _members_come_and_go(seen)
        _leaders_are_spread(seen)
    else:
        with pytest.raises(Refusal, match="its version has not"):
            acts.grow(**BY, node=seen.names[0])  # type: ignore[arg-type]
        node_acts.rebalance(**BY)  # type: ignore[arg-type]
        wait_until(lambda: set(seen.leaders().values()) == {2}, 60, interval=0.5, what="leaders are even")
    _a_stop_is_as_it_was_said(seen, sign_in("admin"))  # type: ignore[operator]
    _a_virtual_host_starts_again(seen, nodes[1])


def _members_come_and_go(seen: Watched) -> None:
    """Of one queue, of all on a node; what was said before is what came of it."""
    home = seen.queues()[QUORUM[0]].node
    others = [name for name in seen.names if name != home]
    for node in others:
        told = {item.name for item in acts.would_grow(broker="default", node=node) if item.vhost == VHOST}
        grown = {item.name for item in acts.grow(**BY, node=node) if item.vhost == VHOST}  # type: ignore[arg-type]
        assert told == grown == set(QUORUM)
    wait_until(lambda: seen.sizes() == {3}, 60, interval=0.5, what="three members of each")
    acts.remove(**BY, vhost=VHOST, name=QUORUM[0], node=others[0])  # type: ignore[arg-type]
    wait_until(lambda: others[0] not in seen.queues()[QUORUM[0]].members, 30, interval=0.5)
    acts.add(**BY, vhost=VHOST, name=QUORUM[0], node=others[0])  # type: ignore[arg-type]
    wait_until(lambda: seen.sizes() == {3}, 60, interval=0.5)
    gone, kept = acts.would_shrink(broker="default", node=others[1])
    assert ({item.name for item in gone}, kept) == (set(QUORUM), [])
    acts.shrink(**BY, node=others[1])  # type: ignore[arg-type]
    wait_until(lambda: seen.sizes() == {2}, 60, interval=0.5, what="two members of each")
    with pytest.raises(Refusal):
        acts.add(**BY, vhost=VHOST, name=QUORUM[0], node=home)  # type: ignore[arg-type]
    at_home = next(node for node in seen.nodes if node.name == home)
    assert seen.said(at_home)["quorum_critical"].count == len(QUORUM), "of two members none may stop"
    acts.grow(**BY, node=others[1])  # type: ignore[arg-type]
    wait_until(lambda: seen.sizes() == {3}, 60, interval=0.5)


def _leaders_are_spread(seen: Watched) -> None:
    assert max(seen.leaders().values()) > 2, "all began on one node"
    node_acts.rebalance(**BY)  # type: ignore[arg-type]
    wait_until(lambda: set(seen.leaders().values()) == {2}, 60, interval=0.5, what="two leaders on each node")


def _a_stop_is_as_it_was_said(seen: Watched, admin: Client) -> None:
    first, second, third = seen.nodes
    classic = f"only on {third.name}"
    parameters = pika.URLParameters(third.amqp_url)
    parameters.virtual_host = VHOST
    connection = pika.BlockingConnection(parameters)  # through the node, so that the queue lives there
    connection.channel().queue_declare(classic, durable=True)
    connection.close()
    wait_until(
        lambda: seen.queues().get(classic, Placed("", "", "", "")).node == third.name, 30, interval=0.5
    )
    said = wait_until(lambda: found if "only_copy" in (found := seen.said(third)) else None, 30, interval=0.5)
    assert said["quorum_safe"].count == len(QUORUM)
    assert said["leaders"].count == 2
    assert {item["name"] for item in said["only_copy"].examples} == {classic}
    assert not {"quorum_critical", "quorum_lone", "metadata_short", "only_node"} & set(said)

    assert node_control.call(third, "rabbit_maintenance", "drain").startswith("ok")
    is_new = not seen.client.overview().version.startswith("3.")
    wait_until(lambda: seen.leaders()[third.name] == 0, 60, interval=0.5, what="its leaders went")
    wait_until(lambda: "leaders" not in seen.said(third), 30, interval=0.5)
    if is_new:  # 3.10 does not tell that a node is drained
        wait_until(lambda: "draining" in seen.said(third), 30, interval=0.5)
    address = f"{reverse('node_stopping')}?{urlencode({'name': third.name})}"
    page = wait_until(lambda: _watched(admin, address), 30, interval=0.5)
    assert "data-live" in page

    third.stop(timeout=60)
    assert all(seen.takes(node, name) for node in (first, second) for name in QUORUM), "as it was said"
    assert not seen.takes(first, classic), "as it was said"
    wait_until(lambda: "is_down" in seen.said(third), 30, interval=0.5)
    said = seen.said(second)
    assert said["quorum_critical"].count == len(QUORUM), "of two that are left none may stop"
    third.start()
    third.wait()
    wait_until(lambda: seen.takes(first, classic), 60, interval=0.5)
    wait_until(lambda: "quorum_safe" in seen.said(second), 60, interval=0.5)


def _watched(admin: Client, address: str) -> str | None:
    """Return the page once it shows that nothing is left to go."""
    text = html(admin.get(address))
    return text if "It leads no quorum queue and no stream" in text else None


def _a_virtual_host_starts_again(seen: Watched, node: Node) -> None:
    node_control.stop_vhost(node, VHOST)
    wait_until(lambda: vhosts.one(seen.client, VHOST).nodes.get(node.name) == "stopped", 30)
    vhost_acts.start(**BY, name=VHOST, node=node.name)  # type: ignore[arg-type]
    wait_until(lambda: set(vhosts.one(seen.client, VHOST).nodes.values()) == {"running"}, 60, interval=0.5)
