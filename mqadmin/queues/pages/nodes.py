"""What the overview shows of a node: how near its limits it is, for how long it runs; and of a broker's clients."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.core.pages.formats import ago, number, rate, short, size
from mqadmin.core.tones import Tone
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
    limits = _limits(node, near=near, disk=disk)
    scarce = any(limit.tone == "amber" for limit in limits)
    tone = "red" if alarm or down else "amber" if scarce or node.get("partitions") else "green"
    return {
        "name": node["name"],
        "tone": tone,
        "state": _state(node, near=near, disk=disk, scarce=scarce),
        "limits": limits,
        "uptime": _uptime(node.get("uptime_s")),
        "is_down": down,
    }


def _state(node: dict[str, Any], *, near: bool, disk: bool, scarce: bool) -> str:
    """Return in a word or two how a node is; `near`, `disk`, `scarce`: memory, disk, anything is nearly used up."""
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
    if disk:
        return _("disk nearly full")
    return _("descriptors nearly used up") if scarce else _("running")


@dataclass(frozen=True)
class Limit:
    """How much of something a node has used up: a share of 1, None where it is not known; and in words."""

    label: str
    share: float | None
    words: str
    tone: Tone = "green"


def _limits(node: dict[str, Any], *, near: bool, disk: bool) -> list[Limit]:
    """Return those that the broker tells of: memory and disk, by which it blocks publishers, and descriptors."""
    used, most = node.get("mem_used"), node.get("mem_limit")
    share = used / most if used is not None and most else None
    words = (
        "–" if share is None else _("%(n)d %% of %(most)s") % {"n": round(100 * share), "most": size(most)}
    )
    tone: Tone = "red" if node.get("mem_alarm") else "amber" if near else "green"
    found = [Limit(_("Memory"), share, words, tone)]
    free, least = node.get("disk_free"), node.get("disk_free_limit")
    words = _("%(n)s free") % {"n": size(free)}
    if least:
        words = _("%(n)s free, at least %(least)s") % {"n": size(free), "least": size(least)}
    share = min(least / free, 1.0) if least and free else None
    tone = "red" if node.get("disk_free_alarm") else "amber" if disk else "green"
    found.append(Limit(_("Disk"), share, words, tone))
    opened, all_ = node.get("fd_used"), node.get("fd_total")
    if opened and all_:  # RabbitMQ 4 tells of none that are used
        share = opened / all_
        words = _("%(n)s of %(most)s") % {"n": number(opened), "most": short(all_)}
        found.append(Limit(_("Descriptors"), share, words, "amber" if share >= NEAR else "green"))
    return found


def clients(broker: Broker) -> list[str]:
    """Return who is connected to a broker, and how fast that changes, as far as it says."""
    totals = broker.totals
    counted = (
        ("connections", gettext_lazy("%(n)s connections")),
        ("channels", gettext_lazy("%(n)s channels")),
        ("consumers", gettext_lazy("%(n)s consumers")),
    )
    found = [str(form) % {"n": number(totals[name])} for name, form in counted if name in totals]
    churn = (
        ("connections_opened_rate", gettext_lazy("%(n)s connections opened a second")),
        ("channels_opened_rate", gettext_lazy("%(n)s channels opened a second")),
    )
    return found + [str(form) % {"n": rate(totals[name])} for name, form in churn if totals.get(name)]


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
