"""API tokens that were refused, in the audit log: one entry for an address and a while, which then counts.

Whoever is refused is a stranger, and must fill neither the log nor the database's time: a process keeps count of so
many addresses and of all others together, and writes what it counted now and then.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from time import monotonic

from django.db import Error as DatabaseError
from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext as _

from mqadmin.core.access import addresses
from mqadmin.core.acts import audit
from mqadmin.core.models import AuditEntry

log = logging.getLogger(__name__)

ACTION = "token.use"
ENTRY_S = 900.0  # an entry counts for so long, then another begins
WRITE_S = 10.0  # between two writes of its number; what was counted since the last one may be lost
MOST_PLACES = 200  # with an entry of their own, in each process
OTHERS = "many"


@dataclass
class _Place:
    entry: int
    began: float
    written: float
    waiting: int = 0


_places: dict[str, _Place] = {}
_lock = threading.Lock()


def note(request: HttpRequest, *, name: str, why: str = "") -> None:
    """Tell of one; `name`: of the account that it is of, "" for a token that nobody has. Never raises.

    `why`: "expired", else the account is not active.

    While another thread writes, which may have to wait for the database, it is not counted: nobody waits for that.
    """
    address = addresses.client(request)
    if not _lock.acquire(blocking=False):
        return
    try:
        _count(addresses.site(address), address, name, why, monotonic())
    except DatabaseError as error:
        log.warning("a refused token could not be audited: %s", error)
    finally:
        _lock.release()


def _count(site: str, address: str, name: str, why: str, now: float) -> None:
    for key in [key for key, place in _places.items() if now - place.began > ENTRY_S]:
        del _places[key]
    if site not in _places and len(_places) >= MOST_PLACES:
        site = address = OTHERS
    place = _places.get(site)
    if place is None:
        entry = audit.note(
            by=audit.Actor("anonymous", "api"),
            action=ACTION,
            outcome=AuditEntry.Outcome.REFUSED,
            target=name,
            count=1,
            reason=_reason(name, why),
            detail={"address": address},
        )
        _places[site] = _Place(entry.pk, now, now)
        log.warning("an API token was refused, from %s", address or "an unknown address")
        return
    place.waiting += 1
    if now - place.written >= WRITE_S:
        AuditEntry._base_manager.filter(pk=place.entry).update(count=F("count") + place.waiting)
        place.written, place.waiting = now, 0


def _reason(name: str, why: str) -> str:
    if not name:
        return _("no such token, or no more")
    return _("the token has expired") if why == "expired" else _("the account of the token is not active")
