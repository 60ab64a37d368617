"""From rows to one line of time: what happened to a message, where, and when. Pure, but for the words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from consumers.models import Record
from mqadmin.core.pages import formats
from mqadmin.core.tones import Tone
from mqadmin.deadletters.models import DeadLetter
from mqadmin.passing.journey.looking import Found
from mqadmin.passing.models import Seen

Kind = Literal["seen", "handled", "died", "letter"]
_OUTCOMES: dict[str, Tone] = {
    "acked": "green",
    "retried": "amber",
    "dead_lettered": "red",
    "timed_out": "red",
    "duplicate": "grey",
    "released": "grey",
}


@dataclass(frozen=True)
class Step:
    """One thing that happened. `at` None: nobody knows when. `source`: the row it is read from: tap, record or
    letter, and its number, `parent` that of its tap."""

    at: datetime | None
    kind: Kind
    what: str
    where: str
    broker: str
    vhost: str
    message_id: str
    tone: Tone
    detail: str
    source: Literal["tap", "record", "letter"]
    id: int
    parent: int = 0


def line(found: Found) -> list[Step]:
    """Return the steps in the order of time; those without a time come first. Clocks of several hosts differ."""
    steps = [step for row in found.seen for step in _seen(row)]
    steps += [step for row in found.records for step in _handled(row)]
    steps += [step for row in found.letters for step in _letter(row)]
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(_once(steps), key=lambda step: (step.at or never, step.source, step.id))


def _once(steps: list[Step]) -> Iterator[Step]:
    """Yield each death once: a letter that died again tells of all its deaths, and so does each before it."""
    told = set()
    for step in steps:
        key = (step.kind, step.at, step.what, step.where, step.message_id)
        if step.kind != "died" or key not in told:
            yield step
        told.add(key)


def _seen(row: Seen) -> Iterator[Step]:
    where = row.exchange or _("default exchange")
    detail = _("routing key %(key)s") % {"key": row.routing_key} if row.routing_key else ""
    what = _("delivered") if row.tap.is_firehose and row.tap.kind == "queue" else _("passed")
    if row.tap.kind == "queue":
        where = row.tap.name
    yield Step(
        at=row.at,
        kind="seen",
        what=what,
        where=where,
        broker=row.tap.broker,
        vhost=row.tap.vhost,
        message_id=row.message_id,
        tone="blue",
        detail=detail,
        source="tap",
        id=row.pk,
        parent=row.tap_id,
    )


def _handled(row: Record) -> Iterator[Step]:
    parts = [_("by %(consumer)s") % {"consumer": row.consumer.name}]
    if row.attempt > 1:
        parts.append(_("attempt %(n)d") % {"n": row.attempt})
    if row.redelivered:
        parts.append(_("redelivered"))
    parts.append(_("took %(time)s") % {"time": formats.duration(row.seconds)})
    if row.error or row.error_type:
        parts.append(": ".join(filter(None, (row.error_type, row.error[:200]))))
    elif row.detail:
        parts.append(row.detail)
    yield Step(
        at=row.started_at,
        kind="handled",
        what=str(row.get_outcome_display()),
        where=row.queue,
        broker=row.consumer.broker,
        vhost=row.consumer.vhost,
        message_id=row.message_id,
        tone=_OUTCOMES.get(row.outcome, "grey"),
        detail=" · ".join(parts),
        source="record",
        id=row.pk,
    )


def _letter(row: DeadLetter) -> Iterator[Step]:
    same: dict[str, Any] = {
        "broker": row.broker,
        "vhost": row.vhost,
        "message_id": row.message_id,
        "source": "letter",
        "id": row.pk,
    }
    reasons = dict(DeadLetter.Reason.choices)
    for death in row.deaths if isinstance(row.deaths, list) else []:
        count = death.get("count") or 1
        reason = str(death.get("reason") or "")
        yield Step(
            at=_time(death.get("time")),
            kind="died",
            what=_("died: %(why)s") % {"why": reasons.get(reason, reason)},
            where=str(death.get("queue") or ""),
            tone="red",
            detail=_("%(n)d times, this is the first") % {"n": count} if count > 1 else "",
            **same,
        )
    error = ": ".join(filter(None, (row.error_type, row.error[:200])))
    yield Step(
        at=row.captured_at,
        kind="letter",
        what=_("captured as a dead letter"),
        where=row.dead_letter_queue,
        tone="amber",
        detail=error,
        **same,
    )
    for event in row.events.all():
        by = _("by %(name)s") % {"name": event.by} if event.by else ""
        yield Step(
            at=event.at,
            kind="letter",
            what=_event(event.kind),
            where=row.return_queue or row.source_queue if event.kind == "requeued" else row.dead_letter_queue,
            tone="blue" if event.kind == "requeued" else "grey",
            detail=" · ".join(filter(None, (by, event.text))),
            **same,
        )


def _event(kind: str) -> str:
    known = {
        "requeued": _("requeued"),
        "returned": _("back in the inbox"),
        "discarded": _("discarded"),
        "restored": _("restored"),
        "edited": _("edited"),
        "noted": _("noted"),
        "imported": _("imported"),
        "tried": _("tried again"),
    }
    return known.get(kind, kind)


def _time(value: Any) -> datetime | None:
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
