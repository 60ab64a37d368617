"""What the management API says, as frozen dataclasses. None = the broker did not say: unknown, not 0.

Rates are per second, sizes bytes, times seconds since 1970, durations seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mqadmin.rabbit.message import Message

PutBack = Literal["returned", "copied", "held"]

Series = tuple[tuple[float, float], ...]
"""Points (epoch seconds, value), oldest first."""


@dataclass(frozen=True)
class OverviewInfo:
    """One cluster. `product` is RabbitMQ or LavinMQ, `version` its version; totals are of visible vhosts.

    `dropped`, `returned`: messages that no queue took, since its statistics began: lost, or given back to those
    publishers that asked for it. `node` answered, and its clock is ahead of ours by `clock_ahead` seconds.
    """

    product: str
    version: str
    cluster_name: str
    ready: int | None = None
    unacked: int | None = None
    total: int | None = None
    publish_rate: float | None = None
    deliver_rate: float | None = None
    ack_rate: float | None = None
    queues: int | None = None
    exchanges: int | None = None
    connections: int | None = None
    channels: int | None = None
    consumers: int | None = None
    statistics_disabled: bool = False
    erlang: str = ""
    node: str = ""
    dropped: int | None = None
    returned: int | None = None
    connections_opened_rate: float | None = None
    connections_closed_rate: float | None = None
    channels_opened_rate: float | None = None
    channels_closed_rate: float | None = None
    clock_ahead: float | None = None


@dataclass(frozen=True)
class NodeInfo:
    """One node. RabbitMQ 4.0 and later tell nothing of sockets; of one that is down only the name is told."""

    name: str
    running: bool
    mem_used: int | None = None
    mem_limit: int | None = None
    mem_alarm: bool | None = None
    disk_free: int | None = None
    disk_free_alarm: bool | None = None
    uptime_s: float | None = None
    partitions: tuple[str, ...] = ()
    disk_free_limit: int | None = None
    fd_used: int | None = None
    fd_total: int | None = None
    sockets_used: int | None = None
    sockets_total: int | None = None
    proc_used: int | None = None
    proc_total: int | None = None


@dataclass(frozen=True)
class AlarmInfo:
    """A resource alarm in force: `resource` is "memory" or "disk"."""

    node: str
    resource: str


@dataclass(frozen=True)
class ConnectionInfo:
    """One connection. `label`: what its client calls it, else its name; `state` None: its node did not say yet.

    `channel_max`: how many channels it may have, None for any number.
    """

    name: str
    label: str
    vhost: str = ""
    user: str = ""
    state: str | None = None
    channels: int | None = None
    channel_max: int | None = None


@dataclass(frozen=True)
class ChannelInfo:
    """One channel, and how many of its messages no queue took: `dropped` are lost, `returned` are not."""

    name: str
    connection: str
    vhost: str = ""
    user: str = ""
    dropped: int | None = None
    dropped_rate: float | None = None
    returned: int | None = None
    returned_rate: float | None = None


@dataclass(frozen=True)
class PublisherInfo:
    """A channel that publishes to an exchange, from where, and how many messages a second; `unroutable`: of these
    those that no queue took."""

    channel: str
    connection: str
    user: str = ""
    address: str = ""
    rate: float | None = None
    unroutable: float | None = None


@dataclass(frozen=True)
class ReachedQueue:
    """A queue that gets messages through an exchange, and how many a second."""

    vhost: str
    name: str
    rate: float | None = None


@dataclass(frozen=True)
class ExchangeDetail:
    """What goes into one exchange, from which channels, and to which queues in the end: () where the broker keeps
    no such details, which is so without `management.rates_mode = detailed`.

    What the first exchange passes on the broker counts there, by the queues behind other exchanges too; those
    between have no figures (tried on 3.10.8).
    """

    name: str
    in_rate: float | None = None
    publishers: tuple[PublisherInfo, ...] = ()
    reaches: tuple[ReachedQueue, ...] = ()


@dataclass(frozen=True)
class ExchangeFlow:
    """How many messages an exchange took, and passed on to queues, since its statistics began and a second."""

    vhost: str
    name: str
    taken: int | None = None
    in_rate: float | None = None
    passed: int | None = None
    out_rate: float | None = None


@dataclass(frozen=True)
class PermissionInfo:
    """What a user may do in a virtual host: a regular expression for each, "" or "^$" for nothing."""

    configure: str = ""
    write: str = ""
    read: str = ""


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """One queue of a listing.

    `type` is classic, quorum, stream or what a plugin adds. `deliver_rate` counts deliveries and gets.
    `effective_policy` is the merged definition of policy and operator policy. `delivery_limit` is what the
    broker says it applies (quorum queues, RabbitMQ >= 4.2.5); `idle_since` is not listed by 3.13 and later.
    `published` and `left` count from when its statistics began: what was published to it, and what was acked or
    delivered without acks. `node` is where it lives or is led from, None where nobody leads. `members` are the
    nodes that a quorum queue or a stream has, and `online` those of them that are there.
    `delayed`: returned messages that wait for a delayed retry (quorum queues, >= 4.3): neither ready nor unacked.
    `delivered` counts as `published` does, what was delivered or got for the first time. `capacity`: the share of
    time in which a consumer could take a message, 0 to 1; of quorum queues 3.10 says 1 whatever happens.
    `ram`, `persistent`: how many of the messages are in memory, and outlive a restart; `bytes_ram` and
    `bytes_persistent`: what their bodies weigh.
    """

    vhost: str
    name: str
    type: str
    durable: bool = True
    auto_delete: bool = False
    exclusive: bool = False
    state: str | None = None
    ready: int | None = None
    unacked: int | None = None
    total: int | None = None
    consumers: int | None = None
    publish_rate: float | None = None
    deliver_rate: float | None = None
    ack_rate: float | None = None
    redeliver_rate: float | None = None
    memory: int | None = None
    node: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    policy: str | None = None
    operator_policy: str | None = None
    effective_policy: Mapping[str, Any] = field(default_factory=dict)
    idle_since: str | None = None
    delivery_limit: int | None = None
    message_bytes: int | None = None
    ram: int | None = None
    persistent: int | None = None
    bytes_ram: int | None = None
    bytes_persistent: int | None = None
    published: int | None = None
    left: int | None = None
    delivered: int | None = None
    capacity: float | None = None
    members: tuple[str, ...] = ()
    online: tuple[str, ...] | None = None
    delayed: int | None = None
    key: tuple[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.vhost, self.name))

    @property
    def away(self) -> tuple[str, ...]:
        """The members that are not there; none where the broker does not say who is."""
        return () if self.online is None else tuple(sorted(set(self.members) - set(self.online)))

    @property
    def lacks_majority(self) -> bool:
        """Whether so many members are away that it serves nobody. RabbitMQ before 3.13 gives it no state then."""
        return 2 * len(self.away) >= len(self.members) > 0

    @property
    def mean_bytes(self) -> float:
        """The mean size of the bodies in it; 0 where the broker does not say, or it is empty."""
        return (self.message_bytes or 0) / self.total if self.total else 0


@dataclass(frozen=True)
class ConsumerInfo:
    """One consumer of one queue. `channel` names the channel, `connection` the connection it uses.

    `timeout_ms`: how long it may hold a message, as far as the broker says: from 4.3 on, where it holds in quorum
    queues alone. The consumer is cancelled then and its messages go back; its channel stays open, and an ack that
    comes later does nothing.
    """

    vhost: str
    queue: str
    tag: str
    ack_required: bool
    exclusive: bool
    prefetch: int | None
    active: bool | None
    channel: str | None
    connection: str | None
    user: str | None
    peer: str | None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    timeout_ms: int | None = None


@dataclass(frozen=True)
class QueueDetail:
    """One queue with its consumers and, where asked for, its history.

    `lengths` has the series ready, unacked, total; `rates` publish, deliver, ack, redeliver, get. A series
    the broker has no data for is absent.

    From RabbitMQ 4.3 on, of quorum queues: `by_priority` counts what is ready and was not returned, a message
    without a priority as 4; `delayed_retry` is the broker's own word for the setting, `next_retry_at` when the next
    of the delayed is ready again; `dying`: what at-least-once dead-lettering holds until it arrived elsewhere.

    `first_at`: when what a stream holds first was written, told from RabbitMQ 4.3 on. Not `first_is_counted` is a
    stream whose broker says 0: `osiris_log` counts it when it drops what is too old or too much, or opens the log.
    """

    info: QueueInfo
    consumer_details: tuple[ConsumerInfo, ...] = ()
    lengths: Mapping[str, Series] = field(default_factory=dict)
    rates: Mapping[str, Series] = field(default_factory=dict)
    by_priority: Mapping[int, int] = field(default_factory=dict)
    delayed_retry: str = ""
    next_retry_at: float | None = None
    dying: int | None = None
    head_at: float | None = None
    first_at: float | None = None
    first_is_counted: bool = True
    single_active: str | None = None
    capacity: float | None = None
    publishers: int | None = None
    incoming: Mapping[str, float] = field(default_factory=dict)
    storage: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ChannelLoad:
    """What a channel holds unacked. `idle_since`: since when nothing went through it, as the broker writes it; None
    while something does."""

    name: str
    unacked: int | None = None
    prefetch: int | None = None
    idle_since: str | None = None


@dataclass(frozen=True)
class ReplicaInfo:
    """One member of a quorum queue. `behind`: how many entries of the log it lacks, None where it is not told."""

    node: str
    role: str
    behind: int | None = None


NO_VALUE = "undefined"
"""What the management API tells of an argument without a value, and of one that is this text (tried on 4.3.6)."""


@dataclass(frozen=True)
class BindingInfo:
    """One binding. `source` "" is the default exchange, which binds every queue by its name.

    `properties_key`: what RabbitMQ calls it among those between the same two, "" where it was not said.
    """

    vhost: str
    source: str
    destination: str
    destination_type: str
    routing_key: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    properties_key: str = field(default="", compare=False)


@dataclass(frozen=True)
class ExchangeInfo:
    """One exchange. `alternate_exchange` is what its argument, else its policy, names."""

    vhost: str
    name: str
    type: str
    durable: bool = True
    auto_delete: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    policy: str | None = None
    alternate_exchange: str | None = None
    internal: bool = False


@dataclass(frozen=True)
class PolicyInfo:
    """One policy or operator policy. `apply_to`: all, queues, exchanges, and from 3.12 quorum_queues and so on."""

    vhost: str
    name: str
    pattern: str
    priority: int
    definition: Mapping[str, Any] = field(default_factory=dict)
    apply_to: str = "all"


@dataclass(frozen=True)
class VhostInfo:
    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    running: bool = True


@dataclass(frozen=True)
class UserInfo:
    """Who the broker thinks mqadmin is."""

    name: str
    tags: tuple[str, ...] = ()

    @property
    def sees_the_cluster(self) -> bool:
        """Whether it is told of all nodes and virtual hosts, those without a permission too."""
        return not {"monitoring", "administrator"}.isdisjoint(self.tags)


@dataclass(frozen=True)
class PeekedMessage:
    """A message looked at.

    `message.body` may be cut (`truncated`; `size` is the whole), and its headers may have come through JSON, so
    that their types are not exact: to show, never to publish again.

    `put_back`: "returned" to its place; "copied", that is, published to the end of its queue, since it could not
    bear another return; "held" by the process that looked until the broker takes such a copy.
    """

    message: Message
    size: int
    truncated: bool
    put_back: PutBack = "returned"
