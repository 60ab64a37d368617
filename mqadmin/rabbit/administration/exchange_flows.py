"""Who publishes to an exchange and which queues get it: kept with `management.rates_mode = detailed` alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.administration.exchanges import in_path
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

DETAILED = "detailed"


@dataclass(frozen=True)
class Publishing:
    """A channel that publishes to the exchange. Messages per second: `rate`, and of these `unroutable`, which no
    queue took. None: the broker does not say."""

    channel: str
    connection: str
    user: str
    address: str
    rate: float | None
    unroutable: float | None


@dataclass(frozen=True)
class Reaching:
    """A queue that gets messages through the exchange, and how many a second."""

    vhost: str
    name: str
    rate: float | None


@dataclass(frozen=True)
class Flows:
    """What passes an exchange, the busiest first. `is_kept`: whether this broker counts it at all.

    Through bindings of exchanges too: what the first exchange passes on the broker counts there, by the queues at
    the end; the exchanges between have no figures (tried on 3.10.8).
    """

    is_kept: bool
    publishers: tuple[Publishing, ...]
    queues: tuple[Reaching, ...]


def read(client: ManagementClient, vhost: str, name: str) -> Flows:
    """Return what passes an exchange, "" is the default one; two calls where nothing does. Raises as `calls`."""
    item = values.table(calls.asked(client, "exchanges", vhost, in_path(name)))
    publishers = client.typed(_publishing, _entries(item.get("incoming")))
    queues = client.typed(_reaching, _entries(item.get("outgoing")))
    is_kept = bool(publishers or queues) or _is_kept(client)
    return Flows(
        is_kept,
        tuple(sorted(publishers, key=lambda one: (-(one.rate or 0), one.channel))),
        tuple(sorted(queues, key=lambda one: (-(one.rate or 0), one.vhost, one.name))),
    )


def _is_kept(client: ManagementClient) -> bool:
    told = values.table(calls.asked(client, "overview", params={"columns": "rates_mode"}))
    return values.text(told.get("rates_mode")) == DETAILED


def _entries(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list) else ()


def _publishing(item: Json) -> Publishing:
    details, stats = values.table(item.get("channel_details")), values.table(item.get("stats"))
    lost = [values.rate(stats, name) for name in ("return_unroutable", "drop_unroutable")]
    told = [rate for rate in lost if rate is not None]
    return Publishing(
        channel=values.text(details.get("name")) or "",
        connection=values.text(details.get("connection_name")) or "",
        user=values.text(details.get("user")) or "",
        address=values.text(details.get("peer_host")) or "",
        rate=values.rate(stats, "publish"),
        unroutable=sum(told) if told else None,
    )


def _reaching(item: Json) -> Reaching:
    queue = values.table(item.get("queue"))
    return Reaching(
        vhost=values.text(queue.get("vhost")) or "",
        name=values.text(queue.get("name")) or "",
        rate=values.rate(values.table(item.get("stats")), "publish"),
    )
