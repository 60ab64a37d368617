"""Three nodes of RabbitMQ, each killed under load and brought back: work goes on, the pages say who is away, and
somebody is called about it, once, and told when it is over.

In `make soak` alone: the nodes take half a minute to start.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from mqadmin.alerts.models import Rule
from mqadmin.core import brokers
from mqadmin.local.node import Node
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import load
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.faults.soak.harness import DEAD, QUEUE, Place, Soak
from tests.faults.soak.sizes import SIZE, TIMEOUT
from tests.queues.conftest import Api, client_of
from tests.support.called import Called, called
from tests.support.cluster import cluster, urls
from tests.support.length import IN_FULL
from tests.support.processes import manage
from tests.support.vhosts import temporary_vhost

pytestmark = [
    pytest.mark.broker,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(TIMEOUT),
    IN_FULL,
]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[Node]]:
    with cluster(tmp_path / "cluster") as found:
        yield found


@pytest.fixture
def place(
    nodes: list[Node], process_environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    for name, value in urls(nodes).items():
        monkeypatch.setenv(name, value)
    brokers.forget()
    environ = {**process_environ, **urls(nodes)}
    config = load(environ)["default"]
    with temporary_vhost(config) as vhost:
        yield Place(config, vhost, environ, tmp_path)
    brokers.forget()


# A delay queue whose leader dies with a retry between it and the queue waits so long for the confirm that died too
# (`dead_letter_worker_publisher_confirm_timeout`, 180 s; seen on 3.10.8).
LOST_CONFIRM_SECONDS = 180.0


class Seen:
    """What a person sees of the cluster, and a script."""

    def __init__(self, vhost: str) -> None:
        self._vhost = vhost
        self._browser, self._api = client_of("viewer"), Api("operator")

    def names_the_missing(self, node: Node) -> bool:
        """Whether everything tells that this node is away, and this node alone."""
        return self._overview_and_queue(node) and self._classic_queue(node)

    def _classic_queue(self, node: Node) -> bool:
        """Whether the queue that lives on it is called down, and not gone, though RabbitMQ knows none then."""
        queue = self._queue(classic(node))
        answer = self._api.get(f"/queues/{queue.pk}")
        return "This queue is down." in self._text(self._browser, f"/queues/{queue.pk}") and (
            (answer.status_code, answer.json()["code"]) == (503, "queue_down")
        )

    def _overview_and_queue(self, node: Node) -> bool:
        queue = self._queue(QUEUE)
        overview, page = self._text(self._browser, "/"), self._text(self._browser, f"/queues/{queue.pk}")
        [shown] = self._api.get("/brokers").json()["items"]
        detail = self._api.get(f"/queues/{queue.pk}").json()
        return (
            f"{node.name} is down" in overview
            and "lack a member" in overview
            and f"A member is away: {node.name}. 2 of 3 members are there" in page
            and [item["name"] for item in shown["nodes"] if not item["running"]] == [node.name]
            and [item["node"] for item in detail["members"] if not item["online"]] == [node.name]
            and [item["leads"] for item in detail["members"]].count(True) == 1
        )

    def says_that_all_is_well(self) -> bool:
        """Whether nothing of nodes or members is told any more."""
        overview = self._text(self._browser, "/")
        page = self._text(self._browser, f"/queues/{self._queue(QUEUE).pk}")
        running = [node.get("running") for node in Broker.objects.get().nodes]
        return running == [True] * 3 and not any(word in overview + page for word in ("is down", "away"))

    def _queue(self, name: str) -> Queue:
        return Queue.objects.get(vhost=self._vhost, name=name)

    @staticmethod
    def _text(browser: Client, path: str) -> str:
        return browser.get(path, follow=True).content.decode()


@pytest.fixture
def alerts(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Called]:
    """Somebody whom the monitor of `place` calls as soon as it sees something."""
    with called(monkeypatch) as found:
        sooner = Rule.objects.filter(built_in__in=("broker_broken", "queue_watch"))
        sooner.update(for_s=0, clear_s=5, changed_by="ann")
        place.environ.update(
            {name: os.environ[name] for name in os.environ if name.startswith("MQADMIN_ALERT_")}
        )
        yield found


ABOUT_MEMBERS = ("broker:node_down", "verdict:members_away")


def test_each_node_killed_and_brought_back(place: Place, nodes: list[Node], alerts: Called) -> None:
    with Soak(place, "a cluster of three, each node killed", queue_type="quorum") as soak:
        soak.load(SIZE.messages, 2 * SIZE.span)
        soak.start()
        for node in nodes:
            declare_on(node, place.vhost)
        with manage(place.environ, "run_monitor"):
            soak.until(lambda: Queue.objects.filter(name=DEAD).exists(), 30, what="a first sample")
            seen = Seen(place.vhost)
            soak.until(seen.says_that_all_is_well, 30, what="a cluster that is whole")
            spared = list(nodes)
            while spared:
                node = next_victim(spared, leader(place), soak)
                spared.remove(node)
                node.kill()
                soak.done["nodes killed"] += 1
                soak.until(lambda node=node: seen.names_the_missing(node), 60, what=f"{node.name} is missed")
                late = range(len(soak.ids), len(soak.ids) + 100)
                soak.send({f"m{number}": "ok:0" for number in late})
                soak.rest(SIZE.outage)
                soak.progress(max(1, len(soak.ids) // 50), LOST_CONFIRM_SECONDS + 60)
                assert seen.names_the_missing(node)
                kills = soak.done["nodes killed"]
                soak.until(lambda kills=kills: told(alerts, "opened") == kills, 30, what="a call")
                node.start()
                node.wait()
                soak.until(seen.says_that_all_is_well, 90, what=f"{node.name} is back")
                soak.until(soak.all_running, 90, what="all replicas consume")
                soak.until(lambda kills=kills: told(alerts, "resolved") == kills, 60, what="word of its end")
            soak.until(lambda: len(alerts.mails) == len(alerts.hooks), 30, what="as many mails")
            assert (told(alerts, "opened"), told(alerts, "resolved")) == (len(nodes), len(nodes))
            soak.finish(LOST_CONFIRM_SECONDS + SIZE.patience).check()


def told(alerts: Called, event: str) -> int:
    """Return how often it was told of nodes, and as often of members; -1 while these differ."""
    counted = Counter(alerts.hooks)
    times = {counted[event, kind] for kind in ABOUT_MEMBERS}
    return times.pop() if len(times) == 1 else -1


def classic(node: Node) -> str:
    """Return the name of the queue that lives on this node alone."""
    return f"on-{node.name.partition('@')[0]}"


def declare_on(node: Node, vhost: str) -> None:
    client = ManagementClient(load(urls([node]))["default"])
    client.declare_queue(vhost, classic(node))
    client.close()


def leader(place: Place) -> str:
    """Return the name of the node that leads the queue."""
    client = ManagementClient(place.config)
    found = client.queue(place.vhost, QUEUE).info.node
    client.close()
    return found or ""


def next_victim(spared: list[Node], leading: str, soak: Soak) -> Node:
    """Return the leader where it was spared so far: another must be elected. Else one that follows."""
    led = next((node for node in spared if node.name == leading), None)
    soak.done["of them leaders"] += led is not None
    return led or spared[0]
