"""A team that holds one virtual host of a real broker does its whole work there, and nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any
from urllib.parse import urlencode

import pika
import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry, Grant
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.administration import bindings, connections, exchanges, policies
from mqadmin.rabbit.config import BrokerConfig
from tests.support.management import Management
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def other(broker_config: BrokerConfig, management: Management) -> Iterator[str]:
    """Another team's virtual host, with what must not be touched."""
    with temporary_vhost(broker_config, prefix="bank") as name:
        management.declare_exchange(name, "payroll", type="topic")
        management.declare_queue(name, "salaries")
        yield name


@pytest.fixture
def team(vhost: str) -> User:
    user = User.objects.create_user("ann")
    group = Group.objects.create(name="shop team")
    Grant.objects.create(group=group, broker="default", vhost=vhost, level=3)
    user.groups.add(group)
    return user


@pytest.fixture
def call(team: User) -> Any:
    """A call of the API by the team: method, path, body; returns the response."""
    headers = {"Authorization": f"Bearer {tokens.create(user=team)}"}

    def send(what: str, /, **given: Any) -> Any:
        method, path = what.split(" ")
        address, body = f"/api/v1{path}", json.dumps(given)
        if method in ("GET", "DELETE"):
            address, body = f"{address}?{urlencode(given)}", ""
        return Client().generic(method, address, body, content_type="application/json", headers=headers)

    return send


def test_all_work_in_their_own_and_none_in_anothers(
    call: Any, management: Management, vhost: str, other: str
) -> None:
    management.declare_queue(vhost, "work")
    acts: list[tuple[int, str, dict[str, Any]]] = [
        (201, "POST /exchanges", {"name": "shop"}),
        (201, "POST /bindings", {"source": "shop", "destination": "work", "routing_key": "k"}),
        (200, "POST /exchanges/publish", {"exchange": "shop", "routing_key": "k", "body": "x"}),
        (200, "POST /exchanges/publish", {"exchange": "shop", "routing_key": "k", "dry_run": True}),
        (204, "PUT /policies", {"name": "p", "pattern": "^w", "definition": {"max-length": 9}}),
        (200, "GET /policies/matching", {"name": "work"}),
        (204, "DELETE /policies", {"name": "p"}),
        (200, "DELETE /exchanges", {"name": "shop", "dry_run": "true"}),
        (204, "DELETE /exchanges", {"name": "shop", "if_unused": "false"}),
    ]
    for status, name, given in acts:
        done = call(name, vhost=vhost, **given)
        assert done.status_code == status, (name, done.content)
        refused = call(name, vhost=other, **given)
        assert refused.status_code == 404, (name, refused.content)
    assert call("PATCH /vhosts", name=vhost, description="ours").status_code == 204
    assert call("PATCH /vhosts", name=other, description="ours").status_code == 404
    assert [item.name for item in exchanges.listed(management) if item.vhost == other].count("shop") == 0
    assert [
        item.routing_key for item in bindings.listed(management) if item.vhost == other and item.source
    ] == []
    assert [item for item in policies.listed(management) if item.vhost == other] == []
    assert not AuditEntry.objects.filter(target__contains=other).exists()


def test_what_reaches_beyond_a_virtual_host_takes_the_whole_broker(
    call: Any, management: Management, vhost: str
) -> None:
    uri = "amqp://user:secret@elsewhere"
    shovel = {"src-uri": "amqp://", "src-queue": "a", "dest-uri": uri, "dest-queue": "b"}
    operators = {"name": "p", "pattern": ".", "definition": {"max-length": 9}, "by_operator": True}
    refused: dict[str, dict[str, Any]] = {
        "PUT /shovels": {"vhost": vhost, "name": "away", "definition": shovel},
        "PUT /federation/upstreams": {"vhost": vhost, "name": "away", "definition": {"uri": uri}},
        "PUT /policies": {"vhost": vhost, **operators},
        "PUT /limits": {"of": "vhost", "name": vhost, "limit": "max-queues", "value": 9},
        "POST /vhosts": {"name": "new"},
        "PATCH /vhosts": {"name": vhost, "description": "not by halves", "protected": False},
        "DELETE /vhosts": {"name": vhost},
        "PUT /users/tags": {"name": "guest", "tags": []},
        "POST /nodes/rebalance": {},
    }
    for name, given in refused.items():
        assert call(name, **given).status_code == 403, name
    # The same by its other door: a parameter of the component is a shovel.
    parameter = {"vhost": vhost, "component": "shovel", "name": "away", "value": shovel}
    assert call("PUT /parameters", **parameter).status_code == 403
    assert {item.name: item.description for item in management.vhosts()}[vhost] != "not by halves"


