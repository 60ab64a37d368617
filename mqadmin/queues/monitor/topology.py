"""Where dead letters go, for every queue of a broker: `rabbit.topology.topology`, in the form the rows keep."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from mqadmin.queues.monitor.observing import DeadLetterRoute
from mqadmin.rabbit.topology.topology import (
    DeadLetterPath,
    QueueKey,
    dead_letter_exchange,
    dead_letter_map,
    dead_letter_routing_key,
    message_ttl,
)
from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, QueueInfo

# Ten thousand queues may share one dead-letter queue: its row keeps so many of their names.
NAMES_KEPT = 100


def shape(queues: Iterable[QueueInfo]) -> int:
    """Return a number that changes when queues come, go, or dead-letter elsewhere."""
    return hash(
        tuple(
            (queue.key, dead_letter_exchange(queue), dead_letter_routing_key(queue), message_ttl(queue))
            if queue.arguments or queue.effective_policy
            else queue.key
            for queue in queues
        )
    )


def routes(
    queues: Sequence[QueueInfo],
    bindings: Iterable[BindingInfo],
    exchanges: Iterable[ExchangeInfo],
    *,
    captured: Container[QueueKey] = (),
    worked: Container[QueueKey] = (),
) -> dict[tuple[str, str], DeadLetterRoute]:
    """Return the route of every queue that dead-letters or receives dead letters, by (vhost, name).

    `captured`, `worked`: see `dead_letter_map`.
    """
    found = dead_letter_map(queues, bindings, exchanges, captured=captured, worked=worked)
    return {
        queue.key: _route(queue, target)
        for queue in queues
        if (target := found[queue.key]).exchange is not None or target.from_
    }


def _route(queue: QueueInfo, target: DeadLetterPath) -> DeadLetterRoute:
    return DeadLetterRoute(
        to=target.to[:NAMES_KEPT],
        origins=target.from_[:NAMES_KEPT],
        choice=_choice(target),
        fault=target.broken or "",
        is_inbox=target.is_inbox,
        is_delay=target.is_delay,
        delay_ms=message_ttl(queue) if target.is_delay else None,
    )


def _choice(target: DeadLetterPath) -> str:
    """Return how one word tells which of all the queues a letter reaches."""
    if target.certain:
        return ""
    is_mixed = target.otherwise or (target.sure and target.choice != "matching")
    return "some" if is_mixed else target.choice
