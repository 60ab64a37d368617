"""Messages that RabbitMQ takes back since they are held too long, and acks that never arrive, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.definitions import consumer_timeout
from consumers.definitions.consumer_timeout import ConsumerTimeout
from consumers.models import Consumer, ConsumerProcess
from mqadmin.core.pages import formats, prose

LATELY = timedelta(days=1)  # what was longer ago is no news


@dataclass(frozen=True)
class HeldTooLong:
    """How often RabbitMQ took messages back from the running processes since these started, and when last.

    `limit_ms`: how long it lets a message be held, as it said; None where it did not.
    """

    times: int
    limit_ms: int | None
    last: datetime


def held(processes: Iterable[ConsumerProcess], now: datetime) -> HeldTooLong | None:
    """Return what happened to these processes within LATELY, None when nothing did."""
    rows = [row for row in processes if row.held_at is not None and row.held_at > now - LATELY]
    if not rows:
        return None
    last = max(rows, key=lambda row: row.held_at or now)
    limit = next((row.held_limit_ms for row in [last, *rows] if row.held_limit_ms), None)
    return HeldTooLong(sum(row.held_times for row in rows), limit, last.held_at or now)


def words(found: HeldTooLong, limit: ConsumerTimeout | None) -> str:
    """Say that messages are handled again and again: "RabbitMQ took messages back 3 times: ..."."""
    known = limit is not None and limit.source != "default"
    time = formats.duration(limit.seconds) if limit is not None and known else ""
    often = ngettext(
        "RabbitMQ took messages back %(n)s time", "RabbitMQ took messages back %(n)s times", found.times
    ) % {"n": formats.number(found.times)}
    if time:
        why = _("one was held longer than the %(time)s that it allows") % {"time": time}
    else:
        why = _("one was held longer than its consumer timeout allows")
    return _("%(often)s: %(why)s. They are handled again and again.") % {"often": often, "why": why}


def remedy(consumer: Consumer, limit: ConsumerTimeout | None) -> str:
    """Say what helps: a deadline, or a longer limit."""
    if consumer.is_collector:
        return _(
            "It holds letters that are too large to be stored, for 20 minutes at a time: nothing is lost, but each "
            "is delivered more often. Let RabbitMQ wait longer."
        )
    if limit is None or limit.source == "default":
        what = _("Set a deadline below RabbitMQ's consumer timeout.")
    elif 0 < consumer.timeout_seconds <= consumer_timeout.longest_deadline(consumer, limit):
        # It has one already: a thread that cannot be interrupted, or a database that was away.
        what = _("Its deadline is below that: see what held the messages beside the handler.")
    else:
        what = consumer_timeout.advice(consumer, limit)
    longer = _(
        "Or let RabbitMQ wait longer: consumer_timeout in its configuration, from 3.12 on a policy too."
    )
    return prose.paragraph((what, longer))
