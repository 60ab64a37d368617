"""Where an exchange sends a message: RabbitMQ's routing, worked out from listings. Pure.

Follows rabbit_exchange_type_{direct,fanout,topic,headers}.erl and rabbit_exchange:route/2: a message goes over
exchange-to-exchange bindings, and where an exchange finds no binding to its alternate exchange. What only the
message tells (its headers, a key that is not known) or a hash decides is not guessed: `Route.choice` says how it is
decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mqadmin.rabbit.topology import header_match
from mqadmin.rabbit.types import BindingInfo, ExchangeInfo

DEFAULT_EXCHANGE = ""
Choice = Literal["all", "one", "matching", "some"]
_TO_ALL_TYPES = ("fanout", "x-recent-history")
# Exactly one of the bound queues: by a hash of the key or of a header, or by chance.
_TO_ONE_TYPES = ("x-consistent-hash", "x-modulus-hash", "x-random", "x-local-random")
_MATCHING_TYPES = ("direct", "topic", "headers", "x-jms-topic", "x-rtopic")


@dataclass(frozen=True)
class Route:
    """The queues (sorted names) that a message reaches, or may.

    `sure`: those that each message reaches, whatever is in it. `choice` says how the others are chosen: "all" when
    there are none, "one" of them, each that is "matching", or "some" way that is not known. `otherwise`: those of
    them that alternate exchanges lead to, which get what nothing else matches.
    """

    queues: tuple[str, ...]
    exchange_exists: bool = True
    sure: tuple[str, ...] = ()
    choice: Choice = "all"
    otherwise: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether each message reaches all of them."""
        return self.choice == "all"


@dataclass
class _Outgoing:
    """The bindings of one exchange, by routing key where the key is no pattern."""

    every: list[BindingInfo] = field(default_factory=list)
    by_key: dict[str, list[BindingInfo]] = field(default_factory=lambda: defaultdict(list))
    patterns: list[BindingInfo] = field(default_factory=list)


@dataclass(frozen=True)
class _Step:
    """What one exchange does with a message: `sure` bindings take it, of the others `choice` tells.

    `alternate`: the exchange that gets it if no binding does, None if some always does.
    """

    sure: tuple[BindingInfo, ...] = ()
    others: tuple[BindingInfo, ...] = ()
    choice: Choice = "all"
    alternate: str | None = None


