"""A look at dead letters that brought the count they died of, as RabbitMQ has them do from 4.3 on."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.peek import peek
from tests.support import amqp
from tests.support.management import Management
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

LIMIT: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 7}


def test_one_that_came_past_the_limit_is_still_there(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "dead", arguments=LIMIT)
    to_dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    management.declare_queue(vhost, "orders", arguments=LIMIT | to_dead)
    amqp.publish(broker_config, vhost, "orders", [b"poison"])
    with amqp.channel(broker_config, vhost) as channel:
        for _ in range(8):
            found: Any = wait_until(lambda: (got := channel.basic_get("orders"))[0] and got)
            channel.basic_reject(found[0].delivery_tag)
    for _ in range(2):
        wait_until(lambda: amqp.depth(broker_config, vhost, "dead") == 1, what="it is there")
        [looked] = peek(management, vhost, "dead")
        assert looked.message.body == b"poison"
    [found] = amqp.drain(broker_config, vhost, "dead", expect=1)
    assert found.body == b"poison"
