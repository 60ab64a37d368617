"""Deleting a queue: refused while it holds messages or somebody consumes, unless that is meant."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages.formats import number
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp

# Those that know `if-empty` and `if-unused`, so that nothing comes between the look and the deletion. A quorum
# queue refuses both: https://www.rabbitmq.com/docs/quorum-queues
_CONDITIONAL = ("classic",)


def delete(*, queue: Queue, by: Actor, even_full: bool = False, even_used: bool = False) -> int:
    """Delete `queue` with what it holds, and return how many messages went with it.

    What it was declared with stays in the audit log. Raises Refusal (409): "not_empty" unless `even_full`, "in_use"
    unless `even_used`, "tracked" while its letters are captured; RabbitError when the broker says no.
    """
    slug, target = queue.broker.slug, f"{queue.vhost}:{queue.name}"
    declared = {"type": queue.type, "durable": queue.durable, "arguments": queue.arguments}
    with audit.act(by=by, action="queue.delete", broker=slug, target=target, detail=declared) as entry:
        if queue.tracked:
            raise Refusal(_("Its dead letters are captured: stop tracking it first."), "tracked")
        held = brokers.client(slug).queue(queue.vhost, queue.name).info.total or 0
        ready, consumers = amqp.counts(brokers.config(slug), queue.vhost, queue.name)
        entry.count = max(ready, held)
        if entry.count and not even_full:
            raise Refusal(_held(entry.count), "not_empty")
        if consumers and not even_used:
            raise Refusal(_used(consumers), "in_use")
        is_conditional = queue.type in _CONDITIONAL
        with amqp.channel(brokers.config(slug), queue.vhost) as channel:
            channel.queue_delete(
                queue.name,
                if_unused=is_conditional and not even_used,
                if_empty=is_conditional and not even_full,
            )
        return entry.count


def _held(count: int) -> str:
    text = ngettext("It holds %(n)s message.", "It holds %(n)s messages.", count)
    return text % {"n": number(count)}


def _used(count: int) -> str:
    text = ngettext("%(n)s consumer uses it.", "%(n)s consumers use it.", count)
    return text % {"n": number(count)}
