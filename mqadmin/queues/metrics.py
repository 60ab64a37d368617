"""Brokers and queues as metrics: the monitor's newest rows and its leases, in three queries."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

from django.conf import settings
from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.core.acts import leases
from mqadmin.core.exposition import Family, labels
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.monitor import monitor


def families() -> Iterator[Family]:
    """Return what is known of the configured brokers; a number that the broker did not report is left out."""
    yield from _brokers()
    yield from _queues()


def _brokers() -> Iterator[Family]:
    seen = {row.slug: row for row in Broker.objects.only("slug", "reachable", "sampled_at")}
    marks = {slug: labels(broker=slug) for slug in brokers.configs()}
    now = timezone.now()
    ages = {slug: (now - row.sampled_at).total_seconds() for slug, row in seen.items() if row.sampled_at}
    yield Family(
        "mqadmin_broker_up",
        "gauge",
        "1 if the monitor reached the broker at its last try.",
        [(text, slug in seen and seen[slug].reachable is True) for slug, text in marks.items()],
    )
    # Whatever the broker does: this is of the monitor itself.
    watched = leases.ages("monitor:")
    lease = max(monitor.LEASE_S, 4 * settings.MQADMIN_SAMPLE_SECONDS)
    since = {slug: watched.get(f"monitor:{slug}") for slug in marks}
    yield Family(
        "mqadmin_monitor_up",
        "gauge",
        "1 while a monitor is there for the broker, whether that answers or not.",
        [(text, (age := since[slug]) is not None and age <= lease) for slug, text in marks.items()],
    )
    yield Family(
        "mqadmin_monitor_age_seconds",
        "gauge",
        "Seconds since a monitor last turned to the broker; absent when none does.",
        [(text, since[slug]) for slug, text in marks.items()],
    )
    yield Family(
        "mqadmin_broker_sample_age_seconds",
        "gauge",
        "Seconds since the monitor last read the broker; it grows while broker or monitor are away.",
        [(text, ages.get(slug)) for slug, text in marks.items()],
    )


def _queues() -> Iterator[Family]:
    known = list(brokers.configs())
    rows = Queue.objects.filter(broker__slug__in=known, gone_at=None).order_by("pk")
    fields = ("broker__slug", "vhost", "name", "oldest_at", "ready", "unacked", "consumers", "health_rank")
    now = timezone.now().timestamp()
    found = [
        (labels(broker=slug, vhost=vhost, queue=name), *numbers, None if at is None else round(now - at, 1))
        for slug, vhost, name, at, *numbers in rows.values_list(*fields).iterator()
    ]
    wanted = [
        ("mqadmin_queue_messages_ready", "Messages ready for delivery."),
        ("mqadmin_queue_messages_unacked", "Messages delivered and not acked yet."),
        ("mqadmin_queue_consumers", "Consumers on the queue, whoever runs them."),
        ("mqadmin_queue_health", "The verdict: 3 broken, 2 watch, 1 working, 0 idle or unknown."),
        ("mqadmin_queue_oldest_seconds", "How long the oldest ready message has waited, estimated."),
    ]
    for place, (name, help_text) in enumerate(wanted, start=1):
        yield Family(name, "gauge", help_text, map(itemgetter(0, place), found))
