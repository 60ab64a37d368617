"""Who may do what on a broker, and what these users' clients do now: what `rabbit.effects.access` starts from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from mqadmin.rabbit.administration import bindings, calls, channels, connections, limits, permissions
from mqadmin.rabbit.administration.channels import Channel
from mqadmin.rabbit.administration.connections import Connection
from mqadmin.rabbit.effects.access import Access, Use
from mqadmin.rabbit.errors import NotFound
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

MOST_ASKED = 50  # channels that publish, and connections of AMQP 1.0: a call each
_MOST_KEYS = 200
_EXCHANGES = {"columns": "name,type"}


def gather(client: ManagementClient, *, users_of: Collection[str]) -> tuple[Access, list[Use], int]:
    """Return who may do what, what the clients of these users do now, and of how many channels it is not known
    where they publish: a broker keeps that alone that was told to (`management.rates_mode = detailed`).

    With which routing keys they publish no broker tells: `keys` are those of the bindings of a topic exchange.
    Up to five seconds old. Raises RabbitError; administrators may ask.
    """
    open_now = [item for item in connections.listed(client) if item.user in users_of]
    working = [item for item in channels.listed(client) if item.user in users_of] if open_now else []
    publishes, unknown = _published(client, working)
    uses: Counter[Use] = Counter()
    for use in (*_connected(open_now), *_read(client, open_now, working), *publishes):
        uses[use] += 1
    topic_exchanges = _topic_exchanges(client, {use.vhost for use in publishes})
    access = Access(
        rights=tuple(permissions.listed(client)),
        topics=tuple(permissions.topics(client)),
        users=frozenset(users_of),
        topic_exchanges=topic_exchanges,
        limits=limits.of_users(client),
        channels=Counter(item.user for item in working),
    )
    keys = {
        place: _keys(client, *place)
        for place in sorted({(use.vhost, use.name) for use in publishes} & topic_exchanges)[:MOST_ASKED]
    }
    counted = [
        replace(use, count=count, keys=keys.get((use.vhost, use.name), ())) for use, count in uses.items()
    ]
    return access, counted, unknown


def _connected(found: Iterable[Connection]) -> Iterator[Use]:
    return (Use("connects", item.user, item.vhost) for item in found)


def _read(client: ManagementClient, found: list[Connection], working: list[Channel]) -> Iterator[Use]:
    """Yield what is read: by channels, by connections without them, and by links of AMQP 1.0."""
    for channel in working:
        for reader in channel.readers:
            yield Use("consumes", channel.user, channel.vhost, reader["queue"])
    by_user: dict[str, list[Connection]] = defaultdict(list)
    for item in found:
        by_user[item.user].append(item)
    for user, own in by_user.items():
        for vhost, reader in channels.apart(client, own):
            yield Use("consumes", user, vhost, reader["queue"])
    for item in [item for item in found if item.is_1_0][:MOST_ASKED]:
        for session in connections.sessions(client, item.name) or ():
            for link in session.links:
                if link.way == "out" and link.queue:
                    yield Use("consumes", item.user, item.vhost, link.queue)


def _published(client: ManagementClient, working: list[Channel]) -> tuple[list[Use], int]:
    found, unknown = [], 0
    # Whoever published once may do so again: the busiest are asked first.
    publishing = [item for item in working if item.publish_rate is not None]
    publishing.sort(key=lambda item: -(item.publish_rate or 0))
    for item in publishing[:MOST_ASKED]:
        try:
            told = channels.one(client, item.name).publishes
        except NotFound:
            continue
        unknown += not told
        found += [Use("publishes", item.user, flow.vhost, flow.name) for flow in told]
    return found, unknown + max(0, len(publishing) - MOST_ASKED)


def _topic_exchanges(client: ManagementClient, vhosts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Topic permissions are asked for on exchanges of type topic (rabbit_channel:check_topic_authorisation/6)."""

    def kind(item: Json) -> tuple[str, str]:
        return str(item["name"]), str(item.get("type"))

    return frozenset(
        (vhost, name)
        for vhost in sorted(vhosts)
        for name, type in calls.rows(client, kind, "exchanges", vhost, params=_EXCHANGES)
        if type == "topic"
    )


def _keys(client: ManagementClient, vhost: str, exchange: str) -> tuple[str, ...]:
    """Return the keys of its bindings that are whole: patterns name no key."""
    found = {item.routing_key for item in bindings.from_exchange(client, vhost, exchange)}
    return tuple(sorted(key for key in found if not {"*", "#"} & set(key.split("."))))[:_MOST_KEYS]
