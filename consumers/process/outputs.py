"""What processes printed, for people: the supervisor's files, or why there is none to show here."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from django.utils.translation import gettext as _

from consumers.models import ConsumerProcess, SupervisorHost
from consumers.supervisor.machine import output
from consumers.supervisor.machine.output import News

MOST_LINES = 5_000


def read(process: ConsumerProcess, *, lines: int) -> tuple[str | None, str]:
    """Return (the newest lines, ""), or (None, why there is nothing to show on this host)."""
    text = output.tail(process.pk, lines=max(1, min(lines, MOST_LINES)))
    return text, _why_not(process) if text is None else ""


def since(process: ConsumerProcess, position: int | None) -> tuple[News | None, str]:
    """Return (what it printed from this byte on, ""), or (None, why there is nothing to show on this host).

    None as position: the newest lines. `News.position` is where to go on.
    """
    news = output.since(process.pk, position)
    return news, _why_not(process) if news is None else ""


def download(process: ConsumerProcess) -> tuple[Iterator[bytes] | None, str]:
    """Return (all that is kept, in chunks, ""), or (None, why there is nothing to show on this host)."""
    chunks = output.stream(process.pk)
    return chunks, _why_not(process) if chunks is None else ""


def _why_not(process: ConsumerProcess) -> str:
    here = socket.gethostname()
    if not process.supervisor:
        return _(
            "It was not started by a supervisor: its output went to whoever started it, such as systemd's "
            "journal or the log of its container."
        )
    # A supervisor's name is its machine's, unless it was given another.
    named = SupervisorHost.objects.filter(name=process.host).values_list("machine", flat=True).first()
    if here not in (process.host, named):
        return _("It is not on this host: the process runs on %(host)s, this page comes from %(here)s.") % {
            "host": process.host,
            "here": here,
        }
    return _("There is none on this host, or it was deleted because it was old.")
