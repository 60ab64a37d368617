"""A broker that is stopped and killed in the midst of a restore of its definitions: all comes back, nothing is told
wrongly."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import Operation
from mqadmin.definitions.acts import restoring, running
from mqadmin.definitions.acts.planning import Scope
from mqadmin.definitions.acts.restoring import Wanted
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.comparing.kinds import Snapshot
from mqadmin.definitions.keeping import asking
from mqadmin.definitions.models import RestoreStep
from mqadmin.local.node import Node
from mqadmin.rabbit.administration.definitions import DefinitionsClient
from tests.faults.soak.sizes import TIMEOUT
from tests.support import own_nodes
from tests.support.length import IN_FULL
from tests.support.management import Management
from tests.support.waiting import wait_until

RESTORED = int(
    os.environ.get("RESTORED", "1500")
)  # queues; as many bindings, and some policies and exchanges
ENDS = int(
    os.environ.get("ENDS", "6")
)  # times that the node ends: in order, then as by a power cut, in turns
VHOST = "lost é"

pytestmark = [
    IN_FULL,
    pytest.mark.broker,
    pytest.mark.processes,
    pytest.mark.timeout(TIMEOUT),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    monkeypatch.setattr(
        running, "LARGEST", 60
    )  # so many calls that one can end the node in the midst of them
    monkeypatch.setattr(running, "FIRST", 60)


def test_a_node_that_ends_in_the_middle_is_waited_for_and_all_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chance: random.Random
) -> None:
    with own_nodes.folder(tmp_path) as folder, own_nodes.running(folder / "node") as node:
        monkeypatch.setenv("RABBITMQ_URL", node.amqp_url)
        monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", node.management_url)
        brokers.forget()
        wanted = wrecked(Management(brokers.config("default")))
        operation = restoring.start(
            broker="default",
            wanted=Wanted(wanted, "what was"),
            chosen=lambda step: step.can_be_done,
            by=Actor("ann"),
            scope=Scope(vhost=VHOST),
        )
        ends = 0
        for number in range(ENDS):
            calls, delay = chance.randrange(1, 8), chance.random() * 0.3
            with monkeypatch.context() as patch, ending(patch, node, calls, delay, by_force=bool(number % 2)):
                finished(operation)
            ends += operation.status == "pending"
            told = RestoreStep.objects.filter(operation=operation, outcome="failed").count()
            print(f"end {number}: {operation.status}, {operation.done} of {operation.total}, {told} failed")
            node.start()
            node.wait()
        finished(operation)
        assert ends >= ENDS // 2, "it was over too soon: RESTORED is too small"
        assert (operation.status, operation.failed, operation.error) == ("done", 0, "")
        assert set(RestoreStep.objects.values_list("outcome", flat=True).distinct()) == {"done"}
        assert (operation.done, there()) == (operation.total, wanted)


def wrecked(management: Management) -> Snapshot:
    """Make a virtual host, delete it, and return what it had."""
    management.create_vhost(VHOST)
    queue = {"durable": True, "auto_delete": False, "arguments": {"x-max-length": 7}}
    binding = {"source": "shop", "destination_type": "queue", "arguments": {}}
    exchange = {"type": "topic", "durable": True, "auto_delete": False, "internal": False, "arguments": {}}
    document: dict[str, Any] = {
        "exchanges": [{"name": "shop", "vhost": VHOST, **exchange}],
        "queues": [{"name": f"ü{n}", "vhost": VHOST, **queue} for n in range(RESTORED)],
        "bindings": [
            {"destination": f"ü{n}", "routing_key": f"é.{n}", "vhost": VHOST, **binding}
            for n in range(RESTORED)
        ],
        "policies": [
            {"name": f"p{n}", "vhost": VHOST, "pattern": f"^ü{n}$", "definition": {"max-length": n + 1}}
            for n in range(30)
        ],
    }
    asking.client("default").load(document)
    found = there()
    assert len(found) > 2 * RESTORED
    management.delete_vhost(VHOST)
    wait_until(lambda: there() == {}, 120, what="the virtual host to go")
    return found


def there() -> Snapshot:
    objects = asking.live("default").objects
    return {key: body for key, body in objects.items() if key.vhost == VHOST and key.kind != kinds.PERMISSION}


@contextmanager
def ending(
    patch: pytest.MonkeyPatch, node: Node, calls: int, delay: float, *, by_force: bool
) -> Iterator[None]:
    """Have the node end some moments after so many calls have begun, while others follow."""
    original, begun = DefinitionsClient.load, 0
    timer = threading.Timer(delay, node.kill if by_force else node.stop)

    def load(client: DefinitionsClient, document: Mapping[str, Any]) -> None:
        nonlocal begun
        begun += 1
        if begun == calls:
            timer.start()
        original(client, document)

    patch.setattr(DefinitionsClient, "load", load)
    yield
    if begun >= calls:
        timer.join()


def finished(operation: Operation) -> None:
    Operation.objects.filter(pk=operation.pk).update(lease_until=None, lease_owner="")
    operations.execute(operation.pk)
    operation.refresh_from_db()
