"""A message to an exchange: where it would go is what happens, on a real broker, by the page and the API."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration.publishing import acts as publishing
from mqadmin.administration.publishing.acts import Written
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit import amqp
from mqadmin.rabbit.administration import bindings, exchanges
from tests.administration.conftest import HARD
from tests.support.management import Management
from tests.support.pages import html

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN = Actor("ann")


def ready(management: Management, vhost: str, name: str) -> int:
    return amqp.counts(management.config, vhost, name)[0]


def at(vhost: str, name: str) -> str:
    return f"{reverse('exchange_publish')}?{urlencode({'vhost': vhost, 'name': name})}"


@pytest.mark.parametrize(
    ("kind", "bound", "message", "gets"),
    [
        ("direct", [("a", "k", {}), ("b", "other", {})], {"routing_key": "k"}, ["a"]),
        ("topic", [("a", "k.#", {}), ("b", "*.x", {})], {"routing_key": "k.x"}, ["a", "b"]),
        ("fanout", [("a", "", {}), ("b", "", {})], {}, ["a", "b"]),
        (
            "direct",
            [("a", "k", {}), ("b", "cc", {})],
            {"routing_key": "k", "headers": {"CC": ["cc"]}},
            ["a", "b"],
        ),
        ("direct", [("a", "k", {})], {"routing_key": "x"}, []),
        (
            "headers",
            [("a", "", {"shop": "de"}), ("b", "", {"shop": "fr"})],
            {"headers": {"shop": "de"}},
            ["a"],
        ),
        (
            "headers",
            [("a", "", {"x-match": "any", "s": "x", "t": "y"}), ("b", "", {"s": "x", "t": "y"})],
            {"headers": {"s": "x"}},
            ["a"],
        ),
        ("headers", [("a", "", {"on": True}), ("b", "", {"on": "true"})], {"headers": {"on": True}}, ["a"]),
        ("headers", [("a", "", {}), ("b", "", {"x-s": "1"})], {"headers": {"s": "5"}}, ["a", "b"]),
    ],
)
def test_what_is_shown_is_what_happens(
    kind: str, bound: list[Any], message: dict[str, Any], gets: list[str], management: Management, vhost: str
) -> None:
    management.declare_exchange(vhost, "orders", type=kind)
    for queue, key, arguments in bound:
        management.declare_queue(vhost, queue)
        bindings.bind(management, vhost, "orders", queue, routing_key=key, arguments=arguments)
    written = Written(vhost=vhost, exchange="orders", **message)
    found = publishing.preview(broker="default", message=written)
    assert (list(found.sure), found.perhaps, found.otherwise) == (gets, (), ())
    assert found.is_unroutable is (not gets)
    assert all(ready(management, vhost, queue) == 0 for queue, _key, _arguments in bound)
    routed, _ways = publishing.publish(broker="default", by=ANN, message=written, seen=found.mark)
    assert routed is bool(gets)
    assert [queue for queue, *_ in bound if ready(management, vhost, queue)] == gets
    assert AuditEntry.objects.get(action="exchange.publish").detail["queues"] == gets


def test_numbers_of_headers_are_told_as_not_known(management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "orders", type="headers")
    for queue, size in (("five", 5), ("six", 6)):
        management.declare_queue(vhost, queue)
        management.bind(vhost, "orders", queue, arguments={"size": size})
    written = Written(vhost=vhost, exchange="orders", headers={"size": 5})
    found = publishing.preview(broker="default", message=written)
    assert (found.sure, found.perhaps, found.choice) == ((), ("five",), "matching")


def test_an_alternate_exchange_gets_what_nothing_else_does(management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "spare", type="fanout")
    management.declare_queue(vhost, "rest")
    management.bind(vhost, "spare", "rest")
    management.declare_exchange(vhost, "orders", arguments={"alternate-exchange": "spare"})
    written = Written(vhost=vhost, exchange="orders", routing_key="x")
    assert publishing.preview(broker="default", message=written).sure == ("rest",)
    assert publishing.publish(broker="default", by=ANN, message=written)[0] is True


def test_of_some_exchanges_one_queue_gets_it(management: Management, vhost: str) -> None:
    kinds = {item.name for item in exchanges.types(management)} & {"x-local-random", "x-modulus-hash"}
    if not kinds:
        pytest.skip("this RabbitMQ has no exchange that chooses one queue")
    for kind in sorted(kinds):
        management.declare_exchange(vhost, kind, type=kind)
        queues = [f"{kind}-{at}" for at in range(2)]
        for queue in queues:
            management.declare_queue(vhost, queue)
            management.bind(vhost, kind, queue)
        written = Written(vhost=vhost, exchange=kind, routing_key="k")
        found = publishing.preview(broker="default", message=written)
        assert (found.sure, found.perhaps, found.choice) == ((), tuple(queues), "one")
        assert publishing.publish(broker="default", by=ANN, message=written)[0] is True
        assert sum(ready(management, vhost, queue) for queue in queues) == 1


def test_nothing_goes_elsewhere_than_was_shown(management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "orders")
    for queue in ("a", "b"):
        management.declare_queue(vhost, queue)
    management.bind(vhost, "orders", "a", "k")
    written = Written(vhost=vhost, exchange="orders", routing_key="k")
    seen = publishing.preview(broker="default", message=written).mark
    management.bind(vhost, "orders", "b", "k")
    with pytest.raises(Refusal) as caught:
        publishing.publish(broker="default", by=ANN, message=written, seen=seen)
    assert caught.value.code == "other_ways"
    assert ready(management, vhost, "a") == 0


def test_what_would_be_lost_is_asked_about(admin: Client, management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "orders", type="fanout")
    management.declare_queue(vhost, "small", arguments={"x-max-length": 1})
    management.bind(vhost, "orders", "small")
    written = Written(vhost=vhost, exchange="orders", body="first")
    assert publishing.publish(broker="default", by=ANN, message=written)[0] is True
    with pytest.raises(Refusal) as caught:
        publishing.publish(broker="default", by=ANN, message=written)
    assert caught.value.code == "would_lose"
    form = {"body": "second", "encoding": "utf-8"}
    looked = html(admin.post(at(vhost, "orders"), form))
    assert "of its oldest messages would be dropped" in looked
    seen = publishing.preview(broker="default", message=written).mark
    refused = admin.post(at(vhost, "orders"), {**form, "publish": "1", "seen": seen})
    assert refused.status_code == 409
    done = admin.post(at(vhost, "orders"), {**form, "publish": "1", "seen": seen, "allow_loss": "1"})
    assert "Published and confirmed" in html(done)


def test_who_may_not_be_published_to(management: Management, vhost: str) -> None:
    exchanges.declare(management, vhost, "inner", type="fanout", internal=True)
    for name, code in (("inner", "internal"), ("nowhere", "not_found")):
        with pytest.raises(Refusal) as caught:
            publishing.publish(broker="default", by=ANN, message=Written(vhost=vhost, exchange=name))
        assert caught.value.code == code


@pytest.mark.parametrize("name", [HARD[3], HARD[4], ".."])
def test_the_page_shows_the_way_and_then_publishes(
    name: str, admin: Client, management: Management, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges.declare(management, vhost, name, type="topic")
    management.declare_queue(vhost, name)
    with amqp.channel(management.config, vhost) as channel:
        channel.queue_bind(name, name, name[:80])
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    form = {"routing_key": name[:80], "body": "x", "encoding": "utf-8", "headers": '{"a": 1}'}
    assert "Publish it" not in html(admin.get(at(vhost, name)))
    looked = html(admin.post(at(vhost, name), form))
    assert "1 queue gets it." in looked
    assert "<script>alert" not in looked
    seen = looked.split('name="seen" value="')[1].split('"')[0]
    assert "Type the name exactly" in html(
        admin.post(at(vhost, name), {**form, "publish": "1", "seen": seen})
    )
    assert ready(management, vhost, name) == 0
    done = admin.post(at(vhost, name), {**form, "publish": "1", "seen": seen, "typed": name})
    assert "Published and confirmed" in html(done)
    assert ready(management, vhost, name) == 1
    wrong = html(admin.post(at(vhost, name), {**form, "headers": "{"}))
    assert "Not valid JSON" in wrong


def test_the_same_through_the_api(
    client: Client, token: dict[str, str], management: Management, vhost: str
) -> None:
    def call(**values: Any) -> Any:
        body = json.dumps({"vhost": vhost, "exchange": "orders", **values})
        return client.generic("POST", "/api/v1/exchanges/publish", body, "application/json", headers=token)

    management.declare_exchange(vhost, "orders", type="fanout")
    dry = call(dry_run=True).json()
    assert (dry["published"], dry["routed"], dry["sure"]) == (False, None, [])
    assert call().json()["routed"] is False
    management.declare_queue(vhost, "work")
    management.bind(vhost, "orders", "work")
    assert call(seen=dry["mark"]).json()["code"] == "other_ways"
    done = call(body="eA==", encoding="base64", properties={"priority": 3}).json()
    assert (done["published"], done["routed"], done["sure"]) == (True, True, ["work"])
    assert call(exchange="nowhere").status_code == 404
    assert call(properties={"colour": "red"}).status_code == 422


def test_what_a_binding_only_wants_to_be_there(management: Management, vhost: str) -> None:
    management.declare_exchange(vhost, "orders", type="headers")
    management.declare_queue(vhost, "a")
    bindings.bind(management, vhost, "orders", "a", arguments={"shop": None})
    (found,) = bindings.from_exchange(management, vhost, "orders")
    assert found.arguments == {"shop": "undefined"}  # so the management API tells of no value
    for headers, perhaps in (({"shop": "de"}, ("a",)), ({"other": "de"}, ())):
        written = Written(vhost=vhost, exchange="orders", headers=headers)
        ways = publishing.preview(broker="default", message=written)
        assert (ways.sure, ways.perhaps) == ((), perhaps)
        assert publishing.publish(broker="default", by=ANN, message=written)[0] is bool(perhaps)
    bindings.unbind(management, found)
    assert bindings.from_exchange(management, vhost, "orders") == []
