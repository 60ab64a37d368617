"""Virtual hosts, from the page and through the API, on a real broker; who may use what is in them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration.permissions import acts as permission_acts
from mqadmin.administration.users import acts as user_acts
from mqadmin.administration.users.acts import NewLogin
from mqadmin.administration.vhosts import acts
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.administration import vhosts
from mqadmin.rabbit.administration.definitions import DefinitionsClient
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NotFound, RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.administration.conftest import HARD
from tests.support.management import Management
from tests.support.pages import html

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
GIVEN: dict[str, Any] = {"broker": "default", "by": Actor("ann")}


def at(view: str, **names: str) -> str:
    return f"{reverse(view)}?{urlencode(names)}"


@pytest.fixture
def made(management: Management) -> Iterator[list[str]]:
    """Names of virtual hosts that are deleted afterwards."""
    names: list[str] = []
    yield names
    for name in names:
        with suppress(RabbitError):
            vhosts.protect(management, name, protected=False)
        with suppress(NotFound):
            management.delete_vhost(name)


@pytest.mark.parametrize("sign", HARD[::2])
def test_one_of_any_name_is_made_changed_and_deleted(
    sign: str, admin: Client, management: Management, made: list[str]
) -> None:
    name = f"{sign[:60]}-{uuid.uuid4().hex[:8]}"
    made.append(name)
    form = {"name": name, "description": "of tests", "tags": "a, b", "default_queue_type": "quorum"}
    answer = admin.post(reverse("vhost_new"), form)
    assert answer.status_code == 302, html(answer)
    assert admin.post(reverse("vhost_new"), form).status_code == 409
    found = vhosts.one(management, name)
    assert (found.description, found.tags, found.stopped_on) == ("of tests", ["a", "b"], [])
    page = admin.get(at("vhost_detail", name=name))
    assert (page.status_code, "<script>alert" in page.content.decode()) == (200, False)
    assert admin.post(at("vhost_trace", name=name, on="1")).status_code == 302
    traced = vhosts.one(management, name)
    assert (traced.tracing, traced.description, traced.tags) == (True, "of tests", ["a", "b"])
    assert traced.default_queue_type == found.default_queue_type
    assert "It is traced" in html(admin.get(at("vhost_detail", name=name)))
    changed = {"description": "other", "tags": "c", "default_queue_type": "classic"}
    assert admin.post(at("vhost_edit", name=name), changed).status_code == 302
    now = vhosts.one(management, name)
    assert (now.description, now.tags, now.tracing) == ("other", ["c"], True)
    assert AuditEntry.objects.get(action="vhost.update").detail["was"]["tags"] == ["a", "b"]
    node = next(iter(now.nodes))
    assert admin.post(at("vhost_start", name=name), {"node": node}).status_code == 302
    assert admin.post(at("vhost_start", name=name), {"node": "rabbit@nowhere"}).status_code == 200
    assert vhosts.one(management, name).nodes == {node: "running"}
    assert admin.post(at("vhost_delete", name=name)).status_code == 302
    assert admin.post(at("vhost_delete", name=name)).status_code == 404


def test_what_goes_with_it_is_said_before(admin: Client, management: Management, vhost: str) -> None:
    management.declare_queue(vhost, "work")
    management.set_policy(vhost, "all", "^", {"max-length": 10})
    said = html(admin.get(at("vhost_delete", name=vhost)))
    assert "The virtual host goes with 1 queue" in said
    assert "“work” is deleted" in said


def test_one_that_takes_longer_to_delete_than_a_call_may_is_deleted_whole(
    broker_config: BrokerConfig, management: Management, made: list[str]
) -> None:
    """RabbitMQ stops where its caller hangs up."""
    name = f"long-{uuid.uuid4().hex[:8]}"
    made.append(name)
    vhosts.put(management, name)
    queue = {"vhost": name, "durable": True, "auto_delete": False, "arguments": {}}
    DefinitionsClient(broker_config).load({"queues": [{**queue, "name": f"q{n}"} for n in range(400)]})
    impatient = ManagementClient(replace(broker_config, timeout_s=0.2))
    vhosts.delete(impatient, name)
    assert name not in [item.name for item in vhosts.listed(management)]
    with pytest.raises(NotFound):
        vhosts.delete(impatient, name)


def test_one_that_is_protected_is_not_deleted(management: Management, made: list[str]) -> None:
    name = f"safe-{uuid.uuid4().hex[:8]}"
    made.append(name)
    acts.create(**GIVEN, name=name)
    if vhosts.one(management, name).protected is None:  # before 4.1
        with pytest.raises(Refusal) as caught:
            acts.protect(**GIVEN, name=name, on=True)
        assert caught.value.code == "not_offered"
        return
    acts.protect(**GIVEN, name=name, on=True)
    acts.update(**GIVEN, name=name, description="still")
    with pytest.raises(Refusal) as caught:
        acts.delete(**GIVEN, name=name)
    assert caught.value.code == "protected"
    acts.protect(**GIVEN, name=name, on=False)
    acts.delete(**GIVEN, name=name)
    assert all(item.name != name for item in management.vhosts())


def test_on_production_the_name_is_typed(
    admin: Client, management: Management, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    assert "Type the name exactly" in html(admin.post(at("vhost_delete", name=vhost), {"typed": "x"}))
    assert any(item.name == vhost for item in management.vhosts())


def test_the_same_through_the_api(
    client: Client, token: dict[str, str], management: Management, made: list[str]
) -> None:
    def call(method: str, path: str, body: dict[str, Any] | None = None, **asked: str) -> Any:
        address = f"/api/v1/{path}?{urlencode(asked)}"
        return client.generic(method, address, json.dumps(body or {}), "application/json", headers=token)

    name = f"a/b {uuid.uuid4().hex[:8]}"
    made.append(name)
    assert call("POST", "vhosts", {"name": name, "tags": ["x,y"]}).json()["fields"].keys() == {"tags"}
    assert call("POST", "vhosts", {"name": name, "description": "one", "tags": ["t"]}).status_code == 201
    assert call("POST", "vhosts", {"name": name}).json()["code"] == "exists"
    assert call("PATCH", "vhosts", {"name": name, "tracing": True}).status_code == 204
    assert call("PATCH", "vhosts", {"name": name, "description": "two"}).status_code == 204
    (row,) = call("GET", "vhosts", q=f'name:"{name}" is:traced tag:t').json()["items"]
    assert (row["description"], row["tracing"], row["limits"]) == ("two", True, {})
    node = next(iter(row["nodes"]))
    assert call("POST", "vhosts/start", {"name": name, "node": node}).status_code == 204
    assert call("POST", "vhosts/start", {"name": name, "node": "no@where"}).status_code == 422
    assert call("DELETE", "vhosts", name=name).status_code == 204
    assert call("DELETE", "vhosts", name=name).status_code == 404
    assert call("PATCH", "vhosts", {"name": name, "description": "x"}).status_code == 404


def test_the_pages_of_a_queue_and_an_exchange_say_who_may_use_them(
    admin: Client, management: Management, vhost: str
) -> None:
    user = f"reader-{uuid.uuid4().hex[:8]}"
    user_acts.create(**GIVEN, name=user, login=NewLogin("none"))
    try:
        permission_acts.put(**GIVEN, vhost=vhost, user=user, read="^work$", write=r"^amq\.topic$")
        management.declare_queue(vhost, "work")
        broker, _made = Broker.objects.get_or_create(slug="default")
        row = Queue.objects.create(broker=broker, vhost=vhost, name="work")
        page = reverse("queue_detail", args=[row.pk])
        assert "Not known yet" in html(admin.get(page))
        assert admin.get(reverse("permission_list")).status_code == 200

        def may(answer: Any) -> dict[str, bool]:
            panel = answer.content.decode().split('<dl class="who-may">')[1].split("</dl>")[0]
            lines = panel.split("<dt>")[1:]
            return {line.split("</dt>")[0]: user in line for line in lines}

        assert may(admin.get(page)) == {
            "Read from it: consume, get, purge": True,
            "Publish into it by the default exchange": False,
            "Bind it to exchanges": False,
            "Declare and delete it": False,
        }
        topic = may(admin.get(at("exchange_detail", vhost=vhost, name="amq.topic")))
        assert topic == {"Publish to it": True, "Bind to it": False, "Declare and delete it": False}
        assert may(admin.get(at("exchange_detail", vhost=vhost, name=""))) == {"Publish to it": False}
    finally:
        management.delete_user(user)


def test_a_queue_of_a_broker_that_is_not_configured_any_more_has_its_page(admin: Client) -> None:
    queue = Queue.objects.create(broker=Broker.objects.create(slug="went"), vhost="/", name="kept")
    page = admin.get(reverse("queue_detail", args=[queue.pk]))
    assert page.status_code == 200
    assert "kept" in html(page)
