"""Which columns the list of queues has, and which of them a visitor chose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

COOKIE = "mqadmin_columns"
# In the order in which they stand; health and name are always there.
USUAL = ("ready", "unacked", "in", "acked", "hour", "consumers", "waits", "clears")
ALL = (
    "vhost",
    "type",
    "state",
    "policy",
    "owner",
    "node",
    "ready",
    "unacked",
    "total",
    "in",
    "deliver",
    "redelivered",
    "acked",
    "hour",
    "trend",
    "consumers",
    "capacity",
    "waits",
    "clears",
    "memory",
    "bytes",
    "ram",
    "persistent",
    "bytes_ram",
    "bytes_persistent",
)


def labels() -> dict[str, str]:
    """Return what each is called where it is chosen."""
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


def chosen(cookies: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns that a visitor chose, in their order; what is not known is left out."""
    given = cookies.get(COOKIE)
    return known(given.split(".")) if given else USUAL


def known(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of `names` that are columns, in the order in which they stand."""
    wanted = set(names)
    return tuple(name for name in ALL if name in wanted)
