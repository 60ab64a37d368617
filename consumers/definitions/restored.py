"""In a restored database no consumer runs: nobody knows what was handled since, or whether the original runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, SupervisorHost

# The largest of all tables, and of how much was handled the counts by the minute stay.
BULKY = ("consumers_record",)


def stand_down(reason: str) -> Iterable[str]:
    """Stop every consumer, end the rows of processes, forget who supervised: no supervisor adopts or starts any."""
    now = timezone.now()
    lines = []
    for row in Consumer.objects.order_by("name"):
        text = _held_back(row)
        if text:
            ConsumerEvent.objects.create(consumer=row, at=now, kind="restored", text=f"{reason} {text}"[:500])
            lines.append(_("Consumer %(name)s: %(text)s") % {"name": row.name, "text": text})
    Consumer.objects.update(
        desired=Consumer.Desired.STOPPED,
        desired_by="the restore",
        desired_at=now,
        autoscale_max=0,
        autoscaled=None,
    )
    ConsumerProcess.objects.filter(ended_at=None).update(
        state=ConsumerProcess.State.LOST,
        state_reason="",
        state_since=now,
        exit_reason=reason[:500],
        lease_until=None,
        next_start_at=None,
        kill_requested_at=None,
        in_flight=0,
        rate=0,
        ended_at=now,
    )
    SupervisorHost.objects.filter(drained=False).delete()
    SupervisorHost.objects.update(heartbeat_at=now - timedelta(days=1))  # that a person drained it stays
    return lines


def _held_back(row: Consumer) -> str:
    """Return in words what of a consumer is switched off."""
    said = []
    if row.desired != Consumer.Desired.STOPPED:
        said.append(_("stopped, it was %(desired)s.") % {"desired": row.get_desired_display()})
    if row.is_autoscaled:
        said.append(
            _("Autoscaling, from %(least)d to %(most)d processes, is off.")
            % {"least": row.autoscale_min, "most": row.autoscale_max}
        )
    return " ".join(said)


def at_work(since: datetime) -> Iterable[tuple[str, datetime]]:
    """Yield the supervisors and consumer processes that were heard of since then."""
    for host in SupervisorHost.objects.filter(heartbeat_at__gt=since).order_by("name"):
        yield f"the supervisor {host.name} (pid {host.pid})", host.heartbeat_at
    living = ConsumerProcess.objects.filter(ended_at=None, heartbeat_at__gt=since).select_related("consumer")
    for row in living.order_by("pk"):
        assert row.heartbeat_at is not None
        yield f"a process of {row.consumer.name} on {row.host} (pid {row.pid})", row.heartbeat_at
