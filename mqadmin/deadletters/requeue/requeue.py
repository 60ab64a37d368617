"""Requeue letters: claim, publish, confirm, mark (guarantee 4).

A batch is claimed and committed before the first copy is sent. Then every copy has a receipt: confirmed and not
returned means requeued; refused in any way means back in the inbox with the reason; and where the broker's
answer never came the letter stays claimed, and the operation, when it is carried out again, sends it once more
under the same `mqadmin-requeue-id`, by which a consumer can drop the second copy.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Self

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Avg
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Asked, digest
from mqadmin.approvals.gate.size import Size
from mqadmin.core import brokers
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import Run, Stopped, Waiting
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages import prose
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import canary, claims, destinations, dryrun, passed_over, traced
from mqadmin.deadletters.requeue.claims import Batch
from mqadmin.deadletters.requeue.copies import Copier, copy
from mqadmin.deadletters.requeue.destinations import Destination, To
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.search.selection import Selection
from mqadmin.queues.acts.room import Room
from mqadmin.rabbit.errors import NoResponse, RabbitError
from mqadmin.rabbit.publishing.pace import Pace
from mqadmin.rabbit.publishing.publisher import Outgoing, Receipt
from mqadmin.telemetry.publishing import Publishing

__all__ = ["KIND", "Care", "check", "copy", "run", "start"]

KIND = "dead_letters.requeue"
PUBLISH_SECONDS = 12.0  # for a batch and those before it; well under half of the operation's lease
_AHEAD = 3  # batches on their way: with two, one is marked while the other ends, and nothing is published
# The broker did not take it, but may shortly: the letter stays claimed and the operation tries again.
_TRANSIENT = ("blocked", "timed_out", "connection_lost")


@dataclass(frozen=True)
class Care:
    """How carefully: at most `rate` letters a second (0: no bound); nothing for `hold_seconds`; and with
    `canary_seconds` in steps, each watched so long before the next (0: all at once)."""

    rate: float = 0
    hold_seconds: float = 0
    canary_seconds: float = 0
    canary_steps: tuple[int, ...] = canary.STEPS


def check(*, selection: Selection, to: To) -> list[Destination]:
    """Return where the parked letters of `selection` would go, without doing anything. Raises RabbitError."""
    parked = selection.rows().filter(status=DeadLetter.Status.PARKED)
    return destinations.check_destination(broker=selection.broker, rows=parked, to=to)


def start(
    *,
    selection: Selection,
    to: To,
    by: Actor,
    expect: int | None = None,
    care: Care | None = None,
    keep_headers: bool = False,
    allow_loss: bool = False,
) -> Operation:
    """Have a worker requeue the parked letters of `selection`; returns the operation at once.

    `keep_headers`: what other frameworks wrote into the headers when they gave a letter up goes with the copies.
    `allow_loss`: also where a queue would drop some of them, or of its own. Raises Refusal when there are none, not
    `expect` of them, when none of them would arrive, or some would be lost; RabbitError when the broker cannot be
    asked where they would go.
    """
    care = care or Care()
    agreed = (("keep_headers", keep_headers), ("allow_loss", allow_loss))
    kept = {name: True for name, is_said in agreed if is_said}
    params = {"selection": selection.to_json(), "to": to.to_json(), **kept}
    detail = {"selection": selection.for_audit(), "to": to.to_json(), **kept}
    with audit.act(
        by=by,
        action=KIND,
        broker=selection.broker,
        target=selection.described(),
        detail={**detail, **({} if care == Care() else {"care": asdict(care)})},
    ) as entry:
        total = _count(selection, expect)
        entry.count = total
        found = _checked(selection, to, allow_loss=allow_loss)
        summary = _summary(total, found)
        asked = Asked(
            KIND,
            selection.broker,
            summary,
            {**params, "care": asdict(care)},
            Size(total),
            mark=digest(sorted((place.vhost, place.name, *place.queues) for place in found)),
            foretell=lambda: dryrun.foretold(selection, to, keep_headers=keep_headers),
        )
        gate.ask(asked, by=by, entry=entry)
        return operations.start(
            kind=KIND,
            by=by,
            broker=selection.broker,
            summary=summary,
            params=params,
            total=total,
            hold_seconds=care.hold_seconds,
            rate_limit=care.rate,
            canary=canary.plan(care.canary_seconds, care.canary_steps) if care.canary_seconds else None,
        )


@kinds.register(KIND, needs="operate", counts_as="requeue")
def _agreed(given: Mapping[str, Any], by: Actor) -> Operation:
    """Start what waited for a second person."""
    care = {**given["care"], "canary_steps": tuple(given["care"]["canary_steps"])}
    return start(
        selection=Selection.from_json(given["selection"]),
        to=To.from_json(given["to"]),
        by=by,
        care=Care(**care),
        keep_headers=bool(given.get("keep_headers")),
        allow_loss=bool(given.get("allow_loss")),
    )


def _checked(chosen: Selection, to: To, *, allow_loss: bool) -> list[Destination]:
    """Return where the letters go. Raises Refusal where none would arrive, or some would be lost."""
    parked = chosen.rows().filter(status=DeadLetter.Status.PARKED)
    found, infos = destinations.look(broker=chosen.broker, rows=parked, to=to)
    if all(place.problem for place in found):
        raise Refusal(found[0].problem if found else _("Nothing is left to requeue."), "no_destination")
    if not allow_loss:
        mean = parked.order_by().aggregate(mean=Avg("size"))["mean"] or 0
        if lost := dryrun.losses(chosen.broker, found, infos, mean):
            raise Refusal(prose.paragraph(lost), "would_lose")
    return found


def _count(chosen: Selection, expect: int | None) -> int:
    return selection.count(chosen, DeadLetter.Status.PARKED, expect)


def _summary(total: int, places: Sequence[Destination]) -> str:
    if len(places) == 1:
        return ngettext("Requeue %(n)d letter to %(place)s", "Requeue %(n)d letters to %(place)s", total) % {
            "n": total,
            "place": places[0].name,
        }
    return ngettext(
        "Requeue %(n)d letter to %(places)d places", "Requeue %(n)d letters to %(places)d places", total
    ) % {"n": total, "places": len(places)}


@operations.runner(KIND, cancelled=claims.give_back)
def run(run: Run) -> None:
    """Carry it out; may be called again at any point (see `operations.runner`)."""
    to = To.from_json(run.params["to"])
    pace = Pace(run.operation.rate_limit)
    span = traced.operation(run)
    try:
        run.checkpoint()
        _publish_claimed(run, to, pace, span)  # of a worker that died
        _send(run, Selection.from_json(run.params["selection"]), to, pace, span)
        passed_over.report(run)
    except (Stopped, Waiting, OperationalError, InterfaceError):
        raise
    except Exception as error:
        if not (isinstance(error, RabbitError) and error.kind == "connection"):
            claims.give_back(run.operation)  # the operation ends here: nobody else would
        raise
    finally:
        if span is not None:
            span.end()


def _send(run: Run, chosen: Selection, to: To, pace: Pace, span: Publishing | None) -> None:
    """Claim and publish what is left, no faster than `pace`, no more at once than the canary lets through.

    Where neither holds it back, the next batch is claimed and prepared while the one before is on its way.
    """
    before = 0
    with Sender(run, to, span) as sender:
        while True:
            room = canary.room(run.operation)
            if room == 0:
                canary.watch(run, chosen, before)
                room = canary.room(run.operation)
            run.rest(pace.wait(time.monotonic()))
            at_most = pace.at_once(claims.BATCH if room is None else room)
            with transaction.atomic():
                run.checkpoint()
                found = claims.claim(run.operation, chosen, after=before, at_most=at_most)
            if found is None:
                break
            (before, batch), begun = found, time.monotonic()
            sender.send(batch)
            if room is not None or pace.is_bounded:
                sender.settle()
                pace.take(len(batch.letters), begun)


def _publish_claimed(run: Run, to: To, pace: Pace, span: Publishing | None) -> None:
    # No stop in between: what is claimed and not sent would be shown as maybe sent.
    claims.write_down(run.operation)
    with Sender(run, to, span) as sender:
        for batch in claims.batches(run.operation):
            begun = time.monotonic()
            sender.send(batch)
            sender.settle()
            pace.take(len(batch.letters), begun)


@dataclass(frozen=True)
class _Sent:
    """A part of a batch on its way to one virtual host."""

    items: list[Outgoing]
    receipts: Future[list[Receipt]]


class Sender:
    """Publishes batches and marks each letter by its receipt. At most _AHEAD batches are on their way.

    To be used with `with`: at its end, whatever ended it, what was sent is waited for and marked. For the
    runner's thread. On PostgreSQL a thread with a connection of its own marks, while the next batch is claimed and
    copied; SQLite has one writer, so it is the runner's who marks, when its turn comes.
    """

    def __init__(self, run: Run, to: To, span: Publishing | None = None) -> None:
        self._run = run
        self._span = span
        self._copier = Copier(
            to,
            broker=run.operation.broker,
            username=brokers.config(run.operation.broker).username,
            keep_headers=bool(run.params.get("keep_headers")),
        )
        self._may_lose = bool(run.params.get("allow_loss"))
        self._rooms: dict[str, Room] = {}
        self._threads = ThreadPoolExecutor(_AHEAD, thread_name_prefix="requeue")
        self._marker = ThreadPoolExecutor(1, "requeue-mark") if connection.vendor == "postgresql" else None
        self._on_the_way: deque[Callable[[], None]] = deque()  # each waits for a batch to be marked

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        try:
            if kind is None or issubclass(kind, Exception):
                self.settle()
        finally:
            self._threads.shutdown(wait=False)
            if self._marker is not None:
                self._marker.submit(lambda: connection.close())  # its own: each thread has one
                self._marker.shutdown(wait=kind is None or issubclass(kind, Exception))

    def send(self, batch: Batch) -> None:
        """Publish a claimed batch, once there is room for it. Raises NoResponse if some of those before must be
        tried again, Stopped when another worker has the operation."""
        while len(self._on_the_way) >= _AHEAD:
            self._on_the_way.popleft()()
        span = traced.batch(batch.letters, self._span)
        refused: dict[int, str] = {}
        outgoing: dict[str, list[Outgoing]] = {}
        for letter in batch.letters:
            try:
                outgoing.setdefault(letter.vhost, []).append(self._copier.copy(letter))
            except (Refusal, ValueError) as error:
                refused[letter.id] = str(error)
        if not self._may_lose:
            outgoing = {vhost: self._with_room(vhost, items, refused) for vhost, items in outgoing.items()}
        sent = [
            _Sent(items, self._threads.submit(_publish, self._run.operation.broker, vhost, items))
            for vhost, items in outgoing.items()
        ]
        if self._marker is None:
            self._on_the_way.append(partial(self._settle, batch, sent, refused, span))
        else:
            self._on_the_way.append(self._marker.submit(self._settle, batch, sent, refused, span).result)

    def _with_room(self, vhost: str, items: list[Outgoing], refused: dict[int, str]) -> list[Outgoing]:
        """Return those that find room where they go; the others are `refused`. Of what an exchange routes it is not
        known. Raises as `send`."""
        room = self._rooms.setdefault(vhost, Room(self._run.operation.broker, vhost))
        queues = {item.routing_key for item in items if item.exchange == ""}
        bounded = {name for name in queues if room.is_bounded(name)}
        if not bounded:
            return items
        self.settle()  # what is on its way is counted only once it is there
        there: dict[str, list[Outgoing]] = {}
        for item in items:
            if item.exchange == "" and item.routing_key in bounded:
                there.setdefault(item.routing_key, []).append(item)
        for name, coming in there.items():
            for item in coming[room.take(name, [len(item.body) for item in coming]) :]:
                refused[item.tag] = room.why_not(name)
        return [item for item in items if item.tag not in refused]

    def settle(self) -> None:
        """Wait for all that is on its way and mark it; every batch, whatever became of the one before it.

        Raises as `send`.
        """
        fault: Exception | None = None
        while self._on_the_way:
            try:
                self._on_the_way.popleft()()
            except (RabbitError, Stopped) as error:
                fault = fault or error
        if fault is not None:
            raise fault

    def _settle(
        self, batch: Batch, sent: Sequence[_Sent], refused: dict[int, str], span: Publishing | None
    ) -> None:
        """Wait for what the broker says of a batch, and mark it. Any one thread. Raises as `send`."""
        confirmed: dict[int, str] = {}
        places: dict[tuple[str, str], str] = {}  # few, each translated once
        waiting = ""
        for part in sent:
            for item, receipt in zip(part.items, part.receipts.result(), strict=True):
                if receipt.ok:
                    route = item.exchange, item.routing_key
                    confirmed[item.tag] = places.get(route) or places.setdefault(route, _place(item))
                elif receipt.unknown or receipt.reason in _TRANSIENT:
                    waiting = receipt.detail or receipt.reason
                else:
                    refused[item.tag] = _why(receipt, item)
        if span is not None:
            why = "no answer" if waiting else "refused" if refused else ""
            span.end(why, mqadmin__confirmed=len(confirmed), mqadmin__refused=len(refused))
        _mark(self._run, batch, confirmed, refused)
        if waiting:
            raise NoResponse(waiting)


def _publish(broker: str, vhost: str, items: list[Outgoing]) -> list[Receipt]:
    """Publish to one virtual host, each with its receipt. Any thread."""
    return brokers.publisher(broker, vhost).publish_batch(items, timeout_s=PUBLISH_SECONDS)


def _mark(run: Run, batch: Batch, confirmed: dict[int, str], refused: dict[int, str]) -> None:
    """Write the results and count them, together: a crash in between must not count twice."""
    stopped: Stopped | None = None
    with transaction.atomic():
        claims.settle(run.operation, batch, confirmed, refused)
        for pk, reason in refused.items():
            run.problem(str(pk), reason)
        try:
            run.progress(done=len(confirmed), failed=len(refused))
        except Stopped as error:  # another worker has the operation; what the broker told us stays true
            stopped = error
    if stopped is not None:
        raise stopped


def _place(item: Outgoing) -> str:
    if item.exchange == "":
        return _("to %(queue)s, confirmed by the broker") % {"queue": item.routing_key}
    return _("to %(exchange)s with key %(key)s, confirmed by the broker") % {
        "exchange": item.exchange,
        "key": item.routing_key,
    }


def _why(receipt: Receipt, item: Outgoing) -> str:
    if receipt.reason == "unroutable" and item.exchange == "":
        return _("There is no queue “%(queue)s”: the broker returned it.") % {"queue": item.routing_key}
    if receipt.reason == "unroutable":
        return _("No queue is bound to “%(exchange)s” for “%(key)s”: the broker returned it.") % {
            "exchange": item.exchange,
            "key": item.routing_key,
        }
    return receipt.detail or receipt.reason
