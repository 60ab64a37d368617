"""Moving messages straight from one queue to another: consumed, published with a confirm, then acked.

Nothing is stored here. A message is in one of the two queues at every moment; killed between confirm and ack,
what was on its way is in both.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from pika.spec import BasicProperties

from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Asked, Foretold
from mqadmin.approvals.gate.size import Size
from mqadmin.core import brokers
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import GaveUp, Stopped
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.queues.acts import agreed, destination, draining, source
from mqadmin.queues.acts.destination import Verdict
from mqadmin.queues.models import Queue
from mqadmin.rabbit import clean_copy
from mqadmin.rabbit.clean_copy import MOVE
from mqadmin.rabbit.errors import NoResponse, RabbitError, sentence
from mqadmin.rabbit.management_api import peek
from mqadmin.rabbit.message import Message, Properties
from mqadmin.rabbit.publishing.connection import Unread
from mqadmin.rabbit.publishing.mover import AGAIN_S, Bounds, Mover, Progress
from mqadmin.rabbit.publishing.publisher import Outgoing, Receipt
from mqadmin.rabbit.topology import arriving, settings

KIND = "queues.move"
SILENT_SECONDS = 10.0  # without a confirm: then it is told, and who cancels need not wait for one
AGAIN_SECONDS = 5.0  # how old the limits may be that it keeps to
_LOOK_SECONDS = 0.5
_TO = ("to_queue",)
_BLOCKED = gettext_lazy("the broker takes no messages: a memory or disk alarm is in force")
_SILENT = gettext_lazy("the broker confirms nothing")

log = logging.getLogger(__name__)


def move(
    *, queue: Queue, to_queue: str, by: Actor, count: int | None = None, allow_loss: bool = False
) -> Operation:
    """Start moving the ready messages of `queue`, or `count` of them from its head, to `to_queue`.

    `allow_loss`: also where the destination would drop some, by its length or a short TTL. Raises Refusal (409): a
    stream, the same queue, none ready, no such destination or no room in it, or somebody else holds the messages;
    RabbitError when the broker cannot be asked.
    """
    broker = queue.broker.slug
    target = f"{queue.vhost}:{queue.name}"
    detail = {"to": to_queue, **({"allow_loss": True} if allow_loss else {})}
    with audit.act(by=by, action="queue.move", broker=broker, target=target, detail=detail) as entry:
        if queue.type == "stream":
            raise Refusal(_("A stream cannot be moved: reading it takes nothing out."), "stream")
        if not to_queue:
            text = _("Name the queue that they go to.")
            raise Refusal(text, "invalid", status=422, fields=_to(text))
        if to_queue == queue.name:
            text = _("It is the queue that they are in already.")
            raise Refusal(text, "same_queue", fields=_to(text))
        require_destination(queue, to_queue)
        destination.check(broker=broker, vhost=queue.vhost, queue=to_queue, count=0).refuse(
            allow_loss=True, fields=_TO
        )
        ready = source.require(queue)
        total = ready if count is None else min(count, ready)
        entry.count = total
        if not total:
            raise Refusal(_("No message is ready in this queue."), "nothing_to_do")
        room = _room(queue, to_queue, total)
        room.refuse(allow_loss=allow_loss, fields=_TO)
        if forbidden := destination.forbidden(broker=broker, vhost=queue.vhost):
            raise Refusal(forbidden, "forbidden", fields=_to(forbidden))
        summary = _summary(total, queue.name, to_queue)
        asked = Asked(
            "queue.move",
            broker,
            summary,
            {"queue": queue.pk, "to": to_queue, "count": count, "allow_loss": allow_loss},
            Size(total),
            vhost=queue.vhost,
            queue=queue.name,
            mark=agreed.mark(queue),
            foretell=lambda: _foretold(room),
        )
        gate.ask(asked, by=by, entry=entry)
        return operations.start(
            kind=KIND,
            by=by,
            broker=broker,
            summary=summary,
            params={"queue": queue.pk, "to": to_queue, "allow_loss": allow_loss},
            total=total,
        )


@kinds.register("queue.move", needs="operate", counts_as="move")
def _agreed(given: Mapping[str, Any], by: Actor) -> Operation:
    """Start what waited for a second person."""
    return move(
        queue=agreed.queue(given),
        to_queue=given["to"],
        by=by,
        count=given["count"],
        allow_loss=bool(given["allow_loss"]),
    )


def _foretold(room: Verdict) -> list[Foretold]:
    told = [Foretold("loses", text) for text in room.loses]
    told += [Foretold("unknown", text) for text in room.tells]
    return [*told, Foretold("tells", _("Each is confirmed in the other queue before it leaves this one."))]


def require_destination(queue: Queue, to_queue: str) -> None:
    """See that who asks may send messages of `queue` to another: to one that they may operate, and back to where
    its dead letters come from. Raises Refusal."""
    if to_queue not in queue.dead_letters_from:
        broker, vhost = queue.broker.slug, queue.vhost
        destination.require_theirs(broker=broker, vhost=vhost, queue=to_queue, fields=_TO)


def _to(text: str) -> dict[str, str]:
    return dict.fromkeys(_TO, text)


def _room(queue: Queue, to: str, count: int) -> Verdict:
    """Return what would become of so many messages of `queue` in queue `to` now. Raises RabbitError."""
    mean = draining.mean_size(queue)
    return destination.check(
        broker=queue.broker.slug, vhost=queue.vhost, queue=to, count=count, mean_bytes=mean
    )


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
    left = run.operation.total - run.operation.done
    moved = pour(run, Pour(queue, run.params["to"], bool(run.params.get("allow_loss"))), left)
    if moved < left:  # others took some, or it shrank: what there was is moved
        run.save_total(run.operation.total - (left - moved))


@dataclass(frozen=True)
class Pour:
    """From which queue to which; `allow_loss`: also where the destination would drop some."""

    queue: Queue
    to: str
    allow_loss: bool = False


def pour(run: operations.Run, pour: Pour, left: int) -> int:
    """Move up to `left` messages within an operation; return how many. Raises GaveUp, Stopped, RabbitError."""
    queue = pour.queue
    try:  # what was true when it was asked for may be so no more
        source.require(queue)
        _room(queue, pour.to, left).refuse(allow_loss=pour.allow_loss)
    except Refusal as refusal:
        raise GaveUp(refusal.text) from refusal
    config = brokers.config(queue.broker.slug)
    size = draining.at_once(queue, left)
    bounds = _bounds(pour)
    for number, endpoint in enumerate(config.endpoints, 1):
        with Mover(
            config,
            queue.vhost,
            queue.name,
            pour.to,
            most=left,
            prefetch=size,
            adapt=lambda properties: adapted(properties, config.username),
            bounds=bounds,
            endpoint=endpoint,
        ) as mover:
            try:
                return _Following(run, pour, mover, bounds).to_its_end()
            except RabbitError as error:
                if error.kind != "connection" or mover.was_ready or number == len(config.endpoints):
                    raise
    return 0


def _bounds(pour: Pour) -> Bounds:
    """Return what the move keeps to now. Raises RabbitError."""
    queue = pour.queue
    client = brokers.client(queue.broker.slug)
    version = client.overview().version
    info = client.queue(queue.vhost, queue.name).info
    returns = peek.delivery_limit(client, info, version)
    is_harmless = returns is not None and peek.nack_is_harmless(version)
    if pour.allow_loss:
        return Bounds(None if is_harmless else returns, is_harmless)
    target = destination.now(queue.broker.slug, queue.vhost, pour.to)
    is_bounded = target.type != "stream"
    return Bounds(
        None if is_harmless else returns,
        is_harmless,
        settings.number(target, "max-length") if is_bounded else None,
        arriving.room(target)[1],
    )


class _Following:
    """One mover and the operation that it carries out: counts, says what it waits for, and ends it."""

    def __init__(self, run: operations.Run, pour: Pour, mover: Mover, bounds: Bounds) -> None:
        self._run, self._pour, self._mover, self._bounds = run, pour, mover, bounds
        self._stopped: Stopped | None = None
        self._gave_up = ""
        self._said = run.operation.words
        self._counted = 0
        self._heard_at = self._asked_at = time.monotonic()

    def to_its_end(self) -> int:
        """Count what is moved until it has ended, and return how many. Raises Stopped, GaveUp or RabbitError.

        A broker that takes nothing is waited for. To try again from the start would take the same messages once
        more: nearer to a delivery limit each time, and what had been written of them arrives twice. A queue that
        gives nothing is waited for too, but not for ever.
        """
        while True:
            progress = self._mover.wait(_LOOK_SECONDS)
            if progress.moved > self._counted:
                self._run.progress(done=progress.moved - self._counted)
                self._counted, self._heard_at = progress.moved, time.monotonic()
            if progress.ended:
                break
            self._step(progress)
        if self._said:
            self._run.say("")  # it waits no more, however it ended
        for error in (progress.fault, self._stopped, GaveUp(self._gave_up) if self._gave_up else None):
            if error is not None:
                raise error
        if progress.refusal:
            raise _not_taken(self._pour.to, progress.refusal)
        return self._counted

    def _step(self, progress: Progress) -> None:
        silent = time.monotonic() - self._heard_at
        try:
            self._run.checkpoint()
            self._look_again()
            words = self._words(progress, is_silent=silent > SILENT_SECONDS)
            if words != self._said:
                self._said = words
                self._run.say(words)
            if progress.waiting and silent > source.HELD_SECONDS and not self._gave_up:
                self._gave_up = _("%(why)s What was not moved is where it was.") % {"why": words}
                self._mover.stop()
        except Stopped as error:
            self._stopped = self._stopped or error
            self._mover.stop()  # what is on its way is confirmed and acked first
        is_stuck = progress.is_blocked or progress.held
        if self._stopped is not None and silent > SILENT_SECONDS and not is_stuck:
            raise self._stopped

    def _words(self, progress: Progress, *, is_silent: bool) -> str:
        if progress.is_blocked:
            return str(_BLOCKED)
        if progress.held:
            text = _(
                "%(n)d in hand can go neither there nor back, and would not bear a return: tried again every "
                "%(s)d s"
            )
            return text % {"n": progress.held, "s": AGAIN_S}
        if not is_silent:
            return ""
        if not progress.waiting:
            return str(_SILENT)
        try:
            return source.why_silent(self._pour.queue)
        except RabbitError as error:
            return str(error)

    def _look_again(self) -> None:
        """A policy may give either queue another limit at any time."""
        if time.monotonic() - self._asked_at < AGAIN_SECONDS:
            return
        try:
            bounds = _bounds(self._pour)
        except RabbitError as error:
            log.info("what %s keeps to could not be asked for again: %s", self._run.operation, error)
        else:
            if bounds != self._bounds:
                self._mover.keep_to(bounds)
                self._bounds = bounds
        self._asked_at = time.monotonic()


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
