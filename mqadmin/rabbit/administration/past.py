"""The last hour of an object as the broker itself keeps it: exchanges, connections, channels, virtual hosts.

The broker's samples (its `sample_retention_policies`, as they are unless set otherwise): ten minutes by 5 s and an
hour by 60 s. A finer step over the coarse part would show a staircase, so both are asked for and joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.administration.exchanges import in_path
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import Series

HOUR, RECENT = (3600, 60), (600, 10)  # age and step, in seconds
_AGES = ("lengths", "msg_rates", "data_rates")


@dataclass(frozen=True)
class _Kept:
    """Where an answer holds a line. `stats`: within `message_stats`; `counts`: a counter, told by its rise."""

    field: str
    stats: bool = False
    counts: bool = True


_RATES = {
    "publish": _Kept("publish", stats=True),
    "deliver": _Kept("deliver_get", stats=True),
    "ack": _Kept("ack", stats=True),
    "redeliver": _Kept("redeliver", stats=True),
}
_EXCHANGE = {"in": _Kept("publish_in", stats=True), "out": _Kept("publish_out", stats=True)}
_CONNECTION = {"received": _Kept("recv_oct"), "sent": _Kept("send_oct")}
_CHANNEL = {
    **_RATES,
    "confirm": _Kept("confirm", stats=True),
    "returned": _Kept("return_unroutable", stats=True),
}
_VHOST = {
    **_RATES,
    "ready": _Kept("messages_ready", counts=False),
    "unacked": _Kept("messages_unacknowledged", counts=False),
}


def exchange(client: ManagementClient, vhost: str, name: str) -> dict[str, Series]:
    """Return `in` and `out` of an exchange, messages per second: (epoch seconds, value), oldest first.

    What the broker keeps nothing of has no line, as one through which nothing went. Raises as `calls` says.
    """
    return _past(client, _EXCHANGE, "exchanges", vhost, in_path(name))


def connection(client: ManagementClient, name: str) -> dict[str, Series]:
    """Return `received` and `sent` of a connection, bytes per second, likewise."""
    return _past(client, _CONNECTION, "connections", name)


def channel(client: ManagementClient, name: str) -> dict[str, Series]:
    """Return `publish`, `confirm`, `returned`, `deliver`, `ack`, `redeliver` of a channel, messages per second."""
    return _past(client, _CHANNEL, "channels", name)


def vhost(client: ManagementClient, name: str) -> dict[str, Series]:
    """Return `ready` and `unacked` of a virtual host; `publish`, `deliver`, `ack`, `redeliver` per second."""
    return _past(client, _VHOST, "vhosts", name)


def joined(coarse: Series, fine: Series) -> Series:
    """Return the fine points with the coarse ones before them."""
    begin = fine[0][0] if fine else float("inf")
    return (*(point for point in coarse if point[0] < begin), *fine)


def points(line: Series) -> list[list[float]]:
    """Return a line as a chart takes it: whole seconds, values of three digits."""
    return [[round(at), round(value, 3)] for at, value in line]


def _past(client: ManagementClient, lines: Mapping[str, _Kept], *segments: str) -> dict[str, Series]:
    coarse, fine = (_asked(client, lines, segments, span) for span in (HOUR, RECENT))
    found = {name: joined(coarse[name], fine[name]) for name in lines}
    return {name: points for name, points in found.items() if points}


def _asked(
    client: ManagementClient, lines: Mapping[str, _Kept], segments: tuple[str, ...], span: tuple[int, int]
) -> dict[str, Series]:
    age, step = span
    params = {f"{of}_age": age for of in _AGES} | {f"{of}_incr": step for of in _AGES}
    return calls.one(client, lambda item: _read(item, lines), *segments, params=params)


def _read(item: Any, lines: Mapping[str, _Kept]) -> dict[str, Series]:
    item = values.table(item)  # of what was just opened, 3.10 says []
    stats = values.table(item.get("message_stats"))
    found: dict[str, Series] = {}
    for name, kept in lines.items():
        points = values.samples((stats if kept.stats else item).get(f"{kept.field}_details"))
        found[name] = values.slope(points) if kept.counts else points
    return found
