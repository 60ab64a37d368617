"""The policies that apply to a queue or an exchange before and after a change, and what they come to. Pure.

Of several policies of one priority the first in RabbitMQ's own order applies, the order of a hash table
(rabbit_policy:match_all/3, tried on 3.10.8, 4.0.5 and 4.3.6: it is the order of GET /api/definitions/VHOST). It is
known of those that are there; where another comes or one goes, the table may be in another order: it cannot be
told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mqadmin.rabbit.effects.state import VhostState
from mqadmin.rabbit.topology.policies import Ranked, Winner, merged
from mqadmin.rabbit.types import ExchangeInfo, QueueInfo


@dataclass(frozen=True)
class Applied:
    """The policies of one object: by name "" where none applies. `definition`: what RabbitMQ calls effective.

    `unclear`: the names of the policies of which one applies, or perhaps none, and it cannot be told which; then
    `choices` are what it may come to, and policy and definition are of the first of them.
    """

    policy: str = ""
    operator_policy: str = ""
    definition: Mapping[str, Any] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()
    choices: tuple[Mapping[str, Any], ...] = ()


class Rules:
    """The policies of a virtual host, both kinds, to ask of many queues and exchanges."""

    def __init__(self, state: VhostState) -> None:
        self._kinds = [Ranked(kind, state.version) for kind in (state.policies, state.operator_policies)]
        self._knows_order = "order" not in state.hidden

    def of_queue(self, info: QueueInfo, before: Rules | None = None) -> Applied:
        """Return what applies to a queue. `before`: the rules that were read, if these are those that will be."""
        was = [kind.of_queue(info) for kind in before._kinds] if before is not None else (None, None)
        found = (kind.of_queue(info) for kind in self._kinds)
        return self._applied(found, was, (info.policy, info.operator_policy))

    def of_exchange(self, info: ExchangeInfo, before: Rules | None = None) -> Applied:
        """Return what applies to an exchange."""
        place = info.vhost, info.name
        was = [kind.of_exchange(*place) for kind in before._kinds] if before is not None else (None, None)
        found = (kind.of_exchange(*place) for kind in self._kinds)
        return self._applied(found, was, (info.policy, None))

    def _applied(
        self,
        found: Iterable[Winner],
        was: Sequence[Winner | None],
        seen: Sequence[str | None],
    ) -> Applied:
        settled = (
            _settled(now, before, name, knows_order=self._knows_order)
            for now, before, name in zip(found, was, seen, strict=True)
        )
        return _both(*settled)


def with_policy(info: QueueInfo, applied: Applied) -> QueueInfo:
    """Return the queue as it is with these policies."""
    return replace(
        info,
        policy=applied.policy or None,
        operator_policy=applied.operator_policy or None,
        effective_policy=applied.definition,
    )


def alternate_exchange(info: ExchangeInfo, applied: Applied) -> str | None:
    """Return where an exchange sends what it has no binding for: the argument wins (rabbit_policy:get_arg/3)."""
    found = info.arguments.get("alternate-exchange", applied.definition.get("alternate-exchange"))
    return found if isinstance(found, str) else None


def _both(one: Winner, by_operator: Winner) -> Applied:
    both = (one, by_operator)
    names = tuple(item.name for kind in both if not kind.is_sure for item in kind.policies)
    first = [kind.policies[0] if kind.policies else None for kind in both]
    options = [
        [
            *(item.definition for item in kind.policies),
            *([{}] if kind.maybe_none or not kind.policies else []),
        ]
        for kind in both
    ]
    return Applied(
        first[0].name if first[0] else "",
        first[1].name if first[1] else "",
        merged(first[0].definition if first[0] else {}, first[1].definition if first[1] else {}),
        names,
        tuple(merged(one, other) for one in options[0] for other in options[1]) if names else (),
    )


def _settled(now: Winner, was: Winner | None, seen: str | None, *, knows_order: bool) -> Winner:
    """Return the one that applies, where what is seen of the broker tells which.

    What applied before applies after it as well, if those that may are the same.
    """
    if now.is_sure:
        return now
    is_tie = not now.maybe_none and len({item.priority for item in now.policies}) == 1
    known = next((item for item in now.policies if item.name == seen), None)
    if is_tie:
        names = {item.name for item in now.policies}
        is_same = was is None or (not was.maybe_none and {item.name for item in was.policies} == names)
        first = now.policies[0] if knows_order else known
    else:
        is_same = known is None or was is None or _above(was, known.priority) == _above(now, known.priority)
        first = known
    return Winner((first,)) if is_same and first is not None else now


def _above(found: Winner, priority: int) -> set[object]:
    """Return what decides whether a policy of this priority applies: those that could come before it."""
    return {
        (item.name, item.pattern, item.priority, item.apply_to, *sorted(item.definition))
        for item in found.policies
        if item.priority >= priority
    }
