"""What is in hand on one channel, and how RabbitMQ is told that it is done. I/O thread only."""

from __future__ import annotations

from collections.abc import Sequence

from pika.channel import Channel

from consumers.runtime.api import Delivery
from consumers.runtime.channel.acks import AckLedger
from consumers.runtime.outcome import Handled

_REMEMBERED = 100  # channels: a handler may outlast some of them

UNKNOWN_LOSS = "The channel that it came on is gone."


class Settling:
    """Deliveries of one channel at a time. They carry its `generation`: a tag is worth nothing on another.

    I/O thread; `why_lost` any thread.
    """

    def __init__(self, *, auto_ack: bool = False) -> None:
        """`auto_ack`: RabbitMQ forgets what it delivers, so what is in hand stays so when the channel goes."""
        self._auto_ack = auto_ack
        self.generation = 0
        self.in_hand = 0  # delivered on this channel and not settled
        self._channel: Channel | None = None
        self._acks = AckLedger()
        self._last_tag = 0
        self._losses: dict[int, str] = {}  # generation -> why nothing of it can be settled any more

    def opened(self, channel: Channel) -> None:
        """A new channel: its tags begin at 1."""
        self._begin(channel, 0)

    def lost(self, reason: str) -> None:
        """Everything unsettled is RabbitMQ's again, for `reason` (words for a person)."""
        self._begin(None, 0, reason)

    def recovered(self, reason: str) -> None:
        """RabbitMQ took back what was unsettled; its next tags follow the last that came."""
        self._begin(self._channel, self._last_tag, reason)

    def _begin(self, channel: Channel | None, last_tag: int, reason: str = "") -> None:
        self._losses[self.generation] = reason
        self._losses.pop(self.generation - _REMEMBERED, None)
        self._channel = channel
        self.generation += 1
        if not self._auto_ack:
            self.in_hand = 0
        self._last_tag = last_tag
        self._acks = AckLedger(last_tag)

    def passed(self, tag: int) -> None:
        """A delivery that RabbitMQ takes back at once."""
        self._last_tag = max(self._last_tag, tag)

    def delivered(self, tag: int) -> None:
        self._last_tag = tag
        self._acks.delivered(tag)
        self.in_hand += 1

    def is_current(self, delivery: Delivery) -> bool:
        """Whether RabbitMQ still waits for word of it, on this channel; with auto-ack always."""
        return self._auto_ack or delivery.generation == self.generation

    def why_lost(self, delivery: Delivery) -> str:
        """Return why RabbitMQ can not be told of it any more, "" while it can. With auto-ack there is nothing to
        tell."""
        if self.is_current(delivery):
            return ""
        return self._losses.get(delivery.generation) or UNKNOWN_LOSS

    def settle(self, group: Sequence[Handled]) -> list[Handled]:
        """Tell RabbitMQ of those that came on this channel, in as few frames as that can be said.

        Returns those that it cannot be told of: it delivers them again.
        """
        if self._auto_ack:
            self.in_hand -= len(group)
            return []
        mine = [handled for handled in group if handled.delivery.generation == self.generation]
        channel = self._channel
        if channel is None or not channel.is_open:
            return list(group)
        late = (
            [] if len(mine) == len(group) else [item for item in group if not self.is_current(item.delivery)]
        )
        if not mine:
            return late
        otherwise = []
        if any(handled.settle != "ack" for handled in mine):
            otherwise = [handled.delivery.tag for handled in mine if handled.settle != "ack"]
            for handled in mine:
                if handled.settle == "reject":
                    channel.basic_reject(handled.delivery.tag, requeue=False)
                elif handled.settle == "requeue":
                    channel.basic_nack(handled.delivery.tag, requeue=True)
        frames = self._acks.settle(
            (handled.delivery.tag for handled in mine if handled.settle == "ack"), otherwise=otherwise
        )
        if frames.up_to:
            channel.basic_ack(frames.up_to, multiple=True)
        for tag in frames.single:
            channel.basic_ack(tag)
        self.in_hand -= len(mine)
        return late

    def give_back(self, deliveries: Sequence[Delivery]) -> None:
        """Return what no handler has begun: by nack, which does not count towards a delivery limit."""
        if self._auto_ack:
            return
        tags = [delivery.tag for delivery in deliveries if self.is_current(delivery)]
        if self._channel is None or not self._channel.is_open or not tags:
            return
        for tag in tags:
            self._channel.basic_nack(tag, requeue=True)
        self._acks.settle((), otherwise=tags)
        self.in_hand -= len(tags)
