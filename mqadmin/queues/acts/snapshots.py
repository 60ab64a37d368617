"""A purge that can be undone: each message is stored before it is acked, and can be put back into its queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from django.db import transaction
from django.db.models import Avg, Count, Q
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import GaveUp, Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import KeptMessage, Operation
from mqadmin.core.pages.formats import number, size
from mqadmin.core.rows import batches, deleting
from mqadmin.queues.acts import destination, draining, moving, source
from mqadmin.queues.acts.destination import Verdict
from mqadmin.queues.acts.draining import Drain
from mqadmin.queues.acts.room import Room
from mqadmin.queues.models import Queue
from mqadmin.rabbit.headers import REQUEUE_ID
from mqadmin.rabbit.message import Message, Properties, fingerprint, from_json
from mqadmin.rabbit.publishing.publisher import Outgoing

RESTORE = "queues.restore"
MOST = 50_000  # messages
MOST_BYTES = 256 * 1024 * 1024
KEPT = timedelta(days=7)
DELETING_SECONDS = 30.0  # that one pass may take; the next one goes on


def why_not(queue: Queue, ready: int) -> str:
    """Return why no snapshot of `ready` messages can be kept, "" where it can. Raises RabbitError."""
    if queue.auto_delete:
        return source.deletes_itself(queue.name)
    if ready > MOST:
        return _("A snapshot holds at most %(n)s messages.") % {"n": number(MOST)}
    if ready * draining.mean_size(queue) > MOST_BYTES:
        return _("A snapshot holds at most %(size)s.") % {"size": size(MOST_BYTES)}
    return ""


def drop(run: Run, queue: Queue) -> None:
    """Store and ack what is ready, up to the operation's total; goes on after a crash where it was."""
    left = run.operation.total - run.operation.done
    at_once = draining.at_once(queue, left)
    doubtful = _doubtful(run.operation)
    kept_bytes = 0
    with draining.drained(queue) as drain:
        while left > 0:
            run.checkpoint()
            batch = drain.batch(min(at_once, left), silent=lambda seconds: _silent(run, queue, seconds))
            if not batch:
                break
            # Kept in any case: returned they would be one return nearer to a delivery limit.
            _keep(run, queue, drain, batch, doubtful)
            left -= len(batch)
            kept_bytes += sum(len(message.body) for message in batch)
            if left > 0 and kept_bytes > MOST_BYTES:
                raise GaveUp(
                    _("The messages are more than a snapshot holds (%(size)s). The rest stay in the queue.")
                    % {"size": size(MOST_BYTES)}
                )
    # What a worker stored before it died and did not come back was acked in time.
    with transaction.atomic():
        acked = KeptMessage.objects.filter(operation=run.operation, is_taken=False).update(is_taken=True)
        run.progress(done=min(acked, max(left, 0)))
    left -= acked
    if left > 0:
        run.save_total(run.operation.total - left)


def _silent(run: Run, queue: Queue, seconds: float) -> None:
    """Say why nothing comes, and end it after a while."""
    run.checkpoint()
    if seconds < source.SILENT_SECONDS and seconds < source.HELD_SECONDS:
        return
    words = source.why_silent(queue)
    if seconds > source.HELD_SECONDS:
        raise GaveUp(_("%(why)s What was not kept is where it was.") % {"why": words})
    if words != run.operation.words:
        run.operation.words = words
        run.say(words)


def _doubtful(operation: Operation) -> dict[str, list[int]]:
    """Return, by fingerprint, what was stored but perhaps not acked."""
    found: dict[str, list[int]] = {}
    rows = KeptMessage.objects.filter(operation=operation, is_taken=False)
    for pk, mark in rows.values_list("pk", "fingerprint"):
        found.setdefault(mark, []).append(pk)
    return found


