"""Which policies apply to a queue or an exchange, and what they come to. Pure.

The statistics of a queue, its effective policy among them, are up to five seconds old, and a policy holds at once
(tried on 3.10.8 and 4.0.5): so whoever must not be wrong reads the policies themselves.

From rabbit_policy:match_all/3, `unsupported_policies` of the queue types' capabilities/0, and
rabbit_policies:merge_policy_value/3; all of it tried on 3.10.8, 4.0.5 and 4.3.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mqadmin.rabbit.topology.patterns import Pattern, compiled
from mqadmin.rabbit.types import PolicyInfo, QueueInfo

Version = tuple[int, int]
_BY_TYPE = {"classic": "classic_queues", "quorum": "quorum_queues", "stream": "streams"}

_MIRRORING = ("ha-mode", "ha-params", "ha-sync-mode", "ha-promote-on-shutdown", "ha-promote-on-failure")
_OF_STREAMS = ("max-age", "stream-max-segment-size-bytes", "initial-cluster-size")
_OF_QUORUM = ("delivery-limit", "dead-letter-strategy", "target-group-size")
_OF_CLASSIC = ("queue-mode", "queue-master-locator", *_MIRRORING)
_IN_MEMORY = ("max-in-memory-length", "max-in-memory-bytes")
# A policy with one of these is passed over as a whole by queues of the type.
_NOT_FOR: dict[str, frozenset[str]] = {
    "classic": frozenset((*_OF_STREAMS, *_OF_QUORUM)),
    "quorum": frozenset((*_OF_STREAMS, *_OF_CLASSIC, "max-priority")),
    "stream": frozenset(
        (
            "expires",
            "message-ttl",
            "dead-letter-exchange",
            "dead-letter-routing-key",
            "max-length",
            "overflow",
            "max-priority",
            "single-active-consumer",
            *_IN_MEMORY,
            *_OF_QUORUM,
            *_OF_CLASSIC,
        )
    ),
}
# Of classic queues: not for them up to 3.10, and from 4.0 on. What lies between was not tried.
_CLASSIC_NOT_BEFORE_4 = frozenset(("queue-leader-locator",))
_CLASSIC_NOT_FROM_4 = frozenset(_IN_MEMORY)

_SMALLER = frozenset(("message-ttl", "expires", "max-length", "max-length-bytes", *_IN_MEMORY))


@dataclass(frozen=True)
class Winner:
    """The policy of one kind that applies, or those of which one does.

    `policies`: of one priority, in the order in which they were given, and those of higher ones whose pattern
    cannot be told to match. `maybe_none`: perhaps none of them applies.
    """

    policies: tuple[PolicyInfo, ...] = ()
    maybe_none: bool = False

    @property
    def is_sure(self) -> bool:
        return len(self.policies) <= 1 and not self.maybe_none

    @property
    def policy(self) -> PolicyInfo | None:
        """The one that applies, None where none does. Not to be asked where that is not sure."""
        return self.policies[0] if self.policies else None


class Ranked:
    """The policies of one kind and virtual host, the highest priority first: to ask of many queues."""

    def __init__(self, policies: Iterable[PolicyInfo], version: Version | None = None) -> None:
        self._ranked = sorted(policies, key=lambda item: -item.priority)
        self._version = version
        self._by_type: dict[str, list[_Candidate]] = {}
        self._of_exchanges = [
            _candidate(item, True) for item in self._ranked if item.apply_to in ("all", "exchanges")
        ]

    def of_queue(self, info: QueueInfo) -> Winner:
        """Return which policy applies to a queue."""
        if info.type not in self._by_type:
            self._by_type[info.type] = [
                _candidate(item, is_taken is True)
                for item in self._ranked
                if _is_for(info.type, item.apply_to)
                and (is_taken := takes(info.type, item.definition, self._version)) is not False
            ]
        return _highest(self._by_type[info.type], info.vhost, info.name)

    def of_exchange(self, vhost: str, name: str) -> Winner:
        """Return which policy applies to an exchange."""
        return _highest(self._of_exchanges, vhost, name)


def winner(info: QueueInfo, policies: Iterable[PolicyInfo], version: Version | None = None) -> Winner:
    """Return which policy applies to a queue, of policies of one kind."""
    return Ranked(policies, version).of_queue(info)


def takes(queue_type: str, definition: Mapping[str, Any], version: Version | None = None) -> bool | None:
    """Tell whether a policy with this definition applies to queues of a type; None: it depends on the version."""
    if not not_taken(queue_type, definition, version):
        changing = _CLASSIC_NOT_BEFORE_4 | _CLASSIC_NOT_FROM_4
        is_known = version is not None and not (3, 11) <= version < (4, 0)
        return True if queue_type != "classic" or is_known or changing.isdisjoint(definition) else None
    return False


def not_taken(
    queue_type: str, definition: Mapping[str, Any], version: Version | None = None
) -> tuple[str, ...]:
    """Return the keys for which queues of a type pass a policy over, as a whole; sorted."""
    known = _NOT_FOR.get(queue_type, frozenset())
    if queue_type == "classic" and version is not None:
        known |= _CLASSIC_NOT_FROM_4 if version >= (4, 0) else frozenset()
        known |= _CLASSIC_NOT_BEFORE_4 if version < (3, 11) else frozenset()
    return tuple(sorted(known.intersection(definition)))


def merged(definition: Mapping[str, Any], by_operator: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a policy and an operator policy come to: of limits the stricter, else what the operator says."""
    both = {**definition, **by_operator}
    for name in definition.keys() & by_operator.keys():
        both[name] = _stricter(name, definition[name], by_operator[name])
    return both


