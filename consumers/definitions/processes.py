"""What a person does to one process of a consumer: start it now, or replace it. All of them: `definitions`."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from consumers.definitions.definitions import DOWN, LIVE, Conflict, act, tell
from consumers.models import Consumer, ConsumerProcess
from mqadmin.core.acts.audit import Actor

# In the row of a process: no definition's nudge is this high, so its supervisor replaces it.
REPLACE = 2**31 - 1


def start_now(*, process: ConsumerProcess, by: Actor) -> None:
    """Start a replica that is down at once, and forget its crashes; raises Conflict unless it is down."""
    consumer = process.consumer
    with act(consumer, by, "start", _which(process)):
        rows = ConsumerProcess.objects.filter(pk=process.pk, ended_at=None, state__in=DOWN)
        now = timezone.now()
        if consumer.desired == Consumer.Desired.STOPPED:
            raise Conflict(_("The consumer is told to be stopped: start it."), "stopped")
        if not rows.update(state=ConsumerProcess.State.BACKOFF, next_start_at=now, crashes=0, early_deaths=0):
            raise Conflict(_("It does not wait to be started, or no more."), "wrong_state")
        tell(consumer, _("%(who)s asked to start a process now") % {"who": by.name}, process)


def restart(*, process: ConsumerProcess, by: Actor) -> None:
    """Ask for one process to be replaced once it has finished what it has in hand.

    Its supervisor compares the row's nudge with the definition's, and replaces what differs. Raises Conflict
    when nothing can or needs to be replaced.
    """
    consumer = process.consumer
    with act(consumer, by, "restart", _which(process)):
        if not process.supervisor:
            raise Conflict(
                _("Something else started it and owns its lifecycle: restart it there."), "foreign"
            )
        if consumer.desired == Consumer.Desired.STOPPED:
            raise Conflict(_("The consumer is told to be stopped: start it."), "stopped")
        with transaction.atomic():
            if _live(consumer).exclude(nudge__in=(consumer.nudge, REPLACE)).exists():
                raise Conflict(
                    _("The processes of this consumer are being restarted already: wait for that."), "busy"
                )
            # Alone it is replaced at once; `rolling` would have it wait for the others' health.
            unchanged = Consumer.objects.filter(
                pk=consumer.pk, nudge=consumer.nudge, desired=consumer.desired
            )
            rows = _live(consumer).filter(pk=process.pk, stop_requested_at=None, nudge=consumer.nudge)
            if not rows.update(nudge=REPLACE) or not unchanged.update(rolling=False):
                raise Conflict(_("It is being replaced already, or has ended."), "wrong_state")
        tell(consumer, _("%(who)s asked to restart one process") % {"who": by.name}, process)


def _live(consumer: Consumer) -> QuerySet[ConsumerProcess]:
    rows = ConsumerProcess.objects.filter(consumer=consumer, ended_at=None, state__in=LIVE)
    return rows.exclude(supervisor="")


def _which(process: ConsumerProcess) -> dict[str, object]:
    return {"process": process.pk, "host": process.host, "pid": process.pid}