def _keep(
    run: Run, queue: Queue, drain: Drain, batch: Sequence[Message], doubtful: dict[str, list[int]]
) -> None:
    known: list[int] = []
    new: list[KeptMessage] = []
    for message in batch:
        row = _row(run.operation, message, queue.name)
        again = doubtful.get(row.fingerprint) if message.redelivered else None
        if again:
            known.append(again.pop())
        else:
            new.append(row)
    stored = KeptMessage.objects.bulk_create(new)
    drain.settle(batch)
    drain.left()  # its answer comes after the ack was taken
    with transaction.atomic():
        ids = known + [row.pk for row in stored]
        KeptMessage.objects.filter(pk__in=ids).update(is_taken=True)
        run.progress(done=len(batch))


def _row(operation: Operation, message: Message, queue: str) -> KeptMessage:
    described = message.properties.to_json()
    mark = fingerprint(message, queue, described=described)
    headers = described.pop("headers", {})
    return KeptMessage(
        operation=operation,
        exchange=message.exchange,
        routing_key=message.routing_key,
        properties=cast(Any, described),
        headers=headers,
        body=message.body,
        fingerprint=mark,
    )


def waiting(operation: Operation) -> int:
    """Return how many kept messages can be put back."""
    return KeptMessage.objects.filter(operation=operation, is_restored=False).count()


def of(queue: Queue) -> list[tuple[Operation, int]]:
    """Return the purges of `queue` whose messages can be put back, newest first, with how many.

    Whoever may see the queue sees them, whoever purged it.
    """
    ids = KeptMessage.objects.filter(is_restored=False).order_by().values("operation").distinct()
    same = Q(params__queue=queue.pk) | Q(params__vhost=queue.vhost, params__name=queue.name)
    rows = Operation._base_manager.filter(same, pk__in=ids, broker=queue.broker.slug).order_by("-id")
    return [(operation, waiting(operation)) for operation in rows[:10]]


def operation_of(operation_id: int) -> Operation | None:
    """Return the operation of that number, None where there is none. Who asks may do with its queue what is needed:
    else Http404, PermissionDenied; it does not matter who began it."""
    found = Operation._base_manager.filter(pk=operation_id).first()
    if found is not None:
        permissions.require(found.broker, *_place(found.params))
    return found


