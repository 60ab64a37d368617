"""The numbers and rates of a queue that a rule may compare, as people choose them and as columns."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Field:
    """`column` of `Queue`; `unit` as a message says it: "messages", "/s", "bytes"."""

    column: str
    label: str | Promise
    unit: str | Promise = ""


NUMBERS = {
    "ready": Field("ready", _("ready messages"), _("messages")),
    "unacked": Field("unacked", _("unacked messages"), _("messages")),
    "total": Field("total", _("messages in all"), _("messages")),
    "consumers": Field("consumers", _("consumers"), _("consumers")),
    "memory": Field("memory", _("memory"), _("bytes")),
    "clears_in": Field("clears_in", _("time until the backlog is gone"), _("s")),
}
RATES = {
    "publish_rate": Field("publish_rate", _("arrivals"), _("/s")),
    "deliver_rate": Field("deliver_rate", _("deliveries"), _("/s")),
    "ack_rate": Field("ack_rate", _("acks"), _("/s")),
    "redeliver_rate": Field("redeliver_rate", _("redeliveries"), _("/s")),
    "growth": Field("growth", _("growth of the backlog"), _("/s")),
}
ALL = NUMBERS | RATES
PROCESSES = {
    "sampling": _("the monitor of a broker"),
    "supervisor": _("a supervisor"),
    "worker": _("the worker"),
    "beat": _("beat"),
    "web": _("the web"),
    "heartbeat": _("whoever takes the heartbeat"),
}
"""What of mqadmin itself a rule may be narrowed to, by `Rule.codes`."""
APPROVALS = {
    "waiting": _("waits for a second person"),
    "alone": _("was done by who asked for it, alone"),
}
"""What of acts that need a second person a rule may be narrowed to, by `Rule.codes`."""
