"""Two teams on one broker: each defines, runs, reads and counts the consumers of its own queues."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consumers.files import truth
from consumers.models import Consumer, ConsumerEvent
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry, Grant
from mqadmin.queues.models import Broker, Queue
from tests.consumers.conftest import person
from tests.core.conftest import HX
from tests.support.consumers import make_consumer, make_process, make_record

pytestmark = [pytest.mark.usefixtures("no_broker"), pytest.mark.django_db, pytest.mark.any_version]
Call = Callable[..., Any]


def team(name: str, **grant: Any) -> User:
    user = User.objects.create_user(name)
    group = Group.objects.create(name=f"role of {name}")
    Grant.objects.create(group=group, **{"broker": "default", "level": 3, **grant})
    user.groups.add(group)
    return user


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def calls(user: User) -> Call:
    headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}

    def send(what: str, /, **given: Any) -> Any:
        method, path = what.split(" ")
        return Client().generic(
            method, f"/api/v1{path}", json.dumps(given), content_type="application/json", headers=headers
        )

    return send


@pytest.fixture(autouse=True)
def two_teams() -> None:
    broker = Broker.objects.create(slug="default", sampled_at=timezone.now())
    for vhost, queue in (("shop", "orders"), ("shop", "parcels"), ("bank", "salaries")):
        Queue.objects.create(broker=broker, vhost=vhost, name=queue, ready=7)
        consumer = make_consumer(name=f"{vhost}-{queue}", vhost=vhost, queue=queue, desired="running")
        make_process(consumer)
        make_record(consumer, error_type=f"{queue}-error", outcome="dead_lettered")
        ConsumerEvent.objects.create(
            consumer=consumer, at=timezone.now(), kind="crashed", text=f"{queue} died"
        )


def of(name: str) -> Consumer:
    return Consumer.objects.get(name=name)


def test_pages_and_calls_have_what_is_theirs() -> None:
    user = team("ann", vhost="shop")
    client, call = browser(user), calls(user)
    shown = [
        client.get(reverse("consumer_list")),
        client.get(reverse("consumer_list"), headers=HX),
        client.get(reverse("consumer_export")),
        client.get(reverse("consumer_stop_all")),
        client.get(reverse("find"), {"q": "a"}),
        client.get(reverse("find"), {"q": "shop-"}),
        client.get(reverse("live"), headers=HX),
        client.get(reverse("consumer_queues"), {"broker": "default", "vhost": "bank", "q": ""}),
        client.get(reverse("consumer_vhosts"), {"broker": "default", "q": ""}),
        client.get(reverse("consumer_new")),
    ]
    for response in shown:
        assert response.status_code == 200, response.request["PATH_INFO"]
        assert "salaries" not in response.text, response.request["PATH_INFO"]
        assert "bank" not in response.text, response.request["PATH_INFO"]
    assert "shop-orders" in shown[0].text
    assert call("GET /consumers").json()["total"] == 2
    assert call("GET /records").json()["total"] == 2
    assert {item["error_type"] for item in call("GET /records").json()["items"]} == {
        "orders-error",
        "parcels-error",
    }
    hidden, record, process = (
        of("bank-salaries"),
        of("bank-salaries").handled.get(),
        of("bank-salaries").processes.get(),
    )
    for address in (
        reverse("consumer_detail", args=[hidden.name]),
        reverse("consumer_history", args=[hidden.name]),
        reverse("record_list", args=[hidden.name]),
        reverse("record_detail", args=[record.pk]),
        reverse("process_output", args=[process.pk]),
        reverse("process_download", args=[process.pk]),
        reverse("consumer_edit", args=[hidden.name]),
    ):
        assert client.get(address).status_code == 404, address
    for what in (
        "GET /consumers/bank-salaries",
        "POST /consumers/bank-salaries/kill",
        f"GET /records/{record.pk}",
    ):
        assert call(what).status_code == 404, what


def test_who_holds_one_queue_has_one_consumer() -> None:
    user = team("bob", vhost="shop", queue="orders", level=2)
    call = calls(user)
    assert [item["name"] for item in call("GET /consumers").json()["items"]] == ["shop-orders"]
    page = browser(user).get(reverse("consumer_detail", args=["shop-orders"]))
    assert page.status_code == 200
    assert "parcels" not in page.text
    assert call("POST /consumers/shop-orders/pause").status_code == 202
    assert call("PATCH /consumers/shop-orders", prefetch=9).status_code == 403
    assert call("POST /consumers/shop-parcels/pause").status_code == 404


def test_buttons_of_a_list_are_of_each_row() -> None:
    user = team("eve", vhost="shop", level=1)
    Grant.objects.create(group=user.groups.get(), broker="default", vhost="shop", queue="orders", level=2)
    page = browser(user).get(reverse("consumer_list"))
    disabled = {
        row.summary.consumer.name: {bool(one.disabled) for one in row.buttons} for row in page.context["rows"]
    }
    assert disabled == {"shop-orders": {False}, "shop-parcels": {True}}
    assert reverse("host_list") not in page.text  # the machines are everybody's


def test_acts_on_many_are_on_theirs() -> None:
    call = calls(team("ann", vhost="shop", level=2))
    assert call("POST /consumers/stop-all", expect=3).status_code == 409
    stopped = call("POST /consumers/stop-all", expect=2)
    assert sorted(stopped.json()["done"]) == ["shop-orders", "shop-parcels"]
    assert of("bank-salaries").desired == "running"


def test_a_definition_stays_within_what_they_hold() -> None:
    call = calls(team("ann", vhost="shop"))
    given = {"broker": "default", "vhost": "shop", "queue": "orders", "handler": "record"}

    def problems(what: str, **fields: Any) -> set[str]:
        answer = call(what, **fields)
        assert answer.status_code == 422, answer.content
        return set(answer.json()["fields"])

    assert problems("POST /consumers", name="mine", **{**given, "vhost": "bank", "queue": "salaries"}) == {
        "queue"
    }
    assert call("POST /consumers", name="mine", **given).status_code == 201
    assert problems("PATCH /consumers/mine", vhost="bank", queue="salaries") == {"queue"}
    # What it passes messages to, they could publish to themselves.
    away = {**given, "handler": "forward"}
    for options, field in (
        ({"vhost": "bank", "routing_key": "salaries"}, "options.routing_key"),
        ({"vhost": "bank", "exchange": "payroll"}, "options.exchange"),
        ({"broker": "second", "routing_key": "salaries"}, "options.broker"),
    ):
        assert problems("POST /consumers", name="away", options=options, **away) == {field}, options
    within = {"routing_key": "parcels"}
    assert call("POST /consumers", name="within", options=within, **away).status_code == 201
    assert problems("PATCH /consumers/within", options={"vhost": "bank", "routing_key": "x"}) == {
        "options.routing_key"
    }
    # The server's variables are everybody's, and its network is.
    hook = {**given, "handler": "webhook"}
    for options, field in (
        ({"url": "https://example.org/?key=$WEBHOOK_KEY"}, "options.url"),
        ({"url": "https://example.org", "headers": '{"Authorization": "$WEBHOOK_KEY"}'}, "options.headers"),
        ({"url": "http://10.0.0.1", "allow_private": True}, "options.allow_private"),
    ):
        assert problems("POST /consumers", name="hook", options=options, **hook) == {field}, options
    plain = {"url": "https://example.org"}
    assert call("POST /consumers", name="hook", options=plain, **hook).status_code == 201
    assert not AuditEntry.objects.filter(outcome="done", detail__queue="salaries").exists()


def test_what_an_admin_defined_for_them_they_run_and_tune() -> None:
    options = {"url": "https://example.org/?key=$WEBHOOK_KEY"}
    make_consumer(name="given", vhost="shop", queue="orders", handler="webhook", options=options)
    call = calls(team("ann", vhost="shop"))
    assert call("PATCH /consumers/given", prefetch=17).status_code == 200
    assert call("PATCH /consumers/given", options={**options, "timeout_s": 1.0}).status_code == 422
    assert call("POST /consumers/given/duplicate").status_code == 422
    assert call("POST /consumers/shop-orders/duplicate").status_code == 201


def test_files_are_compared_by_what_is_theirs(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "consumers.yaml"
    place = "    broker: default\n    vhost: {0}\n    queue: {1}\n    handler: record\n"
    rows = [("new-a", "shop", "orders"), ("new-b", "bank", "salaries"), ("shop-orders", "shop", "orders")]
    text = "consumers:\n" + "".join(f"  {name}:\n{place.format(*where)}" for name, *where in rows)
    path.write_text(text)
    settings.MQADMIN_CONSUMERS_FILE = str(path)
    call = calls(team("ann", vhost="shop"))
    told = call("GET /consumer-files/drift").json()
    assert (told["lacking"], told["extra"]) == (["new-a"], ["shop-parcels"])
    plan = call("POST /consumer-files/import", dry_run=True).json()
    assert {step["name"]: step["act"] for step in plan["steps"]} == {"new-a": "create"}
    # Of a text of their own, what is not theirs is refused as a whole.
    both = call("POST /consumer-files/import", text=text)
    assert both.status_code == 422
    assert "new-b.queue" in both.json()["fields"]
    assert not Consumer.objects.filter(name__startswith="new-").exists()
    # What the file says is kept for all as it is.
    assert sorted(truth.read().entries) == ["new-a", "new-b", "shop-orders"]  # type: ignore[union-attr]
    everything = calls(person("admin"))("GET /consumer-files/drift").json()
    assert everything["lacking"] == ["new-a", "new-b"]