def _place(params: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return virtual host and name of the queue that an operation was about; None where nobody knows any more."""
    if {"vhost", "name"} <= params.keys():
        return params["vhost"], params["name"]
    queue = Queue._base_manager.filter(pk=params.get("queue", 0)).first()
    return (queue.vhost, queue.name) if queue is not None else (None, None)


def restore(
    *, operation: Operation, by: Actor, expect: int | None = None, allow_loss: bool = False
) -> Operation:
    """Start putting back what the purge `operation` kept.

    `allow_loss`: also where the queue would drop some. Raises Refusal: nothing kept, still going on, put back by
    somebody else already, or the queue does not take or keep them; RabbitError when the broker cannot be asked.
    """
    target = f"operation {operation.pk}: {operation.summary}"
    detail = {"allow_loss": True} if allow_loss else {}
    with audit.act(
        by=by, action="queue.restore", broker=operation.broker, target=target, detail=detail
    ) as entry:
        if not waiting(operation):
            raise Refusal(_("It kept nothing that could be put back."), "nothing_to_do")
        queue = queue_of(operation.broker, operation.params)
        verdict = room(operation, queue)
        with transaction.atomic():
            # Of two at once, one waits.
            operation = Operation._base_manager.select_for_update().get(pk=operation.pk)
            if _is_under_way(operation):
                raise Refusal(_("It is being put back already."), "wrong_state")
            entry.count = total = waiting(operation)
            if operation.status in Operation.OPEN:
                raise Refusal(_("It is still going on: cancel it first."), "wrong_state")
            if not total:
                raise Refusal(_("It kept nothing that could be put back."), "nothing_to_do")
            if expect is not None and expect != total:
                text = ngettext("It would be %(n)d message now.", "It would be %(n)d messages now.", total)
                raise Refusal(text % {"n": total}, "changed")
            verdict.refuse(allow_loss=allow_loss)
            text = ngettext(
                "Put %(n)d message back into %(queue)s", "Put %(n)d messages back into %(queue)s", total
            )
            return operations.start(
                kind=RESTORE,
                by=by,
                broker=operation.broker,
                summary=text % {"n": total, "queue": queue.name},
                params={
                    "purge": operation.pk,
                    "queue": queue.pk,
                    "vhost": queue.vhost,
                    "name": queue.name,
                    "allow_loss": allow_loss,
                },
                total=total,
            )


def queue_of(broker: str, params: Mapping[str, Any]) -> Queue:
    """Return the queue that an operation is about; where its row was forgotten, the one that is called so now.

    Raises Refusal (409, "gone") where there is none: what is kept stays kept.
    """
    rows = Queue.objects.select_related("broker")
    queue = rows.filter(pk=params["queue"]).first()
    if queue is None and "name" in params:
        rows = rows.filter(broker__slug=broker, vhost=params["vhost"], name=params["name"], gone_at=None)
        queue = rows.first()
    if queue is None:
        text = _("Its queue is gone. Declare it again: once it is seen, what was kept can go back into it.")
        raise Refusal(text, "gone")
    return queue


def room(operation: Operation, queue: Queue) -> Verdict:
    """Return what would become of what a purge kept, in its `queue` now. Raises RabbitError."""
    rows = KeptMessage.objects.filter(operation_id=operation.pk, is_restored=False)
    found = rows.aggregate(n=Count("pk"), mean=Avg(Length("body")))
    return destination.check(
        broker=queue.broker.slug,
        vhost=queue.vhost,
        queue=queue.name,
        count=found["n"],
        mean_bytes=found["mean"] or 0,
    )


def _is_under_way(operation: Operation) -> bool:
    """Whether what this purge kept is being put back; a worker may still be at it when that was cancelled."""
    begun = Operation._base_manager.filter(kind=RESTORE, params__purge=operation.pk)
    return begun.filter(Q(status__in=Operation.OPEN) | Q(lease_until__gt=timezone.now())).exists()


@operations.runner(RESTORE)
def run(run: Run) -> None:
    """Carry it out; a copy that a dead worker may have sent already is sent again under the same requeue id."""
    try:
        queue = queue_of(run.operation.broker, run.params)
    except Refusal as refusal:
        raise GaveUp(refusal.text) from refusal
    username = brokers.config(queue.broker.slug).username
    rows = KeptMessage.objects.filter(operation_id=run.params["purge"], is_restored=False).order_by("pk")
    left = None if run.params.get("allow_loss") else Room(queue.broker.slug, queue.vhost)
    while batch := _batch(rows.values_list("pk", flat=True)[: draining.BATCH]):
        run.checkpoint()
        if left is not None:
            batch = batch[: left.take(queue.name, [len(row.body) for row in batch])]
            if not batch:
                raise GaveUp(_("%(why)s The rest are kept.") % {"why": left.why_not(queue.name)})
        receipts = draining.publish(queue, [_copy(row, queue.name, username) for row in batch])
        ids = [row.pk for row, receipt in zip(batch, receipts, strict=True) if receipt.ok]
        with transaction.atomic():
            KeptMessage.objects.filter(pk__in=ids).update(is_restored=True)
            run.progress(done=len(ids))
        moving.check(receipts, queue.name)


def _batch(ids: Iterable[int]) -> list[KeptMessage]:
    """Return the first of these rows whose bodies fit into a batch, at least one."""
    rows = KeptMessage.objects.filter(pk__in=list(ids)).order_by("pk").iterator(50)
    return batches.fitting((row, len(row.body)) for row in rows)


def _copy(row: KeptMessage, queue: str, username: str) -> Outgoing:
    # Added to what was read: a table that JSON has no form for is stored as something else.
    headers = {**from_json(row.headers), REQUEUE_ID: f"kept-{row.operation_id}-{row.pk}"}
    properties = replace(Properties.from_json(dict(row.properties)), headers=headers)
    return moving.copy(Message(bytes(row.body), properties, row.exchange, row.routing_key), queue, username)


def forget() -> str:
    """Delete what was kept for longer than KEPT; returns what it did, in words, or ""."""
    old = KeptMessage.objects.filter(operation__finished_at__lt=timezone.now() - KEPT)
    deleted = deleting.all_of(old, deleting.Steps(DELETING_SECONDS))
    return f"{deleted} messages kept by purges" if deleted else ""
