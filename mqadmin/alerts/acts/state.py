"""Whether rules are evaluated at all: a page must not look calm because nobody looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from mqadmin.alerts.models import Channel
from mqadmin.core.models import Lease

LEASE = "alerts"


@dataclass(frozen=True)
class EngineState:
    """`is_on`: a monitor evaluates rules now. `until`: when the last one that did let go or was lost."""

    is_on: bool
    until: datetime | None
    channels: int  # that are on


def engine(now: datetime | None = None) -> EngineState:
    """Return whether a monitor evaluates the rules."""
    lease = Lease.objects.filter(name=LEASE).first()
    until = lease.expires_at if lease else None
    is_on = until is not None and until > (now or timezone.now())
    return EngineState(is_on, until, Channel.objects.filter(is_on=True).count())
