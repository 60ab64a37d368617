"""Which messages take another way after a change: by exchange and routing key. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from mqadmin.rabbit.effects.state import VhostState
from mqadmin.rabbit.topology.routing import DEFAULT_EXCHANGE, Route, RoutingTable
from mqadmin.rabbit.types import BindingInfo

_Key = tuple[str | None, str]
_WORD = "mqadmin\u00b7any"  # stands for a word that no binding names
_OTHER: _Key = (None, _WORD)


@dataclass(frozen=True)
class RouteChange:
    """What becomes of messages that are published to `exchange` with a routing key.

    `routing_key`: as the binding has it, a pattern on a topic exchange; None: any that no binding names. `lost` and
    `gained`: the queues that they do not reach any more, or reach now. `is_sure`: it goes for each of them; else
    something else decides as well, such as headers or a hash. `before`, `after`: how many queues they reach.
    `refused`: the exchange is gone: the broker closes the channel that publishes to it.
    """

    exchange: str
    routing_key: str | None
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    is_sure: bool
    before: int
    after: int
    refused: bool = False

    @property
    def unroutable(self) -> bool:
        """Whether they reached a queue, and reach none any more."""
        return self.before > 0 and self.after == 0


def changed(before: VhostState, after: VhostState) -> list[RouteChange]:
    """Return what changes for messages, exchange by exchange; both with the alternate exchanges in force."""
    touched = _touched(before, after)
    if not touched:
        return []
    tables = _table(before), _table(after)
    found = []
    for exchange, keys in touched.items():
        for key, example in sorted(keys, key=lambda item: (item[0] is None, item[1])):
            one = _compared(before.vhost, exchange, key, example, *tables)
            if one is not None:
                found.append(one)
    return found


def _compared(
    vhost: str, exchange: str, key: str | None, example: str, old: RoutingTable, new: RoutingTable
) -> RouteChange | None:
    was, is_now = old.route(vhost, exchange, example), new.route(vhost, exchange, example)
    if (was.queues, was.exchange_exists) == (is_now.queues, is_now.exchange_exists):
        return None
    if not was.exchange_exists and not is_now.queues:
        return None
    return RouteChange(
        exchange,
        key,
        lost=_missing(was, is_now),
        gained=_missing(is_now, was),
        is_sure=was.certain and is_now.certain,
        before=len(was.queues),
        after=len(is_now.queues),
        refused=was.exchange_exists and not is_now.exchange_exists,
    )


def _missing(one: Route, other: Route) -> tuple[str, ...]:
    return tuple(name for name in one.queues if name not in set(other.queues))


def _key(binding: BindingInfo, *states: VhostState) -> _Key:
    """Return a binding's key, and an example that it takes, and as few other bindings as possible."""
    key = binding.routing_key
    kinds = {state.exchanges[binding.source].type for state in states if binding.source in state.exchanges}
    if "topic" not in kinds:
        return key, key
    return key, ".".join(_WORD if word in ("*", "#") else word for word in key.split("."))


def _touched(before: VhostState, after: VhostState) -> dict[str, set[_Key]]:
    """Return the exchanges from which a message may take another way, and the keys to try on each."""
    keys: dict[str, set[_Key]] = defaultdict(set)
    for binding in _different(before.bindings, after.bindings):
        if binding.source != DEFAULT_EXCHANGE:
            keys[binding.source].add(_key(binding, before, after))
    for name in before.exchanges.keys() | after.exchanges.keys():
        old, new = before.exchanges.get(name), after.exchanges.get(name)
        if old is None or new is None or old.alternate_exchange != new.alternate_exchange:
            keys[name].add(_OTHER)
    for name in before.queues.keys() ^ after.queues.keys():
        keys[DEFAULT_EXCHANGE].add((name, name))
    return _with_those_before(keys, before, after)


def _with_those_before(keys: dict[str, set[_Key]], *states: VhostState) -> dict[str, set[_Key]]:
    """Add the exchanges that lead to others: their messages come there with the same key."""
    leading: dict[str, set[str]] = defaultdict(set)
    for state in states:
        for binding in state.bindings:
            if binding.destination_type == "exchange":
                leading[binding.destination].add(binding.source)
        for exchange in state.exchanges.values():
            if exchange.alternate_exchange is not None:
                leading[exchange.alternate_exchange].add(exchange.name)
    waiting = list(keys)
    while waiting:
        name = waiting.pop()
        for source in leading.get(name, ()):
            new = keys[name] - keys[source]
            if new:
                keys[source] |= new
                waiting.append(source)
    return dict(sorted(keys.items()))


def _different(one: Iterable[BindingInfo], other: Iterable[BindingInfo]) -> list[BindingInfo]:
    """Return the bindings that are in one of two only. Those of both are the same objects: see `applying`."""
    first, second = {id(item): item for item in one}, {id(item): item for item in other}
    only = [item for key, item in first.items() if key not in second]
    only += [item for key, item in second.items() if key not in first]
    return only


def _table(state: VhostState) -> RoutingTable:
    queues = [(state.vhost, name) for name in state.queues]
    return RoutingTable(queues, state.bindings, state.exchanges.values())
