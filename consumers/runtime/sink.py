"""What the runtime needs from whoever keeps the records. The Django side implements these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from consumers.runtime.outcome import Handled
from mqadmin.rabbit.message import Message


class SinkUnavailable(Exception):
    """The store cannot be written now (locked, gone, disk full): wait and try again, ack nothing."""


class Sink(Protocol):
    """Where outcomes are committed."""

    def commit(self, outcomes: Sequence[Handled]) -> None:
        """Commit them in one transaction. Committer thread only. Raises SinkUnavailable."""


@dataclass(frozen=True, slots=True)
class CapturedMessage:
    """A message taken by a collector, and when."""

    message: Message
    received_at: datetime


class WindowSink(Protocol):
    """Where a collector stores what it captures, a window at a time. Committer thread only.

    The order is fixed: `open` at the start of a process, then for each window `commit_window`, (the broker
    has taken the ack), `settled`. All raise SinkUnavailable.
    """

    def open(self) -> None:
        """Read which stored messages of an earlier process were possibly never acked."""

    def commit_window(self, window: Sequence[CapturedMessage]) -> None:
        """Store the window in one transaction."""

    def settled(self) -> None:
        """The broker has taken the ack of the window last committed."""

    def resolved(self) -> None:
        """What an earlier process left unacked must have come back by now."""


State = Literal["starting", "connecting", "running", "paused", "draining", "waiting", "stopped", "failed"]


@dataclass(frozen=True)
class Held:
    """How often RabbitMQ took messages back that were held longer than it lets consumers, and when last.

    `timeout_ms`: how long that is, as RabbitMQ said; None where it did not.
    """

    times: int = 0
    timeout_ms: int | None = None
    at: float | None = None  # epoch seconds


@dataclass(frozen=True)
class Gauges:
    """Counters since the process started, and what is in hand now."""

    processed: int
    failed: int
    retried: int
    in_flight: int
    connections: int = 0
    connection_errors: int = 0
    channel_errors: int = 0
    connected_at: float | None = None  # epoch seconds; None without a connection
    blocked: str = ""  # why RabbitMQ takes no publishing, or takes it slowly; "" while it does
    unacked: int = 0  # of `processed`: RabbitMQ could not be told, so it delivers them again
    held: Held = Held()


class Reporter(Protocol):
    """Where a process tells how it is. Every method returns at once: writing happens elsewhere."""

    def state(self, state: State, reason: str = "") -> None:
        """The process is in `state`, for `reason` (words for a person)."""

    def event(self, kind: str, text: str) -> None:
        """Something worth keeping happened: a connect, a loss, a cancel."""


Wish = Literal["running", "paused", "stopped"]
"""What a person wants of a process."""
