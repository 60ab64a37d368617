"""What is set on a queue, by whichever of argument, policy and operator policy counts. Pure.

Of a number the smallest counts, of anything else the argument (rabbit_queue_type_util:args_policy_lookup/3 and
rabbit_policy:merge_operator_definitions/2). But a quorum queue takes `overflow` from the policy first, and a stream
everything (rabbit_quorum_queue:gather_policy_config/2, rabbit_stream_queue:update_stream_conf/2; the first tried on
3.10.8, 4.0.5 and 4.3.6).
"""

from __future__ import annotations

from mqadmin.rabbit.types import QueueInfo


def text(queue: QueueInfo, name: str) -> str | None:
    """Return a text setting: the argument `x-NAME` or the policy's `NAME`."""
    argument, policy = queue.arguments.get(f"x-{name}"), queue.effective_policy.get(name)
    first, second = (policy, argument) if _policy_first(queue, name) else (argument, policy)
    value = second if first is None else first
    return value if isinstance(value, str) else None


def number(queue: QueueInfo, name: str) -> int | None:
    """Return a number that is no less than 0: the smaller of argument and policy, of a stream the policy's."""
    values = (queue.effective_policy.get(name), queue.arguments.get(f"x-{name}"))
    known = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    limits = [value for value in known if value >= 0]
    return limits[0] if limits and _policy_first(queue, name) else min(limits, default=None)


def overflow(queue: QueueInfo) -> str:
    """Return what the queue does when it is full: drop-head, reject-publish or reject-publish-dlx.

    Quorum queues know no reject-publish-dlx and take it for drop-head (rabbit_quorum_queue:overflow/3).
    """
    found = text(queue, "overflow") or "drop-head"
    return "drop-head" if queue.type == "quorum" and found == "reject-publish-dlx" else found


def _policy_first(queue: QueueInfo, name: str) -> bool:
    return queue.type == "stream" or (queue.type == "quorum" and name == "overflow")


def length_limit(queue: QueueInfo) -> str:
    """Return the limit on length as "1000" messages or "1000 B", "" without one."""
    messages, size = number(queue, "max-length"), number(queue, "max-length-bytes")
    return str(messages) if messages is not None else f"{size} B" if size is not None else ""
