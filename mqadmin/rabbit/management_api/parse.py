"""Management API JSON -> the dataclasses of `types`. Raises KeyError, TypeError or ValueError on nonsense.

Erlang writes an empty table as `[]`, an unset value as "undefined" or "unknown", and leaves out what it has
not counted yet. The shapes hold for RabbitMQ 3.10 to 4.x and LavinMQ.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from sys import intern
from typing import Any

from mqadmin.rabbit.management_api import parse_inside, values
from mqadmin.rabbit.management_api.values import Json
from mqadmin.rabbit.message import Message, Properties
from mqadmin.rabbit.types import (
    AlarmInfo,
    BindingInfo,
    ChannelInfo,
    ConnectionInfo,
    ConsumerInfo,
    ExchangeFlow,
    ExchangeInfo,
    NodeInfo,
    OverviewInfo,
    PeekedMessage,
    PermissionInfo,
    PolicyInfo,
    QueueDetail,
    QueueInfo,
    UserInfo,
    VhostInfo,
)

QUEUE_COLUMNS = (
    "vhost,name,type,durable,auto_delete,exclusive,state,messages_ready,messages_unacknowledged,messages,consumers,"
    "message_stats.publish_details.rate,message_stats.deliver_get_details.rate,message_stats.ack_details.rate,"
    "message_stats.redeliver_details.rate,message_stats.publish,message_stats.ack,message_stats.deliver_no_ack,"
    "message_stats.get_no_ack,message_stats.deliver_get,message_stats.redeliver,consumer_capacity,memory,node,arguments,policy,operator_policy,"
    "effective_policy_definition,idle_since,delivery_limit,message_bytes,messages_delayed,leader,members,online,"
    "messages_ram,messages_persistent,message_bytes_ram,message_bytes_persistent"
)
"""Everything `queue_info` reads: one fixed list, so that the broker's cached listing serves every call."""


CONNECTION_COLUMNS = "name,user_provided_name,vhost,user,state,channels,channel_max"
CHANNEL_COLUMNS = (
    "name,connection_details.name,vhost,user,message_stats.drop_unroutable,message_stats.return_unroutable,"
    "message_stats.drop_unroutable_details.rate,message_stats.return_unroutable_details.rate"
)
EXCHANGE_FLOW_COLUMNS = (
    "vhost,name,message_stats.publish_in,message_stats.publish_out,"
    "message_stats.publish_in_details.rate,message_stats.publish_out_details.rate"
)


def overview(item: Json, clock_ahead: float | None = None) -> OverviewInfo:
    totals, objects, stats, churn = (
        values.table(item.get(key))
        for key in ("queue_totals", "object_totals", "message_stats", "churn_rates")
    )
    is_lavin = "lavinmq_version" in item
    version = item.get("lavinmq_version") or item.get("product_version") or item["rabbitmq_version"]
    return OverviewInfo(
        product="LavinMQ" if is_lavin else str(item.get("product_name", "RabbitMQ")),
        version=str(version),
        cluster_name=str(item.get("cluster_name") or item.get("node") or ""),
        ready=values.integer(totals.get("messages_ready")),
        unacked=values.integer(totals.get("messages_unacknowledged")),
        total=values.integer(totals.get("messages")),
        publish_rate=values.rate(stats, "publish"),
        deliver_rate=values.rate(stats, "deliver_get"),
        ack_rate=values.rate(stats, "ack"),
        queues=values.integer(objects.get("queues")),
        exchanges=values.integer(objects.get("exchanges")),
        connections=values.integer(objects.get("connections")),
        channels=values.integer(objects.get("channels")),
        consumers=values.integer(objects.get("consumers")),
        statistics_disabled=bool(item.get("disable_stats", False)),
        erlang=values.text(item.get("erlang_version")) or "",
        node=values.text(item.get("node")) or "",
        dropped=values.integer(stats.get("drop_unroutable")),
        returned=values.integer(stats.get("return_unroutable")),
        connections_opened_rate=values.rate(churn, "connection_created"),
        connections_closed_rate=values.rate(churn, "connection_closed"),
        channels_opened_rate=values.rate(churn, "channel_created"),
        channels_closed_rate=values.rate(churn, "channel_closed"),
        clock_ahead=clock_ahead,
    )


