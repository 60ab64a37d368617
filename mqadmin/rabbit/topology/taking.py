"""Why messages cannot be taken from a queue: who else holds it, or that it would go with them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mqadmin.rabbit.topology.arriving import UNAVAILABLE
from mqadmin.rabbit.types import ConsumerInfo, QueueDetail

Code = Literal[
    "stream",  # reading it takes nothing out
    "unavailable",  # its state
    "exclusive_queue",  # of another connection
    "deletes_itself",  # with what is in it, once its last consumer leaves: and who takes it out is one
    "exclusive_consumer",  # nobody else may consume
    "single_active",  # all go to the consumer that is active
]


@dataclass(frozen=True)
class Holder:
    """Why nothing can be taken: `consumer` has it, where one does. `state`: of a queue that is not available."""

    code: Code
    consumer: ConsumerInfo | None = None
    state: str = ""


def holder(queue: QueueDetail, consumers: int | None = None) -> Holder | None:
    """Return what keeps everybody else from taking messages; None where nothing is known to.

    `consumers`: how many there are this instant, where that is known: the statistics name them, up to five seconds
    late.
    """
    info = queue.info
    if info.type == "stream":
        return Holder("stream")
    if info.state in UNAVAILABLE:
        return Holder("unavailable", state=info.state or "")
    if info.exclusive:
        return Holder("exclusive_queue")
    if info.auto_delete:  # tried on 3.10.8 and 4.3.6: cancelled or killed, the one consumer takes it along
        return Holder("deletes_itself")
    if consumers == 0:
        return None
    alone = next((item for item in queue.consumer_details if item.exclusive), None)
    if alone is not None:
        return Holder("exclusive_consumer", alone)
    if is_single_active(queue):
        # Of the statistics that say which one it is some may lag: any consumer that was first is it.
        active = [item for item in queue.consumer_details if item.active]
        consumer = next(iter([*active, *queue.consumer_details]), None)
        if consumer is not None:
            return Holder("single_active", consumer)
    return None


def is_single_active(queue: QueueDetail) -> bool:
    """Whether only one consumer at a time is given messages."""
    return queue.info.arguments.get("x-single-active-consumer") is True
