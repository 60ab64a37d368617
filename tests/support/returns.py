"""Messages that their consumer returned again and again, made with bare pika."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support import amqp
from tests.support.waiting import wait_until


def nacks_count(management: ManagementClient) -> bool:
    """Whether a nack is a return that counts: up to RabbitMQ 4.2."""
    major, minor = map(int, management.overview().version.split(".")[:2])
    return (major, minor) < (4, 3)


def need_counted_nacks(management: ManagementClient) -> None:
    """Skip the test where a nack is no return that counts."""
    if not nacks_count(management):
        pytest.skip("a nack does not count here")


def return_often(config: BrokerConfig, vhost: str, queue: str, body: bytes, times: int) -> None:
    """Return one message so often. Those before it are held meanwhile and returned once, just before it."""
    with amqp.channel(config, vhost) as channel:
        before: list[int] = []

        def take() -> Any:
            method, _properties, found = channel.basic_get(queue)
            if method is None:
                return None
            if found != body:
                before.append(method.delivery_tag)
                return None
            return method.delivery_tag

        for number in range(times):
            tag = wait_until(take, what=f"{body!r} in {queue}")
            if number == times - 1:
                for other in before:
                    channel.basic_nack(other, requeue=True)
            channel.basic_nack(tag, requeue=True)
        channel.basic_qos(prefetch_count=0)  # answered once it has read the nacks


def bodies(config: BrokerConfig, vhost: str, queue: str, expect: int) -> list[bytes]:
    """Return the bodies of all that is in the queue, sorted, once as many as expected are ready."""
    wait_until(lambda: amqp.depth(config, vhost, queue) == expect, what=f"{expect} ready in {queue}")
    return sorted(item.body for item in amqp.drain(config, vhost, queue, expect=expect))
