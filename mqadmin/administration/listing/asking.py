"""Asking the broker for a list, one at a time in the whole installation, and writing down what came of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from mqadmin.administration.listing import packing, tables
from mqadmin.administration.listing.kinds import Before, Kind, Name
from mqadmin.administration.models import Listing, Packed
from mqadmin.core import brokers, patience
from mqadmin.core.rights import asking as who
from mqadmin.rabbit.errors import NotOffered, RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient

log = logging.getLogger(__name__)

EVERY_S = 5.0
REST = 5  # times what a call took, from its beginning to that of the next
CLAIM_S = 60.0  # longer than a call may take
WAIT_S = 8.0  # for what somebody else asks just now
STEP_S = 0.1


def interval(listing: Listing) -> float:
    """Return after how many seconds a list is asked for again: a call that is heavy for the broker, less often."""
    return max(EVERY_S, REST * listing.took)


def is_due(listing: Listing, now: datetime, after: float) -> bool:
    """Whether it was asked for more than `after` seconds ago, or before something was changed by us."""
    asked = listing.asked_at
    if asked is None or (listing.changed_at is not None and asked < listing.changed_at):
        return True
    return not timedelta() <= now - asked < timedelta(seconds=after)


def find(broker: str, kind: Kind) -> Listing:
    """Return the listing, made if there is none yet. Raises django.db.Error."""
    found = Listing.objects.filter(broker=broker, kind=kind.name).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return Listing.objects.create(broker=broker, kind=kind.name)
    except IntegrityError:  # somebody else was first
        return Listing.objects.get(broker=broker, kind=kind.name)


def ask(
    listing: Listing, kind: Kind, *, after: float, wait: float = 0.0, client: ManagementClient | None = None
) -> Listing:
    """Ask the broker unless somebody did within `after` seconds; return the listing as it is then.

    Where somebody asks just now, wait up to `wait` seconds for their answer. What the broker refuses, or that it
    does not answer, is written into the listing, whose rows stay. `client` is by default this process's own.
    Raises django.db.Error, ConfigurationError.
    """
    deadline = time.monotonic() + wait
    lock = _lock(listing.pk)
    # Threads of this process wait for each other without asking the database.
    if not lock.acquire(timeout=wait) if wait else not lock.acquire(blocking=False):
        return _again(listing)
    try:
        while True:
            listing = _again(listing)
            if not is_due(listing, timezone.now(), after):
                return listing
            if _claim(listing):
                _ask(listing, kind, client)
                return _again(listing)
            if time.monotonic() >= deadline:
                return listing
            threading.Event().wait(STEP_S)
    finally:
        lock.release()


def changed(broker: str, kinds: Iterable[Name]) -> None:
    """Note that something was changed: what is asked for next must be newer. Raises django.db.Error."""
    Listing.objects.filter(broker=broker, kind__in=list(kinds)).update(changed_at=timezone.now())


def _again(listing: Listing) -> Listing:
    return Listing.objects.get(pk=listing.pk)


def _claim(listing: Listing) -> bool:
    """Take the right to ask; False where another process has it."""
    now = timezone.now()
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    until = now + timedelta(seconds=CLAIM_S)
    return bool(Listing.objects.filter(is_free, pk=listing.pk).update(claimed_until=until))


def _ask(listing: Listing, kind: Kind, client: ManagementClient | None) -> None:
    """Make the call and write what came of it; the claim ends with it. Who looks asks no broker that hangs."""
    asked_at, began = timezone.now(), time.monotonic()
    rows = Listing.objects.filter(pk=listing.pk)
    try:
        with who.asks(None):  # it is asked for once for all: each is shown a part of it afterwards
            if client is not None:
                found = kind.ask(client)
            else:
                with patience.asking(listing.broker):
                    found = kind.ask(brokers.client(listing.broker))
        took = time.monotonic() - began
        if kind.carry is not None and listing.taken_at is not None:
            found = kind.carry(
                found, Before(tables.table(kind, listing).before, listing.taken_at.timestamp())
            )
        packed = packing.pack(kind, found)
    except RabbitError as error:
        told: dict[str, Any] = {"error": str(error)[:2000], "error_code": error.code[:40]}
        if isinstance(error, NotOffered):  # an answer: what was there is gone, as the last shovel
            told |= {"taken_at": None, "digest": "", "count": 0, "total": 0}
        rows.update(asked_at=asked_at, took=time.monotonic() - began, claimed_until=None, **told)
        return
    except BaseException:
        rows.update(claimed_until=None)
        raise
    with transaction.atomic():
        if packed.digest != listing.digest:
            values = {"digest": packed.digest, "rows": packed.data}
            Packed.objects.update_or_create(listing_id=listing.pk, defaults=values)
        rows.update(
            digest=packed.digest,
            count=packed.count,
            total=len(found),
            taken_at=asked_at,
            asked_at=asked_at,
            took=took,
            claimed_until=None,
            error="",
            error_code="",
        )


def _lock(pk: int) -> threading.Lock:
    with _guard:
        return _locks.setdefault(pk, threading.Lock())


_guard = threading.Lock()
_locks: dict[int, threading.Lock] = {}