def applying(info: QueueInfo, policies: Iterable[PolicyInfo]) -> list[Mapping[str, Any]]:
    """Return the definitions of the policies that apply to the queue, of policies of one kind.

    RabbitMQ applies the one of the highest priority; of several with that priority it may be any. A pattern of
    which it cannot be told is taken to match, and what is below it as well.
    """
    return [policy.definition for policy in winner(info, policies).policies]


def in_force(
    info: QueueInfo, policies: Iterable[PolicyInfo], operator_policies: Iterable[PolicyInfo]
) -> QueueInfo:
    """Return the queue with the policy that these make, in place of what the statistics say.

    Where it cannot be told which of several applies, the smallest number counts.
    """
    found = (_strictest(applying(info, kind)) for kind in (policies, operator_policies))
    return replace(info, effective_policy=merged(*found))


def _strictest(definitions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    strictest: dict[str, Any] = {}
    for definition in definitions:
        for name, value in definition.items():
            known = strictest.get(name, value)
            strictest[name] = min(known, value) if _are_numbers(known, value) else known
    return strictest


_Candidate = tuple[PolicyInfo, bool, str, Pattern | None]


def _candidate(policy: PolicyInfo, is_taken: bool) -> _Candidate:
    """Return a policy with whether things of its kind surely take it, and its pattern, None where it is not
    read."""
    pattern = compiled(policy.pattern)
    return policy, is_taken, pattern.begins if pattern else "", pattern


def _highest(ranked: Iterable[_Candidate], vhost: str, name: str) -> Winner:
    """Return those of the highest priority that surely match, and those above it that may."""
    kept: list[PolicyInfo] = []
    highest: int | None = None
    for policy, is_taken, begins, pattern in ranked:
        if highest is not None and policy.priority < highest:
            break
        if policy.vhost != vhost or not name.startswith(begins):
            continue
        is_match = pattern.matches(name) if pattern else None
        if is_match is not False:
            kept.append(policy)
            if is_match and is_taken:
                highest = policy.priority
    return Winner(tuple(kept), maybe_none=bool(kept) and highest is None)


def _is_for(queue_type: str, apply_to: str) -> bool:
    return apply_to in ("all", "queues") or apply_to == _BY_TYPE.get(queue_type)


def _stricter(name: str, value: Any, by_operator: Any) -> Any:
    if not _are_numbers(value, by_operator):
        return by_operator
    if name == "delivery-limit" and min(value, by_operator) < 0:  # a negative one is none
        return max(value, by_operator)
    if name == "target-group-size":
        return max(value, by_operator)
    return min(value, by_operator) if name in _SMALLER or name == "delivery-limit" else by_operator


def _are_numbers(*values: Any) -> bool:
    return all(type(value) is int for value in values)
