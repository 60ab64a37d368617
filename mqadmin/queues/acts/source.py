"""Whether messages can be taken from a queue, or who else holds them: asked of the broker, and said in words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mqadmin.core import brokers
from mqadmin.core.errors import Refusal
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.topology import taking
from mqadmin.rabbit.topology.taking import Holder
from mqadmin.rabbit.types import ConsumerInfo

SILENT_SECONDS = 10.0  # that a queue with ready messages gives none, before it is told
HELD_SECONDS = 60.0  # then the act ends


def require(queue: Queue) -> int:
    """Return how many messages are ready this instant. Raises Refusal (409) where none of them can be taken, and
    says by whom they are held; RabbitError when the broker cannot be asked."""
    detail = brokers.client(queue.broker.slug).queue(queue.vhost, queue.name)
    found = taking.holder(detail)
    if found is None or found.consumer is not None:
        ready, consumers = amqp.counts(brokers.config(queue.broker.slug), queue.vhost, queue.name)
        found = taking.holder(detail, consumers)
        if found is None:
            return ready
    raise Refusal(in_words(found, queue.name), "held")


def why_silent(queue: Queue) -> str:
    """Return in words why a queue with ready messages gives none. Raises RabbitError."""
    detail = brokers.client(queue.broker.slug).queue(queue.vhost, queue.name)
    found = taking.holder(detail)
    if found is not None:
        return in_words(found, queue.name)
    return _("“%(queue)s” has messages that are ready, and RabbitMQ delivers none of them.") % {
        "queue": queue.name
    }


def deletes_itself(queue: str) -> str:
    """Say why nothing is taken from a queue that deletes itself."""
    text = _(
        "“%(queue)s” deletes itself with what is in it when its last consumer leaves, and whoever takes messages "
        "out of it is one: what was not out yet would be lost."
    )
    return text % {"queue": queue}


def in_words(holder: Holder, queue: str) -> str:
    """Say what keeps a queue's messages from being taken."""
    values = {
        "queue": queue,
        "state": holder.state,
        "consumer": _consumer(holder.consumer) if holder.consumer else "",
    }
    texts = {
        "stream": _("“%(queue)s” is a stream: reading it takes nothing out."),
        "unavailable": _("“%(queue)s” is not available: its state is %(state)s."),
        "exclusive_queue": _("“%(queue)s” belongs to one connection: nobody else may consume from it."),
        "deletes_itself": deletes_itself(queue),
        "exclusive_consumer": _(
            "“%(queue)s” is consumed exclusively by %(consumer)s: nobody else gets its messages until that stops."
        ),
        "single_active": _(
            "“%(queue)s” gives its messages to its single active consumer alone, which is %(consumer)s: nobody "
            "else gets any until that stops."
        ),
    }
    return texts[holder.code] % values


def _consumer(consumer: ConsumerInfo) -> str:
    where = consumer.connection or consumer.peer
    values = {"tag": consumer.tag, "where": where, "user": consumer.user}
    if where and consumer.user:
        return _("“%(tag)s” on connection %(where)s of user %(user)s") % values
    return (_("“%(tag)s” on connection %(where)s") if where else _("“%(tag)s”")) % values
