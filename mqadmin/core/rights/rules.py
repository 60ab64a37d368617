"""What rules grant of a thing: pure, known by names alone.

A thing is a broker, a virtual host of it, a queue in that. What is not named (None) is the whole of it: a policy is
of a whole virtual host, a node of a whole broker, an alert channel of everything. Names in rules are as people
write them in a shell: `*` stands for any signs, also none; all else is itself, capitals matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

Needed = Literal["view", "operate", "configure"]
LEVELS: dict[str, int] = {"view": 1, "operate": 2, "configure": 3}
NONE = 0
ANY = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who has it may do up to `level` with what its three patterns name. `reveals`: also see what masks hide."""

    broker: str = ANY
    vhost: str = ANY
    queue: str = ANY
    level: int = LEVELS["configure"]
    reveals: bool = True

    def covers(self, broker: str | None, vhost: str | None, queue: str | None) -> bool:
        """Whether it is about a thing; None: about the whole of it."""
        return covers(self.broker, broker) and covers(self.vhost, vhost) and covers(self.queue, queue)

    @property
    def is_for_all(self) -> bool:
        return self.broker == self.vhost == self.queue == ANY


@dataclass(frozen=True)
class Rights:
    """What somebody may: of a thing the least that any of the layers gives, and each gives the most of its rules.

    The first layer is what their roles give, the second what the token leaves of it that they ask with.
    """

    layers: tuple[tuple[Rule, ...], ...] = ((),)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:  # each row of a table that is drawn is known by these
        return hash(self.layers)

    def level(self, broker: str | None = None, vhost: str | None = None, queue: str | None = None) -> int:
        """Return the level that is held of a thing; without names: of everything."""
        return min(
            max((rule.level for rule in layer if rule.covers(broker, vhost, queue)), default=NONE)
            for layer in self.layers
        )

    def reveals(self, broker: str | None = None, vhost: str | None = None, queue: str | None = None) -> bool:
        """Whether what masks hide of a thing may be seen."""
        return all(
            any(rule.reveals and rule.covers(broker, vhost, queue) for rule in layer) for layer in self.layers
        )

    def inside(self, broker: str, vhost: str | None = None) -> int:
        """Return the highest level that may be held of anything in a broker, or in a virtual host of it."""
        return min(
            max(
                (
                    rule.level
                    for rule in layer
                    if covers(rule.broker, broker) and (vhost is None or covers(rule.vhost, vhost))
                ),
                default=NONE,
            )
            for layer in self.layers
        )

    @cached_property
    def everywhere(self) -> int:
        """The level that is held of everything."""
        return self.level()

    @cached_property
    def is_plain(self) -> bool:
        """Whether they are the same for each thing, so that none needs to be looked at."""
        return self.somewhere > NONE and all(rule.is_for_all for layer in self.layers for rule in layer)

    @cached_property
    def somewhere(self) -> int:
        """The highest level that may be held of anything."""
        return min(max((rule.level for rule in layer), default=NONE) for layer in self.layers)

    def limited(self, rule: Rule) -> Rights:
        """Return these rights as far as a rule allows."""
        return Rights((*self.layers, (rule,)))

    def as_json(self) -> list[list[list[str | int | bool]]]:
        """Return what `from_json` reads."""
        return [[[r.broker, r.vhost, r.queue, r.level, r.reveals] for r in layer] for layer in self.layers]

    @classmethod
    def from_json(cls, layers: Iterable[Iterable[list[str | int | bool]]]) -> Rights:
        """Return the rights that `as_json` wrote."""
        return cls(
            tuple(
                tuple(
                    Rule(str(broker), str(vhost), str(queue), int(level), bool(reveals))
                    for broker, vhost, queue, level, reveals in layer
                )
                for layer in layers
            )
        )


def covers(pattern: str, name: str | None) -> bool:
    """Whether a pattern names a thing; None is the whole of them."""
    if pattern == ANY:
        return True
    return name is not None and (
        _compiled(pattern).fullmatch(name) is not None if ANY in pattern else pattern == name
    )


@lru_cache(maxsize=500)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.sub(r"\*+", ANY, pattern).split(ANY)
    return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)


ALL = Rights(((Rule(),),))
NOTHING = Rights()
