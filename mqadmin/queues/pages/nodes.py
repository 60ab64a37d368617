"""What the overview shows of a node: its memory, its disk, for how long it runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.pages.formats import ago, size
from mqadmin.queues.models import Broker
from mqadmin.queues.monitor.cluster.nodes import DISK_NEAR, NEAR


def shown(node: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the nodes' table from what `Broker.nodes` keeps of it. Sizes in bytes."""
    used, limit = node.get("mem_used"), node.get("mem_limit")
    share = used / limit if used is not None and limit else None
    alarm = bool(node.get("mem_alarm") or node.get("disk_free_alarm"))
    down = not node.get("running", True)
    near = share is not None and share >= NEAR
    free, least = node.get("disk_free"), node.get("disk_free_limit")
    disk = free is not None and least is not None and free <= DISK_NEAR * least
    tone = "red" if alarm or down else "amber" if near or disk or node.get("partitions") else "green"
    return {
        "name": node["name"],
        "tone": tone,
        "state": _state(node, near=near, disk=disk),
        "mem_used": used,
        "mem_limit": limit,
        "percent": None if share is None else round(100 * share),
        "memory": size(limit),
        "disk_free": node.get("disk_free"),
        "uptime": _uptime(node.get("uptime_s")),
        "is_down": down,
    }


def _state(node: dict[str, Any], *, near: bool, disk: bool) -> str:
    """Return in a word or two how a node is; `near`, `disk`: its memory or its disk is nearly used up."""
    if not node.get("running", True):
        return _("down")
    if node.get("mem_alarm"):
        return _("memory alarm")
    if node.get("disk_free_alarm"):
        return _("disk alarm")
    if node.get("partitions"):
        return _("partitioned")
    if near:
        return _("memory nearly used up")
    return _("disk nearly full") if disk else _("running")


def made_of(broker: Broker) -> str:
    """Return "RabbitMQ 4.3.6 · Erlang 29.1.1 · metadata in Khepri", as far as it is known."""
    erlang, store = broker.traits.get("erlang"), broker.traits.get("metadata_store")
    parts = (
        f"{broker.product} {broker.version}".strip(),
        f"Erlang {erlang}" if erlang else "",
        _("metadata in %(store)s") % {"store": store} if store else "",
    )
    return " · ".join(filter(None, parts))


def _uptime(seconds: float | None) -> str:
    """Return the largest unit only: "41 d"."""
    return ago(None if seconds is None else timezone.now() - timedelta(seconds=seconds))
