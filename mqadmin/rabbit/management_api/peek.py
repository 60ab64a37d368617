"""Looking at messages without harm: what a peek would do to a queue, judged before it is done.

A peek takes messages and puts them back. RabbitMQ counts returns in quorum queues and dead-letters or drops a
message past its delivery limit: up to 4.2 every return counts (limit from 4.0 on: 20 unless set), from 4.3 a nack
does not, but with delayed retries it hides the message for a while (rabbit_fifo.erl; tried on 3.10.8, 4.0.5 and
4.3.6). The count of a message is known only once it was taken: `looking` puts back by a copy what bears no other
way, and what is refused here is refused because that could not be done, or because the limit leaves no room.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mqadmin.rabbit.errors import UnsafePeek
from mqadmin.rabbit.management_api import delivery_limits
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.delivery_limits import Definitions
from mqadmin.rabbit.management_api.looking import Looking
from mqadmin.rabbit.types import PeekedMessage, QueueDetail, QueueInfo

MAX_COUNT = 100
SAFETY_MARGIN = 5
"""Of a limit that is no larger, nothing is left to the queue's consumers if people look."""
_TRUNCATE = 50_000


@dataclass(frozen=True)
class PeekRisk:
    """Whether a peek is allowed; `reason` says why not, `warning` what it changes although it is.

    `delivery_limit`: each message may be returned that often, None = any number of times. `by_nack`: if it is by
    nack. `ackmode` is what to send to the management API so that the messages are returned.
    """

    allowed: bool
    warning: str | None = None
    reason: str | None = None
    delivery_limit: int | None = None
    by_nack: bool = False
    ackmode: str = "ack_requeue_true"


def assess(
    queue: QueueDetail, product: str, version: str, definitions: Definitions | None = None
) -> PeekRisk:
    """Judge a peek at `queue` on a broker of `product` ("RabbitMQ", "LavinMQ") and `version`. Pure.

    `definitions`: of the policies that apply to it now; None: what the queue's own statistics say is all there is.
    """
    info = queue.info
    if info.type == "stream":
        return PeekRisk(False, reason="A stream cannot be peeked at: its messages are read by offset.")
    if info.exclusive:
        return PeekRisk(False, reason="The queue is exclusive to another connection.")
    if info.state in ("down", "minority", "stopped", "crashed"):
        return PeekRisk(False, reason=f"The queue is not available: its state is {info.state}.")
    if info.lacks_majority:
        return PeekRisk(
            False, reason=f"The queue is not available: without {', '.join(info.away)} it serves nobody."
        )
    if product == "LavinMQ":
        # There `ack_requeue_true` is not known and would drop the messages.
        return PeekRisk(True, warning=_warning(info, may_reorder=False), ackmode="reject_requeue_true")
    numbers = _numbers(version)
    if numbers is None:
        return PeekRisk(False, reason=f"It is not known what a peek does on {product} {version}.")
    if info.type != "quorum":
        return PeekRisk(True, warning=_warning(info, may_reorder=False))
    if info.arguments.get("x-single-active-consumer") is True:
        return PeekRisk(False, reason="It gives its messages to its single active consumer only.")
    limit = delivery_limits.of(info, numbers, definitions)
    if numbers >= (4, 3):
        return _assess_nack(info, limit, definitions)
    if limit is None:
        return PeekRisk(True, warning=_warning(info, may_reorder=True))
    return _assess_limit(info, limit, definitions)


def _assess_nack(info: QueueInfo, limit: int | None, definitions: Definitions | None) -> PeekRisk:
    """Judge where a nack does not count: it puts a message back in its place, and only a queue that delays returned
    messages, not one that delays failed ones alone, would hide it meanwhile (tried on 4.3.6)."""
    kinds = delivery_limits.settings(info, "delayed-retry-type", definitions)
    if any(kind not in ("disabled", "failed") for kind in kinds):
        return PeekRisk(
            False,
            reason="The queue delays returned messages: a peek would hide them from their consumers meanwhile.",
        )
    warning = _warning(info, may_reorder=False)
    if limit is not None:
        warning += (
            f" If mqadmin were killed meanwhile, that would count towards its delivery limit of {limit}."
        )
    return PeekRisk(True, warning=warning, by_nack=True)


