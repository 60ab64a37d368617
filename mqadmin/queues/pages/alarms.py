"""Alarms and faults of a broker's nodes in words; which there are is told by `queues.monitor.sight`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.core.hooks import Attention
from mqadmin.queues.models import Broker


def attention(broker: Broker) -> Iterator[Attention]:
    """Yield what the broker's nodes raise: their alarms, and those that are down or partitioned."""
    words = {
        "memory": _("It uses more memory than it may. Publishers are blocked until consumers catch up."),
        "disk": _("It has less free disk than it must keep. Publishers are blocked until space is freed."),
    }
    for alarm in broker.alarms:
        title = _("%(node)s raised its %(resource)s alarm") % alarm
        yield Attention("broken", title, words.get(alarm["resource"], ""))
    for node in broker.nodes:
        if not node.get("running", True):
            text = _(
                "Quorum queues and streams go on while most of their members are there. Classic queues that live "
                "on it serve nobody until it is back."
            )
            yield Attention("broken", _("%(node)s is down") % {"node": node["name"]}, text)
        elif node.get("partitions"):
            others = ", ".join(node["partitions"])
            text = _("It does not see %(nodes)s: the cluster is split.") % {"nodes": others}
            yield Attention("broken", _("%(node)s is partitioned") % {"node": node["name"]}, text)


def node_state(node: dict[str, Any], *, near: bool) -> str:
    """Return in a word or two how a node is; `near`: its memory is nearly used up."""
    if not node.get("running", True):
        return _("down")
    if node.get("mem_alarm"):
        return _("memory alarm")
    if node.get("disk_free_alarm"):
        return _("disk alarm")
    if node.get("partitions"):
        return _("partitioned")
    return _("memory nearly used up") if near else _("running")
