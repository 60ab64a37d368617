"""How RabbitMQ is told that a window is stored. I/O thread only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pika.channel import Channel


class WindowAcks:
    """Acks the windows of a channel, each as a whole or not at all: a crash must not leave one acked in part.

    By one multiple ack, where nothing else is unacked on the channel. Else, as such an ack would take that along,
    in one transaction of AMQP.
    """

    def __init__(self, prefetch: int) -> None:
        """`prefetch`: of the channel, which says it again to get an answer."""
        self._prefetch = prefetch
        self._is_transactional = False

    def channel_gone(self) -> None:
        self._is_transactional = False

    def send(
        self,
        channel: Channel,
        tags: Sequence[int],
        *,
        surplus: Sequence[int],
        is_all: bool,
        done: Callable[[object], None],
    ) -> None:
        """Ack `tags` and give `surplus` back; `done` is called once RabbitMQ has taken that.

        `is_all`: nothing but `tags` is unacked.
        """
        if is_all and not surplus and not self._is_transactional:
            channel.basic_ack(tags[-1], multiple=True)
            # The channel works in order: the answer to this means that the ack before it was taken.
            channel.basic_qos(prefetch_count=self._prefetch, callback=done)
            return
        if not self._is_transactional:
            self._is_transactional = True
            channel.tx_select()
        for tag in tags:
            channel.basic_ack(tag)
        for tag in surplus:
            channel.basic_nack(tag, requeue=True)
        channel.tx_commit(callback=done)
