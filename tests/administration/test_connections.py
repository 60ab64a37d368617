"""Connections and channels, from the page and through the API, on a real broker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pika
import pytest
from django.test import Client
from django.urls import reverse
from pika.exceptions import AMQPError

from mqadmin.administration.connections import acts, cutting
from mqadmin.administration.connections.lists import CHANNELS
from mqadmin.administration.listing import asking
from mqadmin.administration.models import Listing
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit.administration import channels, connections
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.administration.conftest import HARD
from tests.support import amqp_1_0
from tests.support.consumers import make_consumer
from tests.support.management import Management
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN = Actor("ann")
Opened = Callable[..., "Opening"]


class Opening:
    """A connection that holds `held` messages of a queue, as the broker lists it."""

    def __init__(
        self,
        config: BrokerConfig,
        vhost: str,
        called: str,
        *,
        held: int = 3,
        queue: str = "work",
        tag: str = "ctag",
        product: str = "Shop",
        user: str = "",
    ) -> None:
        parameters = config.connection_parameters(vhost)
        if user:
            parameters.credentials = pika.PlainCredentials(user, "secret")
        parameters.client_properties = {"connection_name": called, "product": product, "version": "9"}
        parameters.heartbeat = 0
        self.connection = pika.BlockingConnection(parameters)
        self.called = called
        if queue:
            channel = self.connection.channel()
            channel.queue_declare(queue, durable=True)
            channel.basic_qos(prefetch_count=held)
            for _number in range(held):
                channel.basic_publish("", queue, b"x")
            got: list[bytes] = []
            channel.basic_consume(queue, lambda *given: got.append(given[-1]), consumer_tag=tag)
            while len(got) < held:
                self.connection.process_data_events(1)

    def said(self) -> str:
        """Return what the client is told once it is closed."""
        try:
            while True:
                self.connection.process_data_events(10)
        except AMQPError as error:
            return str(error)


@pytest.fixture
def opened(broker_config: BrokerConfig, vhost: str) -> Iterator[Opened]:
    openings: list[Opening] = []

    def open_(called: str = "shop", **more: Any) -> Opening:
        openings.append(Opening(broker_config, vhost, called, **more))
        return openings[-1]

    yield open_
    for opening in openings:
        with suppress(AMQPError):
            opening.connection.close()


def at(view: str, **names: Any) -> str:
    return f"{reverse(view)}?{urlencode(names)}"


def listed(management: Management, vhost: str, *called: str) -> list[connections.Connection]:
    """Return the connections of these names once all are listed with their state and channels."""

    def find() -> list[connections.Connection]:
        found = [item for item in connections.listed(management) if item.vhost == vhost]
        complete = [
            item for item in found if item.called in called and item.state and item.channels is not None
        ]
        return complete if {item.called for item in complete} == set(called) else []

    return sorted(wait_until(find, 20), key=lambda item: item.called)


def held(management: Management, connection: str, count: int = 3) -> channels.Channel:
    """Return the channel of a connection once it is listed with what it holds and its consumer."""

    def find() -> channels.Channel | None:
        found = [item for item in channels.listed(management) if item.connection == connection]
        return found[0] if found and found[0].unacked == count and found[0].readers else None

    return wait_until(find, 20)  # type: ignore[return-value]


def test_a_connection_of_any_name_is_shown_and_closed(
    admin: Client, management: Management, vhost: str, opened: Opened
) -> None:
    name = "".join(HARD)
    opening = opened(name, queue=name, tag=name[:60])
    (item,) = listed(management, vhost, name)
    channel = held(management, item.name)
    assert (item.client, item.version, item.tls, item.ours) == ("Shop", "9", False, "")
    assert channel.queues == (name,)
    for page in (
        at("connection_list", q=f"vhost:{vhost} client:Shop tls:no ours:no"),
        at("open_channel_list", q=f"vhost:{vhost} unacked>2"),
        at("connection_detail", name=item.name),
        at("open_channel_detail", name=channel.name),
        at("connection_close", name=item.name),
    ):
        text = unescape(html(admin.get(page)))
        assert item.name in text, page
        assert "<script>alert" not in admin.get(page).content.decode()
    assert "3 messages go back to ready" in html(admin.get(at("connection_close", name=item.name)))
    closed = admin.post(at("connection_close", name=item.name), {"reason": "old\r\nnode: über"})
    assert closed.status_code == 302, html(closed)
    assert "old node" in opening.said()
    entry = AuditEntry.objects.get(action="connection.close")
    assert (entry.outcome, entry.target) == ("done", item.name)
    assert entry.detail["was"]["unacked"] == 3
    assert entry.detail["was"]["queues"] == [f"{vhost}:{name}"]
    assert admin.post(at("connection_close", name=item.name)).status_code == 404
    assert admin.get(at("connection_detail", name=item.name)).status_code == 404


def test_all_of_a_user_are_closed_and_nobody_elses(
    admin: Client, management: Management, vhost: str, opened: Opened
) -> None:
    user = f"u-{vhost}"
    management.create_user(user, "secret", tags=())
    try:
        management.set_permissions(vhost, user)
        first, second = opened("a", held=2, user=user), opened("b", queue="", user=user)
        other = opened("c")
        found = listed(management, vhost, "a", "b", "c")
        held(management, found[0].name, 2)
        address = at("connections_close", user=user)
        page = html(admin.get(address))
        assert "Close all 2 connections of" in page
        assert "2 messages go back to ready" in page
        refused = admin.post(address, {"expect": "1"})
        assert refused.status_code == 409
        assert "now they are 2 connections" in html(refused)
        first.connection.process_data_events(0)
        assert admin.post(address, {"expect": "2", "reason": "moved"}).status_code == 302
        assert "moved" in first.said()
        assert "moved" in second.said()
        other.connection.process_data_events(0)
        entry = AuditEntry.objects.get(action="connections.close", outcome="done")
        assert (entry.target, entry.count) == (user, 2)
    finally:
        management.delete_user(user)


def test_our_own_consumers_are_named_first(
    admin: Client, management: Management, vhost: str, opened: Opened
) -> None:
    consumer = make_consumer(vhost=vhost, queue="work")
    opened(f"mqadmin.{consumer.name}@host", tag=f"mqadmin.{consumer.name}.host.1", product="mqadmin")
    (item,) = listed(management, vhost, f"mqadmin.{consumer.name}@host")
    held(management, item.name)
    assert item.ours == consumer.name
    page = html(admin.get(at("connection_close", name=item.name)))
    assert "mqadmin's own consumers are among them" in page
    assert reverse("consumer_detail", args=[consumer.name]) in page
    mine = html(admin.get(at("connection_list", q=f"vhost:{vhost} ours:yes")))
    assert reverse("consumer_detail", args=[consumer.name]) in mine


def test_on_production_the_name_is_typed(
    admin: Client, management: Management, vhost: str, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = opened(queue="")
    (item,) = listed(management, vhost, "shop")
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    address = at("connection_close", name=item.name)
    assert "Type the name exactly" in html(admin.post(address, {"typed": "shops"}))
    opening.connection.process_data_events(0)
    assert admin.post(address, {"typed": "shop"}).status_code == 302
    assert "Closed by" in opening.said()


def test_the_same_through_the_api(
    client: Client, token: dict[str, str], management: Management, vhost: str, opened: Opened
) -> None:
    def call(method: str, path: str, **asked: str) -> Any:
        address = f"/api/v1/{path}?{urlencode(asked)}"
        return client.generic(method, address, json.dumps({}), "application/json", headers=token)

    opening = opened()
    channel = held(management, listed(management, vhost, "shop")[0].name)
    (item,) = listed(management, vhost, "shop")
    (found,) = call("GET", "connections", q=f"vhost:{vhost}").json()["items"]
    assert (found["called"], found["channels"], found["protocol"]) == ("shop", item.channels, "AMQP 0-9-1")
    one = call("GET", "connections/one", name=item.name).json()
    assert (one["mechanism"], one["sessions"], one["properties"]["product"]) == ("PLAIN", None, "Shop")
    (row,) = call("GET", "open-channels", q=f"vhost:{vhost} queue:work").json()["items"]
    assert (row["name"], row["unacked"], row["readers"][0]["tag"]) == (channel.name, 3, "ctag")
    before = Listing.objects.get(kind="channels").taken_at
    asking.changed("default", [CHANNELS.name])
    (row,) = call("GET", "open-channels", q=f"vhost:{vhost} held>0s").json()["items"]
    assert row["held"] <= before.timestamp()  # not since the second asking
    assert call("GET", "open-channels/one", name=channel.name).json()["channel"]["queues"] == ["work"]
    assert call("DELETE", "connections", name=item.name, user="x").status_code == 422
    assert call("DELETE", "connections", address="192.0.2.1").status_code == 404
    assert call("DELETE", "connections", name=item.name, reason="x" * 201).status_code == 422
    assert call("DELETE", "connections", name=item.name).json() == {"closed": 1}
    assert opening.said()
    assert call("DELETE", "connections", name=item.name).status_code == 404
    assert call("GET", "open-channels/one", name=channel.name).status_code == 404


def test_sessions_are_told_of_amqp_1_0_alone(
    admin: Client, management: Management, vhost: str, opened: Opened, broker_config: BrokerConfig
) -> None:
    opened("older", held=1)
    (older,) = listed(management, vhost, "older")
    assert connections.sessions(management, older.name) is None
    version = tuple(map(int, management.overview().version.split(".")[:2]))
    if version < (4, 0):
        return  # without a plugin it speaks no AMQP 1.0
    newer = amqp_1_0.Client(broker_config, vhost, "work", credit=0)
    try:
        item = wait_until(lambda: [it for it in connections.listed(management) if _is_1_0(it, vhost)], 20)[0]
        if version < (4, 1):
            assert "does not tell the sessions" in html(admin.get(at("connection_detail", name=item.name)))
            assert cutting.of_one(management, item.name).unacked is None
            return
        (session,) = wait_until(lambda: connections.sessions(management, item.name), 10) or []
        (link,) = session.links
        assert (link.way, link.name, link.queue, link.credit) == ("out", "a link", "work", 0)
        page = html(admin.get(at("connection_detail", name=item.name)))
        assert "no credit" in page
        assert "a container" in page
        cut = cutting.of_one(management, item.name)
        assert (cut.consumers, list(cut.queues)) == (1, [(vhost, "work", 1)])
    finally:
        newer.close()


def _is_1_0(item: connections.Connection, vhost: str) -> bool:
    return item.vhost == vhost and item.protocol == "AMQP 1.0"


def test_from_an_address_only_those_that_were_counted(
    management: Management, vhost: str, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = opened("d")
    (item,) = listed(management, vhost, "d")
    everything = connections.listed

    def mine(client: ManagementClient) -> list[connections.Connection]:
        return [one for one in everything(client) if one.vhost == vhost]

    # Other tests come from the same address: what is listed is cut to this one's, all else is the broker's.
    monkeypatch.setattr(connections, "listed", mine)
    assert cutting.of_all(management, "default", address=item.address).count == 1
    with pytest.raises(Refusal, match="now it is 1 connection"):
        acts.close_all(broker="default", by=ANN, address=item.address, expect=2)
    assert acts.close_all(broker="default", by=ANN, address=item.address, expect=1) == 1
    assert "Closed by ann with mqadmin" in opening.said()
