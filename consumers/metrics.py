"""Consumers as metrics: definitions, the processes that run and their hosts, in seven queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from django.utils import timezone

from consumers.models import Consumer, ConsumerProcess
from consumers.status import state_words, summary
from consumers.supervisor import hosts
from mqadmin.core import brokers
from mqadmin.core.exposition import Family, Value, labels

# Of each process: name, help, and what its row says. Counters begin anew when the process does.
Reading = tuple[str, str, Callable[[ConsumerProcess], Value]]
COUNTERS: tuple[Reading, ...] = (
    ("handled_total", "Messages handled, whatever came of them.", lambda row: row.processed),
    ("failed_total", "Messages that failed for good.", lambda row: row.failed),
    ("retried_total", "Messages sent to wait for another attempt.", lambda row: row.retried),
    ("connection_errors_total", "Connections refused or lost.", lambda row: row.connection_errors),
    (
        "unacked_total",
        "Messages handled of which RabbitMQ could not be told, so that they come again.",
        lambda row: row.unacked,
    ),
    (
        "held_too_long_total",
        "Times that RabbitMQ took messages back that were held longer than its consumer timeout.",
        lambda row: row.held_times,
    ),
    (
        "channel_errors_total",
        "Channels or subscriptions ended by the broker.",
        lambda row: row.channel_errors,
    ),
)
GAUGES: tuple[Reading, ...] = (
    ("in_flight", "Messages delivered to the process and not settled yet.", lambda row: row.in_flight),
    (
        "blocked",
        "1 while RabbitMQ takes no copies from the process, or slowly.",
        lambda row: bool(row.blocked_reason),
    ),
)


def families() -> Iterator[Family]:
    """Return what is known of consumers on configured brokers, and of their live processes."""
    known = list(brokers.configs())
    consumers = list(Consumer.objects.filter(broker__in=known).order_by("pk"))
    processes = list(
        ConsumerProcess.objects.filter(
            consumer__broker__in=known, ended_at=None, state__in=ConsumerProcess.LIVE
        ).order_by("pk")
    )
    marks = {
        row.pk: {"broker": row.broker, "vhost": row.vhost, "queue": row.queue, "consumer": row.name}
        for row in consumers
    }
    yield from _of_consumers(consumers, processes, marks)
    # A consumer defined between the two queries has no labels yet: the next scrape has it.
    yield from _of_processes([row for row in processes if row.consumer_id in marks], marks)
    yield from _of_hosts()
    yield Family(
        "mqadmin_retry_messages",
        "gauge",
        "Messages in the retry queues of a virtual host, which all its consumers share.",
        [
            (labels(broker=slug, vhost=vhost), count)
            for slug, vhosts in summary.retry_depths(known).items()
            for vhost, count in vhosts.items()
        ],
    )


def _of_consumers(
    consumers: list[Consumer], processes: list[ConsumerProcess], marks: dict[int, dict[str, str]]
) -> Iterator[Family]:
    now = timezone.now()
    running = Counter(
        row.consumer_id
        for row in processes
        if row.state == ConsumerProcess.State.RUNNING and not state_words.is_silent(row, now)
    )
    texts = [(labels(**marks[row.pk]), row) for row in consumers]
    yield Family(
        "mqadmin_consumer_processes_running",
        "gauge",
        "Processes that consume now.",
        [(text, running[row.pk]) for text, row in texts],
    )
    yield Family(
        "mqadmin_consumer_processes_wanted",
        "gauge",
        "Processes that should consume; 0 while it is told to be paused or stopped, and outside its hours.",
        [
            (
                text,
                row.target
                if row.desired == Consumer.Desired.RUNNING and state_words.is_open(row, now)
                else 0,
            )
            for text, row in texts
        ],
    )


def _of_hosts() -> Iterator[Family]:
    """Hosts serve all brokers, so these carry no broker."""
    known = [(labels(host=state.row.name), state) for state in hosts.states()]
    yield Family(
        "mqadmin_supervisor_up",
        "gauge",
        "1 while the supervisor of the host reports; 0 once it has been silent for ten seconds.",
        [(text, not state.is_silent) for text, state in known],
    )
    now = timezone.now()
    yield Family(
        "mqadmin_supervisor_age_seconds",
        "gauge",
        "Seconds since the supervisor of the host last reported.",
        [(text, max(0.0, (now - state.row.heartbeat_at).total_seconds())) for text, state in known],
    )
    yield Family(
        "mqadmin_supervisor_drained",
        "gauge",
        "1 while nothing new is started on the host, as a person decided.",
        [(text, state.row.drained) for text, state in known],
    )
    yield Family(
        "mqadmin_supervisor_processes",
        "gauge",
        "Processes that the supervisor of the host started and that live.",
        [(text, state.running) for text, state in known],
    )
    yield Family(
        "mqadmin_supervisor_capacity",
        "gauge",
        "Processes that the host runs at most; absent without a limit.",
        [(text, state.row.capacity or None) for text, state in known],
    )


def _of_processes(processes: list[ConsumerProcess], marks: dict[int, dict[str, str]]) -> Iterator[Family]:
    now = timezone.now()
    texts = [(labels(**marks[row.consumer_id], process=row.pk, host=row.host), row) for row in processes]
    for name, help_text, read in COUNTERS:
        samples = [(text, read(row)) for text, row in texts]
        yield Family(f"mqadmin_consumer_{name}", "counter", help_text, samples)
    for name, help_text, read in GAUGES:
        yield Family(
            f"mqadmin_consumer_{name}", "gauge", help_text, [(text, read(row)) for text, row in texts]
        )
    yield Family(
        "mqadmin_consumer_connection_age_seconds",
        "gauge",
        "Seconds since the connection of the process stands; absent without one.",
        [
            (text, max(0.0, (now - row.connected_at).total_seconds()) if row.connected_at else None)
            for text, row in texts
        ],
    )
