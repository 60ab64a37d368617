"""What the management API says of channels and of the members of a queue, beside `parse`."""

from __future__ import annotations

from typing import Any

from mqadmin.rabbit.management_api.values import Json, integer, rate, table, text
from mqadmin.rabbit.types import ChannelLoad, ExchangeDetail, PublisherInfo, ReachedQueue, ReplicaInfo

LOAD_COLUMNS = "name,messages_unacknowledged,prefetch_count,idle_since"


def channel_load(item: Json) -> ChannelLoad:
    return ChannelLoad(
        name=str(item["name"]),
        unacked=integer(item.get("messages_unacknowledged")),
        prefetch=integer(item.get("prefetch_count")),
        idle_since=text(item.get("idle_since")),
    )


def exchange_detail(item: Json) -> ExchangeDetail:
    return ExchangeDetail(
        name=str(item["name"]),
        in_rate=rate(table(item.get("message_stats")), "publish_in"),
        publishers=tuple(map(_publisher, _tables(item.get("incoming")))),
        reaches=tuple(map(_reached, _tables(item.get("outgoing")))),
    )


def _tables(entries: Any) -> list[Json]:
    return [table(entry) for entry in entries] if isinstance(entries, list) else []


def _publisher(item: Json) -> PublisherInfo:
    channel, stats = table(item.get("channel_details")), table(item.get("stats"))
    lost = [rate(stats, name) for name in ("return_unroutable", "drop_unroutable")]
    told = [per_second for per_second in lost if per_second is not None]
    return PublisherInfo(
        channel=text(channel.get("name")) or "",
        connection=text(channel.get("connection_name")) or "",
        user=text(channel.get("user")) or "",
        address=text(channel.get("peer_host")) or "",
        rate=rate(stats, "publish"),
        unroutable=sum(told) if told else None,
    )


def _reached(item: Json) -> ReachedQueue:
    queue = table(item.get("queue"))
    return ReachedQueue(
        vhost=text(queue.get("vhost")) or "",
        name=text(queue.get("name")) or "",
        rate=rate(table(item.get("stats")), "publish"),
    )


def connection_name(item: Json) -> tuple[str, str]:
    """Read what a connection is called, and what its client calls itself; "" where it does not."""
    return str(item["name"]), text(item.get("user_provided_name")) or ""


def replicas(items: Any) -> list[ReplicaInfo]:
    """Read the status of the members of a quorum queue; one that is not there says nothing of its log."""
    found = [table(item) for item in items] if isinstance(items, list) else []
    ends = [integer(item.get("Last Log Index")) for item in found]
    newest = max((end for end in ends if end is not None), default=0)
    return [
        ReplicaInfo(
            node=str(item.get("Node Name", "")),
            role=str(item.get("Raft State", "")),
            behind=None if end is None else newest - end,
        )
        for item, end in zip(found, ends, strict=True)
    ]


def policy_order(item: Json) -> tuple[list[str], list[str]]:
    """Return the names of policies and operator policies as a virtual host's definitions have them."""
    by_operator = [one for one in item.get("parameters", ()) if one.get("component") == "operator_policy"]
    return [str(one["name"]) for one in item.get("policies", ())], [str(one["name"]) for one in by_operator]


_STORAGE = {
    "bytes_ready": "message_bytes_ready",
    "bytes_unacked": "message_bytes_unacknowledged",
    "bytes_dying": "message_bytes_dlx",
    "paged_out": "messages_paged_out",  # transient ones that were written to the disk, up to 3.13
    "bytes_paged_out": "message_bytes_paged_out",
    "returned": "messages_ready_returned",
    "version": "storage_version",
    "segments": "segments",
}


def storage(item: Json) -> dict[str, int]:
    """Read what a queue is stored in and as, by name; `readers` and `files` are of all its nodes together."""
    found = {name: integer(item.get(key)) for name, key in _STORAGE.items()}
    if found["version"] is None:  # of classic queues before 4.0
        found["version"] = integer(table(item.get("backing_queue_status")).get("version"))
    for name, key in (("readers", "readers"), ("files", "open_files")):
        counts = [integer(count) or 0 for count in table(item.get(key)).values()]
        found[name] = sum(counts) if counts else None
    return {name: count for name, count in found.items() if count is not None}
