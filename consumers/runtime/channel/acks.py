"""Which deliveries of one channel are settled, and with how few acks that can be said. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Frames:
    """`up_to`: one multiple ack up to this tag (0: none). `single`: tags to ack one by one."""

    up_to: int
    single: tuple[int, ...]


class AckLedger:
    """Delivery tags of one channel. I/O thread only.

    RabbitMQ numbers deliveries 1, 2, 3 ... on each channel, and a multiple ack covers every outstanding tag
    up to its own; so everything below the lowest unsettled tag goes in one frame. pika rejects by itself what
    comes between a cancel and its answer, so that a tag may be missing here.
    """

    def __init__(self, start: int = 0) -> None:
        """`start`: the highest tag that was delivered before, none of which is to be settled any more."""
        self._delivered = start
        self._acked_up_to = start  # everything up to here is settled, one way or another
        self._ahead: set[int] = set()  # settled by the caller, still behind an unsettled tag

    def delivered(self, tag: int) -> None:
        """The broker delivered `tag`. Those left out before it never came to us: pika gave them back."""
        if tag > self._delivered + 1:
            self._ahead.update(range(self._delivered + 1, tag))
        self._delivered = tag

    @property
    def outstanding(self) -> int:
        """How many deliveries the broker still waits for."""
        return self._delivered - self._acked_up_to - len(self._ahead)

    def settle(self, acked: Iterable[int], otherwise: Iterable[int] = ()) -> Frames:
        """Mark tags as done and return the acks to send now.

        `acked` are to be acked. `otherwise` were rejected or requeued by the caller in frames of their own,
        sent before these: a multiple ack that passes over them no longer means them.
        """
        fresh = {tag for tag in acked if tag > self._acked_up_to and tag not in self._ahead}
        self._ahead |= fresh
        self._ahead.update(otherwise)
        front = self._acked_up_to
        while front + 1 in self._ahead:
            front += 1
            self._ahead.discard(front)
        self._acked_up_to = front
        return Frames(
            # Never `front` itself, which may have been settled before: RabbitMQ takes a multiple ack of a tag
            # it no longer knows for a protocol error, after having acked everything outstanding
            # (rabbit_channel:collect_acks).
            up_to=max((tag for tag in fresh if tag <= front), default=0),
            single=tuple(sorted(tag for tag in fresh if tag > front)),
        )
