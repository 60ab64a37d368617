"""Moving messages straight from one queue to another: consumed, published with a confirm, then acked.

Nothing is stored here. A message is in one of the two queues at every moment; killed between confirm and ack,
up to a batch of them is in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core import audit, brokers, operations
from mqadmin.core.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.operations import GaveUp
from mqadmin.queues import draining
from mqadmin.queues.models import Queue
from mqadmin.rabbit.errors import NoResponse, NotFound
from mqadmin.rabbit.message import Message
from mqadmin.rabbit.publisher import Outgoing, Verdict

KIND = "queues.move"
_ASIDE = "mqadmin-original-CC"  # RabbitMQ routes by CC: a copy would reach more than the one queue


def move(*, queue: Queue, to_queue: str, by: Actor, count: int | None = None) -> Operation:
    """Start moving the ready messages of `queue`, or `count` of them from its head, to `to_queue`.

    Raises Refusal (409): a stream, the same queue, none ready, or no such destination; RabbitError when the
    broker cannot be asked.
    """
    broker = queue.broker.slug
    target = f"{queue.vhost}:{queue.name}"
    with audit.act(
        by=by, action="queue.move", broker=broker, target=target, detail={"to": to_queue}
    ) as entry:
        if queue.type == "stream":
            raise Refusal(_("A stream cannot be moved: reading it takes nothing out."), "stream")
        if not to_queue:
            raise Refusal(_("Name the queue that they go to."), "invalid", status=422)
        if to_queue == queue.name:
            raise Refusal(_("It is the queue that they are in already."), "same_queue")
        if not exists(queue, to_queue):
            raise Refusal(
                _("There is no queue “%(name)s” in vhost %(vhost)s.")
                % {"name": to_queue, "vhost": queue.vhost},
                "no_destination",
            )
        ready = draining.ready_now(queue)
        total = ready if count is None else min(count, ready)
        entry.count = total
        if not total:
            raise Refusal(_("No message is ready in this queue."), "nothing_to_do")
        return operations.start(
            kind=KIND,
            by=by,
            broker=broker,
            summary=_summary(total, queue.name, to_queue),
            params={"queue": queue.pk, "to": to_queue},
            total=total,
        )


def exists(queue: Queue, name: str) -> bool:
    """Tell whether the virtual host of `queue` has a queue `name` now. Raises RabbitError."""
    client = brokers.client(queue.broker.slug)
    if name in (".", ".."):  # no address of the management API names these: they stand in the listing only
        return any(info.name == name for info in client.queues(queue.vhost))
    try:
        client.queue(queue.vhost, name)
    except NotFound:
        return False
    return True


def _summary(total: int, source: str, target: str) -> str:
    text = ngettext(
        "Move %(n)d message from %(source)s to %(target)s",
        "Move %(n)d messages from %(source)s to %(target)s",
        total,
    )
    return text % {"n": total, "source": source, "target": target}


@operations.runner(KIND)
def run(run: operations.Run) -> None:
    """Carry it out; called again after a crash it moves what is left of the count."""
    queue = Queue.objects.select_related("broker").get(pk=run.params["queue"])
    to: str = run.params["to"]
    left = run.operation.total - run.operation.done
    username = brokers.config(queue.broker.slug).username
    size = draining.at_once(queue, left)
    with draining.drained(queue, at_once=size) as drain, ThreadPoolExecutor(1) as publisher:
        sent: _Sent | None = None
        while True:
            # While one batch waits for its confirms the next is taken: the broker is never idle.
            wanted = min(size, left - (len(sent.batch) if sent else 0))
            batch = drain.batch(wanted) if wanted > 0 else []
            if sent is not None:
                left -= _settle(run, drain, sent, to)
            if not batch:
                break
            run.checkpoint()  # nothing is on its way here: what was taken returns
            copies = [copy(message, to, username) for message in batch]
            sent = _Sent(batch, publisher.submit(draining.publish, queue, copies))
        drain.left()  # the last acks were taken
    if left > 0:  # others took some, or it shrank: what there was is moved
        Operation.objects.filter(pk=run.operation.pk).update(total=run.operation.total - left)


@dataclass(frozen=True)
class _Sent:
    """A batch on its way to the other queue."""

    batch: list[Message]
    verdicts: Future[list[Verdict]]


def _settle(run: operations.Run, drain: draining.Drain, sent: _Sent, to: str) -> int:
    """Wait for the verdicts, ack what arrived, return how many. Raises as `check` does."""
    verdicts = sent.verdicts.result()
    drain.settle(sent.batch, [verdict.ok for verdict in verdicts])
    moved = sum(verdict.ok for verdict in verdicts)
    run.progress(done=moved)
    check(verdicts, to)
    return moved


def copy(message: Message, queue: str, username: str) -> Outgoing:
    """Return the message as it is for `queue`, but for what would route it elsewhere or have it refused.

    `CC` and a `user_id` other than `username`, for which RabbitMQ closes the channel, are kept as headers.
    """
    properties = message.properties
    headers, user_id = properties.headers, properties.user_id
    if headers and "CC" in headers:
        headers = {_ASIDE if name == "CC" else name: value for name, value in headers.items()}
    if user_id is not None and user_id != username:
        headers, user_id = {**(headers or {}), "mqadmin-original-user-id": user_id}, None
    return Outgoing("", queue, message.body, replace(properties, headers=headers, user_id=user_id))


def check(verdicts: Sequence[Verdict], to: str) -> None:
    """Raise for what was not taken: NoResponse where it may be tried again, GaveUp where that is no use."""
    refused = [verdict for verdict in verdicts if not verdict.ok]
    if not refused:
        return
    last = refused[0]
    why = last.detail or last.reason
    if last.unknown or last.reason in draining.TRANSIENT:
        raise NoResponse(why)
    raise GaveUp(
        _("“%(queue)s” did not take it: %(why)s. The rest stay where they were.")
        % {"queue": to, "why": why.rstrip(".")}
    )
