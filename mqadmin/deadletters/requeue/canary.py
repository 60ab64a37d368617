"""A requeue in growing steps: each is watched before the next, and one letter that dies again ends it.

What died again is known in two ways: from captures that carry the copy's `mqadmin-requeue-id`, and from the
records of our own consumers. Where nobody consumes nothing can die again, and time would tell nothing: then it
stops, before the first letter is sent if it is so from the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.models import Consumer, Record
from consumers.records import finding, merging
from mqadmin.core.acts.operations import GaveUp, Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages.formats import duration
from mqadmin.core.rights import asking
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import claims, listening
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search.selection import Selection
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.headers import REQUEUE_ID

STEPS = (1, 5, 50)
MOST_STEPS = 10
MOST_WATCHED = 5_000  # letters of all steps together: they are looked up every few seconds
LOOK_SECONDS = 2.0
DEAF_SECONDS = 5.0  # so long a destination may be without a consumer: one that restarts is
_FAILED = (Record.Outcome.DEAD_LETTERED, Record.Outcome.TIMED_OUT)
_RECORDS_LOOKED_AT = 1_000
_CLOCKS = timedelta(
    minutes=5
)  # by which those of two hosts may differ; the requeue id itself is unmistakable


@dataclass(frozen=True)
class DiedAgain:
    """A letter that was requeued and died again; `error` says of what, "" where that is not known."""

    letter: int
    error: str


def plan(seconds: float, steps: Sequence[int] = STEPS) -> dict[str, Any]:
    """Return what an operation keeps of its canary: so many letters a step, each watched for `seconds`."""
    return {"seconds": seconds, "steps": list(steps), "step": 0, "until": None}


def room(operation: Operation) -> int | None:
    """Return how many letters the step in hand may still send; None: no bound. Reads the counts anew.

    Raises GaveUp before the first where nobody consumes from where they go.
    """
    plan_ = operation.canary
    if not plan_ or plan_["step"] >= len(plan_["steps"]):
        return None
    if "places" not in plan_:
        _listen(operation)
    operation.refresh_from_db(fields=["done"])
    through = int(sum(plan_["steps"][: plan_["step"] + 1]))
    return max(0, through - operation.done)


def watch(run: Run, chosen: Selection, after: int) -> None:
    """Look at what was sent; return when the next step may begin, or when nothing is left to send.

    Raises Waiting while it is too early to say, GaveUp when one died again.
    """
    operation, plan_, now = run.operation, dict(run.operation.canary), timezone.now()
    left = claims.free(operation, chosen, after=after).exists()
    sent = _sent(operation)
    if again := died_again(operation, sent):
        raise GaveUp(_why(again, len(sent)))
    if not left:
        run.go_on()
        return
    if silent := listening.silent(operation.broker, plan_.get("places", ())):
        deaf_since = parse_datetime(plan_.get("deaf_since") or "") or now
        if (now - deaf_since).total_seconds() >= DEAF_SECONDS:
            raise GaveUp(_deaf(silent, len(sent)))
        plan_["deaf_since"] = deaf_since.isoformat()
    else:
        plan_.pop("deaf_since", None)
    until = parse_datetime(plan_["until"]) if plan_["until"] else None
    if until is None:
        until = now + timedelta(seconds=plan_["seconds"])
    if now < until or silent:
        run.save_canary({**plan_, "until": until.isoformat()})
        again_at = min(max(until, now + timedelta(seconds=1)), now + timedelta(seconds=LOOK_SECONDS))
        run.wait(again_at, Operation.Phase.WATCHING, _watching(plan_, len(sent), until))
    run.save_canary({**plan_, "step": plan_["step"] + 1, "until": None})
    run.go_on()


def _listen(operation: Operation) -> None:
    """Keep in the plan where the letters go. Raises GaveUp where nobody consumes from there."""
    chosen = Selection.from_json(operation.params["selection"])
    rows = chosen.rows().filter(status=DeadLetter.Status.PARKED)
    try:
        to = To.from_json(operation.params["to"])
        places = listening.places(broker=operation.broker, rows=rows, to=to)
    except (RabbitError, Refusal):  # not known: the requeue itself tells of a broker that is away
        places = []
    if silent := listening.silent(operation.broker, places):
        raise GaveUp(_deaf(silent, 0))
    operation.canary = {**operation.canary, "places": places}
    Operation._base_manager.filter(pk=operation.pk).update(canary=operation.canary)


def died_again(operation: Operation, sent: Mapping[str, DeadLetter]) -> list[DiedAgain]:
    """Return which of the letters `sent` (by requeue id) died again since."""
    if not sent:
        return []
    with asking.asks(None):  # it is the same message, whatever queue it died in and whoever handled it
        return _died_again(operation, sent)


def _died_again(operation: Operation, sent: Mapping[str, DeadLetter]) -> list[DiedAgain]:
    begun = min(letter.claimed_at for letter in sent.values() if letter.claimed_at is not None)
    found: dict[int, DiedAgain] = {}
    back = DeadLetter.objects.filter(
        broker=operation.broker, captured_at__gte=begun - _CLOCKS, came_back_as__in=list(sent)
    )
    for letter in back.only("came_back_as", "error_type", "error", "reason"):
        error = ": ".join(part for part in (letter.error_name, letter.error) if part)
        of = sent[letter.came_back_as].pk
        found[of] = DiedAgain(of, error or str(letter.get_reason_display()))
    for of, error in _failed_records(operation, sent, begun):
        found.setdefault(of, DiedAgain(of, error))
    return [found[of] for of in sorted(found)]


def _sent(operation: Operation) -> dict[str, DeadLetter]:
    rows = DeadLetter.objects.filter(operation=operation, status=DeadLetter.Status.REQUEUED)
    fields = ("requeue_id", "message_id", "vhost", "claimed_at")
    return {letter.requeue_id: letter for letter in rows.only(*fields).order_by("pk")[:MOST_WATCHED]}


def _failed_records(
    operation: Operation, sent: Mapping[str, DeadLetter], begun: datetime
) -> list[tuple[int, str]]:
    """Return (letter, error) of what our consumers failed on: by requeue id, else by message id."""
    by_message = {letter.message_id: letter.pk for letter in sent.values() if letter.message_id}
    vhosts = {letter.vhost for letter in sent.values()}
    owners = list(
        Consumer.objects.filter(broker=operation.broker, vhost__in=vhosts).values_list("pk", flat=True)
    )
    since = Record.objects.filter(id__gte=finding.not_after(begun), started_at__gte=begun)
    ids: list[int] = []
    for outcome in _FAILED:  # each in the order of its own index, however few there are
        ids += merging.newest(since.filter(outcome=outcome), _RECORDS_LOOKED_AT, owners)
    rows = Record.objects.filter(id__in=sorted(ids, reverse=True)[:_RECORDS_LOOKED_AT])
    found = []
    for record in rows.only("message_id", "headers", "error_type", "error").order_by("-pk"):
        error = ": ".join(part for part in (record.error_type.rsplit(".", 1)[-1], record.error) if part)
        copy = str((record.headers or {}).get(REQUEUE_ID, ""))
        if copy in sent:
            found.append((sent[copy].pk, error))
        elif record.headers is None and record.message_id in by_message:
            found.append((by_message[record.message_id], error))
    return found


def _watching(plan_: Mapping[str, Any], sent: int, until: datetime) -> str:
    steps, step = plan_["steps"], plan_["step"]
    following = steps[step + 1 : step + 2]
    then = _("then %(n)d more") % {"n": following[0]} if following else _("then all that are left")
    return ngettext(
        "%(n)d letter was requeued. It is watched until %(at)s, %(then)s.",
        "%(n)d letters were requeued. They are watched until %(at)s, %(then)s.",
        sent,
    ) % {"n": sent, "at": timezone.localtime(until).strftime("%H:%M:%S"), "then": then}


def _why(again: Sequence[DiedAgain], sent: int) -> str:
    first = again[0]
    error = _told(first) or "?"
    return ngettext(
        "Stopped by itself: the letter that was requeued died again, #%(letter)d (%(error)s). "
        "The rest stay in the inbox.",
        "Stopped by itself: of %(sent)d letters requeued, %(n)d died again, first #%(letter)d (%(error)s). "
        "The rest stay in the inbox.",
        sent,
    ) % {"sent": sent, "n": len(again), "letter": first.letter, "error": error[:300]}


def _told(again: DiedAgain) -> str:
    """Return the error without masked values, of the letter as it was sent and as it came back: every viewer reads
    it in the operation. "" where the letter is gone: nobody can say what of it is masked."""
    sent = DeadLetter.objects.filter(pk=again.letter).first()
    if sent is None:
        return ""
    back = DeadLetter.objects.filter(broker=sent.broker, came_back_as=sent.requeue_id)
    hidden = [value for letter in (sent, *back) for value in masking.hidden_in(letter)]
    return masking.without(again.error, hidden)


def _deaf(silent: Sequence[str], sent: int) -> str:
    names = ", ".join(f"“{name}”" for name in silent[:3]) + (" …" if len(silent) > 3 else "")
    if not sent:
        return _(
            "Stopped before the first letter: nobody consumes from %(names)s, so it could not be seen whether "
            "it dies again. Start a consumer there, or requeue without steps."
        ) % {"names": names}
    return ngettext(
        "Stopped by itself: nobody consumes from %(names)s any more, so it cannot be seen whether the letter "
        "that was requeued dies again. The rest stay in the inbox.",
        "Stopped by itself: nobody consumes from %(names)s any more, so it cannot be seen whether the %(n)d "
        "letters that were requeued die again. The rest stay in the inbox.",
        sent,
    ) % {"names": names, "n": sent}


def described(plan_: Mapping[str, Any]) -> str:
    """Return a canary in words: 1, then 5, then 50, then the rest, each watched for 1 min."""
    steps = _(", then ").join(str(step) for step in plan_["steps"])
    return _("%(steps)s, then the rest, each watched for %(time)s") % {
        "steps": steps,
        "time": duration(plan_["seconds"]),
    }
