"""What the list, the API and the overview say about consumers: definitions with their states and counters."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from django.utils import timezone

from consumers.definitions import consumer_timeout
from consumers.definitions.consumer_timeout import ConsumerTimeout
from consumers.models import Consumer, ConsumerProcess, Record, SupervisorHost
from consumers.records.minutes import FAILURES, Hour, last_hour
from consumers.runtime.copies.copies import DELAY_PREFIX
from consumers.status import held_words, line_words, state_words
from consumers.status.held_words import HeldTooLong
from consumers.status.state_words import Status
from consumers.supervisor import hosts
from mqadmin.core import permissions
from mqadmin.core.pages import formats
from mqadmin.core.rights import asking
from mqadmin.core.translating import gettext as _
from mqadmin.core.translating import ngettext
from mqadmin.queues.models import Broker, Queue

_LATELY = 2_000  # records, of all consumers, in which the commonest error is looked for


@dataclass(frozen=True)
class Errors:
    """Counts by what went wrong: the link to RabbitMQ, a channel or subscription on it, or a message."""

    connections: int
    channels: int
    messages: int


@dataclass(frozen=True)
class Summary:
    """One consumer with everything a row of the list shows. `processes`: the current ones.

    `delayed`: messages in the retry queues of its vhost, None when the monitor has never seen the broker.
    `limit`: for how long RabbitMQ lets a message be held, None for ever; `held`: that it took some back.
    `killed`: that a replica is killed again and again from outside, "" where none is.
    """

    consumer: Consumer
    status: Status
    processes: Sequence[ConsumerProcess]
    hour: Hour
    common_error: str
    delayed: int | None = None
    held: HeldTooLong | None = None
    limit: ConsumerTimeout | None = None
    killed: str = ""

    @property
    def rate(self) -> float:
        """Messages handled a second, by all its live processes."""
        return sum(row.rate for row in self.live)

    @property
    def live(self) -> list[ConsumerProcess]:
        return [row for row in self.processes if row.state in state_words.LIVE]

    @property
    def in_flight(self) -> int:
        return sum(row.in_flight for row in self.live)

    @property
    def room(self) -> int:
        """How many its live processes may hold unacked together."""
        return len(self.live) * self.consumer.prefetch

    @property
    def errors(self) -> Errors:
        """What went wrong in its live processes since each started, by what it went wrong with."""
        return Errors(
            connections=sum(row.connection_errors for row in self.live),
            channels=sum(row.channel_errors for row in self.live),
            messages=sum(row.failed for row in self.live),
        )

    @property
    def blocked(self) -> str:
        """Why RabbitMQ takes no copies from one of its processes, "" while it takes them from all."""
        return next((words for row in self.live if (words := line_words.blocked_words(row))), "")

    @property
    def p95_seconds(self) -> float | None:
        """How long 95 of 100 messages of the last hour took at most."""
        milliseconds = self.hour.total.quantile_ms(0.95)
        return None if milliseconds is None else milliseconds / 1000

    @property
    def success_percent(self) -> float | None:
        """Of the last hour, with one decimal, rounded down: 100 means that nothing failed."""
        share = self.hour.total.success
        return None if share is None else math.floor(share * 1000) / 10

    @property
    def words(self) -> str:
        """What stands in its way, else what comes again, else what fails in it, "" where all is well."""
        again = (self.held_words, self.killed)
        first = (self.status.words, *again) if self.status.is_trouble else (*again, self.status.words)
        parts = (*first, self.blocked, self._failures, self.unacked_words)
        return next(filter(None, parts), "")

    @property
    def _failures(self) -> str:
        values = {"n": self.hour.total.failed, "error": self.common_error}
        if not self.hour.total.failed:
            return ""
        if self.common_error:
            return _("%(n)d failed in the last hour, mostly %(error)s.") % values
        return _("%(n)d failed in the last hour.") % values

    @property
    def held_words(self) -> str:
        """That RabbitMQ took messages back that were held too long, "" where it did not."""
        return held_words.words(self.held, self.limit) if self.held is not None else ""

    @property
    def remedy(self) -> str:
        """What helps against that."""
        return held_words.remedy(self.consumer, self.limit)

    @property
    def deadline_warning(self) -> str:
        """That by its definition a message may be held too long, "" where it may not."""
        return consumer_timeout.warning(self.consumer, self.limit)

    @property
    def unacked_words(self) -> str:
        """How many of the last hour were handled well and come again, since their acks never arrived."""
        count = self.hour.total.unacked
        if not count:
            return ""
        text = ngettext(
            "%(n)s message handled in the last hour comes again: its ack never reached RabbitMQ.",
            "%(n)s messages handled in the last hour come again: their acks never reached RabbitMQ.",
            count,
        )
        return text % {"n": formats.number(count)}

    @property
    def sentence(self) -> str:
        """What stands under the name: `words`, else that all is well."""
        if self.words or self.status.state != "running" or self.consumer.is_collector:
            return self.words
        has_worked = bool(self.hour.total.handled)
        return _("Nothing failed in the last hour.") if has_worked else _("No message in the last hour.")


def supervised(now: datetime | None = None) -> bool:
    """Whether a supervisor has shown itself lately."""
    newest = (now or timezone.now()) - hosts.FRESH
    return SupervisorHost.objects.filter(heartbeat_at__gt=newest).exists()


@dataclass(frozen=True)
class Current:
    """One consumer and how it does now. `processes`: the current ones."""

    consumer: Consumer
    status: Status
    processes: Sequence[ConsumerProcess]


def states(consumers: Iterable[Consumer], now: datetime | None = None) -> list[Current]:
    """Return the state of each consumer, in their order, without their counters; four queries, one for none."""
    moment = now or timezone.now()
    found = list(consumers)
    if not found:
        return []
    processes: dict[int, list[ConsumerProcess]] = defaultdict(list)
    for row in ConsumerProcess.objects.filter(consumer__in=found, ended_at=None):
        processes[row.consumer_id].append(row)
    fleet = hosts.fleet(moment)
    return [
        Current(
            consumer,
            state_words.derive(
                consumer, processes[consumer.pk], supervised=bool(fleet.hosts), now=moment, fleet=fleet
            ),
            state_words.current(processes[consumer.pk]),
        )
        for consumer in found
    ]


def summaries(consumers: Iterable[Consumer], now: datetime | None = None) -> list[Summary]:
    """Return a summary of each consumer, in their order; a fixed number of queries for any number of them."""
    moment = now or timezone.now()
    return counted(states(consumers, moment), moment)


def counted(found: Sequence[Current], moment: datetime) -> list[Summary]:
    """Return a summary of each consumer whose state is known."""
    if not found:
        return []
    consumers = [item.consumer for item in found]
    hours = last_hour([consumer.pk for consumer in consumers], moment)
    errors = _common_errors()
    waiting = retry_depths({consumer.broker for consumer in consumers})
    held = {item.consumer.pk: held_words.held(item.processes, moment) for item in found}
    said = {pk: item.limit_ms for pk, item in held.items() if item is not None and item.limit_ms}
    limits = consumer_timeout.for_all(consumers, said)
    return [
        Summary(
            consumer=item.consumer,
            status=item.status,
            processes=item.processes,
            held=held[item.consumer.pk],
            limit=limits[item.consumer.pk],
            killed=next(filter(None, (state_words.killed_words(row, moment) for row in item.processes)), ""),
            hour=hours[item.consumer.pk],
            common_error=errors.get(item.consumer.pk, ""),
            delayed=_delayed(item.consumer, waiting),
        )
        for item in found
    ]


def _delayed(consumer: Consumer, waiting: Mapping[str, Mapping[str, int]]) -> int | None:
    if consumer.broker not in waiting:
        return None
    with asking.needing("view"):  # they wait together with those of the whole virtual host
        is_seen = permissions.allows(consumer.broker, consumer.vhost)
    return waiting[consumer.broker].get(consumer.vhost, 0) if is_seen else None


def retry_depths(brokers: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return broker -> vhost -> messages in its retry queues, as the monitor last saw them.

    A broker that was never sampled is not in it: nothing is known of its queues. A vhost without retry queues
    is not in its broker's table: nothing waits there.
    """
    found: dict[str, dict[str, int]] = {
        slug: {}
        for slug in Broker.objects.filter(slug__in=list(brokers), sampled_at__isnull=False).values_list(
            "slug", flat=True
        )
    }
    rows = Queue.objects.filter(name__startswith=DELAY_PREFIX, broker__slug__in=list(found), gone_at=None)
    for slug, vhost, total in (
        rows.values_list("broker__slug", "vhost").annotate(total=Sum("total")).order_by()
    ):
        found[slug][vhost] = total or 0
    return found


def summary(consumer: Consumer, now: datetime | None = None) -> Summary:
    """Return the summary of one consumer."""
    return summaries([consumer], now)[0]


def _common_errors() -> dict[int, str]:
    """Return the commonest error type of each consumer among the newest records.

    Counted here: asked to filter and to group, SQLite walks an index over all records instead.
    """
    newest = Record.objects.order_by("-id").values_list("consumer_id", "outcome", "error_type")[:_LATELY]
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for consumer_id, outcome, error_type in newest:
        if outcome in FAILURES and error_type:
            counts[consumer_id][error_type] += 1
    return {consumer_id: counter.most_common(1)[0][0] for consumer_id, counter in counts.items()}
