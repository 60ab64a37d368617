"""The outbox: who has a message in hand, what became of it, when it is tried again.

A row is claimed before it is sent and finished after. Who dies in between leaves it claimed; it is taken back then
and sent again: a message may arrive twice, and is never lost.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F
from django.utils.translation import gettext as _

from mqadmin.alerts.models import Delivery
from mqadmin.alerts.telling.answers import Answer

FIRST_DELAY_S, LONGEST_DELAY_S = 15, 900
GIVE_UP = timedelta(hours=24)
MOST = 500  # of a channel, looked at at once
State = Delivery.State


@dataclass(frozen=True, slots=True)
class Due:
    """A message that may be sent now."""

    id: int
    channel_id: int | None


def due(now: datetime) -> list[Due]:
    """Return what may be sent, oldest first: of a channel and an incident only what comes next, so that nobody is
    told that something is over before that it began."""
    rows = Delivery.objects.filter(state__in=Delivery.OPEN)
    found = []
    # Channel by channel: one that has been away for long fills its own share alone.
    for channel in rows.order_by().values_list("channel_id", flat=True).distinct():
        seen: set[int | None] = set()
        mine = rows.filter(channel_id=channel).order_by("id")
        for pk, incident, state, next_at in mine.values_list("pk", "incident_id", "state", "next_at")[:MOST]:
            comes_next = incident is None or incident not in seen
            seen.add(incident)
            if comes_next and state == State.DUE and (next_at is None or next_at <= now):
                found.append(Due(pk, channel))
    return found


def claim(delivery_id: int, holder: str, now: datetime) -> Delivery | None:
    """Take a message in hand; None where somebody else has it, or it is not due any more."""
    waiting = Delivery.objects.filter(pk=delivery_id, state=State.DUE)
    values = {"state": State.SENDING, "claimed_at": now, "claimed_by": holder[:100]}
    if not waiting.update(attempts=F("attempts") + 1, **values):
        return None
    return Delivery.objects.select_related("channel").get(pk=delivery_id)


def finish(delivery: Delivery, answer: Answer, now: datetime) -> str:
    """Write what the service said; returns the state. Nothing where it was taken back meanwhile."""
    values: dict[str, object] = {"answer": answer.text, "next_at": None, "ended_at": now}
    if answer.ok:
        state = State.SENT
    elif answer.is_final or delivery.what == Delivery.What.TEST or now - delivery.made_at >= GIVE_UP:
        state = State.FAILED
    else:
        state = State.DUE
        values |= {"next_at": now + delay(delivery.attempts), "ended_at": None}
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=State.SENDING, claimed_by=delivery.claimed_by, attempts=delivery.attempts
    )
    return state if mine.update(state=state, **values) else ""


def delay(attempts: int) -> timedelta:
    """Return how long after so many attempts the next one is made."""
    return timedelta(seconds=min(FIRST_DELAY_S * 2 ** min(attempts - 1, 10), LONGEST_DELAY_S))


def take_back(now: datetime, claim_s: float, in_hand: Collection[int]) -> int:
    """Have sent again what was claimed `claim_s` ago and is not `in_hand` here: its process died."""
    lost = Delivery.objects.filter(state=State.SENDING, claimed_at__lt=now - timedelta(seconds=claim_s))
    # A test is not sent again: who asked for it does not wait any more.
    lost.filter(incident=None).exclude(pk__in=in_hand).update(
        state=State.FAILED, ended_at=now, answer=_("Who sent it ended before there was an answer.")
    )
    again = lost.filter(incident__isnull=False).exclude(pk__in=in_hand)
    return again.update(
        state=State.DUE,
        next_at=now,
        answer=_("Who sent it ended before there was an answer: it is sent again."),
    )
