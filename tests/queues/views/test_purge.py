"""Purging a queue on the page, on a real broker."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import make_queue
from tests.queues.views.conftest import Buttons
from tests.support import amqp

pytestmark = pytest.mark.broker


def test_purge_states_the_count_and_starts_an_operation(
    operator: Client, work: Queue, broker_config: BrokerConfig
) -> None:
    amqp.publish(broker_config, work.vhost, "work", [b"x"] * 7)
    address = reverse("queue_purge", args=[work.pk])
    assert "Purge 7 messages" in Buttons(operator.get(address).content.decode()).allowed
    response = operator.post(address, {"expect": "7"})
    operation = Operation.objects.get(kind="queues.purge")
    assert response.headers["Location"] == reverse("operation_detail", args=[operation.pk])
    assert amqp.depth(broker_config, work.vhost, "work") == 7


def test_purge_refuses_when_the_count_changed(
    operator: Client, work: Queue, broker_config: BrokerConfig
) -> None:
    amqp.publish(broker_config, work.vhost, "work", [b"x"] * 7)
    response = operator.post(reverse("queue_purge", args=[work.pk]), {"expect": "3"})
    assert response.status_code == 409
    assert "holds 7 messages now, not 3" in response.content.decode()
    assert not Operation.objects.exists()
    assert AuditEntry.objects.get(action="queue.purge").outcome == "refused"


def test_purge_on_production_needs_the_name(
    operator: Client, work: Queue, broker_config: BrokerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    amqp.publish(broker_config, work.vhost, "work", [b"x"])
    address = reverse("queue_purge", args=[work.pk])
    assert "This is a production broker" in operator.get(address).content.decode()
    assert (
        "Type the name of the queue exactly"
        in operator.post(address, {"expect": "1", "typed": "wrk"}).content.decode()
    )
    assert not Operation.objects.exists()
    operator.post(address, {"expect": "1", "typed": "work"})
    assert Operation.objects.count() == 1


@pytest.mark.parametrize("typed", ["wo[U+202E]rk", "wo\u202erk"])
def test_a_name_that_cannot_be_typed_is_typed_as_it_is_written(
    operator: Client,
    broker: Broker,
    vhost: str,
    broker_config: BrokerConfig,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
) -> None:
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("wo\u202erk")
    amqp.publish(broker_config, vhost, "wo\u202erk", [b"x"])
    address = reverse("queue_purge", args=[make_queue(broker, "wo\u202erk", vhost).pk])
    assert "Type wo[U+202E]rk to go on" in operator.get(address).text
    assert "exactly" in operator.post(address, {"expect": "1", "typed": "work"}).text
    operator.post(address, {"expect": "1", "typed": typed})
    assert Operation.objects.count() == 1
