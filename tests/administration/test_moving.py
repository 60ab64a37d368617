"""Parameters, shovels and federation, with and without their plugins, on real brokers: no password is ever told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration.federation import acts as federation_acts
from mqadmin.administration.models import Packed
from mqadmin.administration.parameters import acts as parameter_acts
from mqadmin.administration.shovels import acts as shovel_acts
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.local import ports
from mqadmin.local.node import Node
from mqadmin.rabbit.administration import federation, parameters, shovels
from tests.administration.conftest import HARD
from tests.support.management import Management
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN = Actor("ann")
BY: dict[str, Any] = {"broker": "default", "by": ANN}
PASSWORD = "tr0ub4dor%26three"
PLUGINS = ("rabbitmq_shovel_management", "rabbitmq_federation", "rabbitmq_federation_management")


def at(view: str, **names: str) -> str:
    return f"{reverse(view)}?{urlencode(names)}"


def value_of(management: Management, vhost: str, component: str, name: str) -> Any:
    found = parameters.one(management, vhost, component, name)
    return found.value if found else None


def written() -> str:
    """All that mqadmin wrote down: the lists that it keeps, and the audit log."""
    from mqadmin.administration.listing import packing

    kept = [packing.unpack(bytes(row.rows)) for row in Packed.objects.all()]
    entries = list(AuditEntry.objects.values_list("target", "detail", "reason"))
    return json.dumps([kept, entries], default=str, ensure_ascii=False)


@pytest.fixture(scope="module")
def _with_plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("plugins") / "node", ports.pick(), ports.pick(), plugins=PLUGINS)
    node.start()
    try:
        node.wait()
        yield node
    finally:
        node.stop(timeout=0)


@pytest.fixture
def moving(_with_plugins: Node, monkeypatch: pytest.MonkeyPatch) -> Management:
    """A broker of its own that has all plugins: what mqadmin is configured with meanwhile."""
    monkeypatch.setenv("RABBITMQ_URL", _with_plugins.amqp_url)
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", _with_plugins.management_url)
    brokers.forget()
    return Management(brokers.config("default"))


@pytest.mark.parametrize("name", HARD)
def test_a_parameter_of_any_name_keeps_its_secrets_to_itself(
    name: str, admin: Client, management: Management, vhost: str
) -> None:
    value = {"src-uri": f"amqp://joe:{PASSWORD}@127.0.0.1:1/", "src-queue": name, "dest-uri": "amqp://"}
    form = {"vhost": vhost, "component": "shovel", "name": name}
    made = admin.post(reverse("parameter_new"), {**form, "value": json.dumps({**value, "dest-queue": "x"})})
    assert made.status_code == 302, html(made)
    listed = admin.get(at("parameter_list", q=f"vhost:{vhost}")).content.decode()
    edit = at("parameter_edit", vhost=vhost, component="shovel", name=name)
    shown = admin.get(edit).content.decode()
    assert "joe:•••@127.0.0.1:1" in shown
    masked = json.dumps({**value, "src-uri": "amqp://joe:•••@127.0.0.1:1/other", "dest-queue": "y"})
    changed = admin.post(edit, {"value": masked})
    assert changed.status_code == 302, html(changed)
    kept = value_of(management, vhost, "shovel", name)
    assert kept["src-uri"] == f"amqp://joe:{PASSWORD}@127.0.0.1:1/other"
    assert kept["dest-queue"] == "y"
    elsewhere = admin.post(edit, {"value": masked.replace("127.0.0.1", "evil.example")})
    assert "Give the password again" in html(elsewhere)
    assert value_of(management, vhost, "shovel", name) == kept
    gone = admin.post(at("parameter_delete", vhost=vhost, component="shovel", name=name))
    assert gone.status_code == 302
    assert value_of(management, vhost, "shovel", name) is None
    assert "<script>alert" not in listed + shown
    for text in (listed, shown, html(elsewhere), written()):
        assert PASSWORD not in text


def test_a_broker_that_repeats_a_password_is_not_repeated(management: Management, vhost: str) -> None:
    uri = f"amqp://joe:{PASSWORD}@x:y:z/"
    definition = {"src-uri": uri, "src-queue": "a", "dest-uri": "amqp://", "dest-queue": "b"}
    with pytest.raises(Refusal, match="not a valid URI") as caught:
        shovel_acts.put(**BY, vhost=vhost, name="odd", definition=definition)
    assert PASSWORD not in caught.value.text + written()
    assert "•••" in caught.value.text


def test_what_its_plugin_must_know_is_said_where_it_is_not_enabled(
    admin: Client, management: Management, vhost: str
) -> None:
    with pytest.raises(Refusal, match="rabbitmq_federation is not enabled") as caught:
        federation_acts.put_upstream(**BY, vhost=vhost, name="up", definition={"uri": "amqp://"})
    assert caught.value.code == "not_offered"
    for view in ("federation_link_list", "federation_upstream_list", "federation_set_list"):
        assert "The plugin rabbitmq_federation is not enabled" in html(admin.get(reverse(view)))
    definition = {"src-uri": "amqp://", "src-queue": "a", "dest-uri": "amqp://", "dest-queue": "b"}
    shovel_acts.put(**BY, vhost=vhost, name="mine", definition=definition)
    shown = html(admin.get(at("shovel_list", q=f"vhost:{vhost}")))
    assert "not told: rabbitmq_shovel_management is not enabled" in shown
    with pytest.raises(Refusal, match="rabbitmq_shovel_management is not enabled"):
        shovel_acts.restart(**BY, vhost=vhost, name="mine")
    for component in ("policy", "vhost-limits"):
        with pytest.raises(Refusal, match="a page of its own"):
            parameter_acts.put(**BY, vhost=vhost, component=component, name="x", value={})


def test_global_parameters_through_the_api(
    client: Client, token: dict[str, str], management: Management
) -> None:
    def call(method: str, body: dict[str, Any] | None = None, **asked: str) -> Any:
        address = f"/api/v1/parameters?{urlencode(asked)}"
        return client.generic(method, address, json.dumps(body or {}), "application/json", headers=token)

    name = "mqadmin-tests"
    try:
        made = call("PUT", {"name": name, "value": {"token": PASSWORD, "n": [1, None, "é"]}})
        assert made.status_code == 204, made.content
        (item,) = call("GET", q=f"is:global name:{name}").json()["items"]
        assert item["value"] == {"token": "•••", "n": [1, None, "é"]}
        assert call("PUT", {"name": name, "value": {"token": "•••", "n": 2}}).status_code == 204
        assert value_of(management, "", "", name) == {"token": PASSWORD, "n": 2}
        assert call("PUT", {"name": name, "value": 1, "only_new": True}).json()["code"] == "exists"
        assert call("PUT", {"name": name, "value": 1, "component": "x"}).status_code == 422
    finally:
        assert call("DELETE", name=name).status_code == 204
    assert call("DELETE", name=name).status_code == 404
    assert PASSWORD not in written()


def test_shovels_run_stop_and_begin_anew(admin: Client, moving: Management) -> None:
    moving.declare_queue("/", "from")
    good = {"vhost": "/", "name": "a/b", "src_uri": "amqp://", "src_queue": "from"}
    made = admin.post(
        reverse("shovel_new"),
        {**good, "dest_uri": "amqp://", "dest_queue": "to", "src_delete_after": "never"},
    )
    assert made.status_code == 302, html(made)
    bad = {"src-uri": [f"amqp://joe:{PASSWORD}@127.0.0.1:1", f"amqp://joe:{PASSWORD}@127.0.0.1:2"]}
    rest = {"src-queue": "from", "dest-uri": "amqp://", "dest-exchange": "amq.topic"}
    shovel_acts.put(**BY, vhost="/", name="bad", definition={**bad, **rest})

    def states() -> dict[str, str]:
        return {item.name: item.state for item in shovels.listed(moving)}

    wait_until(lambda: states().get("a/b") == "running" and states().get("bad"), timeout=60)
    text = html(admin.get(reverse("shovel_list")))
    assert "joe:•••@127.0.0.1:1, amqp://joe:•••@127.0.0.1:2" in text
    assert states()["bad"] in ("starting", "terminated")
    edit = at("shovel_edit", vhost="/", name="bad")
    page = admin.get(edit).content.decode()
    form = {"src_uri": "amqp://joe:•••@127.0.0.1:2/v\namqp://joe:•••@127.0.0.1:1", "src_queue": "from"}
    changed = admin.post(edit, {**form, "dest_uri": "amqp://", "dest_queue": "q", "ack_mode": "no-ack"})
    assert changed.status_code == 302, html(changed)
    assert value_of(moving, "/", "shovel", "bad") == {
        "src-uri": [f"amqp://joe:{PASSWORD}@127.0.0.1:2/v", f"amqp://joe:{PASSWORD}@127.0.0.1:1"],
        "src-queue": "from",
        "dest-uri": "amqp://",
        "dest-queue": "q",
        "ack-mode": "no-ack",
    }
    wait_until(lambda: states().get("a/b") == "running", timeout=60)
    assert admin.post(at("shovel_restart", vhost="/", name="a/b")).status_code == 302
    with pytest.raises(Refusal) as caught:
        shovel_acts.restart(**BY, vhost="/", name="nowhere")
    assert caught.value.status == 404
    for name in ("a/b", "bad"):
        assert admin.post(at("shovel_delete", vhost="/", name=name)).status_code == 302
    assert value_of(moving, "/", "shovel", "bad") is None
    for shown in (text, page, written()):
        assert PASSWORD not in shown


def test_federation_links_and_what_is_wrong_with_them(admin: Client, moving: Management) -> None:
    moving.declare_exchange("/", "shop")
    form = {"vhost": "/", "name": "far", "uri": f"amqp://joe:{PASSWORD}@127.0.0.1:1", "expires": "60000"}
    made = admin.post(reverse("federation_upstream_new"), form)
    assert made.status_code == 302, html(made)
    federation_acts.put_upstream(**BY, vhost="/", name="here", definition={"uri": "amqp://"})
    members = '[{"upstream": "far"}, {"upstream": "here"}]'
    made = admin.post(reverse("federation_set_new"), {"vhost": "/", "name": "both", "members": members})
    assert made.status_code == 302, html(made)
    moving.set_policy("/", "shop", "^shop$", {"federation-upstream-set": "both"}, apply_to="exchanges")

    def status() -> dict[str, str]:
        return {item.upstream: item.status for item in federation.links(moving)}

    wait_until(lambda: status().get("far") == "error", timeout=60)
    text = html(admin.get(reverse("federation_link_list")))
    assert "down, connects again" in text
    assert "econnrefused" in text
    upstreams = html(admin.get(reverse("federation_upstream_list")))
    assert "1 link is down" in upstreams
    assert "joe:•••@127.0.0.1:1" in upstreams
    (far,) = (item for item in federation.links(moving) if item.upstream == "far")
    names = {"vhost": "/", "id": far.id, "node": far.node, "name": far.name}
    restarted = admin.post(at("federation_link_restart", **names))
    assert restarted.status_code == 302, html(restarted)
    edit = at("federation_upstream_edit", vhost="/", name="far")
    assert admin.post(edit, {"uri": "amqp://joe:•••@127.0.0.1:1", "max_hops": "2"}).status_code == 302
    assert value_of(moving, "/", federation.UPSTREAM, "far") == {
        "uri": f"amqp://joe:{PASSWORD}@127.0.0.1:1",
        "max-hops": 2,
    }
    for view, name in (("federation_set_delete", "both"), ("federation_upstream_delete", "far")):
        assert admin.post(at(view, vhost="/", name=name)).status_code == 302
    for shown in (text, upstreams, written()):
        assert PASSWORD not in shown
