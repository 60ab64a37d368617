"""How old the oldest message is, of real queues with known traffic."""

from __future__ import annotations

import time

import pytest

from mqadmin.queues.models import Queue
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.rabbit.amqp import channel as connected
from mqadmin.rabbit.config import BrokerConfig
from tests.support import amqp
from tests.support.management import Management
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.any_database, pytest.mark.broker, pytest.mark.django_db]


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_the_oldest_is_as_old_as_what_was_sent(
    management: Management, broker_config: BrokerConfig, vhost: str, kind: str
) -> None:
    management.declare_queue(vhost, "work", arguments={"x-queue-type": kind})
    sampler = Sampler("default", management)
    samples: list[float] = []  # when each began

    def row(ready: int) -> Queue | None:
        samples.append(time.time())
        sampler.sample()
        return Queue.objects.filter(vhost=vhost, name="work", ready=ready).first()

    def settled(ready: int) -> Queue:
        return wait_until(lambda: row(ready), 30, what=f"{ready} ready")

    assert settled(0).oldest_at is None
    before = samples[-1]
    amqp.publish(broker_config, vhost, "work", [b"x"] * 10)
    found = settled(10)
    assert not found.oldest_at_least
    assert before - 1 <= found.oldest_at <= time.time() + 1
    sampler.rest()
    was, sampler = found.oldest_at, Sampler("default", management)  # the monitor was started again
    found = settled(10)
    assert (found.oldest_at, found.oldest_at_least) == (pytest.approx(was, abs=1), False)
    before = samples[-1]
    amqp.publish(broker_config, vhost, "work", [b"y"] * 10)
    settled(20)
    with connected(broker_config, vhost, client_name="test") as channel:
        for _message in range(15):
            method, _properties, _body = channel.basic_get("work", auto_ack=True)
            assert method is not None
    found = settled(5)
    assert not found.oldest_at_least
    assert before - 1 <= found.oldest_at <= time.time() + 1
    with connected(broker_config, vhost, client_name="test") as channel:
        channel.queue_purge("work")
    assert settled(0).oldest_at is None


def test_what_was_there_before_is_at_least_so_old(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "work")
    amqp.publish(broker_config, vhost, "work", [b"x"] * 3)
    sampler = Sampler("default", management)

    def row() -> Queue | None:
        sampler.sample()
        return Queue.objects.filter(vhost=vhost, name="work", ready=3).first()

    found = wait_until(row, 30, what="three ready")
    # The first look may find it empty still, as the broker counts every five seconds: then they came since.
    assert found.oldest_at is not None
    assert found.oldest_at <= time.time()
