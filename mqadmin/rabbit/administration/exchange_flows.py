"""Who publishes to an exchange and which queues get it: kept with `management.rates_mode = detailed` alone."""

from __future__ import annotations

from dataclasses import dataclass

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import PublisherInfo, ReachedQueue

DETAILED = "detailed"


@dataclass(frozen=True)
class Flows:
    """What passes an exchange, the busiest first. `is_kept`: whether this broker counts it at all."""

    is_kept: bool
    publishers: tuple[PublisherInfo, ...]
    queues: tuple[ReachedQueue, ...]


def read(client: ManagementClient, vhost: str, name: str) -> Flows:
    """Return what passes an exchange, "" is the default one; two calls where nothing does. Raises as they do."""
    found = client.exchange(vhost, name)
    return Flows(
        bool(found.publishers or found.reaches) or _is_kept(client),
        tuple(sorted(found.publishers, key=lambda one: (-(one.rate or 0), one.channel))),
        tuple(sorted(found.reaches, key=lambda one: (-(one.rate or 0), one.vhost, one.name))),
    )


def _is_kept(client: ManagementClient) -> bool:
    told = values.table(calls.asked(client, "overview", params={"columns": "rates_mode"}))
    return values.text(told.get("rates_mode")) == DETAILED
