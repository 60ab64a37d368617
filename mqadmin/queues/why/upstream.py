"""The exchanges behind a queue, also those that pass messages on to exchanges, and who publishes to them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mqadmin.rabbit.types import BindingInfo, ExchangeDetail, ExchangeInfo

ASKED = 8  # exchanges, of each two calls, at the most
DEPTH = 4  # exchanges one behind the other

Ask = Callable[[str], Sequence[BindingInfo] | None]


@dataclass(frozen=True)
class Passing:
    """An exchange that passes messages on to others: `onto` has each of these with the keys of the bindings; `rest`
    its alternate exchange, which gets what it has no binding for."""

    name: str
    onto: Mapping[str, Sequence[str]]
    rest: Sequence[str] = ()


@dataclass(frozen=True)
class Publisher:
    """A client that publishes: `name` as it calls itself, else its user and host. `rates`: by exchange."""

    name: str
    channels: int
    rates: Mapping[str, float | None]


@dataclass(frozen=True)
class Upstream:
    """`passing`: exchanges that are bound to exchanges, the farthest first. `is_cut`: there may be more of them.
    `publishers`: the busiest first; `tells_publishers`: whether the broker keeps who publishes where."""

    passing: Sequence[Passing] = ()
    is_cut: bool = False
    publishers: Sequence[Publisher] = ()
    tells_publishers: bool = True


def walk(
    sources: Iterable[str], ask: Ask, alternates: Mapping[str, Sequence[str]] | None = None
) -> tuple[list[Passing], bool, list[str]]:
    """Walk from the exchanges that are bound to a queue to those that are bound to these, each once, whatever
    circles they are bound in; `ask` returns the bindings to an exchange, None where they are not told.
    `alternates`: the exchanges that have one as their alternate exchange, by that one; None where not told.

    Return the exchanges that pass on, the farthest first; whether some were not followed; all that were met.
    """
    level = sorted(set(sources))
    met, asked, is_cut = dict.fromkeys(level), 0, alternates is None and bool(level)
    rest: dict[str, list[str]] = defaultdict(list)
    onto: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for depth in range(DEPTH):
        found: dict[str, None] = {}
        for name in level:
            bindings = ask(name) if asked < ASKED else None
            asked += 1
            is_cut |= bindings is None
            for binding in bindings or ():
                onto[binding.source][name].append(binding.routing_key)
                found.setdefault(binding.source)
            for other in (alternates or {}).get(name, ()):
                rest[other].append(name)
                found.setdefault(other)
        level = sorted(name for name in found if name not in met)
        met |= dict.fromkeys(level)
        if not level:
            break
        is_cut |= depth == DEPTH - 1
    passing = [
        _passing(name, onto.get(name, {}), rest.get(name, ()))
        for name in reversed(met)
        if name in onto or name in rest
    ]
    return passing, is_cut, list(met)


def _passing(name: str, onto: Mapping[str, Sequence[str]], rest: Sequence[str]) -> Passing:
    return Passing(name, {onward: sorted(set(keys)) for onward, keys in onto.items()}, rest)


def alternates(found: Iterable[ExchangeInfo]) -> dict[str, list[str]]:
    """Return by each alternate exchange those whose it is: the argument of one, or what its policy says."""
    by: dict[str, list[str]] = defaultdict(list)
    for item in found:
        if item.alternate_exchange and item.name:
            by[item.alternate_exchange].append(item.name)
    return {name: sorted(others) for name, others in by.items()}


def publishers(details: Iterable[ExchangeDetail], called: Mapping[str, str]) -> list[Publisher]:
    """Return who publishes to these exchanges, the busiest first; `called`: what the clients call themselves, by
    their connections. Clients of one name are one."""
    rates: dict[str, dict[str, float | None]] = defaultdict(dict)
    channels: dict[str, set[str]] = defaultdict(set)
    for detail in details:
        for item in detail.publishers:
            who = called.get(item.connection) or f"{item.user} {item.address}".strip() or item.channel
            channels[who].add(item.channel)
            before = rates[who].get(detail.name)
            both = [rate for rate in (before, item.rate) if rate is not None]
            rates[who][detail.name] = sum(both) if both else None
    found = [Publisher(who, len(channels[who]), by) for who, by in rates.items()]
    return sorted(found, key=lambda item: (-sum(rate or 0 for rate in item.rates.values()), item.name))
