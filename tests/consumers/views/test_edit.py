"""The form: what it offers, that bad input is told beside its field, and that nothing typed is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from consumers.definitions import versions
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
    "mode": "push",
    "pull_interval": "1",
    "retry_attempts": "3",
    "retry_first_delay": "1",
    "retry_factor": "2",
    "retry_max_delay": "300",
    "retry_jitter": "0.1",
    "connection_retries": "",
    "connection_delay": "5",
    "connect_attempts": "0",
    "dedupe_key": "",
    "dedupe_path": "",
    "dedupe_seconds": "86400",
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
    "autoscale_max": "",
    "autoscale_min": "1",
    "autoscale_seconds": "300",
    "placement": "",
    "schedule": "",
    "memory_limit_mb": "0",
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


def test_a_secret_in_an_option_is_warned_about_and_saved(admin: Client) -> None:
    url = "https://example.org/in?key=hunter2"
    hook = {**GOOD, "handler": "webhook", "option-url": url, "option-ack": "200", "option-timeout_s": "10"}
    hook |= {"option-method": "POST", "option-longest_wait_s": "300"}
    response = admin.post(
        NEW, {**hook, "option-url": ""}
    )  # sent again for another reason: what is typed is kept
    assert "A secret seems" not in response.content.decode()
    response = admin.post(NEW, {**hook, "prefetch": "0"})
    assert "A secret seems" in response.content.decode()

    page = admin.post(NEW, hook, follow=True).content.decode()
    assert "URL: A secret seems to stand here" in page
    assert Consumer.objects.get().options["url"] == url


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
        ("mode", "peek", "not one of"),
        ("pull_interval", "0.01", "From 0.05 to 3,600"),
        ("batch_size", "2", "one message at a time"),
        ("connection_retries", "many", "whole number"),
        ("connection_delay", "-1", "From 0 to"),
        ("connect_attempts", "1000001", "From 0 to"),
        ("dedupe_seconds", "0", "From 1 to"),
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
    if field not in ("handler", "broker", "mode"):
        assert f'value="{value}"' in text or not value
    assert 'value=" order processing "' in text or field == "queue"
    assert 'value="5"' in text


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        (
            {"mode": "pull", "exclusive": "on", "replicas": "1"},
            "exclusive",
            "Only a subscription can be exclusive",
        ),
        (
            {"mode": "pull", "consumer_priority": "5"},
            "consumer_priority",
            "Only a subscription has a priority",
        ),
        ({"dedupe_key": "header"}, "dedupe_path", "Which header?"),
        ({"dedupe_key": "json"}, "dedupe_path", "Which value?"),
        ({"dedupe_key": "body", "ack": "auto"}, "dedupe_key", "acknowledge manually"),
    ],
)
def test_what_does_not_go_together_is_told_beside_the_field(
    admin: Client, fields: dict[str, str], field: str, says: str
) -> None:
    response = admin.post(NEW, {**GOOD, **fields})
    assert response.status_code == 422
    assert says in errors_beside(response, field)
    assert response.content.decode().count('class="field-error"') == 1


def test_pull_mode_is_defined(admin: Client) -> None:
    values = {"mode": "pull", "pull_interval": "0.25", "ack": "auto", "connection_retries": "4"}
    assert admin.post(NEW, {**GOOD, **values}).status_code == 302
    consumer = Consumer.objects.get()
    assert (consumer.mode, consumer.pull_interval, consumer.ack) == ("pull", 0.25, "auto")
    assert consumer.connection_retries == 4


def test_no_number_for_connection_errors_is_none_at_all(admin: Client) -> None:
    admin.post(NEW, GOOD)
    assert Consumer.objects.get().connection_retries is None


def test_a_place_typed_for_another_key_is_forgotten(admin: Client) -> None:
    admin.post(NEW, {**GOOD, "dedupe_key": "message_id", "dedupe_path": "x-order"})
    consumer = Consumer.objects.get()
    assert (consumer.dedupe_key, consumer.dedupe_path) == ("message_id", "")


def test_batches_are_asked_for_where_the_handler_takes_them(admin: Client, batch_handler: str) -> None:
    fragment = {"HX-Request": "true", "HX-Request-Type": "partial"}
    plain = admin.get(NEW, {"handler": "record"}, headers=fragment).content.decode()
    assert 'name="batch_size"' not in plain
    text = admin.get(NEW, {"handler": batch_handler}, headers=fragment).content.decode()
    assert 'name="batch_size" value="1"' in text
    assert 'name="batch_seconds"' in text

    values = {"handler": batch_handler, "batch_size": "10", "batch_seconds": "0.5"}
    bad = admin.post(NEW, {**GOOD, **values})
    assert "50 or more" in errors_beside(bad, "prefetch")
    assert admin.post(NEW, {**GOOD, **values, "batch_size": ""}).status_code == 422
    assert admin.post(NEW, {**GOOD, **values, "prefetch": "50"}).status_code == 302
    assert (Consumer.objects.get().batch_size, Consumer.objects.get().batch_seconds) == (10, 0.5)


def test_a_handler_of_single_messages_takes_the_batch_away(admin: Client, batch_handler: str) -> None:
    consumer = make_consumer(name="orders", handler=batch_handler, batch_size=10, prefetch=99)
    response = admin.post("/consumers/orders/edit/", edited(consumer, handler="record"))
    assert response.status_code == 302, response.content.decode()
    assert Consumer.objects.get().batch_size == 1


def test_a_folded_section_says_how_much_is_set_in_it(admin: Client) -> None:
    make_consumer(name="plain")
    make_consumer(name="orders", dedupe_key="message_id", dedupe_seconds=60, connection_retries=0)
    assert not re.search(r">\d+ set<", admin.get("/consumers/plain/edit/").content.decode())
    text = admin.get("/consumers/orders/edit/").content.decode()
    assert re.findall(r">(\d+) set<", text) == ["1", "2"]


def test_a_folded_section_with_an_error_is_open(admin: Client) -> None:
    text = admin.post(NEW, {**GOOD, "stop_seconds": "0"}).content.decode()
    folded = re.findall(r'<details class="card section"( open)?>', text)
    assert folded == ["", "", "", " open", "", ""]


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
    return {**values, "seen": versions.seen(consumer), **fields}


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


def test_where_when_and_how_many_are_defined(admin: Client) -> None:
    fields = {
        "autoscale_max": "8",
        "autoscale_min": "2",
        "autoscale_seconds": "120",
        "placement": "zone=a, gpu",
        "schedule": "mon-fri 08:00-18:00 UTC",
        "memory_limit_mb": "512",
    }
    assert admin.post(NEW, {**GOOD, **fields}).status_code == 302
    consumer = Consumer.objects.get(name="orders")
    assert (consumer.autoscale_max, consumer.autoscale_min, consumer.autoscale_seconds) == (8, 2, 120)
    assert (consumer.placement, consumer.schedule) == ("zone=a, gpu", "mon-fri 08:00-18:00 UTC")
    assert (consumer.memory_limit_mb, consumer.single, consumer.revision) == (512, False, 1)

    text = re.sub(r"\s+", " ", admin.get("/consumers/orders/").content.decode())
    assert "2 to 8 processes, so that the queue is empty within 2 min" in text
    assert "2 now, as autoscale decides" in text
    assert "with zone=a, gpu" in text
    assert "Monday to Friday 08:00 to 18:00 (UTC)" in text
    assert "a process that uses more than 512 MB is replaced" in text


def test_no_most_is_no_autoscaling(admin: Client) -> None:
    for name, most in (("one", ""), ("two", "0")):
        assert admin.post(NEW, {**GOOD, "name": name, "autoscale_max": most}).status_code == 302
        assert Consumer.objects.get(name=name).autoscale_max == 0
    text = admin.get("/consumers/one/edit/").content.decode()
    assert re.search(r'<input[^>]*name="autoscale_max"(?![^>]* value=)[^>]*>', text)
    assert not re.search(r">\d+ set<", text)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"schedule": "mon-fri 08:00-25:00"}, "schedule", "At character 15, “25:00”: there is no such time"),
        ({"placement": "zone=a, =b"}, "placement", "“=b” has no name before its “=”"),
        ({"placement": "gpu fast"}, "placement", "Is “gpu fast” one label?"),
        ({"single": "on"}, "replicas", "“Never two at once” is ticked"),
        ({"single": "on", "autoscale_max": "4"}, "autoscale_max", "there is nothing to scale"),
        ({"autoscale_max": "3", "autoscale_min": "4"}, "autoscale_min", "Not more than the most, 3."),
        ({"autoscale_max": "51"}, "autoscale_max", "From 0 to 50."),
    ],
)
def test_faults_of_where_and_when_are_told_beside_the_field(
    admin: Client, fields: dict[str, str], field: str, words: str
) -> None:
    response = admin.post(NEW, {**GOOD, **fields})
    assert response.status_code == 422
    assert words in errors_beside(response, field)


def test_a_change_of_what_needs_no_restart_is_not_overwritten_either(admin: Client) -> None:
    make_consumer(name="orders", queue="q")
    text = admin.get("/consumers/orders/edit/").content.decode()
    (seen,) = re.findall(r'name="seen" value="([^"]+)"', text)
    Consumer.objects.update(schedule="sat 08:00-12:00")
    response = admin.post("/consumers/orders/edit/", {**GOOD, "seen": seen})
    assert response.status_code == 409
    assert Consumer.objects.get().schedule == "sat 08:00-12:00"
