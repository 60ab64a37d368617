"""What history keeps of managed consumers, and the lines that are drawn of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from consumers.models import Consumer, ConsumerMinute, ConsumerProcess
from mqadmin.history.recording import Key, Raw
from mqadmin.queues.pages import history
from mqadmin.queues.pages.history import Shown

KIND = "consumer"
_MIB = 2**20


def source(broker: str) -> Mapping[Key, Raw]:
    """Return the numbers of `history.kinds.CONSUMER` of a broker's consumers, in three queries.

    Those of the last full minute are exact (`ConsumerMinute`); memory is told in whole MiB, so that it is
    stored when it changes and not when it flickers.
    """
    consumers = list(Consumer.objects.filter(broker=broker))
    if not consumers:
        return {}
    processes = ConsumerProcess.objects.filter(
        consumer__broker=broker, ended_at=None, state__in=ConsumerProcess.LIVE
    )
    running = Count("pk", filter=Q(state=ConsumerProcess.State.RUNNING))
    alive = {
        number: (count, memory)
        for number, count, memory in processes.order_by()
        .values_list("consumer")
        .annotate(running=running, memory=Sum("rss_bytes"))
    }
    last = ConsumerMinute.objects.filter(consumer__broker=broker, minute=int(time.time() // 60) - 1)
    minutes = {
        number: (handled, failed)
        for number, handled, failed in last.order_by()
        .values_list("consumer")
        .annotate(handled_all=Sum("handled"), failed_all=Sum("failed"))
    }
    return {
        Key(KIND, "", row.name): _numbers(row, alive.get(row.pk, (0, 0)), minutes.get(row.pk, (0, 0)))
        for row in consumers
    }


def _numbers(row: Consumer, alive: tuple[int, int | None], minute: tuple[int, int]) -> Raw:
    running, memory = alive
    handled, failed = minute
    wanted = row.target if row.desired == Consumer.Desired.RUNNING else 0
    whole = None if memory is None else memory // _MIB * _MIB
    return (wanted, running, handled / 60, failed / 60, whole)


def chart(consumer: Consumer, shown: Shown) -> dict[str, Any]:
    """Return what it handled and how many processes ran, as `static/js/charts.js` takes it, with what happened."""
    wanted = [
        (_("handled"), "green", "handled_rate"),
        (_("failed"), "red", "failed_rate"),
        (_("processes"), "accent", "running"),
    ]
    found = history.kept(consumer.broker, KIND, ("", consumer.name), wanted, shown, time.time())
    found["series"][2] |= {"shape": "steps", "axis": "right"}
    return history.marked(found, history.happened(shown, consumer.broker, (consumer.vhost, consumer.queue)))
