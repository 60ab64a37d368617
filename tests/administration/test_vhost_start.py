"""A virtual host that stopped on its node, as a fault of its message store would stop it, is started again."""

from __future__ import annotations

from urllib.parse import urlencode

import pika
import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration.vhosts import acts
from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry
from mqadmin.local.node import Node
from mqadmin.rabbit.administration import vhosts
from tests.support import amqp, node_control
from tests.support.management import purge
from tests.support.pages import html
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db]


def test_a_stopped_virtual_host_is_started(
    admin: Client, restartable_broker: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = restartable_broker
    monkeypatch.setenv("RABBITMQ_URL", node.amqp_url)
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", node.management_url)
    brokers.forget()
    config, client = brokers.config("default"), brokers.client("default")
    with temporary_vhost(config) as name:
        client.declare_queue(name, "kept")
        amqp.publish(config, name, "kept", [b"x"] * 3)
        node_control.stop_vhost(node, name)
        assert vhosts.one(client, name).nodes == {node.name: "stopped"}
        with pytest.raises(pika.exceptions.AMQPError):
            pika.BlockingConnection(config.connection_parameters(name))
        at = f"?{urlencode({'name': name})}"
        assert "stopped" in html(admin.get(reverse("vhost_detail") + at)).lower()
        done = admin.post(reverse("vhost_start") + at, {"node": node.name})
        assert done.status_code == 302, html(done)
        wait_until(lambda: vhosts.one(client, name).nodes == {node.name: "running"}, 15)
        assert purge(config, name, "kept") == 3, "nothing of it was lost"
        entry = AuditEntry.objects.filter(action=acts.START).latest("pk")
        assert (entry.target, entry.detail["was"]) == (name, {"state": "stopped"})
