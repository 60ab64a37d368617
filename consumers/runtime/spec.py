"""What one consumer process is told to do: everything it needs, nothing that lives in a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mqadmin.rabbit.config import BrokerConfig


@dataclass(frozen=True)
class RetryPolicy:
    """Attempts beyond the first, and how long to wait before each, in seconds."""

    attempts: int = 0
    first_delay: float = 1.0
    factor: float = 2.0
    max_delay: float = 300.0
    jitter: float = 0.0  # share of the delay by which it may be longer or shorter, 0 to 1


@dataclass(frozen=True)
class Dedupe:
    """By what two messages are the same one, and for how many seconds a handled one is remembered.

    `path`: the name of the header, or the path in the JSON body (`order.id`, `items.0.sku`).
    """

    key: Literal["message_id", "header", "json", "body"]
    path: str = ""
    window: float = 86_400.0


@dataclass(frozen=True)
class DeadLetterTarget:
    """Where a failed message goes: `routing_key` None keeps the message's own key."""

    exchange: str
    routing_key: str | None


@dataclass(frozen=True)
class ConsumerSpec:
    """One consumer definition, resolved for one process.

    `dead_letter` is the queue's own dead-letter exchange and key where it has one that works; otherwise, and
    whenever a copy cannot be routed there, failed messages go to `parking_queue`.
    """

    name: str
    broker: BrokerConfig
    vhost: str
    queue: str
    host: str
    concurrency: int = 1
    prefetch: int = 10
    pull_interval: float = 0.0  # seconds between looks with basic.get; 0: push, with basic.consume
    batch_size: int = 1  # messages for one call of the handler; it then gets a list
    batch_seconds: float = 1.0  # how long a batch waits to become full
    is_batch: bool = False  # the handler takes a list
    auto_ack: bool = False
    by_priority: bool = False
    consumer_priority: int = 0
    exclusive: bool = False
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    connection_retry: RetryPolicy | None = (
        None  # for errors that say "not reachable now"; None: as all others
    )
    connect_attempts: int = 0  # of the connection, in a row; 0: unlimited
    ack_first: bool = False  # best-effort records: settle, then write
    dedupe: Dedupe | None = None
    reject_on_failure: bool = False
    dead_letter: DeadLetterTarget | None = None
    parking_queue: str = "mqadmin.parking"
    stop_seconds: float = 30.0
    timeout: float = 0.0  # seconds for one message; 0: as long as it takes
    rate_limit: float = 0.0  # messages a second over all threads; 0: no limit
    deaths_limit: int = (
        3  # known deaths of the process after which a message is not handled any more; 0: never
    )

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.prefetch < 1:
            raise ValueError("concurrency and prefetch are at least 1")
