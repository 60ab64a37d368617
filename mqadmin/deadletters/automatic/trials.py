"""A letter tried by its consumer's handler, for the circuit breaker: claimed meanwhile, so nobody else handles it.

The claim is an operation's, as for a requeue (guarantee 4). Who holds it dies: its lease runs out, and a worker
that finds it gives the letter back.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consumers.models import Consumer
from consumers.trying import trying
from consumers.trying.trying import Trial
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import GaveUp, Run
from mqadmin.core.models import Operation
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter, LetterEvent
from mqadmin.deadletters.requeue import claims
from mqadmin.rabbit.message import Message

KIND = "dead_letters.try"
LEASE = timedelta(minutes=3)  # a trial takes less

Status = DeadLetter.Status


def attempt(*, letter: DeadLetter, consumer: Consumer, message: Message, by: Actor) -> Trial | None:
    """Claim the parked letter, run the consumer's handler on `message`, and decide the letter by how it went.

    What passed is handled: it is discarded, requeued it would be done twice. Else it is parked again. Returns
    None when somebody else was faster. Raises Refusal as `trying.run`, with the letter parked again.
    """
    operation = _claim(letter, consumer, by)
    if operation is None:
        return None
    trial: Trial | None = None
    try:
        trial = trying.run(consumer=consumer, by=by, message=message)
    finally:
        _decide(operation, letter, trial)
    return trial


def why(trial: Trial, letter: DeadLetter) -> str:
    """Return why the handler failed on the letter, in a line without what of it is masked."""
    parts = (trial.error_type.rsplit(".", 1)[-1], trial.error)
    return masking.without(
        ": ".join(part for part in parts if part) or trial.detail, masking.hidden_in(letter)
    )


def _claim(letter: DeadLetter, consumer: Consumer, by: Actor) -> Operation | None:
    now = timezone.now()
    summary = _("Try letter #%(id)d with the handler of %(name)s") % {"id": letter.pk, "name": consumer.name}
    with transaction.atomic():
        operation = Operation.objects.create(
            kind=KIND,
            broker=consumer.broker,
            created_by=by.name,
            summary=summary,
            total=1,
            status=Operation.Status.RUNNING,
            started_at=now,
            lease_owner=KIND,
            lease_until=now + LEASE,
        )
        parked = DeadLetter.objects.filter(pk=letter.pk, status=Status.PARKED)
        if parked.update(status=Status.REQUEUEING, status_reason="", operation=operation, claimed_at=now):
            return operation
        operation.delete()
    return None


def _decide(operation: Operation, letter: DeadLetter, trial: Trial | None) -> None:
    """Write how it went and let go of the letter. Without a trial the handler was not run."""
    now = timezone.now()
    passed = trial is not None and trial.outcome == "acked"
    with transaction.atomic():
        if passed:
            text = _("Its consumer's handler was run on it and passed: it is handled.")
            changed = {"status": Status.DISCARDED, "decided_at": now}
        else:
            text = why(trial, letter) if trial is not None else ""
            changed = {"status": Status.PARKED, "claimed_at": None}
        if claims.outstanding(operation).filter(pk=letter.pk).update(**changed) and text:
            LetterEvent.objects.create(
                letter=letter,
                at=now,
                kind="tried",
                by=operation.created_by,
                text=text[:500],
                operation=operation,
            )
        rows = Operation.objects.filter(pk=operation.pk)
        rows.filter(status__in=Operation.OPEN).update(
            status=Operation.Status.DONE if trial is not None else Operation.Status.FAILED,
            done=int(passed),
            failed=int(not passed),
            error="" if passed else text[:2000],
            finished_at=now,
        )
        rows.update(lease_owner="", lease_until=None)


@operations.runner(KIND, cancelled=claims.give_back)
def run(run: Run) -> None:
    """Called where who tried it died: gives the letter back."""
    text = _("The trial was cut off: the handler may have been run on this letter.")
    held = claims.outstanding(run.operation).values_list("pk", flat=True)
    claims.returned(run.operation, dict.fromkeys(held, text))
    raise GaveUp(text)
