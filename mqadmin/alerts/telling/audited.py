"""Each act of the audit log, posted to a webhook in order: a thread of the monitor, in one monitor at a time.

An entry counts as told once the other side took it: it may arrive twice, and is lost only after a day of refusals.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.db.models import Q
from django.utils import timezone

from mqadmin.alerts.telling import services
from mqadmin.core import translating
from mqadmin.core.acts import leases
from mqadmin.core.models import AuditEntry
from mqadmin.core.pages import words
from mqadmin.core.wording import worded
from mqadmin.stack import with_room

log = logging.getLogger(__name__)

SECRET = "MQADMIN_AUDIT_WEBHOOK_SECRET"  # noqa: S105  # the name of a variable
LEASE = "audit-webhook"
LEASE_S = 40.0  # longer than one call may take
EVERY_S = 2.0
FIRST_DELAY_S, LONGEST_DELAY_S = 5.0, 600.0
AT_ONCE = 100
NO_LONGER, ENDED_WITHIN = timedelta(days=1), timedelta(minutes=10)


class Teller:
    """`turn` sends what waits; for one thread."""

    def __init__(self, address: str, secret: str) -> None:
        self._address, self._secret = address, secret
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._failed = 0

    def turn(self) -> float:
        """Send what waits, if this monitor leads; return the seconds to the next turn. Raises django.db.Error."""
        for entry in waiting(timezone.now()):
            if not leases.acquire(LEASE, self._holder, LEASE_S):
                return LEASE_S / 2
            answer = services.post(self._address, self._secret, _payload(entry), entry.pk)
            if not answer.ok:
                return self._later(entry, answer.text)
            if self._failed:
                log.info("the webhook of the audit log takes entries again")
            self._failed = 0
            AuditEntry.objects.filter(pk=entry.pk).update(told_at=timezone.now())
        return EVERY_S

    def resign(self) -> None:
        """Leave it to another monitor. Raises django.db.Error."""
        leases.release(LEASE, self._holder)

    def _later(self, entry: AuditEntry, why: str) -> float:
        delay = min(FIRST_DELAY_S * 2.0 ** min(self._failed, 10), LONGEST_DELAY_S)
        if not self._failed:
            log.warning(
                "the webhook of the audit log did not take entry %s, and is tried on: %s", entry.pk, why
            )
        self._failed += 1
        return delay


def waiting(now: datetime) -> list[AuditEntry]:
    """Return the entries that are to be told next, oldest first: what has ended, or never will."""
    ended = Q(finished_at__isnull=False) | Q(at__lt=now - ENDED_WITHIN)
    rows = AuditEntry.objects.filter(ended, told_at__isnull=True, at__gte=now - NO_LONGER)
    return list(rows.order_by("id")[:AT_ONCE])


def _payload(entry: AuditEntry) -> dict[str, Any]:
    with translating.speaking(settings.MQADMIN_LANGUAGE):
        return payload(entry)


def payload(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as it is sent; times in ISO 8601."""
    return {
        "event": "audit",
        "id": entry.pk,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "via": entry.via,
        "action": entry.action,
        "words": str(words.of(entry.action)),
        "broker": entry.broker,
        "target": entry.target,
        "count": entry.count,
        "outcome": entry.outcome,
        "reason": worded(entry.reason),
        "detail": entry.detail,
        "finished_at": entry.finished_at.isoformat() if entry.finished_at else None,
    }


def start(stop: threading.Event) -> threading.Thread | None:
    """Start the thread and return it; None where no address is set, or nothing that it is signed with."""
    address, secret = settings.MQADMIN_AUDIT_WEBHOOK, os.environ.get(SECRET, "")
    if not address:
        return None
    if not secret:
        log.error("MQADMIN_AUDIT_WEBHOOK is set, but %s is not: nothing is sent unsigned", SECRET)
        return None
    thread = threading.Thread(
        target=with_room(_run), args=(Teller(address, secret), stop), name="audit-webhook", daemon=True
    )
    thread.start()
    return thread


def _run(teller: Teller, stop: threading.Event) -> None:
    wait = 0.0
    while not stop.wait(wait):
        try:
            close_old_connections()
            wait = teller.turn()
        except (DatabaseError, InterfaceError) as error:
            log.warning("the audit log's webhook waits for the database: %s", error)
            connections.close_all()
            wait = FIRST_DELAY_S
        except Exception:
            log.exception("the audit log's webhook failed")
            wait = LONGEST_DELAY_S
    try:
        teller.resign()
    except (DatabaseError, InterfaceError) as error:
        log.warning("the lease of the audit log's webhook could not be given back: %s", error)
    connections.close_all()
