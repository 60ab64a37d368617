"""What closing connections cuts: which consumers of which queues, which messages go back to ready."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mqadmin.core import permissions
from mqadmin.rabbit.administration import channels, connections
from mqadmin.rabbit.administration.channels import Channel
from mqadmin.rabbit.administration.connections import Connection
from mqadmin.rabbit.errors import NotFound
from mqadmin.rabbit.management_api.client import ManagementClient

MOST_ASKED = 50  # connections of AMQP 1.0 whose sessions are asked for, a call each


@dataclass(frozen=True)
class Cut:
    """What goes with these connections. `channels`: and sessions; `queues`: (vhost, queue, consumers of it that
    end), the most first; `unacked`: messages that go back to ready, None where the broker does not say; `lost`:
    published and not confirmed, or not committed: their publishers cannot know; `tags`: of the consumers; `untold`:
    how many of the clients are not told the reason."""

    connections: Sequence[Connection]
    channels: int
    consumers: int
    queues: Sequence[tuple[str, str, int]]
    unacked: int | None
    lost: int
    tags: Sequence[str]
    untold: int

    @property
    def count(self) -> int:
        return len(self.connections)


def of_one(client: ManagementClient, name: str) -> Cut:
    """Return what closing one connection cuts, live. Raises NotFound once it is closed, and other RabbitErrors."""
    found = connections.one(client, name).connection
    try:
        held = channels.of_connection(client, name)
    except NotFound:  # of 4.3: a connection that has no channels, as of MQTT or streams
        held = []
    return _cut(client, [found], held, channels.apart(client, [found]))


def of_all(client: ManagementClient, broker: str, *, user: str = "", address: str = "") -> Cut:
    """Return what closing all connections of a user, or from an address, cuts, live: three calls, and one for each
    virtual host where some have no channels. Those in virtual hosts that who asks may close connections of.

    Raises RabbitError.
    """
    found = [
        item
        for item in connections.listed(client)
        if (item.user == user if user else item.address == address) and permissions.allows(broker, item.vhost)
    ]
    names = {item.name for item in found}
    held = [item for item in channels.listed(client) if item.connection in names] if names else []
    return _cut(client, found, held, channels.apart(client, found))


def _cut(
    client: ManagementClient,
    found: Sequence[Connection],
    held: Sequence[Channel],
    apart: Sequence[tuple[str, Mapping[str, Any]]],
) -> Cut:
    by_channels = {item.connection for item in held}  # also of AMQP 1.0, before 4.0
    newer = [item for item in found if item.is_1_0 and item.name not in by_channels]
    asked = [(item.vhost, connections.sessions(client, item.name)) for item in newer[:MOST_ASKED]]
    told = [(vhost, session) for vhost, sessions in asked for session in sessions or ()]
    links = [
        (vhost, link.queue)
        for vhost, session in told
        for link in session.links
        if link.way == "out" and link.queue
    ]
    queues = Counter((item.vhost, reader["queue"]) for item in held for reader in item.readers)
    queues.update(links)
    queues.update((vhost, reader["queue"]) for vhost, reader in apart)
    unacked = [*(item.unacked for item in held), *(session.unsettled for _vhost, session in told)]
    known = [count for count in unacked if count is not None]
    is_known = (
        len(known) == len(unacked)
        and len(newer) <= MOST_ASKED
        and not any(sessions is None for _vhost, sessions in asked)
        and not any(item.is_mqtt and not item.has_channels for item in found)
        and sum(item.channels or 0 for item in found if not item.is_1_0) <= len(held)
    )
    return Cut(
        connections=found,
        channels=len(held) + len(told),
        consumers=sum(item.consumers or 0 for item in held) + len(links) + len(apart),
        queues=[(vhost, queue, count) for (vhost, queue), count in queues.most_common()],
        unacked=sum(known) if is_known else None,
        lost=sum((item.unconfirmed or 0) + (item.uncommitted or 0) for item in held),
        tags=[reader["tag"] for item in held for reader in item.readers],
        untold=sum(not item.is_told for item in found),
    )
