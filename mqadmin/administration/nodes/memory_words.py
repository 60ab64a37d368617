"""What a node uses memory for, in words, the biggest first: RabbitMQ's kinds with what each means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LEAST = 0.01  # of all: what is below is not drawn by itself
MOST = 9  # parts that have a colour of their own
WIDTH = 1000  # of the drawing

_KINDS = {
    "binary": (gettext_lazy("Messages in memory"), gettext_lazy("bodies of messages that are on their way")),
    "queue_procs": (
        gettext_lazy("Classic queues"),
        gettext_lazy("their processes and what they keep in hand"),
    ),
    "queue_slave_procs": (gettext_lazy("Mirrors"), gettext_lazy("of mirrored classic queues")),
    "quorum_queue_procs": (gettext_lazy("Quorum queues"), gettext_lazy("their processes")),
    "quorum_queue_dlx_procs": (
        gettext_lazy("Dead-lettering"),
        gettext_lazy("of quorum queues, at least once"),
    ),
    "quorum_ets": (gettext_lazy("Quorum queues' log"), gettext_lazy("what was not written to segments yet")),
    "stream_queue_procs": (gettext_lazy("Streams"), gettext_lazy("their processes")),
    "stream_queue_replica_reader_procs": (
        gettext_lazy("Streams' readers"),
        gettext_lazy("for other members"),
    ),
    "stream_queue_coordinator_procs": (
        gettext_lazy("Streams' coordinator"),
        gettext_lazy("who leads which stream"),
    ),
    "msg_index": (gettext_lazy("Index of messages"), gettext_lazy("of classic queues")),
    "connection_readers": (gettext_lazy("Connections, reading"), gettext_lazy("what clients send")),
    "connection_writers": (gettext_lazy("Connections, writing"), gettext_lazy("what clients are sent")),
    "connection_channels": (gettext_lazy("Channels"), gettext_lazy("with what is not acknowledged")),
    "connection_other": (
        gettext_lazy("Connections, the rest"),
        gettext_lazy("their supervisors and the like"),
    ),
    "plugins": (gettext_lazy("Plugins"), gettext_lazy("management, shovels, federation, MQTT and so on")),
    "mgmt_db": (
        gettext_lazy("Statistics"),
        gettext_lazy("rates and charts that the management plugin keeps"),
    ),
    "metrics": (gettext_lazy("Metrics"), gettext_lazy("counters of connections, channels and queues")),
    "mnesia": (gettext_lazy("Metadata (Mnesia)"), gettext_lazy("queues, exchanges, bindings, users")),
    "metadata_store": (gettext_lazy("Metadata (Khepri)"), gettext_lazy("queues, exchanges, bindings, users")),
    "metadata_store_ets": (gettext_lazy("Metadata in tables"), gettext_lazy("for routing")),
    "other_ets": (gettext_lazy("Other tables"), gettext_lazy("of Erlang and of plugins")),
    "other_proc": (gettext_lazy("Other processes"), gettext_lazy("of Erlang and of RabbitMQ")),
    "other_system": (gettext_lazy("Erlang itself"), gettext_lazy("what belongs to none of these")),
    "code": (gettext_lazy("Program code"), gettext_lazy("it does not grow")),
    "atom": (gettext_lazy("Names"), gettext_lazy("atoms of Erlang; they do not go away")),
    "allocated_unused": (gettext_lazy("Taken, not used now"), gettext_lazy("kept for what comes next")),
    "reserved_unallocated": (
        gettext_lazy("Not given back yet"),
        gettext_lazy("freed by Erlang, still counted by the operating system"),
    ),
}


@dataclass(frozen=True)
class Part:
    """One part of the bar: from `x`, `width` wide of WIDTH; `tone` the number of its colour."""

    label: str
    about: str
    bytes: int
    share: float
    x: float
    width: float
    tone: int


def parts(memory: Mapping[str, int]) -> list[Part]:
    """Return what memory is used for, the biggest first; what is small together at the end."""
    total = sum(memory.values())
    if total <= 0:
        return []
    ordered = sorted(memory.items(), key=lambda item: (-item[1], item[0]))
    named = [(key, size) for key, size in ordered if size >= LEAST * total][:MOST]
    rest = total - sum(size for _key, size in named)
    sized = [(*_words(key), size) for key, size in named]
    if rest:
        sized.append((_("All the rest"), _("what is less than 1 %% of all, each") % {}, rest))
    found, x = [], 0.0
    for tone, (label, about, size) in enumerate(sized):
        width = WIDTH * size / total
        found.append(Part(label, about, size, size / total, round(x, 1), round(width, 1), tone))
        x += width
    return found


def _words(key: str) -> tuple[str, str]:
    label, about = _KINDS.get(key, (key.replace("_", " "), ""))
    return str(label), str(about)