def test_forms_offer_their_own(team: User, vhost: str, other: str) -> None:
    client = Client()
    client.force_login(team, backend="django.contrib.auth.backends.ModelBackend")
    for view in (
        "exchange_new",
        "queue_new",
        "policy_new",
        "parameter_new",
        "federation_set_new",
        "permission_set",
    ):
        form = client.get(reverse(view))
        assert form.status_code == 200, view
        assert vhost in form.text, view
        assert other not in form.text, view
    posted = {"vhost": other, "name": "ours", "type": "direct"}
    assert client.post(reverse("exchange_new"), posted).status_code == 404
    detail = client.get(reverse("vhost_detail"), {"name": vhost})
    assert detail.status_code == 200
    can_be_protected = "Protect from deletion" in detail.text  # not before 4.1
    assert detail.text.count("aria-disabled") == 2 + can_be_protected  # a limit, the deletion
    assert client.get(reverse("vhost_detail"), {"name": other}).status_code == 404


def test_connections_of_their_own(
    call: Any, team: User, broker_config: BrokerConfig, management: Management, vhost: str, other: str
) -> None:
    with ExitStack() as opened:
        for place in (vhost, other):
            parameters = broker_config.connection_parameters(place)
            opened.enter_context(closing(pika.BlockingConnection(parameters)))

        def found() -> dict[str, connections.Connection]:
            listed = {item.vhost: item for item in connections.listed(management)}
            return {place: listed[place] for place in (vhost, other)} if {vhost, other} <= set(listed) else {}

        both = wait_until(found, 20, what="both connections to be listed") or {}
        client = Client()
        client.force_login(team, backend="django.contrib.auth.backends.ModelBackend")
        for view in ("connection_detail", "connection_close"):
            assert client.get(reverse(view), {"name": both[vhost].name}).status_code == 200, view
            assert client.get(reverse(view), {"name": both[other].name}).status_code == 404, view
        asked = client.get(reverse("connections_close"), {"user": both[other].user})
        assert "Close 1 connection" in asked.text
        assert other not in asked.text
        assert call("GET /connections/one", name=both[other].name).status_code == 404
        assert call("DELETE /connections", name=both[other].name).status_code == 404
        # Of a user: those alone that are theirs, and not by the broker's call for all of that user.
        closed = call("DELETE /connections", user=both[other].user, expect=1)
        assert (closed.status_code, closed.json()) == (200, {"closed": 1}), closed.content
        names = {item.name for item in connections.listed(management)}
        assert both[other].name in names
        opened.pop_all()


def test_who_holds_a_queue_alone_learns_nothing_of_the_others(
    management: Management, vhost: str, broker_config: BrokerConfig
) -> None:
    management.declare_queue(vhost, "mine")
    management.declare_queue(
        vhost, "payroll", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "mine"}
    )
    row = Queue.objects.create(
        broker=Broker.objects.create(slug="default", version="4.0.5"),
        vhost=vhost,
        name="mine",
        type="classic",
    )
    user = User.objects.create_user("bob")
    group = Group.objects.create(name="one queue")
    Grant.objects.create(group=group, broker="default", vhost=vhost, queue="mine", level=3)
    user.groups.add(group)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    dialog = client.get(reverse("queue_delete", args=[row.pk]))
    assert dialog.status_code == 200
    assert "payroll" not in dialog.text
    # By a binding one gets what others publish, and a conversion deletes what is bound.
    for view in ("queue_bind", "queue_convert"):
        assert client.get(reverse(view, args=[row.pk])).status_code == 403, view
    admin = User.objects.create_superuser("root")
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    assert "payroll" in client.get(reverse("queue_delete", args=[row.pk])).text
