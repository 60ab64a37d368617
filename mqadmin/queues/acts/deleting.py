"""Deleting a queue: refused while it holds messages or somebody consumes, unless that is meant; or kept before."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Asked
from mqadmin.approvals.gate.size import Size
from mqadmin.core import brokers
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import GaveUp, Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import agreed, snapshots, source
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.errors import NotFound

KIND = "queues.delete_kept"

# Those that know `if-empty` and `if-unused`, so that nothing comes between the look and the deletion. A quorum
# queue refuses both: https://www.rabbitmq.com/docs/quorum-queues
_CONDITIONAL = ("classic",)
# What is unacked is known by statistics alone: a queue tells them every five seconds, the management plugin reads
# them as often (both `collect_statistics_interval`), and a busy machine is late. After so long they are new.
STATISTICS_SECONDS = 12.0
_SETTLED_SECONDS, _LOOK_SECONDS = 12.0, 0.5


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
        kept = {"even_full": even_full, "even_used": even_used, "is_kept": False}
        gate.ask(_asked(queue, entry.count, kept), by=by, entry=entry)
        is_conditional = queue.type in _CONDITIONAL
        with amqp.channel(brokers.config(slug), queue.vhost) as channel:
            channel.queue_delete(
                queue.name,
                if_unused=is_conditional and not even_used,
                if_empty=is_conditional and not even_full,
            )
        return entry.count


def delete_kept(*, queue: Queue, by: Actor, even_used: bool = False) -> Operation:
    """Start to store what is ready in `queue`, as a purge does, and then to delete it. Return the operation.

    What was stored can be put back for seven days, once a queue of that name is there again. Nothing is deleted
    that was not stored: messages that consumers hold, or that arrive meanwhile, leave the queue where it is. Raises
    Refusal (409): "tracked", "stream", "in_use" unless `even_used`, "held", "too_much"; RabbitError.
    """
    slug, target = queue.broker.slug, f"{queue.vhost}:{queue.name}"
    told = {"type": queue.type, "durable": queue.durable, "arguments": queue.arguments, "snapshot": True}
    with audit.act(by=by, action="queue.delete", broker=slug, target=target, detail=told) as entry:
        if queue.tracked:
            raise Refusal(_("Its dead letters are captured: stop tracking it first."), "tracked")
        if queue.type == "stream":
            raise Refusal(_("What is in a stream cannot be taken out, and so not be kept."), "stream")
        _ready, consumers = amqp.counts(brokers.config(slug), queue.vhost, queue.name)
        if consumers and not even_used:
            raise Refusal(_used(consumers), "in_use")
        entry.count = source.require(queue)
        if why := snapshots.why_not(queue, entry.count):
            raise Refusal(_("%(why)s Move the messages instead.") % {"why": why}, "too_much")
        gate.ask(_asked(queue, entry.count, {"even_used": even_used, "is_kept": True}), by=by, entry=entry)
        return operations.start(
            kind=KIND,
            by=by,
            broker=slug,
            summary=_("Keep what is in %(queue)s, and delete it") % {"queue": target},
            params={
                "queue": queue.pk,
                "vhost": queue.vhost,
                "name": queue.name,
                "even_used": even_used,
            },
            total=entry.count,
        )


def _asked(queue: Queue, count: int, options: Mapping[str, Any]) -> Asked:
    target = f"{queue.vhost}:{queue.name}"
    return Asked(
        "queue.delete",
        queue.broker.slug,
        _("Delete %(queue)s") % {"queue": target},
        {"queue": queue.pk, **options},
        Size(count, 1),
        vhost=queue.vhost,
        queue=queue.name,
        mark=agreed.mark(queue),
        foretell=lambda: agreed.foretold("queue.delete", queue, count, is_kept=options["is_kept"]),
    )


@kinds.register("queue.delete", needs="configure", counts_as="delete")
def _agreed(given: Mapping[str, Any], by: Actor) -> Operation | int:
    """Do what waited for a second person."""
    queue, even_used = agreed.queue(given), bool(given["even_used"])
    if given["is_kept"]:
        return delete_kept(queue=queue, by=by, even_used=even_used)
    return delete(queue=queue, by=by, even_full=bool(given["even_full"]), even_used=even_used)


@operations.runner(KIND)
def run(run: Run) -> None:
    """Store and ack what is ready, then delete the queue once it is empty; goes on after a crash where it was.

    A classic queue checks itself that it is empty when it goes. A quorum queue knows no such condition: what is
    published between the look and the deletion, some milliseconds, would go with it, and is what the dialog says.
    """
    queue = Queue.objects.select_related("broker").get(pk=run.params["queue"])
    config = brokers.config(queue.broker.slug)
    run.checkpoint()
    try:
        snapshots.drop(run, queue)
        left = _left(run, queue)
        consumers = amqp.counts(config, queue.vhost, queue.name)[1]
    except NotFound:
        if run.cursor.get("deleting"):  # a worker died between the deletion and its last word
            return
        raise
    if left:
        text = _("%(n)s more are in it, or with consumers: the queue stays. What was kept can be put back.")
        raise GaveUp(text % {"n": number(left)})
    if consumers and not run.params["even_used"]:
        raise GaveUp(_("%(why)s It stays. What was kept can be put back.") % {"why": _used(consumers)})
    run.save_cursor({"deleting": True})
    is_conditional = queue.type in _CONDITIONAL
    with amqp.channel(config, queue.vhost) as channel:
        channel.queue_delete(
            queue.name,
            if_empty=is_conditional,
            if_unused=is_conditional and not run.params["even_used"],
        )


def _left(run: Run, queue: Queue) -> int:
    """Return how many messages are in the queue yet, or with somebody who has not acked them.

    A classic queue counts itself as empty while somebody holds its last message, and drops that when it is deleted:
    statistics have to be awaited that know of it, and then our own acks.
    """
    known = time.monotonic() + STATISTICS_SECONDS
    end = known + _SETTLED_SECONDS
    while True:
        run.checkpoint()
        ready = amqp.counts(brokers.config(queue.broker.slug), queue.vhost, queue.name)[0]
        unacked = brokers.client(queue.broker.slug).queue(queue.vhost, queue.name).info.unacked
        now = time.monotonic()
        if ready or (now > end and unacked) or (now >= known and unacked == 0):
            return ready + (unacked or 0)
        if now > end:
            raise GaveUp(_("%(why)s What was kept can be put back.") % {"why": not_known(queue.name)})
        run.rest(_LOOK_SECONDS)


def not_known(queue: str) -> str:
    """Say why nobody can say that a queue is empty: a message that was got and not acked is in statistics alone."""
    text = _(
        "The broker keeps no statistics of “%(queue)s”: whether somebody holds a message of it cannot be known, "
        "and that would be lost. It stays."
    )
    return text % {"queue": queue}


def _held(count: int) -> str:
    text = ngettext("It holds %(n)s message.", "It holds %(n)s messages.", count)
    return text % {"n": number(count)}


def _used(count: int) -> str:
    text = ngettext("%(n)s consumer uses it.", "%(n)s consumers use it.", count)
    return text % {"n": number(count)}
