"""Channels with their consumers: listed, looked at, and since when what they hold has been with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.administration.connections import Connection
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

_STATS = ("publish", "confirm", "deliver_get", "ack", "redeliver", "return_unroutable", "drop_unroutable")
COLUMNS = (
    "name,number,connection_details.name,connection_details.peer_host,user,vhost,node,state,prefetch_count,"
    "global_prefetch_count,confirm,transactional,messages_unacknowledged,messages_unconfirmed,messages_uncommitted,"
    "acks_uncommitted,consumer_count,idle_since,reductions,message_stats.ack,message_stats.deliver,"
    "message_stats.get,message_stats.redeliver,"
) + ",".join(f"message_stats.{name}_details.rate" for name in _STATS)
CONSUMER_COLUMNS = (
    "consumer_tag,queue.name,queue.vhost,channel_details.name,ack_required,prefetch_count,exclusive,active,"
    "activity_status,arguments.x-priority"
)
MOST_CONSUMERS = 50  # of one channel that its row names


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel. Rates are messages per second; None: the broker does not say.

    `prefetch`, `global_prefetch`: 0 for no bound; `held`: since when (epoch seconds) at the latest the first of its
    unacked messages has been with the client, None where it holds none; `consumers`: how many, `readers` the
    first of them (tables of "tag", "queue", "acks", "prefetch", "exclusive", "active", "priority"; of one channel
    alone "arguments" too), `queues` the names of what they read; `taken`, `acked`, `again`: messages delivered for
    acks, acked, and redelivered since it began; `work`: what its process has done, which only grows;
    `returned_rate`, `dropped_rate`: published, and taken by no queue.
    """

    name: str
    number: int | None
    connection: str
    address: str
    user: str
    vhost: str
    node: str
    state: str
    prefetch: int | None
    global_prefetch: int | None
    confirm: bool
    transactional: bool
    unacked: int | None
    unconfirmed: int | None
    uncommitted: int | None
    acks_uncommitted: int | None
    held: float | None
    consumers: int | None
    queues: tuple[str, ...]
    readers: tuple[Mapping[str, Any], ...]
    publish_rate: float | None
    confirm_rate: float | None
    deliver_rate: float | None
    ack_rate: float | None
    redeliver_rate: float | None
    returned_rate: float | None
    dropped_rate: float | None
    taken: int
    acked: int
    again: int
    work: int | None


@dataclass(frozen=True)
class Flow:
    """What a channel passes to an exchange, or gets from a queue: messages per second."""

    vhost: str
    name: str
    rates: Mapping[str, float]


@dataclass(frozen=True)
class Detail:
    """One channel with what the list has no room for: where it publishes, and what it is given from where (only
    where the broker keeps detailed rates)."""

    channel: Channel
    publishes: tuple[Flow, ...]
    deliveries: tuple[Flow, ...]


def listed(client: ManagementClient) -> list[Channel]:
    """Return all channels that the account sees, with their consumers: two calls."""
    found = calls.rows(client, channel, "channels", params={"columns": COLUMNS})
    if not any(item.consumers for item in found):
        return found
    readers: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for name, reader in calls.rows(client, consumer, "consumers", params={"columns": CONSUMER_COLUMNS}):
        readers[name].append(reader)
    return [_with(item, readers.get(item.name, [])) for item in found]


def of_connection(client: ManagementClient, name: str) -> list[Channel]:
    """Return the channels of one connection with their consumers, live. Raises NotFound once it is closed."""
    found = calls.settled(client, lambda: calls.rows(client, channel, "connections", name, "channels"))
    return [one(client, item.name).channel if item.consumers else item for item in found]


