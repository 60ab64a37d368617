"""Requeue letters: claim, publish, confirm, mark (guarantee 4).

A batch is claimed and committed before the first copy is sent. Then every copy has a verdict: confirmed and not
returned means requeued; refused in any way means back in the inbox with the reason; and where the broker's
answer never came the letter stays claimed, and the operation, when it is carried out again, sends it once more
under the same `mqadmin-requeue-id`, by which a consumer can drop the second copy.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core import audit, brokers, operations
from mqadmin.core.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.operations import Run, Stopped, Waiting
from mqadmin.deadletters import canary, claims, destinations, letters, selection
from mqadmin.deadletters.destinations import Destination, To
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.pace import Pace
from mqadmin.deadletters.selection import Selection
from mqadmin.rabbit import deaths
from mqadmin.rabbit.errors import NoResponse, RabbitError
from mqadmin.rabbit.publisher import Outgoing, Verdict

KIND = "dead_letters.requeue"
PUBLISH_SECONDS = 10.0  # well under the operation's lease
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
    *, selection: Selection, to: To, by: Actor, expect: int | None = None, care: Care | None = None
) -> Operation:
    """Have a worker requeue the parked letters of `selection`; returns the operation at once.

    Raises Refusal when there are none, not `expect` of them, or when none of them would arrive; RabbitError
    when the broker cannot be asked where they would go.
    """
    care = care or Care()
    params = {"selection": selection.to_json(), "to": to.to_json()}
    with audit.act(
        by=by,
        action=KIND,
        broker=selection.broker,
        target=describe(selection),
        detail={**params, **({} if care == Care() else {"care": asdict(care)})},
    ) as entry:
        total = _count(selection, expect)
        entry.count = total
        found = check(selection=selection, to=to)
        if all(place.problem for place in found):
            raise Refusal(found[0].problem if found else _("Nothing is left to requeue."), "no_destination")
        return operations.start(
            kind=KIND,
            by=by,
            broker=selection.broker,
            summary=_summary(total, found),
            params=params,
            total=total,
            hold_seconds=care.hold_seconds,
            rate_limit=care.rate,
            canary=canary.plan(care.canary_seconds, care.canary_steps) if care.canary_seconds else None,
        )


def describe(selection: Selection) -> str:
    """Return a selection in words, for the audit log."""
    if selection.filter is None:
        return "letters " + ", ".join(map(str, selection.ids[:50]))
    told = (f"{name}={value}" for name, value in selection.filter.to_json().items() if name != "broker")
    return f"letters that match {', '.join(told) or 'everything'}"


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
    try:
        run.checkpoint()
        _publish_claimed(run, to, pace)  # of a worker that died
        _send(run, Selection.from_json(run.params["selection"]), to, pace)
    except (Stopped, Waiting, OperationalError, InterfaceError):
        raise
    except Exception as error:
        if not (isinstance(error, RabbitError) and error.kind == "connection"):
            claims.give_back(run.operation)  # the operation ends here: nobody else would
        raise


def _send(run: Run, chosen: Selection, to: To, pace: Pace) -> None:
    """Claim and publish what is left, no faster than `pace`, no more at once than the canary lets through."""
    after: int | None = 0
    while after is not None:
        run.checkpoint()
        room = canary.room(run.operation)
        if room == 0:
            canary.watch(run, chosen, after)
            room = canary.room(run.operation)
        run.rest(pace.wait(time.monotonic()))
        at_most = pace.at_once(claims.BATCH if room is None else room)
        after = claims.claim(run.operation, chosen, after=after, at_most=at_most)
        _publish_claimed(run, to, pace)


def _publish_claimed(run: Run, to: To, pace: Pace) -> None:
    # No stop in between: what is claimed and not sent would be shown as maybe sent.
    for batch in claims.batches(run.operation):
        begun = time.monotonic()
        _publish(run, to, batch)
        pace.sent(len(batch), begun)


def _publish(run: Run, to: To, batch: Sequence[DeadLetter]) -> None:
    """Publish one batch and mark each letter by its verdict. Raises NoResponse if some must be tried again."""
    username = brokers.config(run.operation.broker).username
    refused: dict[int, str] = {}
    outgoing: dict[str, list[Outgoing]] = {}
    for letter in batch:
        try:
            outgoing.setdefault(letter.vhost, []).append(copy(letter, to, username=username))
        except (Refusal, ValueError) as error:
            refused[letter.pk] = str(error)
    confirmed: dict[int, str] = {}
    waiting = ""
    for vhost, items in outgoing.items():
        publisher = brokers.publisher(run.operation.broker, vhost)
        verdicts = publisher.publish_batch(items, timeout_s=PUBLISH_SECONDS)
        for item, verdict in zip(items, verdicts, strict=True):
            if verdict.ok:
                confirmed[item.tag] = _place(item)
            elif verdict.unknown or verdict.reason in _TRANSIENT:
                waiting = verdict.detail or verdict.reason
            else:
                refused[item.tag] = _why(verdict, item)
    _mark(run, confirmed, refused)
    if waiting:
        raise NoResponse(waiting)


def _mark(run: Run, confirmed: dict[int, str], refused: dict[int, str]) -> None:
    """Write the results and count them, together: a crash in between must not count twice."""
    stopped: Stopped | None = None
    with transaction.atomic():
        claims.requeued(run.operation, confirmed)
        claims.returned(run.operation, refused)
        for pk, reason in refused.items():
            run.problem(str(pk), reason)
        try:
            run.progress(done=len(confirmed), failed=len(refused))
        except Stopped as error:  # another worker has the operation; what the broker told us stays true
            stopped = error
    if stopped is not None:
        raise stopped


def copy(letter: DeadLetter, to: To, *, username: str) -> Outgoing:
    """Return the copy to publish: the letter without the traces of its death, under its claim's id.

    Raises Refusal when it has no destination. The TTL is left out, it could kill the copy at once; so is a
    foreign `user_id`, for which RabbitMQ closes the channel. Both stay readable under another name.
    """
    place = destinations.address(letter, to)
    if place.problem:
        raise Refusal(place.problem)
    if place.exchange == "" and place.routing_key == letter.dead_letter_queue:
        raise Refusal(_("It would go straight back to the dead-letter queue."))
    message = letters.message_of(letter)
    headers, _removed = deaths.strip_failure_headers(message.headers)
    properties = message.properties
    if properties.expiration is not None:
        headers["mqadmin-original-expiration"] = properties.expiration
    user_id = properties.user_id
    if user_id is not None and user_id != username:
        headers["mqadmin-original-user-id"] = user_id
        user_id = None
    headers[letters.REQUEUE_ID] = letter.requeue_id
    return Outgoing(
        exchange=place.exchange,
        routing_key=place.routing_key,
        body=message.body,
        properties=replace(properties, headers=headers, expiration=None, user_id=user_id),
        tag=letter.pk,
    )


def _place(item: Outgoing) -> str:
    if item.exchange == "":
        return _("to %(queue)s, confirmed by the broker") % {"queue": item.routing_key}
    return _("to %(exchange)s with key %(key)s, confirmed by the broker") % {
        "exchange": item.exchange,
        "key": item.routing_key,
    }


def _why(verdict: Verdict, item: Outgoing) -> str:
    if verdict.reason == "unroutable" and item.exchange == "":
        return _("There is no queue “%(queue)s”: the broker returned it.") % {"queue": item.routing_key}
    if verdict.reason == "unroutable":
        return _("No queue is bound to “%(exchange)s” for “%(key)s”: the broker returned it.") % {
            "exchange": item.exchange,
            "key": item.routing_key,
        }
    return verdict.detail or verdict.reason
