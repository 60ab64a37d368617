"""Who publishes to a queue, by name and address, as far as the broker tells: directly, or through its exchanges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mqadmin.rabbit.administration import calls, channels
from mqadmin.rabbit.errors import NotFound, Refused
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import QueueDetail

_EXCHANGES, _SHOWN = 20, 50  # asked for and named at the most


@dataclass(frozen=True)
class Publisher:
    """A client that publishes. `name`: as it calls itself, "" for nothing; `exchange`: where, None: somewhere in
    the virtual host, "" for the default exchange, which is everybody's; `rate`: messages per second."""

    name: str
    user: str
    address: str
    exchange: str | None
    rate: float | None


@dataclass(frozen=True)
class Publishers:
    """`found`: the busiest first; `tells`: whether the broker keeps who publishes where (`management.rates_mode =
    detailed`): else these are all that publish in the virtual host. `rate`: what comes into the queue a second."""

    found: Sequence[Publisher] = ()
    tells: bool = True
    rate: float | None = None


def of(client: ManagementClient, detail: QueueDetail, sources: Iterable[str]) -> Publishers:
    """Return who publishes to a queue, by the last statistics: who is silent now is not among them.

    Raises RabbitError.
    """
    rate, vhost = detail.info.publish_rate, detail.info.vhost
    found, is_busy = [], bool(rate)
    for name in [*dict.fromkeys(sources)][:_EXCHANGES] + ([""] if "" in detail.incoming else []):
        try:
            exchange = client.exchange(vhost, name)
        except (NotFound, Refused):
            continue  # it is gone, or may not be seen: then nobody is known of it
        is_busy |= bool(exchange.in_rate)
        found += [
            Publisher("", item.user, item.connection or item.address, name, item.rate)
            for item in exchange.publishers
        ]
    tells = bool(found) or not is_busy
    if not tells:
        found = _all(client, vhost)
    found = sorted(found, key=lambda item: -(item.rate or 0))[:_SHOWN]
    called = client.connection_names({item.address for item in found}) if found else {}
    return Publishers([replace(item, name=called.get(item.address, "")) for item in found], tells, rate)


def _all(client: ManagementClient, vhost: str) -> list[Publisher]:
    """Return who publishes anywhere in a virtual host."""
    columns = {"columns": channels.COLUMNS}
    return [
        Publisher("", item.user, item.connection, None, item.publish_rate)
        for item in calls.rows(client, channels.channel, "vhosts", vhost, "channels", params=columns)
        if item.publish_rate
    ]
