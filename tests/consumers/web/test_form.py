"""The form: what it offers, that bad input is told beside its field, and that nothing typed is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from consumers import forms
from consumers.handlers import registry
from consumers.models import Consumer
from mqadmin.queues.models import Broker, Queue
from tests.support.consumers import make_consumer

pytestmark = pytest.mark.django_db

NEW = "/consumers/new/"
GOOD = {
    "name": "orders",
    "broker": "default",
    "vhost": "/",
    "queue": " order processing ",
    "handler": "record",
    "replicas": "2",
    "concurrency": "5",
    "prefetch": "20",
    "retry_attempts": "3",
    "retry_first_delay": "1",
    "retry_factor": "2",
    "retry_max_delay": "300",
    "retry_jitter": "0.1",
    "timeout_seconds": "0",
    "deaths_limit": "3",
    "rate_limit": "0",
    "record_one_in": "1",
    "on_failure": "republish",
    "records": "durable",
    "body_capture": "failures",
    "body_cap": "262144",
    "ack": "manual",
    "order": "fifo",
    "consumer_priority": "0",
    "stop_seconds": "30",
}


def errors_beside(response: Any, field: str) -> str:
    """Return the messages inside the box of one field."""
    found = re.search(rf'<div class="field bad field-{field}">(.*?)</div>', response.content.decode(), re.S)
    return " ".join(re.findall(r'class="field-error"[^>]*>([^<]*)<', found[1])) if found else ""


def with_options() -> Any:
    """Return a registered handler that has a number among its options."""
    for found in registry.offered():
        for item in registry.option_fields(found):
            if item.type is int:
                return found, item
    raise AssertionError("no handler has a number to set")


def test_only_admins_define(viewer: Client, operator: Client, admin: Client) -> None:
    make_consumer(name="orders")
    for address in (NEW, "/consumers/orders/edit/"):
        assert viewer.get(address).status_code == 403
        assert operator.post(address, GOOD).status_code == 403
        assert admin.get(address).status_code == 200
        assert admin.delete(address).status_code == 405


def test_define_and_leave_it_stopped(admin: Client) -> None:
    response = admin.post(NEW, GOOD)

    assert response.status_code == 302, response.content.decode()
    assert response["Location"] == "/consumers/orders/"
    consumer = Consumer.objects.get()
    assert (consumer.desired, consumer.queue, consumer.concurrency) == ("stopped", " order processing ", 5)
    assert consumer.changed_by == "the-admin"


def test_define_and_start(admin: Client) -> None:
    admin.post(NEW, {**GOOD, "start": "1"})
    assert Consumer.objects.get().desired == "running"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "no slug!", "valid"),
        ("name", "", "required"),
        ("name", "taken", "exists"),
        ("queue", "", "required"),
        ("queue", "ü" * 128, "255 bytes"),
        ("queue", "events", "stream"),
        ("handler", "", "required"),
        ("handler", "os.system", "not one of"),
        ("broker", "nowhere", "not one of"),
        ("prefetch", "many", "whole number"),
        ("prefetch", "2", "5 or more"),
        ("replicas", "51", "From 1 to 50"),
        ("retry_max_delay", "0.5", "first delay"),
        ("stop_seconds", "nan", "number"),
    ],
)
def test_bad_input_is_told_beside_its_field_and_kept(
    admin: Client, field: str, value: str, says: str
) -> None:
    make_consumer(name="taken")
    broker = Broker.objects.create(slug="default")
    Queue.objects.create(broker=broker, vhost="/", name="events", type="stream")

    response = admin.post(NEW, {**GOOD, field: value})

    assert response.status_code == 422
    assert says in errors_beside(response, field)
    assert not Consumer.objects.filter(name="orders").exists()
    text = response.content.decode()
    if field not in ("handler", "broker"):
        assert f'value="{value}"' in text or not value
    assert 'value=" order processing "' in text or field == "queue"
    assert 'value="5"' in text


def test_a_folded_section_with_an_error_is_open(admin: Client) -> None:
    text = admin.post(NEW, {**GOOD, "stop_seconds": "0"}).content.decode()
    folded = re.findall(r'<details class="card section"( open)?>', text)
    assert folded == ["", " open"]


def test_options_of_the_chosen_handler_are_offered_and_checked(admin: Client) -> None:
    found, item = with_options()
    fragment = admin.get(
        NEW, {"handler": found.name}, headers={"HX-Request": "true", "HX-Request-Type": "partial"}
    ).content.decode()
    assert f'name="option-{item.name}"' in fragment
    assert "<html" not in fragment

    bad = admin.post(NEW, {**GOOD, "handler": found.name, f"option-{item.name}": "lots"})
    assert bad.status_code == 422
    assert "whole number" in errors_beside(bad, item.name)
    assert 'value="lots"' in bad.content.decode()

    good = {f"option-{one.name}": str(one.default) for one in registry.option_fields(found)}
    admin.post(NEW, {**GOOD, "handler": found.name, **good})
    assert Consumer.objects.get().options[item.name] == item.default


def test_options_that_the_form_did_not_show_have_their_defaults(admin: Client) -> None:
    found, item = with_options()
    admin.post(NEW, {**GOOD, "handler": found.name})
    assert Consumer.objects.get().options[item.name] == item.default


def test_without_script_the_options_come_by_a_button(admin: Client) -> None:
    found, item = with_options()
    response = admin.post(NEW, {**GOOD, "handler": found.name, "refresh": "1"})
    assert response.status_code == 200
    assert f'name="option-{item.name}"' in response.content.decode()
    assert 'value=" order processing "' in response.content.decode()


def test_a_queue_chosen_elsewhere_is_filled_in(admin: Client) -> None:
    broker = Broker.objects.create(slug="default")
    Queue.objects.create(broker=broker, vhost="/", name="a&b<c>")
    text = admin.get(NEW, {"broker": "default", "vhost": "/", "queue": "Order.Processing"}).content.decode()
    assert 'value="Order.Processing"' in text
    assert 'value="order-processing"' in text
    assert '<option value="a&amp;b&lt;c&gt;">' in text


def edited(consumer: Consumer, **fields: str) -> dict[str, str]:
    values = {name: value for name, value in GOOD.items() if name != "name"}
    return {**values, "seen": forms.seen(consumer), **fields}


def test_edit_changes_and_keeps_the_name(admin: Client) -> None:
    consumer = make_consumer(name="orders", options={})

    response = admin.post(reverse("consumer_edit", args=["orders"]), edited(consumer, prefetch="99"))

    assert response.status_code == 302, response.content.decode()
    consumer.refresh_from_db()
    assert (consumer.prefetch, consumer.revision, consumer.name) == (99, 2, "orders")


def test_edit_over_somebody_elses_change_is_refused_and_nothing_lost(admin: Client) -> None:
    consumer = make_consumer(name="orders")
    mine = edited(consumer, prefetch="99")
    Consumer.objects.filter(pk=consumer.pk).update(revision=2, prefetch=50)

    response = admin.post(reverse("consumer_edit", args=["orders"]), mine)

    assert response.status_code == 409
    assert "Somebody else has changed it" in response.content.decode()
    assert 'value="99"' in response.content.decode()
    assert Consumer.objects.get().prefetch == 50


def test_edit_of_a_collector_keeps_its_handler(admin: Client) -> None:
    consumer = make_consumer(name="collector", handler="collect", is_collector=True)
    response = admin.post("/consumers/collector/edit/", edited(consumer, handler="collect", prefetch="99"))
    assert response.status_code == 302, response.content.decode()
    assert Consumer.objects.get().handler == "collect"


def test_a_handler_that_is_gone_is_told(admin: Client) -> None:
    make_consumer(name="orders", handler="once.there")
    assert "once.there" in admin.get("/consumers/orders/edit/").content.decode()
    assert "No handler is named" in admin.get("/consumers/orders/").content.decode()


def test_auto_ack_warns(admin: Client) -> None:
    assert "A crash, a kill or an error loses what was in hand" in admin.get(NEW).content.decode()
