"""Federation: upstreams, sets of them, and the links by which exchanges and queues get messages from there.

Upstreams and sets are parameters; how links do is told by the plugin rabbitmq_federation_management alone, which
takes passwords out of their addresses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.administration import calls, parameters
from mqadmin.rabbit.administration.shovels import missing
from mqadmin.rabbit.errors import NotOffered, Refused
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

UPSTREAM, SET = "federation-upstream", "federation-upstream-set"
PLUGIN, STATUS_PLUGIN = "rabbitmq_federation", "rabbitmq_federation_management"
_RUN = ("running", "starting")


@dataclass(frozen=True, slots=True)
class Upstream:
    """One upstream. `definition`: with its secrets. `links`: how many run by it, `down`: how many do not; None
    where the broker does not tell."""

    vhost: str
    name: str
    definition: Mapping[str, Any]
    links: int | None
    down: int | None


@dataclass(frozen=True, slots=True)
class UpstreamSet:
    """A set of upstreams. `members`: each a table that names its upstream, and may say more; with their secrets."""

    vhost: str
    name: str
    members: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Link:
    """One link. `type`: exchange or queue, which `name` names; `remote`: what it is called upstream. `status`:
    running, starting, error, shutdown. `since`: by the broker's own clock, as text. `rate`: messages a second that
    come in; None where it is not told."""

    vhost: str
    upstream: str
    type: str
    name: str
    remote: str
    status: str
    error: str
    uri: str
    since: str
    node: str
    id: str
    rate: float | None


def upstreams(client: ManagementClient) -> list[Upstream]:
    """Return all upstreams. Raises NotOffered where there are none and can be none."""
    defined = parameters.of_vhosts(client, UPSTREAM)
    found = _links(client, is_needed=not defined)
    counts: Counter[tuple[str, str, bool]] = Counter(
        (item.vhost, item.upstream, item.status in _RUN) for item in found or ()
    )
    return [
        Upstream(
            item.vhost,
            item.name,
            values.table(item.value),
            None if found is None else counts[item.vhost, item.name, True],
            None if found is None else counts[item.vhost, item.name, False],
        )
        for item in defined
    ]


def sets(client: ManagementClient) -> list[UpstreamSet]:
    """Return all sets of upstreams. Raises NotOffered where there are none and can be none."""
    defined = parameters.of_vhosts(client, SET)
    if not defined:
        _links(client, is_needed=True)
    return [
        UpstreamSet(item.vhost, item.name, item.value if isinstance(item.value, list) else [])
        for item in defined
    ]


def links(client: ManagementClient) -> list[Link]:
    """Return all links. Raises NotOffered, with the plugin's name, where the broker tells of none."""
    return _links(client, is_needed=True) or []


def restart(client: ManagementClient, vhost: str, id: str, node: str) -> None:
    """Have a link connect anew. NotFound where there is none of that id any more."""
    calls.change(client, "DELETE", "federation-links", "vhost", vhost, id, node, "restart")


def _links(client: ManagementClient, *, is_needed: bool) -> list[Link] | None:
    try:
        return calls.rows(client, _link, "federation-links")
    except NotOffered as error:
        if is_needed:
            raise NotOffered(missing(PLUGIN, STATUS_PLUGIN)) from error
    except Refused:
        if is_needed:
            raise
    return None


def _link(item: Json) -> Link:
    kind = "queue" if item.get("type") == "queue" else "exchange"
    stats = values.table(values.table(item.get("local_channel")).get("message_stats"))
    return Link(
        vhost=str(item.get("vhost") or ""),
        upstream=str(item.get("upstream") or ""),
        type=kind,
        name=str(item.get(kind) or ""),
        remote=str(item.get(f"upstream_{kind}") or ""),
        status=str(item.get("status") or ""),
        error=str(item.get("error") or ""),
        uri=str(item.get("uri") or ""),
        since=str(item.get("timestamp") or ""),
        node=str(item.get("node") or ""),
        id=str(item.get("id") or ""),
        rate=values.rate(stats, "confirm"),
    )
