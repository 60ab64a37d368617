"""What a record says in words beside its columns."""

from __future__ import annotations

from django.utils.translation import gettext as _

from consumers.models import Record
from mqadmin.core.pages import formats


def meaning(record: Record) -> str:
    """Say what an outcome means where its name alone does not, "" elsewhere."""
    if record.outcome == Record.Outcome.DUPLICATE:
        return _("The same message was handled before: acked without being handled again.")
    if record.outcome == Record.Outcome.RELEASED and not record.detail:
        return _("It went back to the queue unhandled.")
    return ""


def waited(record: Record) -> str:
    """Say how long the message waited: its time is in whole seconds, so less is not told apart."""
    if record.waited_ms is None:
        return ""
    if record.waited_ms < 1000:
        return _("less than a second")
    return formats.duration(int(record.waited_ms // 1000))
