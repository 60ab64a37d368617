"""Who did what: the intent is committed before the act, its outcome after it (guarantee 7)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import Error as DatabaseError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from mqadmin.core.errors import Awaits, Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit.errors import Nacked, Refused, UnsafePeek

log = logging.getLogger(__name__)

REFUSALS = (Refusal, PermissionDenied, ValidationError, Refused, Nacked, UnsafePeek)


@dataclass(frozen=True)
class Actor:
    """Who acts, and by which way in. `account`: the id of their account, None for who has none here."""

    name: str
    via: Literal["web", "api", "shell", "system"] = "web"
    account: int | None = field(default=None, compare=False)


SYSTEM = Actor("mqadmin", "system")


def actor(request: HttpRequest) -> Actor:
    """Return who makes this request, from a page or through the API."""
    name = request.user.get_username() if request.user.is_authenticated else "anonymous"
    via: Literal["web", "api"] = "api" if getattr(request, "auth", None) is not None else "web"
    return Actor(name, via, request.user.pk)


@contextmanager
def act(
    *,
    by: Actor,
    action: str,
    broker: str = "",
    target: str = "",
    count: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Iterator[AuditEntry]:
    """Record an act around the block that does it.

    The intent is committed on its own first: must not be entered inside `transaction.atomic` (RuntimeError).
    Inside the block `entry.count`, `entry.target` and `entry.detail` may still be set. An exception that
    leaves the block marks the entry `refused` (someone or something said no), `waiting` (for a second person) or
    `failed`, with its text, and goes on. Raises django.db.Error when the intent cannot be written: then the act
    does not happen.
    """
    with transaction.atomic(durable=True):
        entry = AuditEntry.objects.create(
            actor=by.name,
            via=by.via,
            action=action,
            broker=broker,
            target=target[:600],
            count=count,
            detail=dict(detail or {}),
        )
    try:
        yield entry
    except BaseException as error:
        _finish(entry, _outcome(error), str(error) or type(error).__name__)
        raise
    _finish(entry, AuditEntry.Outcome.DONE, "")


def _outcome(error: BaseException) -> AuditEntry.Outcome:
    if isinstance(error, Awaits):
        return AuditEntry.Outcome.WAITING
    return AuditEntry.Outcome.REFUSED if isinstance(error, REFUSALS) else AuditEntry.Outcome.FAILED


def note(
    *,
    by: Actor,
    action: str,
    outcome: AuditEntry.Outcome,
    target: str = "",
    count: int | None = None,
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Record what has happened already, or was not let happen: there is no act to wrap. Raises django.db.Error."""
    return AuditEntry.objects.create(
        actor=by.name,
        via=by.via,
        action=action,
        target=target[:600],
        count=count,
        detail=dict(detail or {}),
        outcome=outcome,
        reason=reason[:2000],
        finished_at=timezone.now(),
    )


def _finish(entry: AuditEntry, outcome: AuditEntry.Outcome, reason: str) -> None:
    """Write the outcome; an entry that cannot be completed stays an intent, which is the truth."""
    entry.outcome, entry.reason, entry.finished_at = outcome, reason[:2000], timezone.now()
    entry.target = entry.target[:600]
    try:
        entry.save(update_fields=["outcome", "reason", "finished_at", "count", "target", "detail"])
    except DatabaseError:
        log.exception("the outcome of audit entry %s (%s) could not be written", entry.pk, outcome)
