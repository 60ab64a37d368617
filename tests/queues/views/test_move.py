"""Moving the messages of a queue on the page, on a real broker."""

from __future__ import annotations

import html

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core.models import Operation
from mqadmin.queues.models import Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.support import amqp
from tests.support.management import Management

pytestmark = pytest.mark.broker


def test_what_stands_against_it_is_beside_the_field_and_what_may_be_lost_is_asked(
    operator: Client, work: Queue, broker_config: BrokerConfig, management: Management
) -> None:
    amqp.publish(broker_config, work.vhost, "work", [b"x"] * 12)
    management.declare_queue(work.vhost, "small", arguments={"x-max-length": 5})
    address = reverse("queue_move", args=[work.pk])
    assert "allow_loss" not in operator.get(address).content.decode()
    response = operator.post(address, {"to_queue": "small"})
    text = response.content.decode()
    assert response.status_code == 409
    assert response.context["form"].errors["to_queue"][0].endswith("would be dropped. Only 5 more fit.")
    assert 'name="allow_loss"' in text
    assert not Operation.objects.exists()
    assert operator.post(address, {"to_queue": "small", "count": "5"}).status_code in (200, 302)
    assert Operation.objects.get().total == 5
    assert operator.post(address, {"to_queue": "small", "allow_loss": "1"}).status_code in (200, 302)
    assert Operation.objects.count() == 2


def test_of_a_queue_that_deletes_itself_it_says_so_before_anything_is_asked(
    operator: Client, work: Queue, broker_config: BrokerConfig
) -> None:
    amqp.publish(broker_config, work.vhost, "work", [b"x"])
    Queue.objects.filter(pk=work.pk).update(auto_delete=True)
    text = operator.get(reverse("queue_move", args=[work.pk])).content.decode()
    assert "“work” deletes itself with what is in it" in html.unescape(text)
    assert 'name="to_queue"' not in text
