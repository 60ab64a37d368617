"""Looking at messages without harm: what a peek would do to a queue, judged before it is done.

A peek takes messages and returns them. RabbitMQ counts returns in quorum queues and dead-letters or drops a
message past its delivery limit: with 4.0 to 4.2 every return counts (default limit 20), from 4.3 a nack does
not, but with delayed retries it hides the message for a while (rabbit_fifo.erl; tried on 3.10.8 and 4.0.5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mqadmin.rabbit.errors import UnsafePeek
from mqadmin.rabbit.headers import DELIVERY_COUNT
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.reading.header_values import integer
from mqadmin.rabbit.types import PeekedMessage, QueueDetail, QueueInfo

MAX_COUNT = 100
SAFETY_MARGIN = 5
"""Returns that must be left to the queue's consumers before its delivery limit."""
DEFAULT_DELIVERY_LIMIT = 20


@dataclass(frozen=True)
class PeekRisk:
    """Whether a peek is allowed; `reason` says why not, `warning` what it changes although it is.

    `delivery_limit`: each message may be returned that often, None = any number of times. `ackmode` is what to
    send to the management API so that the messages are returned.
    """

    allowed: bool
    warning: str | None = None
    reason: str | None = None
    delivery_limit: int | None = None
    ackmode: str = "ack_requeue_true"


def assess(queue: QueueDetail, product: str, version: str) -> PeekRisk:
    """Judge a peek at `queue` on a broker of `product` ("RabbitMQ", "LavinMQ") and `version`. Pure."""
    info = queue.info
    if info.type == "stream":
        return PeekRisk(False, reason="A stream cannot be peeked at: its messages are read by offset.")
    if info.exclusive:
        return PeekRisk(False, reason="The queue is exclusive to another connection.")
    if info.state in ("down", "minority", "stopped", "crashed"):
        return PeekRisk(False, reason=f"The queue is not available: its state is {info.state}.")
    if product == "LavinMQ":
        # There `ack_requeue_true` is not known and would drop the messages.
        return PeekRisk(True, warning=_warning(info, may_reorder=False), ackmode="reject_requeue_true")
    numbers = _numbers(version)
    if numbers is None:
        return PeekRisk(False, reason=f"It is not known what a peek does on {product} {version}.")
    if info.type != "quorum":
        return PeekRisk(True, warning=_warning(info, may_reorder=False))
    if numbers >= (4, 3) and _has_delayed_retry(info):
        return PeekRisk(
            False,
            reason="The queue delays returned messages: a peek would hide them from their consumers meanwhile.",
        )
    limit = _delivery_limit(info, numbers)
    if numbers >= (4, 3):
        # Returned by nack, which does not count there.
        return PeekRisk(True, warning=_warning(info, may_reorder=limit is None))
    if limit is not None and limit <= SAFETY_MARGIN:
        return PeekRisk(
            False,
            reason=f"The queue drops or dead-letters a message after {limit} returns, and a peek is one.",
            delivery_limit=limit,
        )
    return PeekRisk(
        True, warning=_warning(info, may_reorder=limit is None, limit=limit), delivery_limit=limit
    )


def peek(client: ManagementClient, vhost: str, name: str, count: int = 10) -> list[PeekedMessage]:
    """Return up to `count` (at most 100) messages from the head of the queue, having returned them to it.

    Where a delivery limit counts, one message is looked at first, and more only while it is far from the
    limit. Raises UnsafePeek when a message could be harmed. Raises as ManagementClient does.
    """
    overview = client.overview()
    detail = client.queue(vhost, name)
    risk = assess(detail, overview.product, overview.version)
    if not risk.allowed:
        raise UnsafePeek(risk.reason or "This queue cannot be peeked at without harm.")
    wanted = max(1, min(count, MAX_COUNT))
    if risk.delivery_limit is None:
        return client.get_messages(vhost, name, wanted, ackmode=risk.ackmode)
    key = (client.config.management_url, vhost, name)
    if detail.info.total == 0:
        _near_limit.pop(key, None)
    if key in _near_limit:
        raise UnsafePeek(_near_limit[key])
    try:
        messages = client.get_messages(vhost, name, 1, ackmode=risk.ackmode)
        _check_count(messages, risk.delivery_limit)
        if wanted == 1 or not messages:
            return messages
        messages = client.get_messages(vhost, name, wanted, ackmode=risk.ackmode)
    except UnsafePeek as error:
        _near_limit[key] = str(error)
        raise
    try:  # these were looked at already: the next look is what must not be
        _check_count(messages, risk.delivery_limit)
    except UnsafePeek as error:
        _near_limit[key] = str(error)
    return messages


# (broker, vhost, queue) -> why not. To find out again, a message would have to be returned once more: a hundred
# refusals would lose it (tried on 4.0.5). Until the queue was seen empty; of this process, so that each of a few
# web processes may find out once, within SAFETY_MARGIN.
_near_limit: dict[tuple[str, str, str], str] = {}


def _check_count(messages: list[PeekedMessage], limit: int) -> None:
    """Raise UnsafePeek when a message comes near the limit, so that nobody looks again and again."""
    highest = max((integer(item.message.headers.get(DELIVERY_COUNT)) for item in messages), default=0)
    if highest + SAFETY_MARGIN >= limit:
        raise UnsafePeek(
            f"A message here was returned {highest} times, and the queue gives it up after {limit}. "
            "Looking again could lose it."
        )


def _delivery_limit(info: QueueInfo, version: tuple[int, int]) -> int | None:
    """Return the limit in force: what the broker says, the smaller of argument and policy, the default."""
    if info.delivery_limit is not None:
        return None if info.delivery_limit < 0 else info.delivery_limit
    settings = (info.arguments.get("x-delivery-limit"), info.effective_policy.get("delivery-limit"))
    given = [value for value in settings if isinstance(value, int) and not isinstance(value, bool)]
    if given:
        limit = min(given)
        # From 4.0 a negative limit means none.
        return None if limit < 0 else limit
    return DEFAULT_DELIVERY_LIMIT if version >= (4, 0) else None


def _has_delayed_retry(info: QueueInfo) -> bool:
    kind = info.arguments.get("x-delayed-retry-type", info.effective_policy.get("delayed-retry-type"))
    return kind not in (None, "disabled")


def _warning(info: QueueInfo, *, may_reorder: bool, limit: int | None = None) -> str:
    parts = ["The messages will be marked as redelivered."]
    if may_reorder:
        parts.append("They may go back to the end of the queue, which changes their order.")
    if limit is not None:
        parts.append(f"Each look counts towards the queue's delivery limit of {limit}.")
    if info.consumers:
        parts.append("Its consumers do not get these messages while they are looked at.")
    if info.arguments.get("x-single-active-consumer") is True:
        parts.append("With a single active consumer, it may see them out of order.")
    return " ".join(parts)


def _numbers(version: str) -> tuple[int, int] | None:
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    return (int(match[1]), int(match[2])) if match else None
