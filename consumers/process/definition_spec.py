"""From a consumer definition to what its process is told: settings resolved, the dead-letter target looked up."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from consumers.definitions.leaving import dead_letter_target
from consumers.handlers import registry
from consumers.models import Consumer
from consumers.runtime.spec import ConsumerSpec, DeadLetterTarget, Dedupe, RetryPolicy
from mqadmin.core import brokers
from mqadmin.queues.models import Queue
from mqadmin.rabbit.errors import ConfigurationError, NotFound, RabbitError
from mqadmin.rabbit.topology.routing import RoutingTable

FRESH = timedelta(seconds=60)


def spec(consumer: Consumer) -> ConsumerSpec:
    """Return what a process of `consumer` needs. Raises ConfigurationError with the reason for a person."""
    kind, arguments, policy = _queue(consumer)
    target = dead_letter_target(arguments, policy)
    if kind == "stream":
        raise ConfigurationError(
            f"{consumer.queue} is a stream: it keeps what is acked, so a consumer cannot work it off."
        )
    if consumer.on_failure == Consumer.OnFailure.REJECT and (fault := _fault(consumer, target)):
        raise ConfigurationError(
            f"{consumer.queue} {fault} "
            "Give the queue a dead-letter target that works, or let failed messages leave as copies."
        )
    return ConsumerSpec(
        name=consumer.name,
        broker=brokers.config(consumer.broker),
        vhost=consumer.vhost,
        queue=consumer.queue,
        host=socket.gethostname(),
        concurrency=consumer.concurrency,
        prefetch=consumer.prefetch,
        pull_interval=consumer.pull_interval if consumer.mode == Consumer.Mode.PULL else 0.0,
        is_batch=registry.get(consumer.handler).batch,
        batch_size=consumer.batch_size,
        batch_seconds=consumer.batch_seconds,
        auto_ack=consumer.ack == Consumer.AckMode.AUTO,
        by_priority=consumer.order == "priority",
        consumer_priority=consumer.consumer_priority,
        exclusive=consumer.exclusive,
        retry=_retry(consumer, consumer.retry_attempts, consumer.retry_first_delay),
        connection_retry=(
            None
            if consumer.connection_retries is None
            else _retry(consumer, consumer.connection_retries, consumer.connection_delay)
        ),
        connect_attempts=consumer.connect_attempts,
        ack_first=consumer.records == Consumer.Records.BEST_EFFORT,
        dedupe=_dedupe(consumer),
        reject_on_failure=consumer.on_failure == Consumer.OnFailure.REJECT,
        dead_letter=target,
        parking_queue=settings.MQADMIN_PARKING_QUEUE,
        stop_seconds=consumer.stop_seconds,
        timeout=consumer.timeout_seconds,
        rate_limit=consumer.rate_limit,
        deaths_limit=consumer.deaths_limit,
    )


def _retry(consumer: Consumer, attempts: int, first_delay: float) -> RetryPolicy:
    return RetryPolicy(
        attempts=attempts,
        first_delay=first_delay,
        factor=consumer.retry_factor,
        max_delay=max(consumer.retry_max_delay, first_delay),
        jitter=consumer.retry_jitter,
    )


def _dedupe(consumer: Consumer) -> Dedupe | None:
    if not consumer.dedupe_key:
        return None
    return Dedupe(consumer.dedupe_key, consumer.dedupe_path, consumer.dedupe_seconds)  # type: ignore[arg-type]


def _fault(consumer: Consumer, target: DeadLetterTarget | None) -> str:
    """Return what RabbitMQ would do to a rejected message other than dead-letter it, "" where that is not known."""
    if target is None:
        return "has no dead-letter exchange: RabbitMQ would drop every rejected message."
    client, vhost = brokers.client(consumer.broker), consumer.vhost
    try:
        queues = [queue.key for queue in client.queues(vhost)]
        table = RoutingTable(queues, client.bindings(vhost), client.exchanges(vhost))
    except RabbitError:
        return ""
    route = table.route(vhost, target.exchange, target.routing_key)
    if not route.exchange_exists:
        return (
            f"dead-letters to exchange {target.exchange}, which does not exist: RabbitMQ would drop every "
            "rejected message."
        )
    if not route.certain:
        return ""
    if not route.queues:
        place = f"exchange {target.exchange}" if target.exchange else f"queue {target.routing_key}"
        why = "which leads to no queue" if target.exchange else "which does not exist"
        return f"dead-letters to {place}, {why}: RabbitMQ would drop every rejected message."
    if route.queues == (consumer.queue,):
        return "dead-letters to itself: every rejected message would come back at once, for ever."
    return ""


def _queue(consumer: Consumer) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """Return type, arguments and effective policy: of the monitor's newest picture, else of the broker.

    When neither knows the queue it may be about to be declared: the process then waits for it.
    """
    row = (
        Queue.objects.filter(
            broker__slug=consumer.broker, vhost=consumer.vhost, name=consumer.queue, gone_at=None
        )
        .select_related("broker")
        .first()
    )
    if row is not None and row.broker.sampled_at and timezone.now() - row.broker.sampled_at < FRESH:
        return row.type, row.arguments, row.effective_policy
    try:
        info = brokers.client(consumer.broker).queue(consumer.vhost, consumer.queue).info
    except ConfigurationError:
        raise
    except NotFound:
        return "", {}, {}
    except RabbitError:
        return (row.type, row.arguments, row.effective_policy) if row is not None else ("", {}, {})
    return info.type, info.arguments, info.effective_policy
