"""Where an exchange sends a message: RabbitMQ's routing, worked out from listings. Pure.

Follows rabbit_exchange_type_{direct,fanout,topic,headers}.erl and rabbit_exchange:route/2: a message goes over
exchange-to-exchange bindings, and where an exchange finds no binding to its alternate exchange.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from mqadmin.rabbit.types import BindingInfo, ExchangeInfo

DEFAULT_EXCHANGE = ""
_KEY_TYPES = ("direct", "topic")
_TO_ALL_TYPES = ("fanout", "x-recent-history")


@dataclass(frozen=True)
class Route:
    """The queues (sorted names) a message reaches. Not `certain`: some of them, depending on the message."""

    queues: tuple[str, ...]
    certain: bool
    exchange_exists: bool = True


@dataclass
class _Outgoing:
    """The bindings of one exchange, by routing key where the key is no pattern."""

    every: list[BindingInfo] = field(default_factory=list)
    by_key: dict[str, list[BindingInfo]] = field(default_factory=lambda: defaultdict(list))
    patterns: list[BindingInfo] = field(default_factory=list)


class RoutingTable:
    """The exchanges and bindings of any number of vhosts, indexed once."""

    def __init__(
        self,
        queues: Iterable[tuple[str, str]],
        bindings: Iterable[BindingInfo],
        exchanges: Iterable[ExchangeInfo],
    ) -> None:
        """`queues` are (vhost, name)."""
        self._queues = set(queues)
        self._exchanges = {(item.vhost, item.name): item for item in exchanges}
        self._outgoing: dict[tuple[str, str], _Outgoing] = defaultdict(_Outgoing)
        self._routes: dict[tuple[str, str, str | None], Route] = {}
        for item in bindings:
            if item.source == DEFAULT_EXCHANGE:
                continue
            outgoing = self._outgoing[item.vhost, item.source]
            outgoing.every.append(item)
            has_wildcard = "*" in item.routing_key or "#" in item.routing_key
            if has_wildcard and self._kind(item.vhost, item.source) == "topic":
                outgoing.patterns.append(item)
            else:
                outgoing.by_key[item.routing_key].append(item)

    def route(self, vhost: str, exchange: str, routing_key: str | None) -> Route:
        """Return where `exchange` sends a message with `routing_key`; None = the key is not known."""
        key = (vhost, exchange, routing_key)
        if key not in self._routes:
            self._routes[key] = self._walk(vhost, exchange, routing_key)
        return self._routes[key]

    def _walk(self, vhost: str, exchange: str, routing_key: str | None) -> Route:
        if exchange != DEFAULT_EXCHANGE and (vhost, exchange) not in self._exchanges:
            return Route((), certain=True, exchange_exists=False)
        found: set[str] = set()
        certain = True
        seen = {exchange}
        waiting = [exchange]
        while waiting:
            name = waiting.pop()
            queues, exchanges, is_certain = self._step(vhost, name, routing_key)
            found |= queues
            certain = certain and is_certain
            waiting.extend(exchanges - seen)
            seen |= exchanges
        return Route(tuple(sorted(found)), certain)

    def _step(self, vhost: str, name: str, routing_key: str | None) -> tuple[set[str], set[str], bool]:
        """Return the queues and exchanges that one exchange passes the message to, and whether surely."""
        if name == DEFAULT_EXCHANGE:
            exists = routing_key is not None and (vhost, routing_key) in self._queues
            return ({routing_key} if exists and routing_key else set()), set(), routing_key is not None
        exchange = self._exchanges.get((vhost, name))
        if exchange is None:
            return set(), set(), True
        matching, is_certain = self._matching(vhost, name, routing_key)
        queues = {item.destination for item in matching if item.destination_type == "queue"}
        exchanges = {item.destination for item in matching if item.destination_type == "exchange"}
        if exchange.alternate_exchange and (not matching or not is_certain):
            exchanges.add(exchange.alternate_exchange)
        return queues, exchanges, is_certain

    def _matching(self, vhost: str, name: str, routing_key: str | None) -> tuple[list[BindingInfo], bool]:
        outgoing = self._outgoing.get((vhost, name))
        if outgoing is None:
            return [], True
        kind = self._kind(vhost, name)
        if kind in _KEY_TYPES and routing_key is not None:
            patterns = [item for item in outgoing.patterns if topic_matches(item.routing_key, routing_key)]
            return outgoing.by_key.get(routing_key, []) + patterns, True
        # Headers, hashes, random and unknown types choose by what only the message knows.
        return outgoing.every, kind in _TO_ALL_TYPES

    def _kind(self, vhost: str, name: str) -> str:
        exchange = self._exchanges.get((vhost, name))
        if exchange is None:
            return ""
        if exchange.type == "x-delayed-message":
            return str(exchange.arguments.get("x-delayed-type", ""))
        return exchange.type


def topic_matches(pattern: str, routing_key: str) -> bool:
    """Tell whether a topic binding's `pattern` matches: `*` is one word, `#` any number of words."""
    words = routing_key.split(".") if routing_key else []
    # reachable[i]: the part of the pattern read so far can match the first i words.
    reachable = [True] + [False] * len(words)
    for part in pattern.split(".") if pattern else []:
        if part == "#":
            first = reachable.index(True) if True in reachable else len(reachable)
            reachable = [index >= first for index in range(len(reachable))]
        else:
            moved = (before and part in ("*", word) for before, word in zip(reachable, words, strict=False))
            reachable = [False, *moved]
    return reachable[-1]
