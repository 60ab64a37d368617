"""In a restored database no tap is open, and no tracing is ours: another installation may have it on."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.backups.standing_down import told
from mqadmin.passing.models import Firehose, Tap

BULKY = ("passing_seen", "passing_replayed")


def stand_down(reason: str) -> Iterable[str]:
    """End the taps; forget where tracing was switched on, or the monitor would switch it off now."""
    now = timezone.now()
    ended = Tap.objects.filter(state__in=Tap.OPEN).update(
        state=Tap.State.ENDED, words=reason[:500], ended_at=now, holder="", lease_until=None
    )
    lines = told(ended, ngettext("%(n)d tap is ended.", "%(n)d taps are ended.", ended))
    for row in Firehose.objects.order_by("broker", "vhost"):
        lines.append(
            _("Tracing of %(vhost)s on %(broker)s was on for a tap. Switch it off there if it still is.")
            % {"vhost": row.vhost, "broker": row.broker}
        )
    Firehose.objects.all().delete()
    return lines
