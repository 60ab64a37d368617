"""What `steps.walk` goes by: one queue as the broker told of it just now, and what is known beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mqadmin.core.hooks import Reader
from mqadmin.rabbit.topology import settings, topology
from mqadmin.rabbit.types import BindingInfo, ConsumerInfo, QueueDetail, QueueInfo

Seen = Literal["live", "gone", "down", "unasked"]


@dataclass(frozen=True)
class Holder:
    """A consumer of the queue. `reader`: ours, where mqadmin runs it. `unacked`: what its channel holds, None where
    that was not told; `idle_at`: since when nothing went through that channel, in epoch seconds."""

    consumer: ConsumerInfo
    reader: Reader | None = None
    unacked: int | None = None
    idle_at: float | None = None

    @property
    def host(self) -> str:
        return (self.consumer.peer or "").rpartition(":")[0]

    @property
    def is_full(self) -> bool:
        prefetch = self.consumer.prefetch or 0
        return bool(prefetch) and self.unacked is not None and self.unacked >= prefetch

    @property
    def who(self) -> str:
        return self.reader.name if self.reader else self.consumer.tag


@dataclass(frozen=True)
class Facts:
    """`fault`: why the broker could not be asked. `bindings`: beside the default exchange's; None where they could
    not be read. `stalled_at`, `absent_at`, `active_at`: since when nothing is acked, nobody consumes, and when
    something last went through it, as the monitor saw it (epoch seconds)."""

    info: QueueInfo
    seen: Seen = "live"
    fault: str = ""
    detail: QueueDetail | None = None
    holders: Sequence[Holder] = ()
    readers: Sequence[Reader] = ()
    bindings: Sequence[BindingInfo] | None = ()
    alarms: tuple[str, ...] = ()
    dead_letters_to: tuple[str, ...] = ()
    dead_letter_fault: str = ""
    dead_letters_from: tuple[str, ...] = ()
    is_inbox: bool = False
    is_delay: bool = False
    delay_ms: int | None = None
    stalled_at: float | None = None
    absent_at: float | None = None
    active_at: float | None = None

    @property
    def limit(self) -> int | None:
        return settings.number(self.info, "max-length")

    @property
    def refuses(self) -> bool:
        return settings.overflow(self.info).startswith("reject-publish")

    @property
    def is_full(self) -> bool:
        return self.limit is not None and (self.info.ready or 0) >= self.limit

    @property
    def ttl_ms(self) -> int | None:
        return topology.message_ttl(self.info)

    @property
    def is_single_active(self) -> bool:
        return self.info.arguments.get("x-single-active-consumer") is True

    @property
    def redelivered(self) -> float:
        """The share of deliveries that are redeliveries, 0 to 1."""
        if not self.info.deliver_rate or not self.info.redeliver_rate:
            return 0.0
        return min(1.0, self.info.redeliver_rate / self.info.deliver_rate)
