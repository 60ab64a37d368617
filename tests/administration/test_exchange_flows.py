"""Who publishes to an exchange and which queues get it: as its page and the API tell it, or that it is not kept."""

from __future__ import annotations

from contextlib import closing
from html import escape
from urllib.parse import urlencode

import pika
import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration.exchanges import passing
from mqadmin.core import brokers
from mqadmin.local.node import Node
from mqadmin.rabbit.administration import exchange_flows
from mqadmin.rabbit.administration.exchange_flows import Flows
from tests.administration.conftest import HARD
from tests.support.management import Management
from tests.support.pages import html
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db]
HARD_NAME = HARD[4]
FLOWS = "/api/v1/exchanges/flows"


def test_who_publishes_and_what_gets_it(
    restartable_broker: Node, monkeypatch: pytest.MonkeyPatch, admin: Client, token: dict[str, str]
) -> None:
    """On a broker that keeps it: two channels, two queues of which one is reached by another exchange."""
    monkeypatch.setenv("RABBITMQ_URL", restartable_broker.amqp_url)
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", restartable_broker.management_url)
    brokers.forget()
    config = brokers.config("default")
    with temporary_vhost(config) as vhost, closing(Management(config)) as management:
        for name in (HARD_NAME, "behind"):
            management.declare_exchange(vhost, name, type="topic")
            management.declare_queue(vhost, name)
        management.bind(vhost, HARD_NAME, HARD_NAME, "order.#")
        management.bind(vhost, "behind", "behind", "#")
        connection = pika.BlockingConnection(config.connection_parameters(vhost))
        busy, still = connection.channel(), connection.channel()
        busy.exchange_bind("behind", HARD_NAME, "order.new")

        def told() -> Flows | None:
            for _ in range(10):
                busy.basic_publish(HARD_NAME, "order.new", b"x")
            busy.basic_publish(HARD_NAME, "nowhere", b"x")
            still.basic_publish(HARD_NAME, "order.old", b"x")
            connection.process_data_events(0)
            found = exchange_flows.read(management, vhost, HARD_NAME)
            is_all = len(found.publishers) == len(found.queues) == 2 and found.publishers[0].unroutable
            return found if is_all and found.queues[1].rate else None

        found = wait_until(told, 60, interval=0.2)
        one = {"vhost": vhost, "name": HARD_NAME}
        passing.forget()
        page = html(admin.get(f"{reverse('exchange_flow_list')}?{urlencode(one)}"))
        called = admin.get(FLOWS, one, headers=token).json()
        whole = html(admin.get(f"{reverse('exchange_detail')}?{urlencode(one)}"))
        connection.close()

    assert found is not None
    assert found.is_kept
    first, second = found.publishers
    assert [item.channel.rpartition(" ")[2] for item in found.publishers] == ["(1)", "(2)"]
    assert (first.user, first.address) == ("mqadmin", "127.0.0.1")
    assert first.rate > second.rate  # type: ignore[operator]
    assert not second.unroutable
    assert [item.name for item in found.queues] == [HARD_NAME, "behind"]  # the latter gets no "order.old"
    assert escape(first.channel) in page
    assert "Unroutable" in page
    assert HARD_NAME not in page, "a name is text"
    assert {item["name"] for item in called["queues"]} == {HARD_NAME, "behind"}
    assert {item["channel"] for item in called["publishers"]} == {first.channel, second.channel}
    assert reverse("exchange_flow_list") in whole


def test_what_a_broker_does_not_keep_is_said(
    management: Management, vhost: str, admin: Client, token: dict[str, str]
) -> None:
    management.declare_exchange(vhost, HARD_NAME, type="topic")
    one = {"vhost": vhost, "name": HARD_NAME}
    page = html(admin.get(f"{reverse('exchange_flow_list')}?{urlencode(one)}"))
    assert "management.rates_mode = detailed" in page
    assert "No channel" not in page
    assert admin.get(FLOWS, one, headers=token).json() == {"is_kept": False, "publishers": [], "queues": []}


def test_an_exchange_that_is_not_there(vhost: str, admin: Client, token: dict[str, str]) -> None:
    one = {"vhost": vhost, "name": "none"}
    assert admin.get(f"{reverse('exchange_flow_list')}?{urlencode(one)}").status_code == 200
    assert admin.get(FLOWS, one, headers=token).status_code == 404
    unnameable = admin.get(FLOWS, {**one, "name": ".."}, headers=token)
    assert (unnameable.status_code, unnameable.json()["code"]) == (409, "unaddressable")
