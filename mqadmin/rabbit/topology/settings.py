"""What is set on a queue, by whichever of argument, policy and operator policy counts. Pure.

Of a number the smallest counts, of anything else the argument (rabbit_queue_type_util:args_policy_lookup/3 and
rabbit_policy:merge_operator_definitions/2).
"""

from __future__ import annotations

from mqadmin.rabbit.types import QueueInfo


def text(queue: QueueInfo, name: str) -> str | None:
    """Return a text setting: the argument `x-NAME` wins over the policy's `NAME`."""
    value = queue.arguments.get(f"x-{name}", queue.effective_policy.get(name))
    return value if isinstance(value, str) else None


def number(queue: QueueInfo, name: str) -> int | None:
    """Return a numeric setting that is no less than 0: the smaller of argument and policy."""
    values = (queue.arguments.get(f"x-{name}"), queue.effective_policy.get(name))
    known = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    return min((value for value in known if value >= 0), default=None)


def overflow(queue: QueueInfo) -> str:
    """Return what the queue does when it is full: drop-head, reject-publish or reject-publish-dlx."""
    return text(queue, "overflow") or "drop-head"


def length_limit(queue: QueueInfo) -> str:
    """Return the limit on length as "1000" messages or "1000 B", "" without one."""
    messages, size = number(queue, "max-length"), number(queue, "max-length-bytes")
    return str(messages) if messages is not None else f"{size} B" if size is not None else ""
