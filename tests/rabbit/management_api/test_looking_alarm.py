"""A look at a broker that takes no messages now: what may have to be put back as a copy is not taken."""

from __future__ import annotations

import pytest

from mqadmin.local.node import Node
from mqadmin.rabbit.config import load
from mqadmin.rabbit.errors import UnsafePeek
from mqadmin.rabbit.management_api import looking
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.peek import peek
from tests.support import amqp
from tests.support.node_control import disk_alarm
from tests.support.returns import return_often
from tests.support.vhosts import temporary_vhost

pytestmark = [pytest.mark.broker, pytest.mark.processes]


def test_nothing_is_taken_during_an_alarm(restartable_broker: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "COPY_SECONDS", 0.5)
    node = restartable_broker
    environ = {"RABBITMQ_URL": node.amqp_url, "RABBITMQ_MANAGEMENT_URL": node.management_url}
    config = load(environ)["default"]
    client = ManagementClient(config)
    with temporary_vhost(config) as vhost:
        client.declare_queue(vhost, "q", arguments={"x-queue-type": "quorum", "x-delivery-limit": 20})
        amqp.publish(config, vhost, "q", [b"x"])
        return_often(config, vhost, "q", b"x", 20)
        with disk_alarm(node), pytest.raises(UnsafePeek, match=r"as a copy.*takes none now"):
            peek(client, vhost, "q")
        [found] = amqp.drain(config, vhost, "q", expect=1)
        assert (found.body, found.headers["x-delivery-count"]) == (b"x", 20)
        # What was sent as a trial is for no queue, and came back when the alarm was over.
        assert [queue.name for queue in client.queues(vhost)] == ["q"]
    client.close()