def _assess_limit(info: QueueInfo, limit: int, definitions: Definitions | None) -> PeekRisk:
    """Judge where every return counts, so that some messages can only be put back as copies."""
    if limit <= SAFETY_MARGIN:
        return PeekRisk(
            False,
            reason=f"The queue drops or dead-letters a message after {limit} returns, and a peek is one.",
            delivery_limit=limit,
        )
    lengths = ("max-length", "max-length-bytes")
    is_bounded = any(delivery_limits.settings(info, name, definitions) for name in lengths)
    if is_bounded and "reject-publish" in delivery_limits.settings(info, "overflow", definitions):
        return PeekRisk(
            False,
            reason=(
                f"A message that was returned {limit - 1} times or more could only be put back as a copy, and the "
                "queue takes none when it is full."
            ),
            delivery_limit=limit,
        )
    return PeekRisk(True, warning=_warning(info, may_reorder=False, limit=limit), delivery_limit=limit)


def ask(client: ManagementClient, detail: QueueDetail, product: str, version: str) -> PeekRisk:
    """Judge a peek by what the policies are now, not by the queue's statistics alone. Raises as the client does."""
    return assess(detail, product, version, _definitions(client, detail.info))


def delivery_limit(client: ManagementClient, info: QueueInfo, version: str) -> int | None:
    """Return after how many returns the queue gives a message up now; None: never. Raises as the client does."""
    numbers = _numbers(version)
    if info.type != "quorum" or numbers is None:
        return None
    return delivery_limits.of(info, numbers, _definitions(client, info))


def limits_of_letters(
    infos: Iterable[QueueInfo], product: str, version: str
) -> dict[tuple[str, str], int | None] | None:
    """Return the delivery limits of the quorum queues, by (vhost, name), where a dead letter brings the count that
    it died of; None where it begins anew. Pure."""
    numbers = _numbers(version)
    if product != "RabbitMQ" or numbers is None or numbers < (4, 3):
        return None
    return {info.key: delivery_limits.of(info, numbers) for info in infos if info.type == "quorum"}


def nack_is_harmless(version: str) -> bool:
    """Whether a nack is no return that counts; else every return is, where a queue has a delivery limit."""
    numbers = _numbers(version)
    return numbers is not None and numbers >= (4, 3)


def peek(client: ManagementClient, vhost: str, name: str, count: int = 10) -> list[PeekedMessage]:
    """Return up to `count` (at most 100) messages from the head of the queue, having put them back.

    Raises UnsafePeek when a message could be harmed, before any is taken. Raises as ManagementClient does.
    """
    overview = client.overview()
    detail = client.queue(vhost, name)
    product, version = overview.product, overview.version
    risk = ask(client, detail, product, version)
    if not risk.allowed:
        raise UnsafePeek(risk.reason or "This queue cannot be peeked at without harm.")
    wanted = max(1, min(count, MAX_COUNT))
    if detail.info.type != "quorum" or product == "LavinMQ":
        return client.get_messages(vhost, name, wanted, truncate=_TRUNCATE, ackmode=risk.ackmode)
    look = Looking(
        client.config,
        vhost,
        name,
        wanted,
        limit=risk.delivery_limit,
        limit_now=lambda: ask(client, detail, product, version).delivery_limit,
        by_nack=risk.by_nack,
        gone_past=lambda: delivery_limit(client, detail.info, version) if risk.by_nack else None,
    )
    return look.found(truncate=_TRUNCATE)


def _definitions(client: ManagementClient, info: QueueInfo) -> Definitions | None:
    if info.type != "quorum":
        return None
    kinds = (client.policies(info.vhost), client.operator_policies(info.vhost))
    return [definition for policies in kinds for definition in delivery_limits.applying(info, policies)]


def _warning(info: QueueInfo, *, may_reorder: bool, limit: int | None = None) -> str:
    parts = ["The messages will be marked as redelivered."]
    if may_reorder:
        parts.append("They may go back to the end of the queue, which changes their order.")
    if limit is not None:
        parts.append(
            f"Each look counts towards the queue's delivery limit of {limit}. A message that was returned "
            f"{limit - 1} times or more does not bear it and is put back as a copy, at the end of the queue: its "
            "count and its age begin anew. If mqadmin were killed in that moment, the queue might give it up."
        )
    if info.consumers:
        parts.append("Its consumers do not get these messages while they are looked at.")
    if info.arguments.get("x-single-active-consumer") is True:
        parts.append("With a single active consumer, it may see them out of order.")
    return " ".join(parts)


def _numbers(version: str) -> tuple[int, int] | None:
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    return (int(match[1]), int(match[2])) if match else None
