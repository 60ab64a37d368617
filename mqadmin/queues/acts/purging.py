"""Purging a queue: counted exactly, refused when the count is not the one that was shown, done once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Asked
from mqadmin.approvals.gate.size import Size
from mqadmin.core import brokers
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import agreed, draining, snapshots, source
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp

KIND = "queues.purge"
# A queue in use moves between the look and a person's click; one percent is still the count that was shown.
TOLERANCE = 0.01


def purge(
    *,
    queue: Queue,
    by: Actor,
    expect: int | None = None,
    tolerance: float = 0,
    snapshot: bool = False,
    hold_seconds: float = 0,
) -> Operation:
    """Start dropping every ready message of `queue`; unacked ones stay. Return the operation that does it.

    With `snapshot` the messages are kept and can be put back (`snapshots.restore`). Raises Refusal (409,
    `changed`) when `expect` is given and the queue holds another number by now, by more than the share
    `tolerance` of it, (409, `too_much`) when there
    are more than a snapshot holds, and (409, `stream`) for a stream, which cannot be purged; RabbitError when
    the broker cannot be asked.
    """
    target = f"{queue.vhost}:{queue.name}"
    detail = {"snapshot": True} if snapshot else {}
    with audit.act(
        by=by, action="queue.purge", broker=queue.broker.slug, target=target, detail=detail
    ) as entry:
        if queue.type == "stream":
            raise Refusal(_("A stream cannot be purged: its retention decides what goes."), "stream")
        entry.count = source.require(queue) if snapshot else draining.ready_now(queue)
        _check(expect, entry.count, tolerance)
        if snapshot and (why := snapshots.why_not(queue, entry.count)):
            raise Refusal(_("%(why)s Purge without one, or move the messages.") % {"why": why}, "too_much")
        summary, total = _("Purge %(queue)s") % {"queue": target}, entry.count
        asked = Asked(
            "queue.purge",
            queue.broker.slug,
            summary,
            {"queue": queue.pk, "snapshot": snapshot, "hold_seconds": hold_seconds},
            Size(entry.count),
            vhost=queue.vhost,
            queue=queue.name,
            mark=agreed.mark(queue),
            foretell=lambda: agreed.foretold("queue.purge", queue, total, is_kept=snapshot),
        )
        gate.ask(asked, by=by, entry=entry)
        return operations.start(
            kind=KIND,
            by=by,
            broker=queue.broker.slug,
            summary=summary,
            params={
                "queue": queue.pk,
                "vhost": queue.vhost,
                "name": queue.name,
                "expect": entry.count,
                "snapshot": snapshot,
            },
            total=entry.count,
            hold_seconds=hold_seconds,
        )


@kinds.register("queue.purge", needs="operate", counts_as="purge")
def _agreed(given: Mapping[str, Any], by: Actor) -> Operation:
    """Start what waited for a second person."""
    return purge(
        queue=agreed.queue(given),
        by=by,
        snapshot=bool(given["snapshot"]),
        hold_seconds=float(given["hold_seconds"]),
    )


def at_once(*, queue: Queue, by: Actor) -> int:
    """Drop every ready message of `queue` and return how many; nothing is kept. Raises Refusal, RabbitError.

    Of many queues: a second person agreed to them all at once, where that was needed.
    """
    target = f"{queue.vhost}:{queue.name}"
    with audit.act(by=by, action="queue.purge", broker=queue.broker.slug, target=target) as entry:
        if queue.type == "stream":
            raise Refusal(_("A stream cannot be purged: its retention decides what goes."), "stream")
        with amqp.channel(brokers.config(queue.broker.slug), queue.vhost) as channel:
            entry.count = int(channel.queue_purge(queue.name).method.message_count or 0)
        return entry.count


def _check(expect: int | None, ready: int, tolerance: float) -> None:
    if expect is None or abs(ready - expect) <= tolerance * expect:
        return
    raise Refusal(
        _("The queue holds %(ready)s messages now, not %(expect)s. Look again, then decide.")
        % {"ready": number(ready), "expect": number(expect)},
        "changed",
    )


@operations.runner(KIND)
def run(run: operations.Run) -> None:
    """Purge once: an operation that comes back after a crash does not drop what arrived since."""
    queue = Queue.objects.select_related("broker").get(pk=run.params["queue"])
    run.checkpoint()
    if run.params.get("snapshot"):
        snapshots.drop(run, queue)
        return
    if run.cursor.get("begun"):
        run.problem(str(queue), _("The worker was lost while it purged. It was not done a second time."))
        run.progress(failed=1)
        return
    with amqp.channel(brokers.config(queue.broker.slug), queue.vhost) as channel:
        run.save_cursor({"begun": True})
        dropped = int(channel.queue_purge(queue.name).method.message_count or 0)
    run.save_total(dropped)
    run.progress(done=dropped)
