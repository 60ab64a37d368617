"""Letters without a broker, for what does not speak to one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mqadmin.deadletters.capture.capture import _execute
from mqadmin.deadletters.letter import letters
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.message import Message, Properties
from mqadmin.rabbit.wire_numbers import Int64


def letter(
    body: bytes = b"{}",
    *,
    broker: str = "default",
    vhost: str = "/",
    queue: str = "dlx.orders",
    headers: dict[str, Any] | None = None,
    received_at: datetime | None = None,
    **changes: Any,
) -> DeadLetter:
    """Store one settled letter as the capture does. `changes`: properties of AMQP, or fields of the row."""
    names = {name: changes.pop(name) for name in list(changes) if hasattr(Properties, name)}
    if headers is None:
        headers = died()
    message = Message(body, Properties(headers=headers, **names), "dlx", "order.created")
    place = letters.CapturedQueue(broker, vhost, queue)
    taken = letters.take(place, message, received_at or datetime.now(UTC))
    _execute([letters.row(place, taken, duplicate_of=None)])
    stored = DeadLetter.objects.latest("pk")
    if changes:
        DeadLetter.objects.filter(pk=stored.pk).update(**changes)
    stored.refresh_from_db()
    return stored


def died(queue: str = "orders", reason: str = "rejected", **error: str) -> dict[str, Any]:
    """Return headers of a message that died in `queue`; `error`: type, message, trace."""
    return {
        "x-death": [
            {
                "count": Int64(1),
                "reason": reason,
                "queue": queue,
                "time": datetime(2026, 11, 21, 13, 42, 11, tzinfo=UTC),
                "exchange": "shop",
                "routing-keys": ["order.created"],
            }
        ],
        "x-first-death-queue": queue,
        "x-first-death-reason": reason,
        "x-first-death-exchange": "shop",
        **({"mqadmin-death-queue": queue, "mqadmin-death-reason": "error"} if error else {}),
        **{f"mqadmin-error-{name}": text for name, text in error.items()},
    }
