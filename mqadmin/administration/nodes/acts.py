"""The cluster is balanced and named, its statistics begin anew."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mqadmin.administration.acting.changing import change, require_name
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import nodes
from mqadmin.rabbit.management_api.client import ManagementClient

REBALANCE, RESET, RENAME = "cluster.rebalance", "cluster.reset_statistics", "cluster.rename"


def rebalance(*, broker: str, by: Actor) -> None:
    """Begin to spread the leaders of replicated queues over the nodes. Raises Refusal, RabbitError."""
    with change(by=by, action=REBALANCE, broker=broker, target="", kinds=["nodes", "stops"]) as act:
        nodes.rebalance(act.client)


def reset_statistics(*, broker: str, by: Actor, node: str = "") -> None:
    """Begin the management statistics anew, of one node or of all. Raises Refusal (404 for no such node),
    RabbitError."""
    with change(by=by, action=RESET, broker=broker, target=node, kinds=["nodes"]) as act:
        if node:
            require_node(act.client, node)
        nodes.reset_statistics(act.client, node)


def rename(*, broker: str, by: Actor, name: str) -> None:
    """Call the cluster something else. Raises Refusal, RabbitError."""
    require_name("name", name)
    with change(by=by, action=RENAME, broker=broker, target=name, kinds=["nodes"]) as act:
        act.was(name=nodes.cluster_name(act.client))
        nodes.rename_cluster(act.client, name)


def require_node(client: ManagementClient, name: str, *, running: bool = False) -> None:
    """Refuse what is no node of the cluster (404), with `running` one that does not run (409)."""
    for item in client.nodes():
        if item.name == name:
            if running and not item.running:
                raise Refusal(_("%(node)s does not run.") % {"node": name}, "node_down")
            return
    raise Refusal(_("The cluster has no node “%(node)s”.") % {"node": name}, "not_found", status=404)
