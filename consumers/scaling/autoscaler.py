"""One look at every autoscaled consumer: what is seen goes to `replica_count`, what it decides is written.

Of all supervisors one at a time does it, the holder of the lease `autoscale`. What it remembers is its own:
another that takes over learns the rates again within half a minute, and changes nothing meanwhile without need.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, ScalePoint
from consumers.scaling import replica_count, schedule_words
from consumers.scaling.replica_count import Decision, Remembered, Seen, Settings
from mqadmin.core.acts import leases
from mqadmin.core.pages import formats
from mqadmin.queues.models import Queue

LEASE = "autoscale"
LEASE_S = 30.0
HEARD = timedelta(seconds=15)  # a process that has been silent for longer does not count as running
POINT = timedelta(seconds=30)  # between two points of a consumer without a change
POINTS_KEPT = timedelta(days=2)
REPORTED_AGAIN = timedelta(minutes=30)  # the same reason not to scale
BLIND = ("stale", "bounds")  # decided without looking at the numbers
REPORTED = ("limited", "stuck", "most", "stale")
STALE = timedelta(minutes=2)  # without numbers for so long, a person is told

_Address = tuple[str, str, str]


@dataclass(frozen=True)
class Step:
    """One consumer, and what was decided for it. `before`: the number that should have run until now."""

    consumer: Consumer
    before: int
    decision: Decision


class Autoscaler:
    """Decides for all consumers while it holds the lease. For one thread."""

    def __init__(self, holder: str) -> None:
        self._holder = holder
        self._remembered: dict[int, Remembered] = {}
        self._drawn: dict[int, datetime] = {}  # when the last point of a consumer was written
        self._reported: dict[int, tuple[str, datetime]] = {}
        self._blind: dict[int, datetime] = {}  # since when nothing is known of a consumer's queue

    def step(self, now: datetime) -> list[Step]:
        """Look once, write what follows, and return it; nothing while another holds the lease.

        As many queries for a thousand consumers as for one, and one more for each that changes. Raises
        django.db.Error.
        """
        consumers = [row for row in _autoscaled() if schedule_words.is_open(row.schedule, now)]
        if not consumers:
            self._forget(())
            return []
        if not leases.acquire(LEASE, self._holder, LEASE_S):
            self._forget(())
            return []
        self._forget([row.pk for row in consumers])
        steps = [self._decided(consumer, seen, now) for consumer, seen in _looked(consumers, now)]
        self._write(steps, now)
        return steps

    def resign(self) -> None:
        """Let another supervisor decide, at once. Raises django.db.Error."""
        leases.release(LEASE, self._holder)
        self._forget(())

    def _forget(self, kept: Iterable[int]) -> None:
        wanted = set(kept)
        for known in (self._remembered, self._drawn, self._reported, self._blind):
            for gone in known.keys() - wanted:
                del known[gone]

    def _decided(self, consumer: Consumer, seen: Seen, now: datetime) -> Step:
        bounds = Settings(consumer.autoscale_min, consumer.autoscale_max, consumer.autoscale_seconds)
        known = self._remembered.get(consumer.pk, Remembered())
        decision, self._remembered[consumer.pk] = replica_count.decide(seen, bounds, known, now)
        if decision.reason != "stale":
            self._blind.pop(consumer.pk, None)
        self._blind.setdefault(consumer.pk, now)
        return Step(consumer, seen.target, decision)

    def _write(self, steps: Iterable[Step], now: datetime) -> None:
        changed = [step for step in steps if step.decision.changed]
        news = [step for step in steps if not step.decision.changed and self._is_news(step, now)]
        due = [step for step in steps if self._is_due(step, now)]
        if not (changed or news or due):
            return
        with transaction.atomic():
            scaled = [step for step in changed if _set(step)]
            refused = {step.consumer.pk for step in changed} - {step.consumer.pk for step in scaled}
            events = [_event(step, "scaled", now) for step in scaled]
            events += [_event(step, "not_scaled", now) for step in news]
            ConsumerEvent.objects.bulk_create(events)
            ScalePoint.objects.bulk_create(
                [_point(step, now) for step in due if step.consumer.pk not in refused]
            )
        self._drawn.update({step.consumer.pk: now for step in due})
        self._reported.update({step.consumer.pk: (step.decision.reason, now) for step in news})

    def _is_due(self, step: Step, now: datetime) -> bool:
        last = self._drawn.get(step.consumer.pk)
        is_blind = step.decision.reason in BLIND
        return not is_blind and (step.decision.changed or last is None or now - last >= POINT)

    def _is_news(self, step: Step, now: datetime) -> bool:
        """Whether there is a reason not to scale that was not reported lately."""
        reason, at = self._reported.get(step.consumer.pk, ("", now))
        if step.decision.reason == "stale" and now - self._blind[step.consumer.pk] < STALE:
            return False
        return step.decision.reason in REPORTED and (
            step.decision.reason != reason or now - at >= REPORTED_AGAIN
        )


def old_points(now: datetime) -> QuerySet[ScalePoint]:
    """Return the points that are too old to keep, for retention."""
    return ScalePoint.objects.filter(at__lt=now - POINTS_KEPT)


# --- looking ---------------------------------------------------------------------------------------------------


def _autoscaled() -> QuerySet[Consumer]:
    """Return those that autoscaling is on for and that should run; paused ones keep their number."""
    fields = ("broker", "vhost", "queue", "schedule", "autoscaled", "replicas", "name")
    bounds = ("autoscale_min", "autoscale_max", "autoscale_seconds")
    rows = Consumer.objects.filter(desired=Consumer.Desired.RUNNING, autoscale_max__gt=0)
    return rows.only(*fields, *bounds)


def _looked(consumers: list[Consumer], now: datetime) -> list[tuple[Consumer, Seen]]:
    """Return what is to be seen of each, with two queries."""
    queues = _queues(consumers)
    processes = _processes(consumers, now)
    found = []
    for consumer in consumers:
        queue = queues.get((consumer.broker, consumer.vhost, consumer.queue), {})
        ready, running = queue.get("ready"), processes.get(consumer.pk, (0, 0.0))
        seen = Seen(
            backlog=ready or 0,
            unacked=queue.get("unacked") or 0,
            arriving=queue.get("publish_rate"),
            handling=running[1],
            running=running[0],
            # As written: after its bounds were changed the next step writes what they allow.
            target=consumer.target if consumer.autoscaled is None else consumer.autoscaled,
            # A queue that is not there, or whose numbers the broker does not know, decides nothing.
            sampled_at=None if ready is None else queue["broker__sampled_at"],
        )
        found.append((consumer, seen))
    return found


def _queues(consumers: Iterable[Consumer]) -> dict[_Address, dict[str, Any]]:
    rows = Queue.objects.filter(
        broker__slug__in={row.broker for row in consumers},
        vhost__in={row.vhost for row in consumers},
        name__in={row.queue for row in consumers},
        gone_at=None,
    )
    fields = ("broker__slug", "vhost", "name", "ready", "unacked", "publish_rate", "broker__sampled_at")
    return {(row["broker__slug"], row["vhost"], row["name"]): row for row in rows.values(*fields)}


def _processes(consumers: Iterable[Consumer], now: datetime) -> dict[int, tuple[int, float]]:
    """Return how many processes of each run, and what they handle a second together."""
    rows = ConsumerProcess.objects.filter(
        consumer__in=[row.pk for row in consumers],
        ended_at=None,
        state=ConsumerProcess.State.RUNNING,
        heartbeat_at__gte=now - HEARD,
    )
    counted = rows.order_by().values_list("consumer").annotate(running=Count("id"), handling=Sum("rate"))
    return {pk: (running, handling or 0.0) for pk, running, handling in counted}


# --- writing ---------------------------------------------------------------------------------------------------


def _set(step: Step) -> bool:
    """Write the number, unless a person has changed the definition meanwhile."""
    row = step.consumer
    unchanged = Consumer.objects.filter(
        pk=row.pk,
        desired=Consumer.Desired.RUNNING,
        autoscaled=row.autoscaled,
        autoscale_min=row.autoscale_min,
        autoscale_max=row.autoscale_max,
    )
    return bool(unchanged.update(autoscaled=step.decision.replicas))


def _point(step: Step, now: datetime) -> ScalePoint:
    decision = step.decision
    return ScalePoint(
        consumer=step.consumer,
        at=now,
        replicas=decision.replicas,
        backlog=decision.backlog,
        arriving=decision.arriving or 0.0,
        handling=decision.handling or 0.0,
    )


def _event(step: Step, kind: str, now: datetime) -> ConsumerEvent:
    numbers = {
        **asdict(step.decision),
        "before": step.before,
        "empty_in": step.decision.empty_in,
        "will_empty_in": step.decision.will_empty_in,
    }
    detail = {name: round(value, 3) if isinstance(value, float) else value for name, value in numbers.items()}
    return ConsumerEvent(
        consumer=step.consumer, at=now, kind=kind, text=sentence(step)[:500], detail=json.dumps(detail)
    )


def sentence(step: Step) -> str:
    """Say what was decided and why: "Scaled from 2 to 4: 12 000 waiting, 300/s arriving, 100/s each; ..."."""
    decision = step.decision
    said = {
        "before": step.before,
        "replicas": decision.replicas,
        "waiting": formats.number(decision.backlog),
        "needed": formats.number(decision.needed),
        "why": _numbers(decision),
    }
    match decision.reason:
        case "probing":
            text = _("Scaled from %(before)s to %(replicas)s, to see what one more handles: %(why)s")
        case "down":
            text = _("Scaled from %(before)s to %(replicas)s, as fewer have been enough: %(why)s")
        case "limited":
            text = _("Not scaled above %(replicas)s: more did not help, the bottleneck is elsewhere: %(why)s")
        case "stuck":
            text = _("Not scaled above %(replicas)s: %(waiting)s waiting and none is handled")
        case "most" if decision.needed is not None:
            text = _("Not scaled above %(replicas)s, the most it may have; it takes %(needed)s: %(why)s")
        case "most":
            text = _("Not scaled above %(replicas)s, the most it may have: %(why)s")
        case "stale":
            text = _(
                "Not scaled, %(replicas)s stay: no numbers have come lately of its queue. Does the monitor run, "
                "does RabbitMQ answer, is there such a queue?"
            )
        case "bounds":
            text = _("Scaled from %(before)s to %(replicas)s, as its bounds say")
        case _:
            text = _("Scaled from %(before)s to %(replicas)s: %(why)s")
    return text % said


def _numbers(decision: Decision) -> str:
    parts = [_("%(n)s waiting") % {"n": formats.number(decision.backlog)}]
    if decision.arriving is not None:
        parts.append(_("%(n)s/s arriving") % {"n": formats.rate(decision.arriving)})
    if decision.per_replica is not None:
        each = _("%(n)s/s each") if decision.is_known else _("at least %(n)s/s each")
        parts.append(each % {"n": formats.rate(decision.per_replica)})
    elif decision.handling is not None:
        parts.append(_("%(n)s/s handled") % {"n": formats.rate(decision.handling)})
    text = ", ".join(parts)
    then = decision.will_empty_in if decision.is_known else decision.empty_in
    if decision.backlog and then is not None:
        return _("%(numbers)s; empty in about %(time)s") % {"numbers": text, "time": _about(then)}
    if decision.backlog and decision.is_known:
        return _("%(numbers)s; it does not get emptier yet") % {"numbers": text}
    return text


def _about(seconds: float) -> str:
    """In whole minutes from two minutes on, in whole hours from two hours on."""
    for unit in (86_400, 3600, 60):
        if seconds >= 2 * unit:
            return formats.duration(round(seconds / unit) * unit)
    whole = max(1, round(seconds))
    return ngettext("%(n)d second", "%(n)d seconds", whole) % {"n": whole}
