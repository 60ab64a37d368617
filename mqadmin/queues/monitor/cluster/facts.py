"""What is known of a broker at one moment, and what its verdicts remember. Plain data.

A number or a list that the broker did not tell is None: unknown, not none. Times are epoch seconds, rates are per
second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from mqadmin.queues.health.facts import BROKEN, RANK, UNKNOWN, WATCH
from mqadmin.rabbit.types import AlarmInfo, ChannelInfo, ConnectionInfo, ExchangeFlow, NodeInfo, OverviewInfo

__all__ = [
    "BROKEN",
    "UNKNOWN",
    "WATCH",
    "Clients",
    "Condition",
    "Deprecated",
    "Facts",
    "Life",
    "Memory",
    "State",
]

WINDOW_MINUTES = 30


@dataclass(frozen=True)
class Clients:
    """What the last look at connections, and at who publishes what no queue takes, brought.

    `why`: the code of what keeps them from being known, "" for nothing. `channels` and `exchanges` are None while
    nothing is unroutable: then they are not asked for.
    """

    connections: Sequence[ConnectionInfo] | None = None
    why: str = ""
    channels: Sequence[ChannelInfo] | None = None
    exchanges: Sequence[ExchangeFlow] | None = None


class Deprecated(NamedTuple):
    """A deprecated feature in use, and the first of the queues that use it, where that is known."""

    feature: str
    queues: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """`nodes` and `alarms` None: not to be seen. `listing_s`: how long the list of queues took."""

    overview: OverviewInfo
    nodes: Sequence[NodeInfo] | None = ()
    alarms: Sequence[AlarmInfo] | None = ()
    clients: Clients = Clients()
    deprecated: Sequence[Deprecated] = ()
    listing_s: float = 0.0
    queues: int = 0


class Life(NamedTuple):
    """A node's uptime when it was last seen, when that was, and when it was found to have begun anew."""

    uptime: float
    at: float
    restarted: float | None = None


@dataclass(frozen=True)
class State:
    """What became of a condition: since when it holds, whether that is a reason by now, and which.

    `ending`: since when it does not hold any more.
    """

    reason: Mapping[str, Any]
    since: float
    on: bool = False
    ending: float | None = None


@dataclass(frozen=True)
class Memory:
    """What the verdicts on a broker remember between samples."""

    at: float | None = None
    states: Mapping[str, State] = field(default_factory=dict)  # by `Condition.key`
    lives: Mapping[str, Life] = field(default_factory=dict)  # by node
    counts: tuple[int | None, int | None] = (None, None)  # dropped and returned, at `at`
    unroutable: tuple[float | None, float | None] = (None, None)  # their rates since the sample before
    window: tuple[tuple[int, int, int], ...] = ()  # (epoch minute, connections, channels), half an hour

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """What `Broker.reasons` keeps: the worst first, and of those the newest."""
        found = [state for state in self.states.values() if state.on]
        found.sort(key=lambda state: (-RANK[state.reason["level"]], -state.since))
        return [{**state.reason, "since": int(state.since)} for state in found]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "lives": {name: list(life) for name, life in self.lives.items()}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Memory:
        """Read what `to_json` wrote, in whichever version: what it does not know is left out."""
        known = {name: stored[name] for name in cls.__dataclass_fields__ if name in stored}
        known |= {
            "states": {key: State(**state) for key, state in stored.get("states", {}).items()},
            "lives": {name: Life(*life) for name, life in stored.get("lives", {}).items()},
            "counts": tuple(stored.get("counts", (None, None))),
            "unroutable": tuple(stored.get("unroutable", (None, None))),
            "window": tuple(tuple(point) for point in stored.get("window", ())),
        }
        return cls(**known)


@dataclass(frozen=True)
class Condition:
    """Something that may be wrong. It is a reason once it `holds` for `after` seconds, until it did not for `rest`.

    `key` tells it from all others of its broker; `eases` None: as soon as it does not hold. `since`: when it began,
    where that is known: it may be before it was seen.
    """

    key: str
    level: str
    code: str
    params: Mapping[str, Any]
    holds: bool
    eases: bool | None = None
    after: float = 0.0
    rest: float = 0.0
    since: float | None = None