def node(item: Json) -> NodeInfo:
    uptime = values.integer(item.get("uptime"))
    return NodeInfo(
        name=str(item["name"]),
        running=bool(item.get("running", True)),
        mem_used=values.integer(item.get("mem_used")),
        mem_limit=values.integer(item.get("mem_limit")),
        mem_alarm=values.flag(item.get("mem_alarm")),
        disk_free=values.integer(item.get("disk_free")),
        disk_free_alarm=values.flag(item.get("disk_free_alarm")),
        uptime_s=None if uptime is None else uptime / 1000,
        partitions=values.texts(item.get("partitions")),
        disk_free_limit=values.integer(item.get("disk_free_limit")),
        fd_used=values.integer(item.get("fd_used")),
        fd_total=values.integer(item.get("fd_total")) or None,
        sockets_used=values.integer(item.get("sockets_used")),
        sockets_total=values.integer(item.get("sockets_total")) or None,
        proc_used=values.integer(item.get("proc_used")),
        proc_total=values.integer(item.get("proc_total")) or None,
    )


def alarm(item: Json) -> AlarmInfo:
    return AlarmInfo(str(item["node"]), str(item["resource"]))


def connection(item: Json) -> ConnectionInfo:
    name = str(item["name"])
    return ConnectionInfo(
        name=name,
        label=values.text(item.get("user_provided_name")) or name,
        vhost=values.text(item.get("vhost")) or "",
        user=values.text(item.get("user")) or "",
        state=values.text(item.get("state")),
        channels=values.integer(item.get("channels")),
        channel_max=values.integer(item.get("channel_max")) or None,
    )


def channel(item: Json) -> ChannelInfo:
    stats = values.table(item.get("message_stats"))
    return ChannelInfo(
        name=str(item["name"]),
        connection=values.text(values.table(item.get("connection_details")).get("name")) or "",
        vhost=values.text(item.get("vhost")) or "",
        user=values.text(item.get("user")) or "",
        dropped=values.integer(stats.get("drop_unroutable")),
        dropped_rate=values.rate(stats, "drop_unroutable"),
        returned=values.integer(stats.get("return_unroutable")),
        returned_rate=values.rate(stats, "return_unroutable"),
    )


def exchange_flow(item: Json) -> ExchangeFlow:
    stats = values.table(item.get("message_stats"))
    return ExchangeFlow(
        vhost=str(item["vhost"]),
        name=str(item["name"]),
        taken=values.integer(stats.get("publish_in")),
        in_rate=values.rate(stats, "publish_in"),
        passed=values.integer(stats.get("publish_out")),
        out_rate=values.rate(stats, "publish_out"),
    )


def permission(item: Json) -> PermissionInfo:
    return PermissionInfo(str(item["configure"]), str(item["write"]), str(item["read"]))


def queue_info(item: Json) -> QueueInfo:
    stats = values.table(item.get("message_stats"))
    arguments = values.table(item.get("arguments"))
    return QueueInfo(
        vhost=intern(str(item["vhost"])),
        name=intern(str(item["name"])),
        type=intern(values.text(item.get("type")) or str(arguments.get("x-queue-type", "classic"))),
        durable=item.get("durable") is not False,
        auto_delete=item.get("auto_delete") is True,
        exclusive=item.get("exclusive") is True,
        state=values.shared_text(item.get("state")),
        ready=values.integer(item.get("messages_ready")),
        unacked=values.integer(item.get("messages_unacknowledged")),
        total=values.integer(item.get("messages")),
        consumers=values.integer(item.get("consumers")),
        publish_rate=values.rate(stats, "publish"),
        deliver_rate=values.rate(stats, "deliver_get"),
        ack_rate=values.rate(stats, "ack"),
        redeliver_rate=values.rate(stats, "redeliver"),
        published=values.integer(stats.get("publish")),
        left=_left(stats),
        delivered=_delivered(stats),
        capacity=_share(item.get("consumer_capacity")),
        memory=values.integer(item.get("memory")),
        node=values.shared_text(item.get("node")) or values.shared_text(item.get("leader")),
        arguments=arguments,
        policy=values.shared_text(item.get("policy")),
        operator_policy=values.shared_text(item.get("operator_policy")),
        effective_policy=values.table(item.get("effective_policy_definition")),
        idle_since=values.text(item.get("idle_since")),
        delivery_limit=values.integer(item.get("delivery_limit")),
        message_bytes=values.integer(item.get("message_bytes")),
        ram=values.integer(item.get("messages_ram")),
        persistent=values.integer(item.get("messages_persistent")),
        bytes_ram=values.integer(item.get("message_bytes_ram")),
        bytes_persistent=values.integer(item.get("message_bytes_persistent")),
        members=values.texts(item.get("members")),
        online=values.texts(item["online"]) if isinstance(item.get("online"), list) else None,
        delayed=values.integer(item.get("messages_delayed")),
    )


