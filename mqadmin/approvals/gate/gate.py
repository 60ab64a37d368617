"""The gate that every large act passes: let through, or kept until a second person agrees.

A service calls `ask` once it has made all its checks and before it does anything: so what is kept was found in
order, its size is the one that was counted last, and all is checked anew when it is done at last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.approvals.gate import kinds, lately, telling
from mqadmin.approvals.gate.size import Limit, Size, limit_of
from mqadmin.approvals.models import Approval
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Awaits, Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.core.rights import asking
from mqadmin.rabbit.effects.effect import Level

MOST_FORETOLD = 60  # sentences of a dry run that are kept


class Foretold(NamedTuple):
    """A sentence of what an act would do. `level`: as `rabbit.effects` has them."""

    level: Level
    text: str


@dataclass(frozen=True)
class Asked:
    """An act that is about to be done.

    `arguments`: JSON, from which `kinds` does it again; `mark`: what is another once that which it is about is;
    `foretell`: its dry run, only made where it waits; `besides`: the rest of its arguments, likewise.
    """

    act: str
    broker: str
    summary: str
    arguments: Mapping[str, Any]
    size: Size
    vhost: str = ""
    queue: str = ""
    mark: str = ""
    foretell: Callable[[], Sequence[Foretold]] = field(default=tuple)
    besides: Callable[[], Mapping[str, Any]] = field(default=dict)


def digest(value: object) -> str:
    """Return a short mark of what an act is about."""
    return hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Outgrown(Refusal):
    """What was agreed to would now do more, or something else: `now` is to be agreed to anew."""

    def __init__(self, text: str, now: Asked) -> None:
        super().__init__(text, "outgrown")
        self.now = now


_agreed: ContextVar[Approval | None] = ContextVar("agreed", default=None)
_is_settled: ContextVar[bool] = ContextVar("settled", default=False)


@contextmanager
def agreed(approval: Approval) -> Iterator[None]:
    """Let this one act through, as long as it is what was agreed to."""
    token = _agreed.set(approval)
    try:
        yield
    finally:
        _agreed.reset(token)


@contextmanager
def settled() -> Iterator[None]:
    """Let through what is a part of an act that passed the gate as a whole."""
    token = _is_settled.set(True)
    try:
        yield
    finally:
        _is_settled.reset(token)


def concerns(broker: str, by: Actor) -> bool:
    """Whether an act on a broker is to be measured at all: else nothing needs to be computed for it."""
    if by.via == "system" or _is_settled.get():
        return False
    return _agreed.get() is not None or limit_of(broker) is not None


def ask(asked: Asked, *, by: Actor, entry: AuditEntry) -> None:
    """Return where the act may go on. Raises Awaits where it is kept for a second person, and Outgrown where it is
    not any more what one agreed to. What mqadmin does by itself, by a rule that people set, is not asked about."""
    if not concerns(asked.broker, by):
        return
    approval = _agreed.get()
    if approval is not None:
        _check(approval, asked)
        entry.detail = {**entry.detail, "approval": approval.pk, "approved_by": approval.decided_by}
        return
    limit = limit_of(asked.broker)
    if limit is None:
        return
    kind = kinds.of(asked.act)
    counted = lately.add(kind=kind.counts_as, broker=asked.broker, by=by, size=asked.size)
    before = lately.done(kind=kind.counts_as, broker=asked.broker, by=by, but=counted)
    if not limit.is_reached(before + asked.size):
        return
    lately.drop(counted)
    approval = _kept(asked, kind, by, entry.target, lately.words(before, asked.size))
    entry.detail = {**entry.detail, "approval": approval.pk}
    raise awaits(approval)


def awaits(approval: Approval) -> Awaits:
    """Return what is raised for an act that waits."""
    text = _("Nothing was done yet: a second person must agree. %(what)s waits until %(until)s.") % {
        "what": approval.summary,
        "until": telling.moment(approval.expires_at),
    }
    href = reverse("approval_detail", args=[approval.pk])
    return Awaits(text, href=href, told=telling.out(approval))


def _check(approval: Approval, asked: Asked) -> None:
    """Raise Outgrown unless the act is what was agreed to, or less."""
    is_same = (approval.act, approval.broker, approval.mark) == (asked.act, asked.broker, asked.mark)
    if not is_same:
        raise Outgrown(_("Not done: what it is about is another by now. Look again, then agree anew."), asked)
    was = Size(approval.messages, approval.objects_touched)
    limit = limit_of(asked.broker) or Limit(0, 0)
    if limit.has_outgrown(was, asked.size):
        text = _("Not done: it would be %(now)s now, not %(was)s. Look again, then agree anew.")
        raise Outgrown(text % {"now": asked.size.words(), "was": was.words()}, asked)


def _kept(asked: Asked, kind: kinds.Kind, by: Actor, target: str, besides: str) -> Approval:
    """Keep what was asked, once: who sends it again is told of the one that waits."""
    now = timezone.now()
    waiting = Approval.everything.filter(
        act=asked.act,
        broker=asked.broker,
        asked_by=by.name,
        status=Approval.Status.WAITING,
        expires_at__gt=now,
    )
    arguments = json.loads(json.dumps({**asked.arguments, **asked.besides()}))
    for known in waiting:
        if known.arguments == arguments and known.mark == asked.mark:
            return known
    who = asking.limited()
    return Approval.everything.create(
        act=asked.act,
        needs=kind.needs,
        broker=asked.broker,
        vhost=asked.vhost,
        queue=asked.queue,
        target=target,
        summary=asked.summary[:300],
        arguments=arguments,
        lately=besides[:300],
        mark=asked.mark,
        asked_by=by.name,
        asker_id=by.account,
        via=by.via,
        rights=who.rights.as_json() if who is not None else None,
        asked_at=now,
        expires_at=now + timedelta(hours=settings.MQADMIN_FOUR_EYES_HOURS),
        **of_now(asked),
    )


def of_now(asked: Asked) -> dict[str, Any]:
    """Return the columns that say what an act would do now."""
    return {
        "messages": asked.size.messages,
        "objects_touched": asked.size.objects,
        "foretold": [item._asdict() for item in list(asked.foretell())[:MOST_FORETOLD]],
    }


def warning(act: str, broker: str, size: Size, by: Actor) -> str:
    """Return what a dialog says before its button is pressed, "" where the act needs no second person."""
    limit = limit_of(broker)
    if limit is None:
        return ""
    before = lately.done(kind=kinds.of(act).counts_as, broker=broker, by=by)
    if not limit.is_reached(before + size):
        return ""
    text = _("A second person must agree: %(size)s on %(broker)s.") % {
        "size": size.words(),
        "broker": broker,
    }
    return prose.paragraph((text, lately.words(before, size)))


def rule(broker: str) -> str:
    """Return from which size on acts on a broker wait, in words, "" where none does."""
    limit = limit_of(broker)
    if limit is None:
        return ""
    values = {"messages": number(limit.messages), "objects": number(limit.objects)}
    return _("A second person must agree from %(messages)s messages, or %(objects)s objects on.") % values
