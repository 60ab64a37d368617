"""A virtual host with one of everything that definitions hold, and ways to wreck it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.models import Operation
from mqadmin.definitions.acts import steps
from mqadmin.definitions.acts.steps import Result
from mqadmin.definitions.comparing.kinds import Snapshot
from mqadmin.definitions.keeping import asking
from mqadmin.definitions.models import RestoreStep
from mqadmin.rabbit.config import BrokerConfig
from tests.support.management import Management

HARD = ("a/b %2F", "\u202eevil", "<script>'\"", "é" * 127)


@dataclass
class Town:
    """A virtual host, a user with rights in it, and who may change both."""

    vhost: str
    user: str
    management: Management

    def call(self, method: str, *segments: str, body: object = None) -> None:
        self.management._http.call(method, *segments, body=body)

    def objects(self) -> Snapshot:
        """What is there now, as the broker tells it, of this virtual host and its user."""
        mine = asking.live("default").objects
        return {
            key: body
            for key, body in mine.items()
            if key.vhost == self.vhost or (key.kind == "user" and key.parts[0] == self.user)
        }

    def wreck(self) -> None:
        """Delete the virtual host and its user."""
        self.management.delete_vhost(self.vhost)
        self.management.delete_user(self.user)


@pytest.fixture
def town(vhost: str, management: Management, db: None) -> Iterator[Town]:
    found = Town(vhost, f"user-{vhost}", management)
    build(found)
    yield found
    management.create_vhost(vhost)  # the fixture of the virtual host deletes it
    management.create_user(found.user, "secret")
    management.delete_user(found.user)


def build(town: Town) -> None:
    """Make one of each, and queues with names that are hard to address."""
    vhost, management, user = town.vhost, town.management, town.user
    management.create_user(user, "secret", tags=["management"])
    management.set_permissions(vhost, user, configure="^a", write=".*", read="")
    topic = {"exchange": "amq.topic", "write": "^w", "read": "^r"}
    town.call("PUT", "topic-permissions", vhost, user, body=topic)
    management.declare_exchange(vhost, "orders", type="topic", arguments={"alternate-exchange": "amq.fanout"})
    for name in HARD:
        management.declare_queue(vhost, name, arguments={"x-max-length": 5})
        management.bind(vhost, "orders", name, "a.*", arguments={"n": 1})
    management.declare_queue(vhost, "orders", arguments={"x-queue-type": "quorum"})
    management.bind(vhost, "orders", "orders", "b")
    management.bind(vhost, "amq.topic", "orders", "c", destination_type="exchange")
    management.declare_queue(vhost, "passing", auto_delete=True)
    management.set_policy(
        vhost, "limits", "^orders", {"max-length": 10, "overflow": "reject-publish"}, priority=3
    )
    management.set_policy(vhost, "ours", ".*", {"max-length": 1000}, kind="operator-policies")
    town.call("PUT", "vhost-limits", vhost, "max-queues", body={"value": 100})


def carried_out(operation: Operation) -> list[Result]:
    """Carry a restore out here, as a worker does; return what became of each object, in their order."""
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "done", operation.error
    return [steps.result(row) for row in RestoreStep.objects.filter(operation=operation)]


@pytest.fixture(autouse=True)
def _no_nudge(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker listens: an operation waits until the test carries it out."""
    monkeypatch.setattr(operations, "nudge", lambda _number: None)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    brokers.forget()
    yield
    brokers.forget()


@pytest.fixture
def config(broker_config: BrokerConfig) -> BrokerConfig:
    return broker_config