def _left(stats: Json) -> int | None:
    """Return how many messages were acked, or delivered to who acks none; None where nothing of it is counted."""
    found = [values.integer(stats.get(name)) for name in ("ack", "deliver_no_ack", "get_no_ack")]
    known = [count for count in found if count is not None]
    return sum(known) if known else None


def _delivered(stats: Json) -> int | None:
    """Return how many messages were delivered or got for the first time."""
    all_told = values.integer(stats.get("deliver_get"))
    return None if all_told is None else all_told - (values.integer(stats.get("redeliver")) or 0)


def _share(value: Any) -> float | None:
    """Return a share, 0 to 1, no finer than is worth telling: it is a mean that moves on for ever."""
    share = values.real(value)
    return None if share is None else round(share, 2)


def queue_detail(item: Json) -> QueueDetail:
    stats, retry_at = values.table(item.get("message_stats")), values.integer(item.get("next_delayed_at"))
    gauges = {"ready": "messages_ready", "unacked": "messages_unacknowledged", "total": "messages"}
    counters = {
        "publish": "publish",
        "deliver": "deliver_get",
        "ack": "ack",
        "redeliver": "redeliver",
        "get": "get",
    }
    lengths = {key: values.samples(item.get(f"{name}_details")) for key, name in gauges.items()}
    rates = {
        key: values.slope(values.samples(stats.get(f"{name}_details"))) for key, name in counters.items()
    }
    return QueueDetail(
        info=queue_info(item),
        consumer_details=tuple(consumer(entry) for entry in item.get("consumer_details") or ()),
        lengths={key: series for key, series in lengths.items() if series},
        rates={key: series for key, series in rates.items() if series},
        by_priority=_by_priority(item.get("messages_by_priority")),
        delayed_retry=values.text(item.get("delayed_retry")) or "",
        next_retry_at=None if retry_at is None else retry_at / 1000,
        dying=values.integer(item.get("messages_dlx")),
        head_at=_epoch(item.get("head_message_timestamp")),
        first_at=_epoch(item.get("first_timestamp")),
        first_is_counted=item.get("first_timestamp") != 0,
        single_active=values.text(item.get("single_active_consumer_tag"))
        or values.text(item.get("single_active_consumer_ctag")),
        capacity=values.real(item.get("consumer_capacity", item.get("consumer_utilisation"))),
        publishers=values.integer(item.get("publishers")),
        incoming=_incoming(item.get("incoming")),
        storage=parse_inside.storage(item),
    )


def _epoch(value: Any) -> float | None:
    """Return the seconds of a timestamp; many publishers give milliseconds. RabbitMQ says 0 for none."""
    found = values.real(value)
    if not found or found < 0:
        return None
    return found / 1000 if found > _NO_SECONDS else found


_NO_SECONDS = 1e11  # the year 5138: what is more is milliseconds


def _incoming(value: Any) -> dict[str, float]:
    entries = [values.table(entry) for entry in value] if isinstance(value, list) else []
    rates = {
        str(values.table(entry.get("exchange")).get("name", "")): values.rate(
            values.table(entry.get("stats")), "publish"
        )
        for entry in entries
    }
    return {name: rate for name, rate in rates.items() if rate is not None}


