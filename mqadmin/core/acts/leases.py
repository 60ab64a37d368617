"""Exclusive rights for a while, by compare-and-set: one monitor per broker, whatever runs where.

A lease also says that a process is there which has no other row to say it in.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from mqadmin.core.models import Lease


def acquire(name: str, holder: str, seconds: float) -> bool:
    """Take the lease `name`, or renew it, for `seconds`. False when another holder has it.

    Clocks of hosts that share a lease must agree to well within `seconds`. Raises django.db.Error.
    """
    now = timezone.now()
    until = now + timedelta(seconds=seconds)
    mine_or_free = Q(holder=holder) | Q(expires_at__lte=now)
    if Lease.objects.filter(mine_or_free, name=name).update(holder=holder, expires_at=until, renewed_at=now):
        return True
    try:
        with transaction.atomic():
            Lease.objects.create(name=name, holder=holder, expires_at=until, renewed_at=now)
    except IntegrityError:  # somebody has it, or was first to make it
        return False
    return True


def release(name: str, holder: str) -> None:
    """Give the lease back, if `holder` still has it. Raises django.db.Error."""
    Lease.objects.filter(name=name, holder=holder).delete()


def beat(name: str, holder: str, seconds: float) -> None:
    """Say that one of several, any of them, is there: a lease that nobody is refused. Raises django.db.Error."""
    now = timezone.now()
    values = {"holder": holder, "expires_at": now + timedelta(seconds=seconds), "renewed_at": now}
    Lease.objects.update_or_create(name=name, defaults=values)


def ages(prefix: str) -> dict[str, float]:
    """Return for each lease whose name begins so how many seconds ago it was renewed. One query."""
    now = timezone.now()
    rows = Lease.objects.filter(name__startswith=prefix, renewed_at__isnull=False)
    return {lease.name: (now - lease.renewed_at).total_seconds() for lease in rows if lease.renewed_at}
