"""Policies and operator policies, from the page and through the API, on a real broker."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration.policies import acts, pages
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit.administration import policies
from mqadmin.rabbit.topology import policy_keys
from mqadmin.rabbit.types import PolicyInfo
from tests.administration.conftest import HARD
from tests.support.management import Management
from tests.support.pages import html

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN = Actor("ann")


def at(view: str, **names: str) -> str:
    return f"{reverse(view)}?{urlencode(names)}"


def there(management: Management, vhost: str, kind: policies.Kind = "policy") -> dict[str, PolicyInfo]:
    return {item.name: item for item in policies.policies(management, kind, vhost)}


@pytest.mark.parametrize("name", HARD)
def test_a_policy_of_any_name_is_set_changed_and_deleted(
    name: str, admin: Client, management: Management, vhost: str
) -> None:
    management.declare_queue(vhost, name)
    form = {"vhost": vhost, "name": name, "pattern": ".", "apply_to": "queues", "priority": "3"}
    made = admin.post(reverse("policy_new"), {**form, "key-max-length": "10", "rest": '{"max-length": 9}'})
    assert "max-length has a field above." in html(made)
    made = admin.post(reverse("policy_new"), {**form, "key-max-length": "10", "key-overflow": "drop-head"})
    assert made.status_code == 302, html(made)
    assert there(management, vhost)[name].definition == {"max-length": 10, "overflow": "drop-head"}
    page = admin.get(made["Location"]).content.decode()
    assert "Applies to 1 queue." in page
    assert "<script>alert" not in page
    edit = at("policy_edit", vhost=vhost, name=name, kind="policy")
    assert 'value="10"' in admin.get(edit).content.decode()
    changed = admin.post(edit, {"pattern": ".", "apply_to": "all", "priority": "-2", "key-message-ttl": "5"})
    assert changed.status_code == 302, html(changed)
    found = there(management, vhost)[name]
    assert (found.definition, found.apply_to, found.priority) == ({"message-ttl": 5}, "all", -2)
    was = AuditEntry.objects.filter(action="policy.set").latest("id").detail["was"]
    assert was["definition"] == {"max-length": 10, "overflow": "drop-head"}
    delete = at("policy_delete", vhost=vhost, name=name, kind="policy")
    assert admin.post(delete).status_code == 302
    assert there(management, vhost) == {}
    assert admin.get(at("policy_detail", vhost=vhost, name=name, kind="policy")).status_code == 404


def test_who_wins_and_why(admin: Client, management: Management, vhost: str) -> None:
    management.declare_queue(vhost, "orders")
    management.declare_queue(vhost, "orders.stream", arguments={"x-queue-type": "stream"})
    management.declare_exchange(vhost, "orders.x")
    for name, pattern, more in (
        ("high", "^orders$", {"priority": 5}),
        ("low", "^orders", {"apply_to": "queues"}),
        ("nothing", "^none$", {}),
        ("exchanges", "^orders", {"apply_to": "exchanges", "priority": 9}),
    ):
        definition = {"alternate-exchange": "spare"} if name == "exchanges" else {"max-length": 7}
        management.set_policy(vhost, name, pattern, definition, **more)  # type: ignore[arg-type]
    management.set_policy(vhost, "ours", "orders", {"expires": 60_000}, kind="operator-policies")
    rows = {item.name: item for item in policies.listed(management) if item.vhost == vhost}
    assert {name: (item.matched, item.won) for name, item in rows.items()} == {
        "high": (1, 1),
        "low": (2, 0),
        "nothing": (0, 0),
        "exchanges": (1, 1),
        "ours": (3, 1),  # the stream passes it over, and no operator policy is for exchanges
    }
    found = pages.of_thing("default", vhost, "orders", is_exchange=False)
    assert [(match.policy.name, match.why, match.by) for _kind, match, _item in found] == [
        ("ours", "applies", ""),
        ("exchanges", "apply_to", ""),
        ("high", "applies", ""),
        ("low", "lower", "high"),
    ]
    found = pages.of_thing("default", vhost, "orders.stream", is_exchange=False)
    assert [(match.policy.name, match.why, match.keys) for kind, match, _ in found if kind == "policy"] == [
        ("exchanges", "apply_to", ()),
        ("low", "keys", ("max-length",)),
    ]
    text = html(admin.get(at("policy_list", q=f"vhost:{vhost}")))
    for words in ("matches nothing", "never applies: matches 2 queues", "applies to 1 exchange"):
        assert words in text
    low = html(admin.get(at("policy_detail", vhost=vhost, name="low", kind="policy")))
    assert "“high” has a higher priority." in low
    assert "Nothing of this policy applies to streams: “max-length” is not for them." in low


def test_the_dialog_shows_what_a_policy_touches_before_it_is_set(
    admin: Client, management: Management, vhost: str
) -> None:
    management.declare_queue(vhost, "orders")
    form = {"vhost": vhost, "name": "short", "pattern": "^orders$", "apply_to": "queues", "priority": "0"}
    looked = html(admin.post(reverse("policy_new"), {**form, "key-message-ttl": "60000", "look": "1"}))
    assert "What comes to “orders” from now on is lost after 1 min" in looked
    assert there(management, vhost) == {}
    assert not AuditEntry.objects.filter(action="policy.set").exists()
    management.set_policy(vhost, "short", "^orders$", {"message-ttl": 60_000})
    gone = html(admin.get(at("policy_delete", vhost=vhost, name="short", kind="policy")))
    assert "What comes to “orders” from now on has no TTL" in gone


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"name": ""}, "invalid", "name"),
        ({"name": "é" * 128}, "invalid", "name"),
        ({"definition": {}}, "invalid", "definition"),
        ({"definition": {"nope": 1}}, "bad_request", None),
        ({"definition": {"max-length": "<x>"}}, "bad_request", None),
        ({"pattern": "("}, "bad_request", "pattern"),
        ({"priority": 2**40}, "invalid", "priority"),
        ({"name": "there", "only_new": True}, "exists", "name"),
    ],
)
def test_what_cannot_be_set_is_refused_in_words(
    values: dict[str, Any], code: str, field: str | None, management: Management, vhost: str
) -> None:
    management.set_policy(vhost, "there", "^x", {"max-length": 1})
    given = {"name": "x", "pattern": "^x", "definition": {"max-length": 1}, **values}
    with pytest.raises(Refusal) as caught:
        acts.put(broker="default", by=ANN, vhost=vhost, **given)
    assert caught.value.code == code
    assert list(caught.value.fields) == ([field] if field else [])
    assert "&lt;" not in caught.value.text
    assert "Validation failed" not in caught.value.text
    assert list(there(management, vhost)) == ["there"]


def test_the_form_offers_the_keys_that_the_broker_takes(management: Management, vhost: str) -> None:
    """What stands in `policy_keys` is what this broker takes: each alone, in both kinds of policies."""
    version = pages.version_of("default")
    tried: dict[str, Any] = {"number": 100_000, "text": "all"}
    for by_operator in (False, True):
        for key in policy_keys.known(version, by_operator=by_operator):
            if key.name.startswith("federation"):
                continue  # its plugin says
            value = key.choices[0] if key.takes == "choice" else tried[key.takes]
            value = "7D" if key.name == "max-age" else value
            acts.put(
                broker="default",
                by=ANN,
                vhost=vhost,
                name="tried",
                pattern="^none$",
                definition={key.name: value},
                by_operator=by_operator,
            )
    for apply_to in policy_keys.apply_to(version):
        acts.put(
            broker="default",
            by=ANN,
            vhost=vhost,
            name="tried",
            pattern="^none$",
            definition={"max-length": 1} if apply_to != "streams" else {"max-length-bytes": 1},
            apply_to=apply_to,
        )


def test_on_production_the_name_is_typed(
    admin: Client, management: Management, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    management.set_policy(vhost, "there", "^x", {"max-length": 1})
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    for view in ("policy_delete", "policy_edit"):
        address = at(view, vhost=vhost, name="there", kind="policy")
        form = {"pattern": "^y", "apply_to": "all", "priority": "0", "key-max-length": "1"}
        assert "This is a production broker" in html(admin.get(address))
        assert "Type the name exactly" in html(admin.post(address, {**form, "typed": "ther"}))
        assert there(management, vhost)["there"].pattern == "^x"


def test_the_same_through_the_api(
    client: Client, token: dict[str, str], management: Management, vhost: str
) -> None:
    def call(method: str, path: str, body: dict[str, Any] | None = None, **asked: str) -> Any:
        address = f"/api/v1/{path}?{urlencode(asked)}"
        return client.generic(method, address, json.dumps(body or {}), "application/json", headers=token)

    management.declare_queue(vhost, "a/b")
    policy = {"vhost": vhost, "name": "p", "pattern": "^a", "definition": {"message-ttl": 1000}}
    tried = call("PUT", "policies", {**policy, "dry_run": True})
    assert tried.status_code == 200, tried.content
    effect = tried.json()
    assert [item["code"] for item in effect["statements"]] == ["ttl_shorter"]
    assert effect["statements"][0]["text"].startswith("What comes to “a/b” from now on is lost after")
    assert effect["queues"][0]["after"]["definition"] == {"message-ttl": 1000}
    assert there(management, vhost) == {}
    assert call("PUT", "policies", policy).status_code == 204
    assert call("PUT", "policies", {**policy, "only_new": True}).json()["code"] == "exists"
    (item,) = call("GET", "policies", q=f"vhost:{vhost}").json()["items"]
    assert (item["definition"], item["queues"], item["queues_won"]) == ({"message-ttl": 1000}, 1, 1)
    (match,) = call("GET", "policies/matching", vhost=vhost, name="a/b").json()
    assert (match["name"], match["why"]) == ("p", "applies")
    named = {"vhost": vhost, "name": "p"}
    gone = call("DELETE", "policies", **named, dry_run="true").json()
    assert [item["code"] for item in gone["statements"]] == ["ttl_longer"]
    assert call("DELETE", "policies", **named).status_code == 204
    assert call("DELETE", "policies", **named).status_code == 404
    assert call("DELETE", "policies", **named, dry_run="true").json()["is_refused"]
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"policy.set", "policy.delete"}
    exchange = call("DELETE", "exchanges", vhost=vhost, name="amq.topic", dry_run="true")
    assert (exchange.status_code, exchange.json()["worst"]) == (200, "stops")
    binding = {"vhost": vhost, "source": "amq.topic", "destination": "a/b", "routing_key": "k"}
    bound = call("POST", "bindings", {**binding, "dry_run": True}).json()
    assert [item["code"] for item in bound["statements"]] == ["starts_getting"]
