"""Where a message goes that a consumer gives up, as the monitor last saw its queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from consumers.models import Consumer
from consumers.runtime.spec import DeadLetterTarget
from mqadmin.core.pages import prose
from mqadmin.queues.models import Queue

NAMED = 3  # queues that a sentence names


def dead_letter_target(arguments: Mapping[str, Any], policy: Mapping[str, Any]) -> DeadLetterTarget | None:
    """Return the dead-letter exchange and key of a queue, None where it has none.

    An argument of the queue wins over its effective policy (rabbitmq.com/docs/dlx). Without a key of its own
    a queue dead-letters under the message's.
    """
    exchange = arguments.get("x-dead-letter-exchange", policy.get("dead-letter-exchange"))
    if not isinstance(exchange, str):
        return None
    key = arguments.get("x-dead-letter-routing-key", policy.get("dead-letter-routing-key"))
    return DeadLetterTarget(exchange, key if isinstance(key, str) else None)


def words(consumer: Consumer, queue: Queue | None) -> str:
    """Return what becomes of a message that fails for the last time: "goes to “orders.dead”", without a stop.

    `queue`: its row, None where the monitor does not see it; then the target is not known.
    """
    rejects = consumer.on_failure == Consumer.OnFailure.REJECT
    if queue is None:
        if rejects:
            return _("is rejected, for RabbitMQ to dead-letter it")
        return (
            _("goes to the queue's dead letters, or is parked in “%(name)s” where it has none") % _parking()
        )
    target = dead_letter_target(queue.arguments, queue.effective_policy)
    names = queue.dead_letters_to
    comes_back = names == [queue.name]
    if rejects:
        return _rejected(target, names, comes_back=comes_back)
    if target is None or not names or (comes_back and not target.exchange):
        return _("is parked in “%(name)s”, as its queue has no dead-letter target that works") % _parking()
    return _("goes to %(names)s") % {"names": _named(names, queue.dead_letter_choice)}


def _rejected(target: DeadLetterTarget | None, names: list[str], *, comes_back: bool) -> str:
    if target is None:
        return _("is rejected, and RabbitMQ drops it: its queue has no dead-letter exchange")
    if comes_back:
        return _("is rejected, and RabbitMQ gives it back to the same queue, for ever")
    if not names:
        return _("is rejected, and RabbitMQ drops it: its dead-letter exchange leads to no queue")
    return _("is rejected, and RabbitMQ dead-letters it to %(names)s") % {"names": _named(names, "")}


def _named(names: list[str], choice: str) -> str:
    text = prose.listed(f"“{name}”" for name in names[:NAMED])
    if len(names) > NAMED:
        text = _("%(names)s and %(n)d more") % {"names": text, "n": len(names) - NAMED}
    if len(names) > 1 and choice not in ("", "all"):
        return _("one or more of %(names)s") % {"names": text}
    return text


def _parking() -> dict[str, str]:
    return {"name": settings.MQADMIN_PARKING_QUEUE}
