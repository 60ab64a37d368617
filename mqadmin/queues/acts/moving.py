"""Moving messages straight from one queue to another: consumed, published with a confirm, then acked.

Nothing is stored here. A message is in one of the two queues at every moment; killed between confirm and ack,
what was on its way is in both.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from pika.spec import BasicProperties

from mqadmin.core import brokers
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import GaveUp, Stopped
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.queues.acts import draining
from mqadmin.queues.models import Queue
from mqadmin.rabbit import clean_copy
from mqadmin.rabbit.clean_copy import MOVE
from mqadmin.rabbit.errors import NoResponse, NotFound, RabbitError, sentence
from mqadmin.rabbit.message import Message, Properties
from mqadmin.rabbit.publishing.connection import Unread
from mqadmin.rabbit.publishing.mover import Mover
from mqadmin.rabbit.publishing.publisher import Outgoing, Receipt

KIND = "queues.move"
SILENT_SECONDS = 10.0  # without a confirm: then it is told, and who cancels need not wait for one
_LOOK_SECONDS = 0.5
_BLOCKED = gettext_lazy("the broker takes no messages: a memory or disk alarm is in force")
_SILENT = gettext_lazy("the broker confirms nothing")


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
    config = brokers.config(queue.broker.slug)
    size = draining.at_once(queue, left)
    moved = 0
    for number, endpoint in enumerate(config.endpoints, 1):
        with Mover(
            config,
            queue.vhost,
            queue.name,
            to,
            most=left,
            prefetch=size,
            adapt=lambda properties: adapted(properties, config.username),
            endpoint=endpoint,
        ) as mover:
            try:
                moved = _follow(run, mover)
                break
            except RabbitError as error:
                if error.kind != "connection" or mover.was_ready or number == len(config.endpoints):
                    raise
    if moved < left:  # others took some, or it shrank: what there was is moved
        Operation.objects.filter(pk=run.operation.pk).update(total=run.operation.total - (left - moved))


def _follow(run: operations.Run, mover: Mover) -> int:
    """Count what is moved until it has ended, and return how many. Raises Stopped, GaveUp or RabbitError.

    A broker that takes nothing is waited for. To try again from the start would take the same messages once more:
    nearer to a delivery limit each time, and what had been written of them arrives twice.
    """
    counted, stopped, heard_at, said = 0, None, time.monotonic(), run.operation.words
    while True:
        progress = mover.wait(_LOOK_SECONDS)
        if progress.moved > counted:
            run.progress(done=progress.moved - counted)
            counted, heard_at = progress.moved, time.monotonic()
        if progress.ended:
            break
        is_silent = time.monotonic() - heard_at > SILENT_SECONDS
        try:
            run.checkpoint()
            words = str(_BLOCKED if progress.is_blocked else _SILENT if is_silent else "")
            if words != said:
                said = words
                run.say(words)
        except Stopped as error:
            stopped = stopped or error
            mover.stop()  # what is on its way is confirmed and acked first
        if stopped is not None and is_silent and not progress.is_blocked:
            raise stopped
    if said:
        run.say("")  # it waits no more, however it ended
    if progress.fault is not None:
        raise progress.fault
    if stopped is not None:
        raise stopped
    if progress.refusal:
        raise _not_taken(run.params["to"], progress.refusal)
    return counted


def adapted(properties: BasicProperties, username: str) -> BasicProperties:
    """Return the properties of a message as its copy has them: the same, mostly, and unread.

    Raises ValueError for what is no table of AMQP.
    """
    if isinstance(properties, Unread):
        if not properties.is_signed and not clean_copy.may_route(properties.values):
            return properties
        properties = properties.read()
    if not clean_copy.routes(properties.headers or {}) and properties.user_id in (None, username):
        return properties
    message = Message(b"", Properties.from_pika(properties), "", "")
    return copy(message, "", username).properties.to_pika()


def copy(message: Message, queue: str, username: str) -> Outgoing:
    """Return the message as it is for `queue`, but for what would route it elsewhere or have it refused."""
    properties = message.properties
    adapted = MOVE.properties(properties, MOVE.headers(properties.headers), username=username)
    return Outgoing("", queue, message.body, adapted)


def check(receipts: Sequence[Receipt], to: str) -> None:
    """Raise for what was not taken: NoResponse where it may be tried again, GaveUp where that is no use."""
    refused = [receipt for receipt in receipts if not receipt.ok]
    if not refused:
        return
    last = refused[0]
    why = last.detail or last.reason
    if last.unknown or last.reason in draining.TRANSIENT:
        raise NoResponse(why)
    raise _not_taken(to, why)


def _not_taken(to: str, why: str) -> GaveUp:
    text = _("“%(queue)s” did not take it: %(why)s The rest stay where they were.")
    return GaveUp(text % {"queue": to, "why": sentence(why)})
