"""Is it safe to stop this node? What stands still, what is lost, who is cut off. Pure.

That a quorum queue or stream needs a majority of its members is RabbitMQ's rule; so is that a classic queue
lives on
one node, that what is not durable goes with it, and that a metadata store of type Khepri needs a majority of nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mqadmin.rabbit.upkeep.facts import Client, Cluster, Machine, Placed
from mqadmin.rabbit.upkeep.finding import BREAKS, CARE, FINE, MOST, NOTE, Finding, an_object, found, ranked
from mqadmin.rabbit.upkeep.replicas import is_short


def judge(cluster: Cluster, name: str) -> list[Finding]:
    """Return what holds of one node, the worst first. What was looked for and not there is FINE, count 0."""
    node = next((item for item in cluster.nodes if item.name == name), None)
    if node is None:
        return []
    if not node.running:
        return ranked(name, [Finding("", 0, "is_down", NOTE)])
    findings = [
        *_cluster(cluster, node),
        # Of a cluster of one each queue has its only member there: that it is the only node says it all.
        *(_replicated(cluster, name) if len(cluster.nodes) > 1 else ()),
        *_classic(cluster, name),
        *_clients(cluster, name),
    ]
    if node.answers and cluster.broker_says:  # after what was found here, which names its objects
        findings.append(Finding("", 0, "broker_objects", BREAKS, params={"reason": cluster.broker_says}))
    return ranked(name, findings)


@dataclass(frozen=True)
class Step:
    """Something to do before a node is stopped, or after; `is_done`: nothing of it is left."""

    code: str
    is_done: bool = False


def worst(findings: Sequence[Finding]) -> Finding | None:
    """Return the finding by which the verdict goes: the worst, the one that counts most first."""
    return findings[0] if findings else None


def steps(findings: Sequence[Finding]) -> list[Step]:
    """Return what to do, in this order, before the node of these findings is stopped."""
    codes = {item.code for item in findings}
    if not codes or "is_down" in codes:
        return []
    todo = [
        Step(step)
        for step, causes in (
            ("bring_others", {"others_down", "metadata_short"}),
            ("revive_others", {"others_draining"}),
            ("wait_members", {"quorum_critical", "quorum_short", "stream_critical", "stream_short"}),
            ("add_members", {"quorum_lone", "stream_lone"}),
            ("empty_queues", {"transient", "unsaved"}),
            ("give_addresses", {"our_address"}),
        )
        if causes & codes
    ]
    if "only_node" in codes:
        return [*todo, Step("announce"), Step("shutdown")]
    is_draining = "draining" in codes
    has_left = is_draining and not codes & {"leaders", "clients", "our_clients"}
    return [*todo, Step("drain", is_draining), Step("watch", has_left), Step("shutdown"), Step("revive")]


def _cluster(cluster: Cluster, node: Machine) -> Iterator[Finding]:
    running = [item for item in cluster.nodes if item.running]
    down = [an_object("node", item.name) for item in cluster.nodes if not item.running]
    if len(running) == 1:
        yield Finding("", 0, "only_node", BREAKS, 1, [an_object("node", node.name)])
    elif len(running) - 1 <= len(cluster.nodes) // 2 and cluster.store == "Khepri":
        yield found("metadata_short", BREAKS, down, left=len(running) - 1, nodes=len(cluster.nodes))
    if down:
        yield found("others_down", CARE, down)
    if node.draining:
        yield Finding("", 0, "draining", NOTE)
    others = [an_object("node", item.name) for item in cluster.nodes if item.draining and item is not node]
    if others:
        yield found("others_draining", CARE, others)
    if node.answers and cluster.addresses == 1 and len(running) > 1:
        yield Finding("", 0, "our_address", CARE, 1, [an_object("node", node.name)])


def _replicated(cluster: Cluster, name: str) -> Iterator[Finding]:
    there = [item for item in cluster.queues if item.is_replicated and name in item.members]
    for kind in ("quorum", "stream"):
        sorted_out: dict[str, list[Placed]] = {"critical": [], "lone": [], "short": [], "safe": []}
        for item in there:
            if item.type == kind:
                sorted_out[_standing(item, name)].append(item)
        safe = sorted_out.pop("safe")
        for state, items in sorted_out.items():
            if items:
                yield found(f"{kind}_{state}", BREAKS, [_queue(item, _online(item)) for item in items])
        if safe and not any(sorted_out.values()):
            yield Finding("", 0, f"{kind}_safe", FINE, len(safe))
    leaders = [item for item in there if item.node == name]
    if leaders:
        yield found("leaders", CARE, [_queue(item) for item in leaders])
    else:
        yield Finding("", 0, "no_leaders", FINE)


def _standing(item: Placed, name: str) -> str:
    """Return how a queue with a member on a node stands: the only member, too few already, too few without,
    safe."""
    if len(item.members) == 1:
        return "lone"
    if is_short(item):
        return "short"
    return "critical" if is_short(item, name) else "safe"


def _classic(cluster: Cluster, name: str) -> Iterator[Finding]:
    there = [item for item in cluster.queues if not item.is_replicated and item.node == name]
    sorted_out: dict[str, list[Placed]] = {}
    for item in there:
        sorted_out.setdefault(_fate(item, name), []).append(item)
    for code, level in (
        ("transient", BREAKS),
        ("unsaved", BREAKS),
        ("only_copy", CARE),
        ("exclusive", NOTE),
        ("mirrored", NOTE),
    ):
        items = sorted_out.get(code)
        if items:
            lost = code == "unsaved"
            messages = sum(item.unsaved if lost else item.messages for item in items)
            yield found(code, level, [_queue(item, _held(item, lost)) for item in items], messages=messages)
    if not there:
        yield Finding("", 0, "no_classic", FINE)


def _fate(item: Placed, name: str) -> str:
    """Return what becomes of a classic queue whose node stops."""
    if any(other != name for other in item.mirrors):
        return "mirrored"
    if item.exclusive:
        return "exclusive"
    if not item.durable:
        return "transient"
    return "unsaved" if item.unsaved else "only_copy"


def _clients(cluster: Cluster, name: str) -> Iterator[Finding]:
    if cluster.clients is None:
        yield Finding("", 0, "clients_unknown", CARE)
        return
    there = [item for item in cluster.clients if item.node == name]
    if not there:
        yield Finding("", 0, "no_clients", FINE)
    # A broker that is all away has nowhere that they could go.
    is_only = sum(item.running for item in cluster.nodes) == 1
    for code, is_ours in (("our_clients", True), ("clients_shut_out" if is_only else "clients", False)):
        clients = [item for item in there if (item.product == "mqadmin") is is_ours]
        if clients:
            users = len({item.user for item in clients})
            yield Finding("", 0, code, CARE, len(clients), _grouped(clients)[:MOST], {"users": users})


def _grouped(clients: list[Client]) -> list[dict[str, str]]:
    counts = Counter((item.consumer or item.label, item.user) for item in clients)
    return [
        an_object("connection", label, detail=f"{user} ×{count}")
        for (label, user), count in counts.most_common()
    ]


def _queue(item: Placed, detail: str = "") -> dict[str, str]:
    return an_object("queue", item.name, item.vhost, detail)


def _online(item: Placed) -> str:
    return f"{len(item.online)}/{len(item.members)}"


def _held(item: Placed, lost: bool) -> str:
    count = item.unsaved if lost else item.messages
    return str(count) if count else ""
