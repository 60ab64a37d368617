"""Which columns the list of queues has, and which of them a visitor chose."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mqadmin.core.pages.columns import Columns

# Health and name are always there.
USUAL = ("ready", "unacked", "in", "acked", "hour", "consumers", "waits", "clears")


def labels() -> dict[str, str]:
    """Return what each is called where it is chosen, in the order in which they stand."""
    return {
        "vhost": _("Virtual host"),
        "type": _("Type"),
        "state": _("State"),
        "policy": _("Policy"),
        "owner": _("Owner"),
        "node": _("Node, or leader"),
        "ready": _("Ready"),
        "unacked": _("Unacked"),
        "total": _("Total"),
        "in": _("In /s"),
        "deliver": _("Delivered /s"),
        "redelivered": _("Redelivered /s"),
        "acked": _("Acked /s"),
        "hour": _("Last hour"),
        "trend": _("Grows by /s"),
        "consumers": _("Consumers"),
        "capacity": _("Consumer capacity"),
        "waits": _("Oldest waits"),
        "clears": _("Clear in"),
        "memory": _("Memory"),
        "bytes": _("Message bytes"),
        "ram": _("In memory"),
        "persistent": _("Persistent"),
        "bytes_ram": _("Bytes in memory"),
        "bytes_persistent": _("Persistent bytes"),
    }


QUEUES = Columns("mqadmin_columns", labels, USUAL)
