"""Nodes and the cluster they are: looked at, balanced, named, their statistics begun anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.errors import NoResponse, NotFound
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

CHURN = (
    *("connection_created", "connection_closed", "channel_created", "channel_closed"),
    *("queue_declared", "queue_created", "queue_deleted"),
)


@dataclass(frozen=True, slots=True)
class Node:
    """One node. Sizes in bytes, `uptime_s` in seconds, `churn` per second; None: the broker does not tell, as
    of one
    that is down. `answers`: it is the one that answered. `memory`: bytes by kind, `memory_totals` as the three
    ways of
    counting give it; `draining`: told from 3.11 on."""

    name: str
    running: bool
    answers: bool = False
    draining: bool | None = None
    type: str = ""
    version: str = ""
    erlang: str = ""
    crypto: str = ""
    uptime_s: float | None = None
    mem_used: int | None = None
    mem_limit: int | None = None
    mem_alarm: bool | None = None
    mem_strategy: str = ""
    disk_free: int | None = None
    disk_free_limit: int | None = None
    disk_free_alarm: bool | None = None
    fd_used: int | None = None
    fd_total: int | None = None
    sockets_used: int | None = None
    sockets_total: int | None = None
    proc_used: int | None = None
    proc_total: int | None = None
    run_queue: int | None = None
    processors: int | None = None
    os_pid: str = ""
    net_ticktime: int | None = None
    rates_mode: str = ""
    db_dir: str = ""
    partitions: Sequence[str] = ()
    plugins: Sequence[str] = ()
    auth_mechanisms: Sequence[str] = ()
    config_files: Sequence[str] = ()
    log_files: Sequence[str] = ()
    links: Sequence[Mapping[str, Any]] = ()
    listeners: Sequence[Mapping[str, Any]] = ()
    churn: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    memory_totals: Mapping[str, int] = field(default_factory=dict)


def listed(client: ManagementClient) -> list[Node]:
    """Return all nodes of the cluster, each that runs with its memory by kind and its listeners."""
    overview = values.table(calls.asked(client, "overview"))
    return calls.rows(client, lambda item: _node(item, overview, _memory(client, item)), "nodes")


def machine(item: Json, overview: Json) -> Node:
    """Return a node of the answer to `nodes`, without its memory by kind."""
    return _node(item, overview, {})


def cluster_name(client: ManagementClient) -> str:
    """Return what the cluster is called."""
    return calls.one(client, lambda item: str(item["name"]), "cluster-name")


def rename_cluster(client: ManagementClient, name: str) -> None:
    """Call the cluster something else. Administrators may."""
    calls.change(client, "PUT", "cluster-name", body={"name": name})


def rebalance(client: ManagementClient) -> None:
    """Have the leaders of replicated queues spread over the nodes. It is begun, not done, when this returns."""
    calls.change(client, "POST", "rebalance", "queues")


def reset_statistics(client: ManagementClient, node: str = "") -> None:
    """Throw the management statistics away, of one node or all: rates and charts of the console begin anew."""
    calls.change(client, "DELETE", "reset", *((node,) if node else ()))


def _memory(client: ManagementClient, item: Json) -> Json:
    """Return what a node uses memory for; {} where it cannot be asked: that it is not told hides nothing else."""
    if item.get("running") is False:
        return {}
    try:
        found = values.table(calls.asked(client, "nodes", str(item["name"]), "memory"))
    except (NotFound, NoResponse):  # it went meanwhile, or it takes too long to count
        return {}
    return values.table(found.get("memory"))


def _node(item: Json, overview: Json, memory: Json) -> Node:
    name = str(item["name"])
    answers = overview.get("node") == name
    erlang = item.get("erlang_version") or (overview.get("erlang_version") if answers else "")
    numbers = (
        *("mem_used", "mem_limit", "disk_free", "disk_free_limit", "fd_used", "fd_total", "sockets_used"),
        *("sockets_total", "proc_used", "proc_total", "run_queue", "processors", "net_ticktime"),
    )
    uptime = values.real(item.get("uptime"))
    return Node(
        name=name,
        running=item.get("running") is not False,
        answers=answers,
        draining=values.flag(item.get("being_drained")),
        type=values.text(item.get("type")) or "",
        version=_version(item),
        erlang=str(erlang or ""),
        crypto=values.text(item.get("crypto_lib_version")) or "",
        uptime_s=None if uptime is None else uptime / 1000,
        mem_alarm=values.flag(item.get("mem_alarm")),
        mem_strategy=values.text(item.get("mem_calculation_strategy")) or "",
        disk_free_alarm=values.flag(item.get("disk_free_alarm")),
        os_pid=str(item.get("os_pid", "")),
        rates_mode=values.text(item.get("rates_mode")) or "",
        db_dir=values.text(item.get("db_dir")) or "",
        partitions=values.texts(item.get("partitions")),
        plugins=values.texts(item.get("enabled_plugins")),
        auth_mechanisms=tuple(
            str(entry.get("name")) for entry in item.get("auth_mechanisms") or () if entry.get("enabled")
        ),
        config_files=values.texts(item.get("config_files")),
        log_files=values.texts(item.get("log_files")),
        links=tuple(_link(entry) for entry in item.get("cluster_links") or ()),
        listeners=tuple(_listeners(overview, name)),
        churn={key: found for key in CHURN if (found := values.rate(item, key)) is not None},
        memory=_counts(memory),
        memory_totals=_counts(values.table(memory.get("total"))),
        **{key: values.integer(item.get(key)) for key in numbers},
    )


def _version(item: Json) -> str:
    told = values.text(item.get("rabbitmq_version"))
    if told:
        return told
    apps = item.get("applications") or ()
    return next((str(app.get("version")) for app in apps if app.get("name") == "rabbit"), "")


def _counts(found: Json) -> dict[str, int]:
    return {key: count for key, value in found.items() if (count := values.integer(value)) is not None}


def _link(entry: Json) -> dict[str, Any]:
    """A connection to another node of the cluster; rates in bytes per second."""
    return {
        "name": str(entry.get("name", "")),
        "peer": f"{entry.get('peer_addr', '')}:{entry.get('peer_port', '')}",
        "send": values.rate(values.table(entry.get("stats")), "send_bytes"),
        "receive": values.rate(values.table(entry.get("stats")), "recv_bytes"),
    }


def _listeners(overview: Json, name: str) -> list[dict[str, Any]]:
    """Return where a node takes connections. Whether by TLS is told from 4.1 on, before by the protocol's name."""
    return [
        {
            "protocol": str(entry.get("protocol", "")),
            "address": str(entry.get("ip_address", "")),
            "port": values.integer(entry.get("port")),
            "tls": entry.get("tls") is True or str(entry.get("protocol", "")).endswith(("/ssl", "https")),
        }
        for entry in overview.get("listeners") or ()
        if entry.get("node") == name
    ]
