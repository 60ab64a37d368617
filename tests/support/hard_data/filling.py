"""A broker that has what is hard to show, and a row of everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pika
from pika.exchange_type import ExchangeType

from mqadmin.queues.models import Queue
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.rabbit.config import BrokerConfig
from tests.deadletters.factories import died
from tests.support.hard_data import rows
from tests.support.hard_data.names import Naming
from tests.support.hard_data.world import World
from tests.support.management import Management
from tests.support.waiting import wait_until


@contextmanager
def filled(config: BrokerConfig, vhost: str, named: Naming) -> Iterator[World]:
    """Declare queues that dead-letter, read one of them, sample the broker; then write a row of everything."""
    work, dead = named("work"), named("dead")
    parameters = config.connection_parameters(vhost)
    parameters.heartbeat = 0  # nobody serves it while pages are looked at
    parameters.client_properties = {"connection_name": named("client")}
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.exchange_declare(named("dlx"), ExchangeType.topic, durable=True)
        channel.queue_declare(dead, durable=True)
        channel.queue_bind(dead, named("dlx"), named("#"), {named("argument"): named("value")})
        arguments = {"x-dead-letter-exchange": named("dlx"), "x-dead-letter-routing-key": named("key")}
        channel.queue_declare(work, durable=True, arguments=arguments)
        channel.queue_bind(work, named("dlx"), named("other"))
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(dead, lambda *_: None, consumer_tag=named("tag"))
        headers = {named("header"): named("value"), **died(work, type=named("Error"), message=named("why"))}
        properties = {"message_id": named("id"), "type": named("type"), "app_id": named("app")}
        for queue in (work, dead):
            fields = pika.BasicProperties(headers=headers, **properties)
            channel.basic_publish("", queue, named("body").encode(), fields)
        _sample(config, vhost)
        channel.queue_declare(named("held"), durable=True, arguments={"x-queue-type": "quorum"})
        asked = {
            "user": quote(config.auth()[0]),
            "held": quote(named("held")),
            **_defined(config, vhost, named),
        }
        yield rows.write(vhost, named, headers, properties, asked)
    finally:
        connection.close()


def _defined(config: BrokerConfig, vhost: str, named: Naming) -> dict[str, str]:
    """Set a policy, and a shovel that goes nowhere; return what stands in addresses for what the broker names:
    the connection that was made, once it lists it, its node, a flag."""
    client = Management(config)
    try:
        body = {"pattern": "^", "definition": {"max-length": 10**6}, "priority": 1, "apply-to": "queues"}
        client.call("PUT", "policies", vhost, named("policy"), body=body)

        def listed() -> str | None:
            found = client.read("vhosts", vhost, "connections")
            return next((item["name"] for item in found if "name" in item), None)

        ends = {"src-uri": "amqp://", "src-queue": named("source"), "dest-queue": named("work")}
        value = {
            **ends,
            "src-protocol": "amqp091",
            "dest-protocol": "amqp091",
            "dest-uri": "amqp://127.0.0.1:1",
        }
        client.call("PUT", "parameters", "shovel", vhost, named("shovel"), body={"value": value})
        return {
            "connection": quote(wait_until(listed, 20, what="the broker to list the connection")),
            "shovel": quote(named("shovel")),
            "node": quote(client.read("nodes")[0]["name"]),
            "flag": quote(client.read("feature-flags")[0]["name"]),
        }
    finally:
        client.close()


def _sample(config: BrokerConfig, vhost: str) -> None:
    client = Management(config)
    sampler = Sampler("default", client)

    def is_counted() -> bool:
        sampler.sample()
        rows = Queue.objects.filter(vhost=vhost)
        return len(rows) == 2 and all(row.facts and row.state for row in rows)

    wait_until(is_counted, 20, what="the broker to count")
    client.close()
    Queue.objects.exclude(vhost=vhost).delete()  # those of other tests
    Queue.objects.update(
        ready=10**12,
        unacked=10**12,
        total=10**12,
        consumers=10**6,
        publish_rate=1e7,
        deliver_rate=1e7,
        ack_rate=1e7,
        clears_in=1e7,
        memory=2**42,
    )
