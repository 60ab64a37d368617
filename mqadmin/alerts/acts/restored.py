"""In a restored database no message waits to be sent: it was sent then, or is about what is long over."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import ngettext

from mqadmin.alerts.models import Delivery
from mqadmin.core.backups.standing_down import told


def stand_down(reason: str) -> Iterable[str]:
    """Give up what waits to be sent, with the reason as its answer."""
    count = Delivery.objects.filter(state__in=Delivery.OPEN).update(
        state=Delivery.State.FAILED,
        answer=reason[:1000],
        ended_at=timezone.now(),
        next_at=None,
        claimed_by="",
    )
    return told(
        count,
        ngettext(
            "%(n)d message of alerts that waited is not sent.",
            "%(n)d messages of alerts that waited are not sent.",
            count,
        ),
    )
