"""Messages that a real broker eats: by their time to live, at a length limit; and where all are taken, none."""

from __future__ import annotations

import pytest

from mqadmin.queues.models import Queue
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.rabbit.amqp import channel as connected
from mqadmin.rabbit.config import BrokerConfig
from tests.support import amqp
from tests.support.management import Management
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db]


def test_what_the_broker_eats_is_told_and_how(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    arguments = {"expires": {"x-message-ttl": 50}, "limited": {"x-max-length": 5}, "taken": {}}
    for name, own in arguments.items():
        management.declare_queue(vhost, name, arguments=own)
    sampler = Sampler("default", management)

    def told() -> dict[str, str]:
        """Publish twenty to each, take those of one away, and return how each is said to lose messages."""
        for name in arguments:
            amqp.publish(broker_config, vhost, name, [b"x"] * 20)
        with connected(broker_config, vhost, client_name="test") as channel:
            while channel.basic_get("taken", auto_ack=True)[0] is not None:
                pass
        sampler.sample()
        rows = Queue.objects.filter(vhost=vhost)
        reasons = {row.name: {item["code"]: item["params"] for item in row.health_reasons} for row in rows}
        found = {name: reason["losing"]["how"] for name, reason in reasons.items() if "losing" in reason}
        return found if len(found) > 1 else {}

    found = wait_until(told, 60, what="what is lost to be told")
    assert found == {"expires": "expired", "limited": "dropped"}
