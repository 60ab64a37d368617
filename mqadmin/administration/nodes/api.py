"""The API's calls for nodes and the cluster they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status

from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.administration.listing import reading
from mqadmin.administration.nodes import acts, pages
from mqadmin.administration.nodes.lists import NODES
from mqadmin.administration.upkeep import stop_words
from mqadmin.administration.upkeep.api import FindingOut
from mqadmin.administration.upkeep.lists import STOPS
from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, ApiError, Asked, Body, a_broker
from mqadmin.rabbit.administration import checks

router = Router(tags=["nodes"], auth=VIEW.of("broker"))


class ClusterNodeOut(Schema):
    """One node. Sizes in bytes, `churn` and the rates of `links` per second; null: the broker does not tell.
    `answers`: it is the one that mqadmin asked; `memory`: bytes by RabbitMQ's kinds."""

    name: str
    running: bool
    answers: bool
    draining: bool | None
    type: str
    version: str
    erlang: str
    crypto: str
    uptime_s: float | None
    mem_used: int | None
    mem_limit: int | None
    mem_alarm: bool | None
    mem_strategy: str
    disk_free: int | None
    disk_free_limit: int | None
    disk_free_alarm: bool | None
    fd_used: int | None
    fd_total: int | None
    sockets_used: int | None
    sockets_total: int | None
    proc_used: int | None
    proc_total: int | None
    run_queue: int | None
    processors: int | None
    os_pid: str
    net_ticktime: int | None
    rates_mode: str
    db_dir: str
    partitions: list[str]
    plugins: list[str]
    auth_mechanisms: list[str]
    config_files: list[str]
    log_files: list[str]
    links: list[dict[str, Any]]
    listeners: list[dict[str, Any]]
    churn: dict[str, float]
    memory: dict[str, int]
    memory_totals: dict[str, int]


class NodeList(Listed):
    items: list[ClusterNodeOut]


class StopOut(Schema):
    """Whether a node may be stopped: `safe` is false while something would be lost or stand still."""

    node: str
    safe: bool
    verdict: str
    findings: list[FindingOut]
    todos: list[dict[str, Any]]
    taken_at: Any
    error: str


class CheckOut(Schema):
    """One of RabbitMQ's health checks: `state` is passed, failed, absent (no such check in this version) or
    refused."""

    name: str
    state: str
    reason: str
    objects: list[str]


class NodeQuery(Asked):
    broker: str = ""
    node: str


class OfBroker(Asked):
    broker: str = ""


class OnBroker(Body):
    broker: str = ""


class NameIn(Body):
    broker: str = ""
    name: str


class StatisticsNamed(Asked):
    """Whose statistics: of one node, or of all."""

    broker: str = ""
    node: str = ""


@router.get("/nodes", response=NodeList)
def node_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List the nodes of a cluster, as they were at `taken_at`: `q` as `memory>2GB is:draining`."""
    return page(NODES, wanted, asdict)


@router.get("/nodes/stopping", response=StopOut)
def node_stopping(request: HttpRequest, wanted: Query[NodeQuery]) -> dict[str, Any]:
    """Tell whether a node may be stopped, what to do first and why. 404 for no such node, 503 while not known."""
    slug = a_broker(wanted.broker)
    seen = reading.look(slug, STOPS)
    if not seen.is_known:
        raise ApiError(503, seen.listing.error_code or "not_known", seen.listing.error or _("Not known yet."))
    found = pages.about(seen, wanted.node)
    if not found:
        raise ApiError(404, "not_found", _("The cluster has no such node."))
    told = pages.shown(slug, found)
    return {
        "node": wanted.node,
        "safe": all(item.level != "breaks" for item in found),
        "verdict": stop_words.verdict(found, wanted.node).text,
        "findings": [
            {**asdict(item), "text": words.told.title} for item, words in zip(found, told, strict=True)
        ],
        "todos": [asdict(item) for item in stop_words.todos(slug, found, wanted.node)],
        "taken_at": seen.listing.taken_at,
        "error": seen.listing.error,
    }


@router.get("/nodes/checks", response=list[CheckOut])
def node_checks(request: HttpRequest, wanted: Query[OfBroker]) -> list[checks.Check]:
    """Run RabbitMQ's own health checks now; those of a node are of the one that answers."""
    client = brokers.for_page(a_broker(wanted.broker))
    return [checks.run(client, name) for name in checks.CHECKS]


@router.post("/nodes/rebalance", response={202: None}, auth=CONFIGURE.of("broker"))
def cluster_rebalance(request: HttpRequest, wanted: OnBroker) -> Status[None]:
    """Begin to spread the leaders of replicated queues over the nodes."""
    acts.rebalance(broker=a_broker(wanted.broker), by=audit.actor(request))
    return Status(202, None)


@router.delete("/nodes/statistics", response={204: None}, auth=CONFIGURE.of("broker"))
def cluster_reset(request: HttpRequest, wanted: Query[StatisticsNamed]) -> Status[None]:
    """Begin the management statistics anew."""
    acts.reset_statistics(broker=a_broker(wanted.broker), by=audit.actor(request), node=wanted.node)
    return Status(204, None)


@router.put("/cluster-name", response={204: None}, auth=CONFIGURE.of("broker"))
def cluster_rename(request: HttpRequest, wanted: NameIn) -> Status[None]:
    """Call the cluster something else."""
    acts.rename(broker=a_broker(wanted.broker), by=audit.actor(request), name=wanted.name)
    return Status(204, None)
