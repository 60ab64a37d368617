"""What a tap saw, published to a test queue at the pace it came or a steady one, with a ledger of each message."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Avg
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.administration.acting.changing import blame
from mqadmin.core import brokers
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import GaveUp, Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.passing.models import Replayed, Seen, Tap
from mqadmin.queues.acts import destination, moving
from mqadmin.queues.acts.draining import TRANSIENT
from mqadmin.rabbit.errors import NoResponse, NotFound
from mqadmin.rabbit.headers import REQUEUE_ID
from mqadmin.rabbit.message import Message, Properties, from_json
from mqadmin.rabbit.publishing.pace import Pace
from mqadmin.rabbit.publishing.publisher import Outgoing, Receipt

KIND = "passing.replay"
BATCH = 50
MOST_RATE = 1_000
PUBLISH_S = 10.0


def replay(
    *,
    tap: Tap,
    to_queue: str,
    by: Actor,
    rate: int = 0,
    even_original: bool = False,
    allow_loss: bool = False,
) -> Operation:
    """Publish what a tap saw, in its order, to a queue of the same virtual host.

    `rate`: messages a second; 0: at the pace in which they came. `even_original`: also to a queue that the tap was
    on; else Refusal 409 `original`. Those that were cut are left out, as problems of the operation. Raises Refusal
    (404 without such a queue, 409 where messages would be lost there, unless `allow_loss`), RabbitError.
    """
    target = f"{tap} → {to_queue}"
    detail = {"tap": tap.pk, "rate": rate}
    with audit.act(by=by, action="tap.replay", broker=tap.broker, target=target, detail=detail) as entry:
        if tap.is_open:
            raise Refusal(
                _("It is still open: stop it first, so that it is known what is published."), "wrong_state"
            )
        if not 0 <= rate <= MOST_RATE:
            raise blame("rate", _("At most %(n)d messages a second.") % {"n": MOST_RATE})
        rows = Seen.objects.filter(tap=tap)
        entry.count = total = rows.count()
        if not total:
            raise Refusal(_("It saw nothing that could be published."), "nothing_to_do")
        if not even_original and _is_original(tap, to_queue):
            text = _("The tap was on what this queue gets: it would get these messages a second time.")
            raise Refusal(text, "original", fields={"to_queue": text})
        destination.require_theirs(broker=tap.broker, vhost=tap.vhost, queue=to_queue, fields=("to_queue",))
        mean = rows.aggregate(mean=Avg("size"))["mean"] or 0
        verdict = destination.check(
            broker=tap.broker, vhost=tap.vhost, queue=to_queue, count=total, mean_bytes=mean
        )
        verdict.refuse(allow_loss=allow_loss, fields=("to_queue",))
        text = ngettext("Replay %(n)d message to %(queue)s", "Replay %(n)d messages to %(queue)s", total)
        return operations.start(
            kind=KIND,
            by=by,
            broker=tap.broker,
            summary=text % {"n": total, "queue": to_queue},
            params={"tap": tap.pk, "to": to_queue},
            total=total,
            rate_limit=rate,
        )


def _is_original(tap: Tap, queue: str) -> bool:
    """Whether a queue gets what the tap was on."""
    if tap.kind == Tap.Kind.QUEUE and tap.name == queue:
        return True
    try:
        bindings = brokers.client(tap.broker).queue_bindings(tap.vhost, queue)
    except NotFound:
        return False  # the destination's check says that
    bound = {exchange for exchange, _key, _arguments in tap.bound}
    return any(item.source and item.source in bound for item in bindings)


@operations.runner(KIND)
def run(run: Run) -> None:
    """Carry it out; what a dead worker may have published already goes again under the same requeue id."""
    tap = Tap.objects.filter(pk=run.params["tap"]).first()
    if tap is None:
        raise GaveUp(_("What it saw is deleted."))
    _leave_out(run, tap)
    pace = Pace(run.operation.rate_limit)
    began, first = time.monotonic(), None
    while rows := list(_left(run, tap)[:BATCH]):
        run.checkpoint()
        if pace.is_bounded:
            rows = rows[: pace.at_once(len(rows))]
            run.rest(pace.take(len(rows), time.monotonic()))
        else:
            first = first or rows[0].at.timestamp()
            passed = time.monotonic() - began
            rows, wait = _due(rows, first, passed)
            if not rows:
                run.rest(wait)
                continue
        _publish(run, tap, rows)


def _left(run: Run, tap: Tap) -> Any:
    done = Replayed.objects.filter(operation=run.operation).values("message")
    return Seen.objects.filter(tap=tap, is_cut=False).exclude(pk__in=done).order_by("pk")


def _leave_out(run: Run, tap: Tap) -> None:
    """Say once of what was cut that it is not published."""
    done = Replayed.objects.filter(operation=run.operation).values("message")
    rows = Seen.objects.filter(tap=tap, is_cut=True).exclude(pk__in=done).defer("body")
    for row in rows:
        run.problem(row.message_id or f"#{row.pk}", _("It was too large to be kept whole."))
    with transaction.atomic():
        Replayed.objects.bulk_create(
            [Replayed(operation=run.operation, message=row, is_ok=False) for row in rows]
        )
        run.progress(failed=len(rows))


def _due(rows: Sequence[Seen], first: float, passed: float) -> tuple[list[Seen], float]:
    """Return those of which the turn has come, and else the seconds until the next is. Pure."""
    due = [row for row in rows if row.at.timestamp() - first <= passed]
    return due, (rows[0].at.timestamp() - first - passed if not due else 0.0)


def _publish(run: Run, tap: Tap, rows: Sequence[Seen]) -> None:
    username = brokers.config(tap.broker).username
    items = [_copy(run, row, username) for row in rows]
    receipts = brokers.publisher(tap.broker, tap.vhost).publish_batch(items, timeout_s=PUBLISH_S)
    settled = [(row, receipt) for row, receipt in zip(rows, receipts, strict=True) if not _is_open(receipt)]
    for row, receipt in settled:
        if not receipt.ok:
            run.problem(row.message_id or f"#{row.pk}", receipt.detail or receipt.reason)
    failed = sum(not receipt.ok for _row, receipt in settled)
    with transaction.atomic():
        Replayed.objects.bulk_create(
            [Replayed(operation=run.operation, message=row, is_ok=receipt.ok) for row, receipt in settled]
        )
        run.progress(done=len(settled) - failed, failed=failed)
    if len(settled) < len(rows):
        again = next(receipt for receipt in receipts if _is_open(receipt))
        raise NoResponse(again.detail or again.reason)


def _is_open(receipt: Receipt) -> bool:
    """Whether it is to be tried again."""
    return not receipt.ok and (receipt.unknown or receipt.reason in TRANSIENT)


def _copy(run: Run, row: Seen, username: str) -> Outgoing:
    headers = {**from_json(row.headers), REQUEUE_ID: f"tap-{run.operation.pk}-{row.pk}"}
    properties = replace(Properties.from_json(dict(row.properties)), headers=headers)
    message = Message(bytes(row.body), properties, row.exchange, row.routing_key)
    return moving.copy(message, run.params["to"], username)
