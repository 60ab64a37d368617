"""Looking at messages on the page, on a real broker."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core.models import AuditEntry
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.queues.conftest import HOSTILE, make_queue
from tests.queues.views.conftest import HTMX, Buttons, detail
from tests.support import amqp
from tests.support.management import Management
from tests.support.pages import html
from tests.support.returns import bodies, need_counted_nacks, return_often

pytestmark = pytest.mark.broker


def test_peek_shows_and_keeps_the_messages(
    operator: Client, work: Queue, broker_config: BrokerConfig
) -> None:
    amqp.publish(
        broker_config,
        work.vhost,
        "work",
        [json.dumps({"order": n}).encode() for n in range(3)],
        headers={HOSTILE: HOSTILE},
        type=HOSTILE,
    )
    text = html(operator.post(reverse("queue_peek", args=[work.pk]), {"count": "2"}, headers=HTMX))
    assert text.count('class="message"') == 2
    assert "&quot;order&quot;: 0" in text
    assert HOSTILE not in text
    assert amqp.depth(broker_config, work.vhost, "work") == 3
    assert AuditEntry.objects.get(action="queue.peek").count == 2


def test_peek_is_refused_where_it_would_harm(
    operator: Client, broker: Broker, management: Management, vhost: str, broker_config: BrokerConfig
) -> None:
    need_counted_nacks(management)
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 3}
    management.declare_queue(vhost, "fragile", arguments=arguments)
    amqp.publish(broker_config, vhost, "fragile", [b"x"])
    queue = make_queue(broker, "fragile", vhost, type="quorum", arguments=arguments)
    text = html(operator.post(reverse("queue_peek", args=[queue.pk]), {"count": "1"}, headers=HTMX))
    assert "Not done." in text
    assert "3 returns" in text
    assert "3 returns" in Buttons(detail(operator, queue)).denied["Look"]
    assert AuditEntry.objects.get(action="queue.peek").outcome == "refused"
    (message,) = amqp.drain(broker_config, vhost, "fragile", expect=1)
    assert not message.redelivered


def test_what_was_put_back_as_a_copy_is_said(
    operator: Client, broker: Broker, management: Management, vhost: str, broker_config: BrokerConfig
) -> None:
    need_counted_nacks(management)
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 20}
    management.declare_queue(vhost, "near", arguments=arguments)
    amqp.publish(broker_config, vhost, "near", [b"x"])
    return_often(broker_config, vhost, "near", b"x", 20)
    queue = make_queue(broker, "near", vhost, type="quorum", arguments=arguments)
    assert "19 times or more does not bear it" in detail(operator, queue)
    text = html(operator.post(reverse("queue_peek", args=[queue.pk]), {"count": "1"}, headers=HTMX))
    assert "1 message could not bear another return" in text
    assert "put back as a copy" in text
    assert bodies(broker_config, vhost, "near", 1) == [b"x"]
