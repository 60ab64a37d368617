"""Exchanges and bindings, from the page and through the API, on a real broker."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration.bindings import acts as binding_acts
from mqadmin.administration.bindings.lists import BINDINGS
from mqadmin.administration.exchanges import acts as exchange_acts
from mqadmin.administration.exchanges import pages
from mqadmin.administration.listing import kinds, tables
from mqadmin.administration.models import Listing
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api.plumbing import rabbit_status
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.queues.models import Broker
from mqadmin.rabbit import amqp
from mqadmin.rabbit.administration import bindings, exchanges
from mqadmin.rabbit.errors import BadRequest, BadResponse, NoResponse, NotOffered, Refused
from tests.administration.conftest import HARD
from tests.core.conftest import HX
from tests.support.management import Management
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN = Actor("ann")


def at(view: str, **names: str) -> str:
    return f"{reverse(view)}?{urlencode(names)}"


def declared(management: Management, vhost: str) -> dict[str, exchanges.Exchange]:
    return {item.name: item for item in exchanges.listed(management) if item.vhost == vhost}


@pytest.mark.parametrize("name", HARD)
def test_an_exchange_of_any_name_is_declared_bound_unbound_and_deleted(
    name: str, admin: Client, management: Management, vhost: str
) -> None:
    management.declare_queue(vhost, name)
    form = {"vhost": vhost, "name": name, "type": "headers", "durable": "1"}
    made = admin.post(reverse("exchange_new"), form)
    assert made.status_code == 302, html(made)
    one = at("exchange_detail", vhost=vhost, name=name)
    assert admin.get(made["Location"]).status_code == 200
    assert "Nothing is bound to it" in admin.get(one).content.decode()

    arguments = {"x-match": "any", "shop": "de", "size": 5, "new": True, name: 1.5}
    bind = {"destination_type": "queue", "destination": name, "arguments": json.dumps(arguments)}
    for key in ("", name[:80]):
        bound = admin.post(at("binding_new", vhost=vhost, name=name), {**bind, "routing_key": key})
        assert bound.status_code == 302, html(bound)
    found = bindings.from_exchange(management, vhost, name)
    assert {item.routing_key for item in found} == {"", name[:80]}
    assert found[0].arguments == arguments
    shown = admin.get(one).content.decode()
    assert shown.count(">Unbind</a>") == 2
    assert "<script>alert" not in shown

    refused = admin.post(at("exchange_delete", vhost=vhost, name=name))
    assert refused.status_code == 409
    assert "Take the bindings away first" in html(refused)
    for item in found:
        names = {
            "vhost": vhost,
            "source": name,
            "destination": name,
            "destination_type": "queue",
            "properties_key": item.properties_key,
        }
        assert admin.get(at("binding_delete", **names)).status_code == 200
        assert admin.post(at("binding_delete", **names)).status_code == 302
        assert admin.post(at("binding_delete", **names)).status_code == 404
    assert bindings.from_exchange(management, vhost, name) == []
    assert admin.post(at("exchange_delete", vhost=vhost, name=name)).status_code == 302
    assert name not in declared(management, vhost)
    listed = admin.get(at("exchange_list", q="nothing-of-that-name"))
    assert listed.status_code == 200
    assert admin.get(one).status_code == 404


def test_a_list_shows_what_was_just_changed(admin: Client, vhost: str) -> None:
    address = at("exchange_list", q=f"vhost:{vhost} -is:built_in")
    assert "Nothing matches" in admin.get(address).content.decode()
    admin.post(reverse("exchange_new"), {"vhost": vhost, "name": "orders", "type": "topic", "durable": "1"})
    assert ">orders<" in admin.get(address).content.decode()


def test_all_that_an_exchange_may_be(management: Management, vhost: str) -> None:
    offered = {item.name for item in exchanges.types(management)}
    assert {"direct", "fanout", "topic", "headers"} <= offered
    for kind in sorted(offered - {"x-delayed-message"}):
        exchange_acts.declare(broker="default", by=ANN, vhost=vhost, name=f"of-{kind}", type=kind)
    exchange_acts.declare(
        broker="default",
        by=ANN,
        vhost=vhost,
        name="special",
        type="topic",
        internal=True,
        auto_delete=True,
        alternate_exchange="of-fanout",
        arguments={"x-note": "mine"},
    )
    found = declared(management, vhost)
    assert {f"of-{kind}" for kind in offered - {"x-delayed-message"}} <= set(found)
    special = found["special"]
    assert (special.internal, special.auto_delete, special.durable) == (True, True, True)
    assert special.arguments == {"alternate-exchange": "of-fanout", "x-note": "mine"}


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"name": ""}, "invalid", "name"),
        ({"name": "é" * 128}, "invalid", "name"),
        ({"name": "a\0b"}, "invalid", "name"),
        ({"name": "a\nb"}, "invalid", "name"),
        ({"name": "there"}, "exists", "name"),
        ({"name": "x", "type": "x-delayed-message"}, "invalid", "delayed_type"),
        ({"name": "x", "type": "no-such-type"}, "bad_request", None),
        ({"name": "amq.mine"}, "invalid", "name"),
    ],
)
def test_what_cannot_be_declared_is_refused_in_words(
    values: dict[str, Any], code: str, field: str | None, management: Management, vhost: str
) -> None:
    management.declare_exchange(vhost, "there")
    with pytest.raises(Refusal) as caught:
        exchange_acts.declare(broker="default", by=ANN, vhost=vhost, **{"type": "direct", **values})
    assert caught.value.code == code
    assert list(caught.value.fields) == ([field] if field else [])
    assert caught.value.text
    assert not set(declared(management, vhost)) & ({values["name"]} - {"there", ""})


def test_the_dialog_keeps_what_was_typed_and_says_why(
    admin: Client, management: Management, vhost: str
) -> None:
    management.declare_exchange(vhost, "there")
    form = {"vhost": vhost, "name": "there", "type": "topic", "arguments": '{"a": 1}'}
    page = admin.post(reverse("exchange_new"), form)
    assert page.status_code == 409
    text = page.content.decode()
    assert "There is an exchange of that name already." in text
    assert "{&quot;a&quot;: 1}" in text
    entry = AuditEntry.objects.get(action="exchange.declare")
    assert (entry.outcome, entry.target) == ("refused", f"{vhost}:there")


def test_on_production_the_name_is_typed(
    admin: Client, management: Management, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    management.declare_exchange(vhost, "there")
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    address = at("exchange_delete", vhost=vhost, name="there")
    assert "This is a production broker" in html(admin.get(address))
    assert "Type the name exactly" in html(admin.post(address, {"typed": "ther"}))
    assert "there" in declared(management, vhost)
    assert admin.post(address, {"typed": "there"}).status_code == 302
    assert "there" not in declared(management, vhost)


def test_what_is_deleted_is_told_in_the_audit_log(management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "old", type="topic", arguments={"x-note": "mine"})
    management.declare_queue(vhost, "work")
    management.bind(vhost, "old", "work", "a.#")
    exchange_acts.delete(broker="default", by=ANN, vhost=vhost, name="old", if_unused=False)
    was = AuditEntry.objects.get(action="exchange.delete").detail["was"]
    assert (was["type"], was["arguments"]) == ("topic", {"x-note": "mine"})
    assert [item["routing_key"] for item in was["bindings"]] == ["a.#"]
    with pytest.raises(Refusal, match="own exchanges"):
        exchange_acts.delete(broker="default", by=ANN, vhost=vhost, name="amq.topic")


def test_a_binding_needs_both_its_ends(management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "there")
    given: dict[str, Any] = {"broker": "default", "by": ANN, "vhost": vhost}
    with pytest.raises(Refusal) as caught:
        binding_acts.bind(**given, source="there", destination="nowhere")
    assert caught.value.status == 404
    with pytest.raises(Refusal) as caught:
        binding_acts.bind(**given, source="", destination="work")
    assert list(caught.value.fields) == ["source"]


def test_the_same_through_the_api(
    client: Client, token: dict[str, str], management: Management, vhost: str
) -> None:
    def call(method: str, path: str, body: dict[str, Any] | None = None, **asked: str) -> Any:
        address = f"/api/v1/{path}?{urlencode(asked)}"
        return client.generic(method, address, json.dumps(body or {}), "application/json", headers=token)

    management.declare_queue(vhost, "work")
    made = call(
        "POST", "exchanges", {"vhost": vhost, "name": "a/b", "type": "topic", "alternate_exchange": "x"}
    )
    assert made.status_code == 201, made.content
    assert call("POST", "exchanges", {"vhost": vhost, "name": "a/b"}).json()["code"] == "exists"
    binding = {"vhost": vhost, "source": "a/b", "destination": "work"}
    for key in ("a.*", "b.#"):
        assert call("POST", "bindings", {**binding, "routing_key": key}).status_code == 201
    (exchange,) = call("GET", "exchanges", q=f"vhost:{vhost} type:topic -is:built_in").json()["items"]
    assert exchange["arguments"] == {"alternate-exchange": "x"}
    first = call("GET", "bindings", q=f"vhost:{vhost}", sort="key", limit="1").json()
    assert (first["total"], [item["routing_key"] for item in first["items"]]) == (2, ["a.*"])
    second = call("GET", "bindings", q=f"vhost:{vhost}", sort="key", limit="1", cursor=first["next"]).json()
    assert ([item["routing_key"] for item in second["items"]], second["next"]) == (["b.#"], None)
    assert call("DELETE", "exchanges", vhost=vhost, name="a/b").json()["code"] == "in_use"
    for item in (*first["items"], *second["items"]):
        names = {**binding, "properties_key": item["properties_key"]}
        assert call("DELETE", "bindings", **names).status_code == 204
    assert call("DELETE", "exchanges", vhost=vhost, name="a/b").status_code == 204
    assert call("DELETE", "exchanges", vhost=vhost, name="a/b").status_code == 404
    assert call("GET", "exchanges", sort="colour").json()["code"] == "bad_sort"
    assert call("GET", "exchanges", q="in_rate>fast").json()["code"] == "bad_query"


def test_what_the_broker_has_not_is_told_apart(management: Management, vhost: str) -> None:
    from mqadmin.rabbit.administration import calls

    with pytest.raises(NotOffered):
        calls.asked(management, "no-such-noun")


@pytest.mark.parametrize("name", [".", ".."])
def test_names_that_no_address_can_hold_go_by_amqp(
    name: str, admin: Client, management: Management, vhost: str
) -> None:
    management.declare_queue(vhost, name)
    form = {"vhost": vhost, "name": name, "type": "headers", "durable": "1"}
    assert admin.post(reverse("exchange_new"), form).status_code == 302
    bind = {
        "destination_type": "queue",
        "destination": name,
        "routing_key": name,
        "arguments": '{"a": 5, "b": "x"}',
    }
    assert admin.post(at("binding_new", vhost=vhost, name=name), bind).status_code == 302
    assert admin.get(at("exchange_detail", vhost=vhost, name=name)).status_code == 200
    (found,) = bindings.from_exchange(management, vhost, name)
    assert (found.routing_key, found.arguments) == (name, {"a": 5, "b": "x"})
    bindings.unbind(management, found)
    # One that a client made, with numbers as it writes them.
    with amqp.channel(management.config, vhost) as channel:
        channel.queue_bind(name, name, "k", {"n": [5, {"deep": 6}]})
    (found,) = bindings.from_exchange(management, vhost, name)
    refused = admin.post(at("exchange_delete", vhost=vhost, name=name))
    assert "Take the bindings away first" in html(refused)
    bindings.unbind(management, found)
    assert bindings.from_exchange(management, vhost, name) == []
    assert admin.post(at("exchange_delete", vhost=vhost, name=name)).status_code == 302
    assert name not in declared(management, vhost)


def test_a_name_of_rabbitmqs_own_is_no_missing_permission(management: Management, vhost: str) -> None:
    with pytest.raises(Refused, match="RabbitMQ's own") as caught:
        exchanges.declare(management, vhost, "amq.mine", type="direct")
    assert caught.value.code == "access_refused"


def test_an_alternate_exchange_by_a_policy_is_told(admin: Client, management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "spare", type="fanout")
    management.declare_exchange(vhost, "orders")
    management.declare_exchange(vhost, "own", arguments={"alternate-exchange": "of-its-own"})
    management.set_policy(vhost, "keep", "^o", {"alternate-exchange": "spare"}, apply_to="exchanges")
    wait_until(lambda: exchanges.one(management, vhost, "orders").alternate == "spare", 20, what="the policy")
    found = {item.name: item.alternate for item in exchanges.listed(management) if item.vhost == vhost}
    assert (found["orders"], found["own"], found["spare"]) == ("spare", "of-its-own", "")
    shown = html(admin.get(at("exchange_detail", vhost=vhost, name="orders")))
    assert "goes to spare" in " ".join(shown.split())
    assert "(by its policy)" in shown
    assert "Gets what is not taken by" in html(admin.get(at("exchange_detail", vhost=vhost, name="spare")))
    (only,) = exchange_names(admin, f"vhost:{vhost} alternate:spare")
    assert only == "orders"


def exchange_names(admin: Client, query: str) -> list[str]:
    found = html(admin.get(at("exchange_list", q=query)))
    return re.findall(r'name=[^"]*">([^<]+)</a>', found.split('id="listed"')[1])


def test_what_no_queue_takes_is_told_where_one_looks(
    admin: Client, management: Management, vhost: str
) -> None:
    for name in ("loses", "fine"):
        management.declare_exchange(vhost, name)
    lost = {"vhost": vhost, "name": "loses", "all": True}
    params = {"rate": 5.0, "exchanges": [lost], "publishers": ["shop-1"]}
    reason = {"code": "unroutable_dropped", "level": "watch", "params": params}
    address = at("exchange_list", q=f"vhost:{vhost}")
    refresh = {**HX, "HX-Source": "div#listed"}
    before = admin.get(address, headers=refresh)
    Broker.objects.update_or_create(slug="default", defaults={"reasons": [reason]})
    after = admin.get(address, headers=refresh)
    assert after["ETag"] != before["ETag"]
    assert "Messages vanish" in html(after)
    assert "shop-1" in html(after)
    assert "Messages vanish" in html(admin.get(at("exchange_detail", vhost=vhost, name="loses")))
    assert "Messages vanish" not in html(admin.get(at("exchange_detail", vhost=vhost, name="fine")))


def test_the_api_says_409_of_what_asking_again_does_not_change() -> None:
    assert rabbit_status(BadRequest("no")) == 409
    assert rabbit_status(NotOffered("not here")) == 409
    assert rabbit_status(BadResponse("what?")) == 503


def test_bindings_that_are_not_known_are_not_shown_as_none(
    admin: Client, management: Management, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    management.declare_exchange(vhost, "orders")
    page = at("exchange_detail", vhost=vhost, name="orders")
    assert "Nothing is bound to it" in html(admin.get(page))

    def refuse(_client: object) -> list[bindings.Binding]:
        raise NoResponse("too slow", code="timeout")

    Listing.objects.filter(kind="bindings").delete()
    tables.forget()
    kinds.register(replace(BINDINGS, ask=refuse))
    monkeypatch.setattr(pages, "BINDINGS", kinds.kind("bindings"))
    try:
        shown = html(admin.get(page))
    finally:
        kinds.register(BINDINGS)
    assert "too slow" in shown
    assert "they are not known" in shown
    assert "Nothing is bound to it" not in shown
