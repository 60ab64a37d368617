"""Declare the demo's topology, define and start its consumers, track one dead-letter queue.

Here, not among the consumers, because it tracks: `dlx.orders` is left for the newcomer to track.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consumers.demo import systems, topology
from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.capture import tracking
from mqadmin.deadletters.models import TrackedQueue
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.errors import RabbitError

ACTION = "demo.setup"


class Command(BaseCommand):
    help = "Set the demo up, once: a later run changes nothing (unless the broker was set up anew)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--broker", default="", help="the broker's name (default: the first)")

    def handle(self, *_args: Any, broker: str, **_options: Any) -> None:
        try:
            slug = broker or next(iter(brokers.configs()), "default")
            if _was_set_up(slug):
                return
            with audit.act(by=audit.SYSTEM, action=ACTION, broker=slug, target=topology.VHOST):
                set_up(slug)
        except (RabbitError, Refusal) as error:
            raise CommandError(f"The demo cannot be set up: {error}") from error


def _was_set_up(slug: str) -> bool:
    earlier = AuditEntry.objects.filter(action=ACTION, broker=slug, outcome=AuditEntry.Outcome.DONE)
    return earlier.exists() and topology.exists(brokers.client(slug))


def set_up(slug: str) -> None:
    """Make what is missing. Raises RabbitError and Refusal."""
    topology.declare(brokers.client(slug), brokers.config(slug).username)
    systems.define(slug, audit.SYSTEM)
    if TrackedQueue.objects.filter(broker=slug, vhost=topology.VHOST, queue=topology.TASKS_DEAD).exists():
        return
    # The monitor has perhaps not seen the new queue yet: give it the row that it would write.
    seen, _ = Broker.objects.get_or_create(slug=slug)
    queue, _ = Queue.objects.get_or_create(broker=seen, vhost=topology.VHOST, name=topology.TASKS_DEAD)
    tracking.track(queue=queue, by=audit.SYSTEM)