def consumer(item: Json) -> ConsumerInfo:
    channel, queue = values.table(item.get("channel_details")), values.table(item.get("queue"))
    host, port = values.text(channel.get("peer_host")), channel.get("peer_port")
    return ConsumerInfo(
        vhost=str(queue.get("vhost", "")),
        queue=str(queue.get("name", "")),
        tag=str(item["consumer_tag"]),
        ack_required=item.get("ack_required") is not False,
        exclusive=item.get("exclusive") is True,
        prefetch=values.integer(item.get("prefetch_count")),
        active=values.flag(item.get("active")),
        channel=values.text(channel.get("name")),
        connection=values.text(channel.get("connection_name")),
        user=values.text(channel.get("user")),
        peer=f"{host}:{port}" if host else None,
        arguments=values.table(item.get("arguments")),
        timeout_ms=values.integer(item.get("consumer_timeout")),
    )


def binding(item: Json) -> BindingInfo:
    return BindingInfo(
        vhost=str(item["vhost"]),
        source=str(item["source"]),
        destination=str(item["destination"]),
        destination_type=str(item["destination_type"]),
        routing_key=str(item.get("routing_key", "")),
        arguments=values.table(item.get("arguments")),
        properties_key=str(item.get("properties_key", "")),
    )


def exchange(item: Json, policies: Mapping[tuple[str, str], Json]) -> ExchangeInfo:
    """`policies` maps (vhost, policy name) to definitions: a listing names an exchange's policy only."""
    vhost, policy = str(item["vhost"]), values.text(item.get("policy"))
    arguments = values.table(item.get("arguments"))
    definition = policies.get((vhost, policy), {}) if policy else {}
    return ExchangeInfo(
        vhost=vhost,
        name=str(item["name"]),
        type=str(item["type"]),
        durable=item.get("durable") is not False,
        auto_delete=item.get("auto_delete") is True,
        arguments=arguments,
        policy=policy,
        alternate_exchange=values.text(
            arguments.get("alternate-exchange", definition.get("alternate-exchange"))
        ),
        internal=item.get("internal") is True,
    )


def policy(item: Json) -> PolicyInfo:
    return PolicyInfo(
        vhost=str(item["vhost"]),
        name=str(item["name"]),
        pattern=str(item["pattern"]),
        priority=int(item.get("priority", 0)),
        definition=values.table(item.get("definition")),
        apply_to=values.text(item.get("apply-to")) or "all",
    )


def still_there(vhosts: Any) -> Any:
    """Return a listing of virtual hosts without those that were deleted while it was made.

    RabbitMQ lists their names, then looks each up: of one that is gone by then it tells all but the name, its
    traffic (tried on 3.10.8) or its queues' type (4.3.6). What else is no virtual host stays, to be refused.
    """
    if not isinstance(vhosts, list):
        return vhosts
    return [
        item for item in vhosts if not isinstance(item, dict) or "name" in item or not _LEFT & item.keys()
    ]


_LEFT = {"metadata", "default_queue_type", "message_stats", "messages", "messages_details"} | {
    f"{way}_oct{kind}" for way in ("recv", "send") for kind in ("", "_details")
}


def vhost(item: Json) -> VhostInfo:
    states = values.table(item.get("cluster_state")).values()
    return VhostInfo(
        name=str(item["name"]),
        description=values.text(item.get("description")) or "",
        tags=values.texts(item.get("tags")),
        running=not states or any(state == "running" for state in states),
    )


def user(item: Json) -> UserInfo:
    tags = item.get("tags")
    # Before 3.9 the tags are one text with commas.
    return UserInfo(
        str(item["name"]),
        tuple(filter(None, tags.split(","))) if isinstance(tags, str) else values.texts(tags),
    )


def peeked(item: Json) -> PeekedMessage:
    payload = str(item["payload"])
    body = base64.b64decode(payload) if item.get("payload_encoding") == "base64" else payload.encode()
    known = Properties.__dataclass_fields__
    properties = {key: value for key, value in values.table(item.get("properties")).items() if key in known}
    size = int(item.get("payload_bytes", len(body)))
    message = Message(
        body=body,
        properties=Properties(**properties),
        exchange=str(item.get("exchange", "")),
        routing_key=str(item.get("routing_key", "")),
        redelivered=item.get("redelivered") is True,
    )
    return PeekedMessage(message=message, size=size, truncated=len(body) < size)


def _by_priority(value: Any) -> dict[int, int]:
    """The highest first: in that order they are delivered."""
    found = {int(priority): int(count) for priority, count in values.table(value).items() if count}
    return dict(sorted(found.items(), reverse=True))
