"""What a consumer does, in plain sentences: the form, its page and the API say the same by this one function."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.definitions import leaving
from consumers.handlers import registry
from consumers.models import Consumer
from mqadmin.core import brokers
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration, number, rate
from mqadmin.queues.acts import destination
from mqadmin.queues.models import Queue


def of(consumer: Consumer) -> list[str]:
    """Return the sentences on a definition, the first on what every consumer does, the others on what only some do.

    The definition is taken as sound. Where its queue dead-letters to is as the monitor last saw it.
    """
    queue = destination.seen(consumer.broker, consumer.vhost, consumer.queue)
    values = {"reads": _reads(consumer), "fails": _fails(consumer, queue), "records": _records(consumer)}
    first = _("%(reads)s; %(fails)s; %(records)s.") % values
    rest = (_lost(consumer), _duplicates(consumer), _deadline(consumer), _limits(consumer), _when(consumer))
    return [first, *filter(None, rest)]


def _reads(consumer: Consumer) -> str:
    text = _("Reads “%(queue)s” of vhost “%(vhost)s” on broker %(broker)s with %(who)s%(hand)s")
    return text % {
        "queue": consumer.queue,
        "vhost": consumer.vhost,
        "broker": brokers.titles().get(consumer.broker, consumer.broker),
        "who": _who(consumer),
        "hand": _in_hand(consumer),
    } + _given(consumer)


def _who(consumer: Consumer) -> str:
    threads = ngettext("%(n)s thread", "%(n)s threads", consumer.concurrency) % {
        "n": number(consumer.concurrency)
    }
    if consumer.is_autoscaled:
        text = _("%(low)d to %(high)d processes of %(threads)s each")
        return text % {
            "low": consumer.autoscale_min,
            "high": consumer.autoscale_max,
            "threads": threads,
        }
    if consumer.single:
        return _("1 process of %(threads)s, never two at once") % {"threads": threads}
    text = ngettext("%(n)d process of %(threads)s", "%(n)d processes of %(threads)s", consumer.replicas)
    return text % {"n": consumer.replicas, "threads": threads}


def _in_hand(consumer: Consumer) -> str:
    """What it holds: with automatic acks RabbitMQ heeds no prefetch (rabbitmq.com/docs/confirms)."""
    if consumer.ack == Consumer.AckMode.AUTO:
        return ""
    several = consumer.is_autoscaled or consumer.replicas > 1
    if consumer.prefetch == 1:
        return _(", one message each in hand") if several else _(", one message in hand")
    text = _(", up to %(n)s messages each in hand") if several else _(", up to %(n)s messages in hand")
    return text % {"n": number(consumer.prefetch)}


def _given(consumer: Consumer) -> str:
    try:
        title = str(registry.get(consumer.handler).title)
    except registry.HandlerError:
        title = consumer.handler
    if consumer.batch_size > 1:
        text = _(", and gives up to %(n)s at once to “%(handler)s”")
        return text % {"n": number(consumer.batch_size), "handler": title}
    return _(", and gives each to “%(handler)s”") % {"handler": title}


def _fails(consumer: Consumer, queue: Queue | None) -> str:
    end = leaving.words(consumer, queue)
    if not consumer.retry_attempts:
        return _("a message that fails %(end)s") % {"end": end}
    text = ngettext(
        "a failed message is tried once more, after %(first)s, then %(end)s",
        "a failed message is tried %(n)s more times, the first after %(first)s, then %(end)s",
        consumer.retry_attempts,
    )
    first = duration(consumer.retry_first_delay)
    return text % {"n": number(consumer.retry_attempts), "first": first, "end": end}


def _records(consumer: Consumer) -> str:
    kinds = Consumer.Records
    if consumer.records == kinds.OFF:
        return _("nothing is recorded, only counted")
    if consumer.records == kinds.FAILURES:
        return _("only failures are recorded")
    if consumer.record_one_in > 1:
        return _("every failure is recorded, and one in %(n)s of the others") % {
            "n": number(consumer.record_one_in)
        }
    if consumer.records == kinds.BEST_EFFORT:
        return _("every message is recorded soon after its ack")
    return _("every message is recorded")


def _lost(consumer: Consumer) -> str:
    if consumer.ack != Consumer.AckMode.AUTO:
        return ""
    return _("RabbitMQ forgets each message as it sends it: what is in hand at a crash is lost.")


def _duplicates(consumer: Consumer) -> str:
    if not consumer.dedupe_key:
        return ""
    text = _("One that was handled within %(since)s (%(key)s) is acked without being handled again.")
    key = consumer.get_dedupe_key_display()
    if consumer.dedupe_path:
        key = prose.labelled(key, consumer.dedupe_path)
    return text % {"since": duration(consumer.dedupe_seconds), "key": key}


def _deadline(consumer: Consumer) -> str:
    parts = []
    if consumer.timeout_seconds:
        parts.append(
            _("One that takes longer than %(time)s fails.") % {"time": duration(consumer.timeout_seconds)}
        )
    if consumer.connection_retries:
        text = ngettext(
            "Where something cannot be reached it is tried once more, after %(first)s.",
            "Where something cannot be reached it is tried %(n)s more times, the first after %(first)s.",
            consumer.connection_retries,
        )
        first = duration(consumer.connection_delay)
        parts.append(text % {"n": number(consumer.connection_retries), "first": first})
    return prose.paragraph(parts)


def _limits(consumer: Consumer) -> str:
    if not consumer.rate_limit:
        return ""
    return _("Each process takes %(rate)s messages a second at most.") % {"rate": rate(consumer.rate_limit)}


def _when(consumer: Consumer) -> str:
    parts = []
    if consumer.placement:
        parts.append(_("It runs on hosts with %(labels)s only.") % {"labels": consumer.placement})
    if consumer.schedule:
        parts.append(_("It runs in its hours only: %(hours)s.") % {"hours": consumer.schedule})
    return prose.paragraph(parts)
