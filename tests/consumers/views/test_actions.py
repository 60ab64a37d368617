"""The buttons of a consumer: who may press them, and what they say."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from consumers.models import Consumer, ConsumerProcess
from tests.consumers.views.conftest import HX, get, text_of
from tests.support.consumers import make_consumer, make_process, make_supervisor

pytestmark = pytest.mark.django_db


def test_denied_buttons_are_there_and_say_why(viewer: Client, operator: Client) -> None:
    make_supervisor()
    make_process(make_consumer(name="orders", desired="running"))
    seen = text_of(get(viewer, "consumer_detail", "orders"))
    assert "/consumers/orders/stop/" not in seen
    assert seen.count("This needs the role operator or admin.") >= 2
    seen = text_of(get(operator, "consumer_detail", "orders"))
    assert 'formaction="/consumers/orders/stop/?from=running"' in seen
    assert "This needs the role admin." in seen


@pytest.mark.parametrize(
    "name", ["start", "stop", "pause", "resume", "restart", "redeliver", "kill", "scale", "delete"]
)
def test_acts_need_post_and_permission(viewer: Client, admin: Client, name: str) -> None:
    make_consumer(name="orders")
    address = reverse(f"consumer_{name}", args=["orders"])
    assert admin.get(address).status_code == 405
    assert viewer.post(address).status_code == 403
    assert Consumer.objects.get().desired == "stopped"


def test_operator_starts_and_stops_but_does_not_delete(operator: Client) -> None:
    make_consumer(name="orders")
    response = operator.post("/consumers/orders/start/")
    assert response.status_code == 302
    assert response["Location"] == "/consumers/orders/"
    assert Consumer.objects.get().desired == "running"
    over_htmx = operator.post("/consumers/orders/stop/", headers=HX)
    assert over_htmx.status_code == 204
    assert "finishes what is in hand" in over_htmx["HX-Trigger"]
    assert operator.post("/consumers/orders/delete/").status_code == 403


def test_a_click_too_late_is_told_so(operator: Client) -> None:
    make_consumer(name="orders", desired="running")
    response = operator.post("/consumers/orders/start/", headers=HX)
    assert response.status_code == 409
    assert "It is told to run already." in response["HX-Trigger"]


def test_scale(operator: Client) -> None:
    make_consumer(name="orders")
    assert operator.post("/consumers/orders/scale/", {"replicas": "3"}).status_code == 302
    assert Consumer.objects.get().replicas == 3
    for bad in ("", "many", "0", "51"):
        assert operator.post("/consumers/orders/scale/", {"replicas": bad}).status_code == 422
    assert Consumer.objects.get().replicas == 3


def test_delete(admin: Client) -> None:
    make_consumer(name="orders")
    make_consumer(name="collector", is_collector=True)
    assert admin.post("/consumers/orders/delete/")["Location"] == "/consumers/"
    refused = admin.post("/consumers/collector/delete/")
    assert refused.status_code == 409
    assert "stop tracking" in refused.content.decode()
    assert [consumer.name for consumer in Consumer.objects.all()] == ["collector"]


def test_nothing_in_hand_nothing_to_redeliver(viewer: Client, operator: Client) -> None:
    make_supervisor()
    process = make_process(make_consumer(name="orders", desired="running"))
    assert "Nothing is in hand." in text_of(get(operator, "consumer_detail", "orders"))
    ConsumerProcess.objects.filter(pk=process.pk).update(in_flight=1)
    assert 'formaction="/consumers/orders/redeliver/"' in text_of(get(operator, "consumer_detail", "orders"))
    assert 'formaction="/consumers/orders/redeliver/"' not in text_of(
        get(viewer, "consumer_detail", "orders")
    )
    Consumer.objects.update(ack="auto")
    text = text_of(get(operator, "consumer_detail", "orders"))
    assert "RabbitMQ has forgotten what it delivered" in text


def test_an_operator_redelivers(operator: Client) -> None:
    make_consumer(name="orders", desired="running")
    response = operator.post("/consumers/orders/redeliver/", headers=HX)
    assert (response.status_code, Consumer.objects.get().redelivers) == (204, 1)
    assert "back to the queue" in response["HX-Trigger"]
