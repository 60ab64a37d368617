"""Which host starts a replica: by label, room and spread. Pure: every supervisor comes to the same answer."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

WAIT_S = (
    3.0  # a host further down the ranking starts what those before it have not started within so long each
)


@dataclass(frozen=True)
class Host:
    """A supervisor that reported lately. `capacity`: processes at most, 0 = no limit."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    capacity: int = 0
    drained: bool = False


class PlacementError(ValueError):
    """The text is not a list of labels."""


def parse(text: str) -> dict[str, str]:
    """Return labels written as `zone=a, gpu` (a label without a value has the value ""). Raises PlacementError."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if not name and (value or part.strip()):
            raise PlacementError(f"{part.strip()!r} has no name before its '='")
        if name:
            found[name] = value
    return found


def fits(host: Host, wanted: Mapping[str, str]) -> bool:
    """Whether the host has every wanted label (one without a value is content with any) and takes new processes."""
    return not host.drained and all(
        name in host.labels and value in ("", host.labels[name]) for name, value in wanted.items()
    )


class Placement:
    """The hosts with what they hold, and who is to start what: one for each pass."""

    def __init__(self, hosts: Sequence[Host], held: Iterable[tuple[str, int]]) -> None:
        """`held`: (host's name, consumer) of every replica that a host holds now."""
        self._hosts = hosts
        self._of_consumer: Counter[tuple[str, int]] = Counter(held)
        self._load: Counter[str] = Counter()
        for (host, _consumer), count in self._of_consumer.items():
            self._load[host] += count

    def fits(self, host: str, wanted: Mapping[str, str]) -> bool:
        """Whether this host may hold what it already holds; capacity aside."""
        return any(found.name == host and fits(found, wanted) for found in self._hosts)

    def rank(self, consumer: int, wanted: Mapping[str, str]) -> list[str]:
        """Return the hosts that may start a replica, the best first.

        Spread first: the host with the fewest replicas of this consumer, then the least loaded one. Equal ones
        are taken in an order that differs from consumer to consumer.
        """
        able = [
            host
            for host in self._hosts
            if fits(host, wanted) and not (host.capacity and self._load[host.name] >= host.capacity)
        ]

        def order(host: Host) -> tuple[int, float, int]:
            load = self._load[host.name]
            share = load / host.capacity if host.capacity else load / 1000
            return (
                self._of_consumer[host.name, consumer],
                share,
                zlib.crc32(f"{consumer}:{host.name}".encode()),
            )

        return [host.name for host in sorted(able, key=order)]

    def place(self, consumer: int, wanted: Mapping[str, str], me: str, waited: float) -> bool:
        """Whether `me` starts one replica, which nobody has started for `waited` seconds; note whose it is."""
        ranking = self.rank(consumer, wanted)
        if not ranking:
            return False
        turn = min(int(waited / WAIT_S), len(ranking) - 1)
        chosen = ranking[turn]
        self._of_consumer[chosen, consumer] += 1
        self._load[chosen] += 1
        return chosen == me
