"""What a process's connection to RabbitMQ has been through, in words."""

from __future__ import annotations

from datetime import datetime

from django.contrib.humanize.templatetags.humanize import ordinal
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.models import ConsumerProcess
from mqadmin.core import formats


def connection_words(process: ConsumerProcess, now: datetime) -> str:
    """Say since when its connection stands, and what went wrong with it: "connected 3 h 12 min, 4th connection".

    In whole minutes, so that the words stay the same from one look to the next.
    """
    words = []
    if process.connected_at is not None:
        minutes = int((now - process.connected_at).total_seconds() // 60)
        since = formats.duration(minutes * 60)
        words.append(_("connected %(since)s") % {"since": since} if minutes > 0 else _("just connected"))
        if process.connections > 1:
            words.append(_("%(nth)s connection") % {"nth": ordinal(process.connections)})
    elif process.connections:
        words.append(_("no connection"))
    if count := process.connection_errors:
        errors = ngettext("%(n)s connection error", "%(n)s connection errors", count)
        words.append(errors % {"n": formats.number(count)})
    if count := process.channel_errors:
        errors = ngettext("%(n)s channel error", "%(n)s channel errors", count)
        words.append(errors % {"n": formats.number(count)})
    return ", ".join(words)


def blocked_words(process: ConsumerProcess) -> str:
    """Say that RabbitMQ takes nothing that the process publishes, or slowly, and why; "" while it does."""
    reason = process.blocked_reason
    if not reason:
        return ""
    if reason.startswith("flow control"):
        return _("RabbitMQ slows its copies down: %(reason)s") % {"reason": reason}
    return _("RabbitMQ takes no copies from it: %(reason)s") % {"reason": reason}