@dataclass
class _Found:
    """The names that a walk came to: surely, perhaps, or by an alternate exchange that perhaps gets it."""

    sure: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    otherwise: set[str] = field(default_factory=set)


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

    def route_message(
        self, vhost: str, exchange: str, routing_keys: Sequence[str], headers: Mapping[str, Any]
    ) -> Route:
        """Return where `exchange` sends a message whose headers are known.

        `routing_keys`: its own, and those of its headers CC and BCC, by which RabbitMQ routes it too
        (rabbit_basic:header_routes/1).
        """
        routes = [self._walk(vhost, exchange, key, headers) for key in routing_keys]
        sure = {name for route in routes for name in route.sure}
        # An alternate exchange gets what no binding takes by any of the keys.
        is_taken = any(set(route.queues) - set(route.otherwise) for route in routes)
        otherwise = (
            set() if is_taken and len(routes) > 1 else {n for route in routes for n in route.otherwise}
        )
        choices = {route.choice for route in routes} - {"all"}
        return replace(
            routes[0],
            queues=tuple(sorted({name for route in routes for name in route.queues})),
            sure=tuple(sorted(sure)),
            choice="all" if not choices else choices.pop() if len(choices) == 1 else "some",
            otherwise=tuple(sorted(otherwise - sure)),
        )

    def route(self, vhost: str, exchange: str, routing_key: str | None) -> Route:
        """Return where `exchange` sends a message with `routing_key`; None = the key is not known."""
        key = (vhost, exchange, routing_key)
        if key not in self._routes:
            self._routes[key] = self._walk(vhost, exchange, routing_key)
        return self._routes[key]

    def _walk(
        self, vhost: str, exchange: str, routing_key: str | None, headers: Mapping[str, Any] | None = None
    ) -> Route:
        if exchange != DEFAULT_EXCHANGE and (vhost, exchange) not in self._exchanges:
            return Route((), exchange_exists=False)
        queues, exchanges = _Found(), _Found(sure={exchange})
        choices: list[_Step] = []
        # First what is sure, then what may be: an exchange that is reached both ways is reached surely.
        for level in ("sure", "maybe", "otherwise"):
            waiting = list(getattr(exchanges, level))
            while waiting:
                step = self._step(vhost, waiting.pop(), routing_key, headers)
                if step.choice != "all":
                    choices.append(step)
                waiting += _follow(step, level, queues, exchanges)
        queues.maybe -= queues.sure
        queues.otherwise -= queues.sure | queues.maybe
        return Route(
            queues=tuple(sorted(queues.sure | queues.maybe | queues.otherwise)),
            sure=tuple(sorted(queues.sure)),
            choice=_choice(choices),
            otherwise=tuple(sorted(queues.otherwise)),
        )

    def _step(
        self, vhost: str, name: str, routing_key: str | None, headers: Mapping[str, Any] | None
    ) -> _Step:
        if name == DEFAULT_EXCHANGE:
            if routing_key is None:
                return _Step(choice="matching")
            exists = (vhost, routing_key) in self._queues
            return _Step(sure=(BindingInfo(vhost, "", routing_key, "queue", routing_key),) if exists else ())
        exchange = self._exchanges.get((vhost, name))
        if exchange is None:
            return _Step()
        sure, others, choice = self._matching(vhost, name, routing_key, headers)
        is_left = not sure and choice in ("all", "matching", "some")
        return _Step(tuple(sure), tuple(others), choice, exchange.alternate_exchange if is_left else None)

    def _matching(
        self, vhost: str, name: str, routing_key: str | None, headers: Mapping[str, Any] | None
    ) -> tuple[list[BindingInfo], list[BindingInfo], Choice]:
        """Return the bindings that take the message surely, those that may, and how these are chosen."""
        outgoing = self._outgoing.get((vhost, name))
        if outgoing is None:
            return [], [], "all"
        kind = self._kind(vhost, name)
        if kind in _TO_ALL_TYPES:
            return outgoing.every, [], "all"
        if kind in ("direct", "topic") and routing_key is not None:
            patterns = [item for item in outgoing.patterns if topic_matches(item.routing_key, routing_key)]
            return outgoing.by_key.get(routing_key, []) + patterns, [], "all"
        if kind in _TO_ONE_TYPES:
            places = {(item.destination_type, item.destination) for item in outgoing.every}
            return (outgoing.every, [], "all") if len(places) == 1 else ([], outgoing.every, "one")
        if kind == "headers" and headers is not None:
            answers = [(item, header_match.matches(item.arguments, headers)) for item in outgoing.every]
            others = [item for item, answer in answers if answer is None]
            return [item for item, answer in answers if answer], others, "matching" if others else "all"
        sure = [item for item in outgoing.every if _takes_all(item, kind)]
        others = [item for item in outgoing.every if item not in sure and not _takes_none(item, kind)]
        choice: Choice = "all" if not others else "matching" if kind in _MATCHING_TYPES else "some"
        return sure, others, choice

    def _kind(self, vhost: str, name: str) -> str:
        exchange = self._exchanges.get((vhost, name))
        if exchange is None:
            return ""
        if exchange.type == "x-delayed-message":
            return str(exchange.arguments.get("x-delayed-type", ""))
        return exchange.type


def _follow(step: _Step, level: str, queues: _Found, exchanges: _Found) -> list[str]:
    """Note where one step leads that was come to by `level`; return the exchanges that are new on this level."""
    ways: list[tuple[str, str, str]] = []
    for bindings, way in ((step.sure, level), (step.others, "maybe" if level == "sure" else level)):
        ways += [(item.destination_type, item.destination, way) for item in bindings]
    if step.alternate:
        way = level if step.choice == "all" else "otherwise"
        ways.append(("exchange", step.alternate, way))
    new = []
    for kind, name, way in ways:
        if kind == "queue":
            getattr(queues, way).add(name)
        elif name not in exchanges.sure and name not in getattr(exchanges, way):
            getattr(exchanges, way).add(name)
            if way == level:
                new.append(name)
    return new


def _choice(choices: list[_Step]) -> Choice:
    """Return in a word how the queues are chosen that are not reached surely."""
    if not choices:
        return "all"
    found = {step.choice for step in choices}
    if found == {"one"}:
        # Several in a row, or one that leads to exchanges, may reach more than one queue.
        is_plain = len(choices) == 1 and all(item.destination_type == "queue" for item in choices[0].others)
        return "one" if is_plain else "some"
    return "matching" if found == {"matching"} else "some"


def _takes_all(item: BindingInfo, kind: str) -> bool:
    """Tell whether a binding takes every message, whatever its key or headers are."""
    if kind == "headers":
        return header_match.way(item.arguments) in header_match.ALL and not header_match.wanted(
            item.arguments
        )
    return kind == "topic" and bool(item.routing_key) and set(item.routing_key.split(".")) == {"#"}


def _takes_none(item: BindingInfo, kind: str) -> bool:
    """Tell whether a binding takes no message: any of no headers."""
    is_any = kind == "headers" and header_match.way(item.arguments) in header_match.ANY
    return is_any and not header_match.wanted(item.arguments)


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
