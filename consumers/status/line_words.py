"""What a process's connection to RabbitMQ has been through, and how far a restart has come, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.humanize.templatetags.humanize import ordinal
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.models import Consumer, ConsumerProcess
from consumers.supervisor.hosts import Fleet, no_host_words
from mqadmin.core.pages import formats, prose


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
    if count := process.held_times:
        held = ngettext("held too long %(n)s time", "held too long %(n)s times", count)
        words.append(held % {"n": formats.number(count)})
    if count := process.channel_errors:
        errors = ngettext("%(n)s channel error", "%(n)s channel errors", count)
        words.append(errors % {"n": formats.number(count)})
    return prose.clause(words)


def blocked_words(process: ConsumerProcess) -> str:
    """Say that RabbitMQ takes nothing that the process publishes, or slowly, and why; "" while it does."""
    reason = process.blocked_reason
    if not reason:
        return ""
    if reason.startswith("flow control"):
        return _("RabbitMQ slows its copies down: %(reason)s") % {"reason": reason}
    return _("RabbitMQ takes no copies from it: %(reason)s") % {"reason": reason}


def rollout_words(consumer: Consumer, live: Sequence[ConsumerProcess], fleet: Fleet | None = None) -> str:
    """Say how far a restart has come: "one after another: 2 of 3 replaced"; "" when every process is new."""
    supervised = [row for row in live if row.supervisor]
    old = sum(row.nudge != consumer.nudge for row in supervised)
    if not old or consumer.desired == Consumer.Desired.STOPPED:
        return ""
    # Of those that run: others wait for a host.
    values = {"n": len(supervised) - old, "all": len(supervised)}
    if not consumer.rolling:
        return _("Restarting: %(n)d of %(all)d replaced") % values
    text = _("Restarting one after another: %(n)d of %(all)d replaced") % values
    if fleet is not None and fleet.hosts and all(host.drained for host in fleet.hosts):
        why = no_host_words(consumer.placement, fleet).rstrip(".")
        return _("%(text)s, the others wait. %(why)s") % {"text": text, "why": why}
    return text
