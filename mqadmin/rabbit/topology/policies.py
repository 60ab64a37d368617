"""Which policies apply to a queue, and what they come to. Pure.

The statistics of a queue, its effective policy among them, are up to five seconds old, and a policy holds at once
(tried on 3.10.8 and 4.0.5): so whoever must not be wrong reads the policies themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mqadmin.rabbit.types import PolicyInfo, QueueInfo


def applying(info: QueueInfo, policies: Iterable[PolicyInfo]) -> list[Mapping[str, Any]]:
    """Return the definitions of the policies that apply to the queue, of policies of one kind.

    RabbitMQ applies the one of the highest priority; of several with that priority it may be any. A pattern that
    only Erlang's engine reads is taken to match, and what is below it as well.
    """
    found: list[Mapping[str, Any]] = []
    highest: int | None = None
    for policy in sorted(policies, key=lambda item: -item.priority):
        if highest is not None and policy.priority < highest:
            break
        if policy.vhost != info.vhost or policy.apply_to not in ("all", "queues", f"{info.type}_queues"):
            continue
        is_match = _matches(policy.pattern, info.name)
        if is_match is not False:
            found.append(policy.definition)
        if is_match:
            highest = policy.priority
    return found


def in_force(
    info: QueueInfo, policies: Iterable[PolicyInfo], operator_policies: Iterable[PolicyInfo]
) -> QueueInfo:
    """Return the queue with the policy that these make, in place of what the statistics say.

    Where it cannot be told which of several applies, the smallest number counts.
    """
    merged: dict[str, Any] = {}
    for definition in [*applying(info, policies), *applying(info, operator_policies)]:
        for name, value in definition.items():
            known = merged.get(name, value)
            both = type(known) is int and type(value) is int
            merged[name] = min(known, value) if both else known
    return replace(info, effective_policy=merged)


def _matches(pattern: str, name: str) -> bool | None:
    """Tell whether a policy's pattern matches as Erlang's `re:run` does it, on bytes; None: it cannot be told."""
    try:
        return re.search(pattern.encode(), name.encode()) is not None
    except (re.error, RecursionError, OverflowError):
        return None
