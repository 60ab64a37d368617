"""What the fields of a definition are called, and what they do, in plain words."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from consumers.handlers import registry
from consumers.models import Consumer
from consumers.scaling import schedule_words
from mqadmin.core.pages import formats
from mqadmin.queues.acts import destination

LABELS: dict[str, Any] = {
    "name": gettext_lazy("Name"),
    "broker": gettext_lazy("Broker"),
    "vhost": gettext_lazy("Virtual host"),
    "queue": gettext_lazy("Queue"),
    "handler": gettext_lazy("Handler"),
    "replicas": gettext_lazy("Processes"),
    "concurrency": gettext_lazy("Threads per process"),
    "prefetch": gettext_lazy("Prefetch"),
    "mode": gettext_lazy("Mode"),
    "pull_interval": gettext_lazy("Look every, seconds"),
    "ack": pgettext_lazy("of a consumer", "Acknowledge"),
    "batch_size": gettext_lazy("Messages in a batch"),
    "batch_seconds": gettext_lazy("Wait for a full batch, seconds"),
    "order": gettext_lazy("Order"),
    "retry_attempts": gettext_lazy("Retries"),
    "retry_first_delay": gettext_lazy("First delay, seconds"),
    "retry_factor": gettext_lazy("Factor"),
    "retry_max_delay": gettext_lazy("Longest delay, seconds"),
    "retry_jitter": gettext_lazy("Spread"),
    "connection_retries": gettext_lazy("Retries when something cannot be reached"),
    "connection_delay": gettext_lazy("First delay of these, seconds"),
    "connect_attempts": gettext_lazy("Attempts to connect to RabbitMQ"),
    "dedupe_key": gettext_lazy("Two messages are the same by"),
    "dedupe_path": gettext_lazy("Where it stands"),
    "dedupe_seconds": gettext_lazy("Remember a handled one for, seconds"),
    "timeout_seconds": gettext_lazy("Deadline, seconds"),
    "deaths_limit": gettext_lazy("Deaths before it is out"),
    "rate_limit": gettext_lazy("At most, messages a second"),
    "record_one_in": gettext_lazy("Of the acked, keep one in"),
    "on_failure": gettext_lazy("A failed message leaves as"),
    "records": gettext_lazy("Keep records"),
    "body_capture": gettext_lazy("Keep bodies"),
    "body_cap": gettext_lazy("Of each body, bytes"),
    "consumer_priority": gettext_lazy("Consumer priority"),
    "exclusive": gettext_lazy("Exclusive"),
    "stop_seconds": gettext_lazy("Time to stop, seconds"),
    "autoscale_max": gettext_lazy("Processes at most"),
    "autoscale_min": gettext_lazy("Processes at least"),
    "autoscale_seconds": gettext_lazy("Have the queue empty within, seconds"),
    "placement": gettext_lazy("Hosts with these labels"),
    "schedule": gettext_lazy("Hours it may run in"),
    "memory_limit_mb": gettext_lazy("Memory of a process, MB"),
    "single": gettext_lazy("Never two at once"),
}
HELP: dict[str, Any] = {
    "name": gettext_lazy("Letters, digits, “-” and “_”. It stays: addresses and logs use it."),
    "queue": gettext_lazy("Type a part of its name. One that does not exist yet is waited for."),
    "replicas": gettext_lazy("How many, over all hosts that run a supervisor."),
    "concurrency": gettext_lazy("Messages that one process handles at the same time."),
    "prefetch": gettext_lazy("Messages that one process holds ahead of their acks, at most."),
    "mode": gettext_lazy(
        "Push: RabbitMQ delivers. Pull: the process asks for messages one by one, which is slower."
    ),
    "pull_interval": gettext_lazy("Between looks into an empty queue; the longer it stays empty, the rarer."),
    "batch_size": gettext_lazy(
        "One call of the handler gets so many; fewer when the wait is over. Prefetch holds a batch for each thread."
    ),
    "batch_seconds": gettext_lazy("Counted from the first message of the batch."),
    "order": gettext_lazy("By priority: the highest of those in hand runs first."),
    "retry_attempts": gettext_lazy("After the first attempt. 0: it fails at once."),
    "retry_factor": gettext_lazy("Each wait is so many times the one before."),
    "retry_jitter": gettext_lazy("Share by which a wait may be longer or shorter, 0 to 1."),
    "connection_retries": gettext_lazy(
        "Of errors that say “not reachable now”. Empty: they are treated like every other error."
    ),
    "connection_delay": gettext_lazy("Then it grows by the same factor, to the same longest delay."),
    "connect_attempts": gettext_lazy(
        "In a row; then the process ends and is started anew. 0: it never gives up."
    ),
    "dedupe_key": gettext_lazy("A message that was handled already is acked without being handled again."),
    "dedupe_path": gettext_lazy("The name of the header, or a path in the JSON body: order.id, items.0.sku."),
    "dedupe_seconds": gettext_lazy("86400 is a day, 31536000 a year."),
    "timeout_seconds": gettext_lazy("For one message. 0: as long as it takes."),
    "deaths_limit": gettext_lazy(
        "A message that kills its process so often is dead-lettered, not handled again. 0: never."
    ),
    "rate_limit": gettext_lazy("Of each process. 0: as fast as it can."),
    "records": gettext_lazy(
        "Durable: no ack without its record. Best effort is faster; a crash may lose the newest records."
    ),
    "record_one_in": gettext_lazy("1: all. Failures are always kept, counters always exact."),
    "body_cap": gettext_lazy("What is cut cannot be replayed from its record."),
    "consumer_priority": gettext_lazy("RabbitMQ serves the consumers with the highest first."),
    "exclusive": gettext_lazy("RabbitMQ lets no other consumer on the queue."),
    "stop_seconds": gettext_lazy("What is not done by then is killed; its messages return."),
    "autoscale_max": gettext_lazy("Empty: no autoscaling; “Processes” above says how many."),
    "autoscale_seconds": gettext_lazy("At the rate that messages come and are handled. 300 is five minutes."),
    "placement": gettext_lazy("All of them, like: zone=a, gpu. Empty: any host."),
    "schedule": gettext_lazy(
        "Like: mon-fri 08:00-18:00; sat 09:00-12:00 Europe/Berlin; not 2026-12-24. Empty: always. Outside its "
        "hours it stops as if a person had stopped it."
    ),
    "memory_limit_mb": gettext_lazy(
        "One that uses more finishes what it has in hand and is replaced. 0: no limit."
    ),
    "single": gettext_lazy(
        "One process on all hosts together: another begins only when the first has surely let go, though its "
        "host is cut off."
    ),
}


def beyond_defaults(consumer: Consumer) -> list[tuple[str, str]]:
    """Return (what, how) of the settings that most consumers leave alone, where this one does not."""
    found = [
        (_("Mode"), _pulled(consumer)),
        (_("Batches"), _batches(consumer)),
        (_("Not reachable"), _unreachable(consumer)),
        (_("Connecting"), _connecting(consumer)),
        (_("Duplicates"), _duplicates(consumer)),
        (_("Autoscale"), autoscaled(consumer)),
        (_("Never two at once"), _("one process on all hosts together") if consumer.single else ""),
        (_("Hosts"), _("with %(labels)s") % {"labels": consumer.placement} if consumer.placement else ""),
        (_("Hours"), schedule_words.describe(consumer.schedule, timezone.now())),
        (_("Memory"), _memory(consumer)),
    ]
    return [(label, text) for label, text in found if text]


def autoscaled(consumer: Consumer) -> str:
    """Say what autoscaling aims at: "1 to 8 processes, so that the queue is empty within 5 min"; "" while off."""
    if not consumer.is_autoscaled:
        return ""
    return _("%(low)d to %(high)d processes, so that the queue is empty within %(time)s") % {
        "low": consumer.autoscale_min,
        "high": consumer.autoscale_max,
        "time": formats.duration(consumer.autoscale_seconds),
    }


def _memory(consumer: Consumer) -> str:
    if not consumer.memory_limit_mb:
        return ""
    return _("a process that uses more than %(size)s is replaced") % {
        "size": formats.size(consumer.memory_limit_mb * 1024 * 1024)
    }


def _pulled(consumer: Consumer) -> str:
    if consumer.mode != Consumer.Mode.PULL:
        return ""
    every = formats.duration(consumer.pull_interval)
    return _("pulled one by one, a look every %(every)s; rarer while the queue is empty") % {"every": every}


def _batches(consumer: Consumer) -> str:
    if consumer.batch_size == 1:
        return ""
    return _("up to %(n)s messages, after %(wait)s with fewer") % {
        "n": formats.number(consumer.batch_size),
        "wait": formats.duration(consumer.batch_seconds),
    }


def _unreachable(consumer: Consumer) -> str:
    retries = consumer.connection_retries
    if retries is None:
        return ""
    if retries == 0:
        return _("such errors are not retried")
    text = ngettext(
        "such errors get %(n)s retry, after %(first)s",
        "such errors get %(n)s retries, the first after %(first)s",
        retries,
    )
    return text % {"n": formats.number(retries), "first": formats.duration(consumer.connection_delay)}


def _connecting(consumer: Consumer) -> str:
    attempts = consumer.connect_attempts
    if not attempts:
        return ""
    text = ngettext(
        "%(n)s attempt, then the process ends", "%(n)s attempts in a row, then the process ends", attempts
    )
    return text % {"n": formats.number(attempts)}


def _duplicates(consumer: Consumer) -> str:
    """A message that was handled already is not handled again: by what it is known, and how long."""
    key = Consumer.DedupeKey
    known = {
        key.MESSAGE_ID: _("by message id"),
        key.HEADER: _("by the header %(path)s"),
        key.JSON: _("by %(path)s in the JSON body"),
        key.BODY: _("by the whole body"),
    }
    if consumer.dedupe_key not in known:
        return ""
    how = known[key(consumer.dedupe_key)] % {"path": consumer.dedupe_path}
    since = formats.duration(consumer.dedupe_seconds)
    return _("%(how)s, within %(since)s: acked without being handled again") % {"how": how, "since": since}


def outlook(consumer: Consumer) -> list[str]:
    """Return what becomes of messages where its handler sends them, in sentences."""
    return registry.outlook(consumer.handler, consumer.options, _place(consumer))


def read_together(consumers: Iterable[Consumer]) -> AbstractContextManager[None]:
    """Within, `outlook` and `sentence.of` of these consumers ask no database: one query before, for all."""
    rows = list(consumers)
    reached = (registry.reached(item.handler, item.options, _place(item)) for item in rows)
    own = ((item.broker, item.vhost, item.queue) for item in rows)
    return destination.read_together([*filter(None, reached), *own])


def _place(consumer: Consumer) -> registry.Place:
    return registry.Place(consumer.name, consumer.broker, consumer.vhost, consumer.queue)
