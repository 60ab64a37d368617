"""What is shown of nodes: a row of the list, one with all it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.administration.listed.naming import address
from mqadmin.administration.listing import reading
from mqadmin.administration.listing.reading import Seen
from mqadmin.administration.nodes import memory_words
from mqadmin.administration.nodes.lists import NODES
from mqadmin.administration.nodes.memory_words import Part
from mqadmin.administration.upkeep import findings, stop_words
from mqadmin.administration.upkeep.findings import Shown
from mqadmin.administration.upkeep.lists import STOPS
from mqadmin.core.pages.formats import number, short, size
from mqadmin.core.tones import Tone
from mqadmin.queues.monitor.cluster.nodes import DISK_NEAR, NEAR
from mqadmin.rabbit.administration.nodes import Node
from mqadmin.rabbit.upkeep.finding import Finding


@dataclass(frozen=True)
class Use:
    """How much of something is used: a share of 1, None where there is no limit or it is not told; in words."""

    label: str
    words: str
    share: float | None
    tone: Tone


@dataclass(frozen=True)
class NodeRow:
    """A row of the list: where it leads, how the node is, what it uses."""

    href: str
    stop: str
    state: str
    tone: Tone
    memory: Use
    disk: Use
    descriptors: Use
    processes: Use


@dataclass(frozen=True)
class Whole:
    """One node: its row, since when it runs, what its memory is used for, what it leads."""

    node: Node
    row: NodeRow
    since: datetime | None
    uses: list[Use]
    churn: list[tuple[str, float]]
    parts: list[Part]
    memory_total: int
    leaders: int | None
    clients: int | None
    verdict: stop_words.Verdict | None


def node_row(broker: str, node: Node) -> NodeRow:
    """Return what the list draws of a node."""
    state, tone = _state(node)
    return NodeRow(
        href=address("node_detail", broker, name=node.name),
        stop=address("node_stopping", broker, name=node.name),
        state=state,
        tone=tone,
        memory=_memory(node),
        disk=_disk(node),
        descriptors=_count(_("File descriptors"), node.fd_used, node.fd_total),
        processes=_count(_("Erlang processes"), node.proc_used, node.proc_total),
    )


def whole(broker: str, nodes: Seen, stops: Seen, name: str) -> Whole | None:
    """Return a node with all that is told of it, None where the cluster has none of that name."""
    rows = nodes.rows()
    place = rows.places.get((name,))
    if place is None:
        return None
    node: Node = rows.row(place)
    taken = nodes.listing.taken_at or timezone.now()
    found = about(stops, name)
    row, words = node_row(broker, node), _churn()
    return Whole(
        node=node,
        row=row,
        since=None if node.uptime_s is None else taken - timedelta(seconds=node.uptime_s),
        uses=_uses(node, row),
        churn=[(words[key], value) for key, value in node.churn.items()],
        parts=memory_words.parts(node.memory),
        memory_total=sum(node.memory.values()),
        leaders=_counted(stops, found, "leaders"),
        clients=_counted(stops, found, "clients", "our_clients"),
        verdict=stop_words.verdict(found, name) if stops.is_known else None,
    )


def look(broker: str) -> tuple[Seen, Seen]:
    """Return the lists of nodes and of what holds before each is stopped, as they are known."""
    return reading.look(broker, NODES), reading.look(broker, STOPS)


def about(stops: Seen, name: str) -> list[Finding]:
    """Return the findings about one node, the worst first."""
    table = stops.rows()
    found = [table.row(place) for place in table.order("about") if table.values(place)[0] == name]
    return found


def shown(broker: str, found: Sequence[Finding]) -> list[Shown]:
    """Return findings about stopping a node for their template."""
    return [findings.shown(broker, item, stop_words.words) for item in found]


def node_names(nodes: Seen, *, without: Sequence[str] = ()) -> list[str]:
    """Return the names of the nodes that run, but for some."""
    table = nodes.rows()
    all_ = [table.row(place) for place in table.order("name")]
    return [node.name for node in all_ if node.running and node.name not in without]


def _uses(node: Node, row: NodeRow) -> list[Use]:
    """Return what a node uses, of all that it may; sockets only where they are counted (before 4.0)."""
    found = [row.memory, row.disk, row.descriptors, row.processes]
    if node.sockets_total:
        found.append(_count(_("Sockets"), node.sockets_used, node.sockets_total))
    return found


def _churn() -> dict[str, str]:
    return {
        "connection_created": _("connections opened"),
        "connection_closed": _("connections closed"),
        "channel_created": _("channels opened"),
        "channel_closed": _("channels closed"),
        "queue_declared": _("queues declared"),
        "queue_created": _("queues created"),
        "queue_deleted": _("queues deleted"),
    }


def _counted(stops: Seen, found: Sequence[Finding], *codes: str) -> int | None:
    return sum(item.count for item in found if item.code in codes) if stops.is_known else None


def _state(node: Node) -> tuple[str, Tone]:
    """Return in a word or two how a node is, what is worst first."""
    told: tuple[tuple[bool | None, str, Tone], ...] = (
        (not node.running, _("down"), "red"),
        (node.mem_alarm, _("memory alarm"), "red"),
        (node.disk_free_alarm, _("disk alarm"), "red"),
        (bool(node.partitions), _("partitioned"), "red"),
        (node.draining, _("being drained"), "blue"),
        (_memory(node).tone != "green", _("memory nearly used up"), "amber"),
        (_disk(node).tone != "green", _("disk nearly full"), "amber"),
    )
    return next(((words, tone) for holds, words, tone in told if holds), (_("running"), "green"))


def _memory(node: Node) -> Use:
    used, limit = node.mem_used, node.mem_limit
    if used is None:
        return Use(_("Memory"), "–", None, "green")
    if not limit:
        return Use(_("Memory"), _("%(n)s, no limit") % {"n": size(used)}, None, "green")
    tone: Tone = "red" if node.mem_alarm else "amber" if used / limit >= NEAR else "green"
    words = _("%(n)s of %(most)s") % {"n": size(used), "most": size(limit)}
    return Use(_("Memory"), words, used / limit, tone)


def _disk(node: Node) -> Use:
    free, least = node.disk_free, node.disk_free_limit
    if free is None:
        return Use(_("Disk"), "–", None, "green")
    words = _("%(n)s free") % {"n": size(free)}
    if not least:
        return Use(_("Disk"), words, None, "green")
    tone: Tone = "red" if node.disk_free_alarm else "amber" if free <= DISK_NEAR * least else "green"
    return Use(_("Disk"), words, min(1.0, least / free) if free else 1.0, tone)


def _count(label: str, used: int | None, total: int | None) -> Use:
    """Of some versions both are 0 where it is not counted."""
    if used is None or not total:
        return Use(label, "–" if not used else number(used), None, "green")
    words = _("%(n)s of %(most)s") % {"n": number(used), "most": short(total)}
    return Use(label, words, used / total, "amber" if used / total >= NEAR else "green")
