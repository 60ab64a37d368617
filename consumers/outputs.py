"""What processes printed, for people: the supervisor's files, or why there is none to show here."""

from __future__ import annotations

import socket

from django.utils.translation import gettext as _

from consumers.models import ConsumerProcess
from consumers.supervisor import output

MOST_LINES = 5_000


def read(process: ConsumerProcess, *, lines: int) -> tuple[str | None, str]:
    """Return (the newest lines, ""), or (None, why there is nothing to show on this host)."""
    text = output.tail(process.pk, lines=max(1, min(lines, MOST_LINES)))
    return text, _why_not(process) if text is None else ""


def _why_not(process: ConsumerProcess) -> str:
    here = socket.gethostname()
    if process.host != here:
        return _("It is not on this host: the process runs on %(host)s, this page comes from %(here)s.") % {
            "host": process.host,
            "here": here,
        }
    if not process.supervisor:
        return _("It was not started by a supervisor: its output went to whoever started it.")
    return _("There is none on this host, or it was deleted because it was old.")
