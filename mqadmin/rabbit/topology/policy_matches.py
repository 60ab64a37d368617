"""Which policies match an object, which of them applies, and why the others do not. Pure.

Which one applies is the broker's own word, where it gives it (`policy` and `operator_policy` of a queue are current
with `disable_stats=true`, tried on 3.10.8, 4.0.5 and 4.3.6); the reasons are those of `policies`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mqadmin.rabbit.topology.patterns import compiled
from mqadmin.rabbit.topology.policies import Ranked, Version, not_taken
from mqadmin.rabbit.topology.policy_keys import covered, idle
from mqadmin.rabbit.types import PolicyInfo, QueueInfo

Why = Literal["applies", "lower", "tie", "keys", "apply_to", "unclear"]
MOST_TRIES = 2_000_000  # of a pattern on a name, in one count: seconds


@dataclass(frozen=True, slots=True)
class Named:
    """A queue or an exchange, as policies see it. `kind`: the type of a queue, or "exchange". `policy`,
    `operator_policy`: those that the broker says apply, "" for none; None: it does not say (`settled`)."""

    vhost: str
    name: str
    kind: str
    policy: str = ""
    operator_policy: str | None = ""


@dataclass(frozen=True)
class Match:
    """A policy whose pattern matches an object, or may.

    `why`: it applies; one of higher priority applies (`lower`) or of the same, of which RabbitMQ takes any
    (`tie`), both named in `by`; things of the type pass it over for `keys`; it is not for the type (`apply_to`); or
    it cannot be told (`unclear`). `idle`: keys of it that do nothing for the type, though it applies.
    """

    policy: PolicyInfo
    why: Why
    by: str = ""
    keys: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()


@dataclass
class Count:
    """How many objects a policy's pattern matches, of those that it is for, and to how many of them it applies."""

    queues: int = 0
    queues_won: int = 0
    exchanges: int = 0
    exchanges_won: int = 0


def of_object(
    item: Named, policies: Iterable[PolicyInfo], version: Version | None = None, *, by_operator: bool = False
) -> list[Match]:
    """Return the policies of one kind that match an object, the highest priority first."""
    applies = item.operator_policy or "" if by_operator else item.policy
    ranked = sorted(
        (policy for policy in policies if policy.vhost == item.vhost), key=lambda policy: -policy.priority
    )
    winner = next((policy for policy in ranked if policy.name == applies), None)
    found = (of_policy(item, policy, winner, version) for policy in ranked)
    return [match for match in found if match is not None]


def of_policy(
    item: Named, policy: PolicyInfo, winner: PolicyInfo | None, version: Version | None = None
) -> Match | None:
    """Return whether a policy of the object's virtual host matches it; `winner`: the one that applies."""
    if winner is not None and policy.name == winner.name:
        return Match(policy, "applies", idle=idle(policy.definition, item.kind))
    pattern = compiled(policy.pattern)
    is_match = pattern.matches(item.name) if pattern else None
    if is_match is False:
        return None
    if item.kind not in covered(policy.apply_to):
        return Match(policy, "apply_to")
    if is_match and (keys := _passed_over(item, policy, version)):
        return Match(policy, "keys", keys=keys)
    if winner is None or policy.priority > winner.priority or not is_match:
        return Match(policy, "unclear", by=winner.name if winner else "")
    return Match(policy, "lower" if policy.priority < winner.priority else "tie", by=winner.name)


def _passed_over(item: Named, policy: PolicyInfo, version: Version | None) -> tuple[str, ...]:
    return () if item.kind == "exchange" else not_taken(item.kind, policy.definition, version)


def settled(
    objects: Sequence[Named], operator_policies: Sequence[PolicyInfo], version: Version | None = None
) -> list[Named]:
    """Return the objects with the operator policies that apply, by the rules where the broker does not say: 3.10.8
    does not without statistics (tried). Where it cannot be told, none."""
    ranked = Ranked(operator_policies, version)
    found = []
    for item in objects:
        if item.operator_policy is None:
            winner = ranked.of_queue(QueueInfo(item.vhost, item.name, item.kind))
            applies = winner.policy.name if winner.is_sure and winner.policy else ""
            item = replace(item, operator_policy=applies)
        found.append(item)
    return found


def counted(
    objects: Sequence[Named], policies: Sequence[PolicyInfo], *, by_operator: bool = False
) -> dict[tuple[str, str], Count] | None:
    """Return what each policy of one kind matches, by (vhost, name); None where that would be too many tries."""
    by_vhost: dict[str, list[Named]] = {}
    for item in objects:
        by_vhost.setdefault(item.vhost, []).append(item)
    if sum(len(by_vhost.get(policy.vhost, ())) for policy in policies) > MOST_TRIES:
        return None
    counts = {(policy.vhost, policy.name): Count() for policy in policies}
    for policy in policies:
        count, kinds, pattern = (
            counts[policy.vhost, policy.name],
            covered(policy.apply_to),
            compiled(policy.pattern),
        )
        for item in by_vhost.get(policy.vhost, ()):
            applies = policy.name == (item.operator_policy if by_operator else item.policy)
            is_match = applies or (
                item.kind in kinds and pattern is not None and bool(pattern.matches(item.name))
            )
            if item.kind == "exchange":
                count.exchanges += is_match
                count.exchanges_won += applies
            else:
                count.queues += is_match
                count.queues_won += applies
    return counts
