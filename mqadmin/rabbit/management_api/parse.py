"""Management API JSON -> the dataclasses of `types`. Raises KeyError, TypeError or ValueError on nonsense.

Erlang writes an empty table as `[]`, an unset value as "undefined" or "unknown", and leaves out what it has
not counted yet. The shapes hold for RabbitMQ 3.10 to 4.x and LavinMQ.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

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
    Series,
    UserInfo,
    VhostInfo,
)

Json = Mapping[str, Any]

QUEUE_COLUMNS = (
    "vhost,name,type,durable,auto_delete,exclusive,state,messages_ready,messages_unacknowledged,messages,consumers,"
    "message_stats.publish_details.rate,message_stats.deliver_get_details.rate,message_stats.ack_details.rate,"
    "message_stats.redeliver_details.rate,message_stats.publish,message_stats.ack,message_stats.deliver_no_ack,"
    "message_stats.get_no_ack,message_stats.deliver_get,message_stats.redeliver,consumer_capacity,memory,node,arguments,policy,operator_policy,"
    "effective_policy_definition,idle_since,delivery_limit,message_bytes,messages_delayed,leader,members,online"
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
        _table(item.get(key)) for key in ("queue_totals", "object_totals", "message_stats", "churn_rates")
    )
    is_lavin = "lavinmq_version" in item
    version = item.get("lavinmq_version") or item.get("product_version") or item["rabbitmq_version"]
    return OverviewInfo(
        product="LavinMQ" if is_lavin else str(item.get("product_name", "RabbitMQ")),
        version=str(version),
        cluster_name=str(item.get("cluster_name") or item.get("node") or ""),
        ready=_int(totals.get("messages_ready")),
        unacked=_int(totals.get("messages_unacknowledged")),
        total=_int(totals.get("messages")),
        publish_rate=_rate(stats, "publish"),
        deliver_rate=_rate(stats, "deliver_get"),
        ack_rate=_rate(stats, "ack"),
        queues=_int(objects.get("queues")),
        exchanges=_int(objects.get("exchanges")),
        connections=_int(objects.get("connections")),
        channels=_int(objects.get("channels")),
        consumers=_int(objects.get("consumers")),
        statistics_disabled=bool(item.get("disable_stats", False)),
        erlang=_text(item.get("erlang_version")) or "",
        node=_text(item.get("node")) or "",
        dropped=_int(stats.get("drop_unroutable")),
        returned=_int(stats.get("return_unroutable")),
        connections_opened_rate=_rate(churn, "connection_created"),
        connections_closed_rate=_rate(churn, "connection_closed"),
        channels_opened_rate=_rate(churn, "channel_created"),
        channels_closed_rate=_rate(churn, "channel_closed"),
        clock_ahead=clock_ahead,
    )


def node(item: Json) -> NodeInfo:
    uptime = _int(item.get("uptime"))
    return NodeInfo(
        name=str(item["name"]),
        running=bool(item.get("running", True)),
        mem_used=_int(item.get("mem_used")),
        mem_limit=_int(item.get("mem_limit")),
        mem_alarm=_flag(item.get("mem_alarm")),
        disk_free=_int(item.get("disk_free")),
        disk_free_alarm=_flag(item.get("disk_free_alarm")),
        uptime_s=None if uptime is None else uptime / 1000,
        partitions=_texts(item.get("partitions")),
        disk_free_limit=_int(item.get("disk_free_limit")),
        fd_used=_int(item.get("fd_used")),
        fd_total=_int(item.get("fd_total")) or None,
        sockets_used=_int(item.get("sockets_used")),
        sockets_total=_int(item.get("sockets_total")) or None,
        proc_used=_int(item.get("proc_used")),
        proc_total=_int(item.get("proc_total")) or None,
    )


def alarm(item: Json) -> AlarmInfo:
    return AlarmInfo(str(item["node"]), str(item["resource"]))


def connection(item: Json) -> ConnectionInfo:
    name = str(item["name"])
    return ConnectionInfo(
        name=name,
        label=_text(item.get("user_provided_name")) or name,
        vhost=_text(item.get("vhost")) or "",
        user=_text(item.get("user")) or "",
        state=_text(item.get("state")),
        channels=_int(item.get("channels")),
        channel_max=_int(item.get("channel_max")) or None,
    )


def channel(item: Json) -> ChannelInfo:
    stats = _table(item.get("message_stats"))
    return ChannelInfo(
        name=str(item["name"]),
        connection=_text(_table(item.get("connection_details")).get("name")) or "",
        vhost=_text(item.get("vhost")) or "",
        user=_text(item.get("user")) or "",
        dropped=_int(stats.get("drop_unroutable")),
        dropped_rate=_rate(stats, "drop_unroutable"),
        returned=_int(stats.get("return_unroutable")),
        returned_rate=_rate(stats, "return_unroutable"),
    )


def exchange_flow(item: Json) -> ExchangeFlow:
    stats = _table(item.get("message_stats"))
    return ExchangeFlow(
        vhost=str(item["vhost"]),
        name=str(item["name"]),
        taken=_int(stats.get("publish_in")),
        in_rate=_rate(stats, "publish_in"),
        passed=_int(stats.get("publish_out")),
        out_rate=_rate(stats, "publish_out"),
    )


def permission(item: Json) -> PermissionInfo:
    return PermissionInfo(str(item["configure"]), str(item["write"]), str(item["read"]))


def queue_info(item: Json) -> QueueInfo:
    stats = _table(item.get("message_stats"))
    arguments = _table(item.get("arguments"))
    return QueueInfo(
        vhost=str(item["vhost"]),
        name=str(item["name"]),
        type=_text(item.get("type")) or str(arguments.get("x-queue-type", "classic")),
        durable=item.get("durable") is not False,
        auto_delete=item.get("auto_delete") is True,
        exclusive=item.get("exclusive") is True,
        state=_text(item.get("state")),
        ready=_int(item.get("messages_ready")),
        unacked=_int(item.get("messages_unacknowledged")),
        total=_int(item.get("messages")),
        consumers=_int(item.get("consumers")),
        publish_rate=_rate(stats, "publish"),
        deliver_rate=_rate(stats, "deliver_get"),
        ack_rate=_rate(stats, "ack"),
        redeliver_rate=_rate(stats, "redeliver"),
        published=_int(stats.get("publish")),
        left=_left(stats),
        delivered=_delivered(stats),
        capacity=_share(item.get("consumer_capacity")),
        memory=_int(item.get("memory")),
        node=_text(item.get("node")) or _text(item.get("leader")),
        arguments=arguments,
        policy=_text(item.get("policy")),
        operator_policy=_text(item.get("operator_policy")),
        effective_policy=_table(item.get("effective_policy_definition")),
        idle_since=_text(item.get("idle_since")),
        delivery_limit=_int(item.get("delivery_limit")),
        message_bytes=_int(item.get("message_bytes")),
        members=_texts(item.get("members")),
        online=_texts(item["online"]) if isinstance(item.get("online"), list) else None,
        delayed=_int(item.get("messages_delayed")),
    )


def _left(stats: Json) -> int | None:
    """Return how many messages were acked, or delivered to who acks none; None where nothing of it is counted."""
    found = [_int(stats.get(name)) for name in ("ack", "deliver_no_ack", "get_no_ack")]
    known = [count for count in found if count is not None]
    return sum(known) if known else None


def _delivered(stats: Json) -> int | None:
    """Return how many messages were delivered or got for the first time."""
    all_told = _int(stats.get("deliver_get"))
    return None if all_told is None else all_told - (_int(stats.get("redeliver")) or 0)


def _share(value: Any) -> float | None:
    """Return a share, 0 to 1, no finer than is worth telling: it is a mean that moves on for ever."""
    share = _float(value)
    return None if share is None else round(share, 2)


def queue_detail(item: Json) -> QueueDetail:
    stats, retry_at = _table(item.get("message_stats")), _int(item.get("next_delayed_at"))
    gauges = {"ready": "messages_ready", "unacked": "messages_unacknowledged", "total": "messages"}
    counters = {
        "publish": "publish",
        "deliver": "deliver_get",
        "ack": "ack",
        "redeliver": "redeliver",
        "get": "get",
    }
    lengths = {key: _samples(item.get(f"{name}_details")) for key, name in gauges.items()}
    rates = {key: _slope(_samples(stats.get(f"{name}_details"))) for key, name in counters.items()}
    return QueueDetail(
        info=queue_info(item),
        consumer_details=tuple(consumer(entry) for entry in item.get("consumer_details") or ()),
        lengths={key: series for key, series in lengths.items() if series},
        rates={key: series for key, series in rates.items() if series},
        by_priority=_by_priority(item.get("messages_by_priority")),
        delayed_retry=_text(item.get("delayed_retry")) or "",
        next_retry_at=None if retry_at is None else retry_at / 1000,
        dying=_int(item.get("messages_dlx")),
        head_at=_epoch(item.get("head_message_timestamp")),
        first_at=_epoch(item.get("first_timestamp")),
        single_active=_text(item.get("single_active_consumer_tag"))
        or _text(item.get("single_active_consumer_ctag")),
        capacity=_float(item.get("consumer_capacity", item.get("consumer_utilisation"))),
        publishers=_int(item.get("publishers")),
        incoming=_incoming(item.get("incoming")),
    )


def _epoch(value: Any) -> float | None:
    """Return the seconds of a timestamp; many publishers give milliseconds. RabbitMQ says 0 for none."""
    found = _float(value)
    if not found or found < 0:
        return None
    return found / 1000 if found > _NO_SECONDS else found


_NO_SECONDS = 1e11  # the year 5138: what is more is milliseconds


def _incoming(value: Any) -> dict[str, float]:
    entries = [_table(entry) for entry in value] if isinstance(value, list) else []
    rates = {
        str(_table(entry.get("exchange")).get("name", "")): _rate(_table(entry.get("stats")), "publish")
        for entry in entries
    }
    return {name: rate for name, rate in rates.items() if rate is not None}


def consumer(item: Json) -> ConsumerInfo:
    channel, queue = _table(item.get("channel_details")), _table(item.get("queue"))
    host, port = _text(channel.get("peer_host")), channel.get("peer_port")
    return ConsumerInfo(
        vhost=str(queue.get("vhost", "")),
        queue=str(queue.get("name", "")),
        tag=str(item["consumer_tag"]),
        ack_required=item.get("ack_required") is not False,
        exclusive=item.get("exclusive") is True,
        prefetch=_int(item.get("prefetch_count")),
        active=_flag(item.get("active")),
        channel=_text(channel.get("name")),
        connection=_text(channel.get("connection_name")),
        user=_text(channel.get("user")),
        peer=f"{host}:{port}" if host else None,
        arguments=_table(item.get("arguments")),
        timeout_ms=_int(item.get("consumer_timeout")),
    )


def binding(item: Json) -> BindingInfo:
    return BindingInfo(
        vhost=str(item["vhost"]),
        source=str(item["source"]),
        destination=str(item["destination"]),
        destination_type=str(item["destination_type"]),
        routing_key=str(item.get("routing_key", "")),
        arguments=_table(item.get("arguments")),
    )


def exchange(item: Json, policies: Mapping[tuple[str, str], Json]) -> ExchangeInfo:
    """`policies` maps (vhost, policy name) to definitions: a listing names an exchange's policy only."""
    vhost, policy = str(item["vhost"]), _text(item.get("policy"))
    arguments = _table(item.get("arguments"))
    definition = policies.get((vhost, policy), {}) if policy else {}
    return ExchangeInfo(
        vhost=vhost,
        name=str(item["name"]),
        type=str(item["type"]),
        durable=item.get("durable") is not False,
        auto_delete=item.get("auto_delete") is True,
        arguments=arguments,
        policy=policy,
        alternate_exchange=_text(arguments.get("alternate-exchange", definition.get("alternate-exchange"))),
    )


