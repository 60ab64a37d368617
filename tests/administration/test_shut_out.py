"""Who is shut out by a change of rights, as the dialogs say it before, of a client that is at work."""

from __future__ import annotations

import contextlib
import secrets
from urllib.parse import urlencode

import pika
import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.local.node import Node
from mqadmin.rabbit.administration import access, permissions
from tests.support.management import Management
from tests.support.pages import html
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db]
PASSWORD = "secret"


def test_the_dialogs_and_the_calls_say_it(
    restartable_broker: Node, monkeypatch: pytest.MonkeyPatch, admin: Client, token: dict[str, str]
) -> None:
    """On a broker that keeps who publishes where (`rates_mode`)."""
    monkeypatch.setenv("RABBITMQ_URL", restartable_broker.amqp_url)
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", restartable_broker.management_url)
    brokers.forget()
    config = brokers.config("default")
    user = f"<b>{secrets.token_hex(3)}"
    with temporary_vhost(config) as vhost, contextlib.closing(Management(config)) as management:
        management.create_user(user, PASSWORD)
        permissions.put(management, vhost, user, configure=".*", write=".*", read=".*")
        management.declare_queue(vhost, "in")
        management.declare_exchange(vhost, "topics", type="topic")
        for key in ("order.new", "stock.#"):
            management.bind(vhost, "topics", "in", key)
        parameters = config.connection_parameters(vhost)
        parameters.credentials = pika.PlainCredentials(user, PASSWORD)
        connection = pika.BlockingConnection(parameters)
        try:
            channel = connection.channel()
            channel.basic_consume("in", lambda *_message: None)

            def is_told() -> bool:
                channel.basic_publish("topics", "x", b"")
                connection.process_data_events(0)
                uses = access.gather(management, users_of={user})[1]
                return {(use.does, use.name) for use in uses} >= {("publishes", "topics"), ("consumes", "in")}

            wait_until(is_told, 30, interval=0.5)
            of = {"user": user, "vhost": vhost}
            answer = admin.get(f"{reverse('permission_clear')}?{urlencode(of)}")
            cleared, raw = html(answer), answer.content.decode()
            right = {"configure_how": "nothing", "write_how": "nothing", "read_how": "nothing", "look": "1"}
            topic = {"exchange": "topics", "write_how": "own", "write": "^stock", "read_how": "nothing"}
            refused = html(admin.post(f"{reverse('permission_set')}?{urlencode(of)}", right))
            keys = html(
                admin.post(f"{reverse('topic_permission_set')}?{urlencode(of)}", {**topic, "look": "1"})
            )
            body = {**of, "configure": ".*", "write": ".*", "dry_run": True}
            called = admin.put("/api/v1/permissions", body, "application/json", headers=token).json()
            body = {"of": "user", "name": user, "limit": "max-connections", "value": 0, "dry_run": True}
            limited = admin.put("/api/v1/limits", body, "application/json", headers=token).json()
            assert permissions.listed(management), "nothing was changed"
        finally:
            connection.close()
            management.delete_user(user)
    assert "is not let in again" in cleared
    assert "may not read the queue “in” again" in refused
    assert "may not publish to “topics” again" in refused
    assert "these keys that are bound: “order.new”." in keys
    assert user not in raw, "a name is never markup"
    assert called["worst"] == "stops"
    assert [(item["code"], item["queue"]) for item in called["statements"]] == [
        ("shut_out", "in"),
        ("goes_on", ""),
    ]
    assert limited["statements"][0]["params"]["why"] == "limit"