def apart(client: ManagementClient, found: Iterable[Connection]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the consumers of those connections that have no channels: their virtual host, and what a channel's
    `readers` hold of one.

    All consumers of the virtual host are asked for: the broker has no narrower call. The clients of MQTT that read
    without acks (QoS 0) are not among them on RabbitMQ 3.12 and later, nor is what AMQP 1.0 reads (`sessions`).
    """
    names = {item.name: item.vhost for item in found if not item.has_channels and not item.is_1_0}
    params = {"columns": f"{CONSUMER_COLUMNS},channel_details.connection_name"}
    told = [
        (vhost, reader)
        for vhost in sorted(set(names.values()))
        for name, reader in calls.rows(client, _apart, "consumers", vhost, params=params)
        if names.get(name) == vhost
    ]
    return sorted(told, key=lambda pair: (pair[0], *_by_queue(pair[1])))


def one(client: ManagementClient, name: str) -> Detail:
    """Return one channel, live. Raises NotFound once it is closed."""
    return calls.settled(client, lambda: calls.one(client, _detail, "channels", name))


def carried(now: Channel, before: Channel | None, at: float) -> Channel:
    """Return a channel as it is now, knowing how long it holds what it does from how it was at `at`. Pure.

    A broker says since when a channel was idle, but begins anew each minute (tried on 3.10.8 and 4.3.6: its
    process wakes to see whether acks are overdue). So: where nothing was acked, given back or delivered again in
    between, the messages that were held are held still. Given back would be fewer unacked than were delivered.
    `work` that is less than before is another channel of the same name.
    """
    if before is None or not now.unacked or not before.unacked:
        return now
    is_same = (
        (now.connection, now.user, now.vhost) == (before.connection, before.user, before.vhost)
        and {item["tag"] for item in before.readers} <= {item["tag"] for item in now.readers}
        and (now.work is None or before.work is None or now.work >= before.work)
    )
    came = now.taken - before.taken
    rests = now.acked == before.acked and now.again == before.again and now.unacked - before.unacked == came
    if not (is_same and rests and came >= 0):
        return now
    known = (before.held, now.held, at)
    return replace(now, held=min(moment for moment in known if moment is not None))


def channel(item: Json) -> Channel:
    details, stats = values.table(item.get("connection_details")), values.table(item.get("message_stats"))
    rates = {name: values.rate(stats, name) for name in _STATS}
    unacked = values.integer(item.get("messages_unacknowledged"))
    return Channel(
        name=str(item["name"]),
        number=values.integer(item.get("number")),
        connection=values.text(details.get("name")) or "",
        address=values.text(details.get("peer_host")) or "",
        user=values.text(item.get("user")) or "",
        vhost=values.text(item.get("vhost")) or "",
        node=values.text(item.get("node")) or "",
        state=values.text(item.get("state")) or "",
        prefetch=values.integer(item.get("prefetch_count")),
        global_prefetch=values.integer(item.get("global_prefetch_count")),
        confirm=item.get("confirm") is True,
        transactional=item.get("transactional") is True,
        unacked=unacked,
        unconfirmed=values.integer(item.get("messages_unconfirmed")),
        uncommitted=values.integer(item.get("messages_uncommitted")),
        acks_uncommitted=values.integer(item.get("acks_uncommitted")),
        held=_idle(item.get("idle_since")) if unacked else None,
        consumers=values.integer(item.get("consumer_count")),
        queues=(),
        readers=(),
        publish_rate=rates["publish"],
        confirm_rate=rates["confirm"],
        deliver_rate=rates["deliver_get"],
        ack_rate=rates["ack"],
        redeliver_rate=rates["redeliver"],
        returned_rate=rates["return_unroutable"],
        dropped_rate=rates["drop_unroutable"],
        taken=(values.integer(stats.get("deliver")) or 0) + (values.integer(stats.get("get")) or 0),
        acked=values.integer(stats.get("ack")) or 0,
        again=values.integer(stats.get("redeliver")) or 0,
        work=values.integer(item.get("reductions")),
    )


def consumer(item: Json) -> tuple[str, Mapping[str, Any]]:
    """Read a consumer: the name of its channel, and what a channel's `readers` hold of it."""
    active = values.flag(item.get("active"))
    return values.text(values.table(item.get("channel_details")).get("name")) or "", {
        "tag": str(item.get("consumer_tag", "")),
        "queue": str(values.table(item.get("queue")).get("name", "")),
        "acks": item.get("ack_required") is not False,
        "prefetch": values.integer(item.get("prefetch_count")),
        "exclusive": item.get("exclusive") is True,
        "active": active is not False,
        "priority": values.integer(values.table(item.get("arguments")).get("x-priority")),
    }


def _arguments(item: Json) -> Json:
    """Return what a consumer was begun with, but its priority, which has a place of its own."""
    return {
        name: value for name, value in values.table(item.get("arguments")).items() if name != "x-priority"
    }


def _apart(item: Json) -> tuple[str, Mapping[str, Any]]:
    details = values.table(item.get("channel_details"))
    return values.text(details.get("connection_name")) or "", consumer(item)[1]


def _by_queue(reader: Mapping[str, Any]) -> tuple[str, str]:
    return reader["queue"], reader["tag"]


def _with(item: Channel, readers: list[Mapping[str, Any]]) -> Channel:
    shown = tuple(sorted(readers, key=_by_queue)[:MOST_CONSUMERS])
    return replace(item, readers=shown, queues=tuple(sorted({reader["queue"] for reader in readers})))


def _detail(item: Json) -> Detail:
    entries = item.get("consumer_details")
    found = [values.table(entry) for entry in entries] if isinstance(entries, list) else []
    readers: list[Mapping[str, Any]] = [
        {**consumer(entry)[1], "arguments": _arguments(entry)} for entry in found
    ]
    return Detail(
        channel=_with(channel(item), readers),
        publishes=_flows(item.get("publishes"), lambda entry: values.table(entry.get("exchange"))),
        deliveries=_flows(item.get("deliveries"), lambda entry: values.table(entry.get("queue"))),
    )


def _flows(entries: Any, end: Callable[[Json], Json]) -> tuple[Flow, ...]:
    found = [values.table(entry) for entry in entries] if isinstance(entries, list) else []
    return tuple(
        Flow(
            vhost=values.text(end(entry).get("vhost")) or "",
            name=values.text(end(entry).get("name")) or "",
            rates={
                name: rate
                for name in (*_STATS, "deliver", "get")
                if (rate := values.rate(values.table(entry.get("stats")), name)) is not None
            },
        )
        for entry in found
    )


def _idle(text: Any) -> float | None:
    """Return the epoch seconds of the broker's `idle_since`; None for none, and for a form not known."""
    try:
        parsed = datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
    if parsed is None:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