def policy(item: Json) -> PolicyInfo:
    return PolicyInfo(
        vhost=str(item["vhost"]),
        name=str(item["name"]),
        pattern=str(item["pattern"]),
        priority=int(item.get("priority", 0)),
        definition=_table(item.get("definition")),
        apply_to=_text(item.get("apply-to")) or "all",
    )


def vhost(item: Json) -> VhostInfo:
    states = _table(item.get("cluster_state")).values()
    return VhostInfo(
        name=str(item["name"]),
        description=_text(item.get("description")) or "",
        tags=_texts(item.get("tags")),
        running=not states or any(state == "running" for state in states),
    )


def user(item: Json) -> UserInfo:
    tags = item.get("tags")
    # Before 3.9 the tags are one text with commas.
    return UserInfo(
        str(item["name"]), tuple(filter(None, tags.split(","))) if isinstance(tags, str) else _texts(tags)
    )


def peeked(item: Json) -> PeekedMessage:
    payload = str(item["payload"])
    body = base64.b64decode(payload) if item.get("payload_encoding") == "base64" else payload.encode()
    known = Properties.__dataclass_fields__
    properties = {key: value for key, value in _table(item.get("properties")).items() if key in known}
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
    found = {int(priority): int(count) for priority, count in _table(value).items() if count}
    return dict(sorted(found.items(), reverse=True))


def _samples(details: Any) -> Series:
    samples = _table(details).get("samples") or ()
    return tuple(sorted((entry["timestamp"] / 1000, float(entry["sample"])) for entry in samples))


def _slope(counts: Series) -> Series:
    """Return the per-second rise of a counter between its samples; a counter that was reset counts as 0."""
    steps = pairwise(counts)
    return tuple(
        (end, max(0.0, (high - low) / (end - start))) for (start, low), (end, high) in steps if end > start
    )


def _rate(stats: Json, name: str) -> float | None:
    return _float(_table(stats.get(f"{name}_details")).get("rate"))


def _table(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or value in ("undefined", "unknown", "none"):
        return None
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _int(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
