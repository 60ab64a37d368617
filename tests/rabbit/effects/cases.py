"""Changes to predict, and then to make on a real broker: a table. Every name begins with its case's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mqadmin.rabbit.effects.change import (
    Bind,
    Change,
    DeclareExchange,
    DeclareQueue,
    DeleteExchange,
    DeletePolicy,
    DeleteQueue,
    PurgeQueue,
    PutPolicy,
    Unbind,
)
from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, PolicyInfo

Definition = Mapping[str, Any]


@dataclass(frozen=True)
class Q:
    """A queue with `count` messages of 100 bytes, of which `unacked` are taken and not acked, and consumers."""

    name: str = "q"
    type: str = "classic"
    count: int = 0
    arguments: Definition = field(default_factory=dict)
    unacked: int = 0
    consumers: int = 0


@dataclass(frozen=True)
class X:
    name: str = "x"
    type: str = "direct"
    auto_delete: bool = False
    arguments: Definition = field(default_factory=dict)


@dataclass(frozen=True)
class B:
    source: str = "x"
    destination: str = "q"
    key: str = "k"
    kind: str = "queue"


@dataclass(frozen=True)
class P:
    """A policy; `pattern` follows the case's name."""

    definition: Definition
    name: str = "p"
    priority: int = 0
    apply_to: str = "all"
    by_operator: bool = False
    pattern: str = ""


@dataclass(frozen=True)
class Case:
    """What is there, what changes, and what is looked at besides: `publish` (exchange, key) before and after it.

    `dies`: a message of this queue is rejected after it. `expires`: a queue that must be gone in the end. `comes`:
    a queue to which a message is published after it, and which must be empty in the end. `since`, `until`: the
    first version, and the first one without it.
    """

    name: str
    change: Callable[[Named], Change]
    there: tuple[Q | X | B | P, ...] = ()
    publish: tuple[tuple[str, str], ...] = ()
    dies: str = ""
    expires: str = ""
    comes: str = ""
    since: tuple[int, int] = (3, 0)
    until: tuple[int, int] = (9, 0)


@dataclass(frozen=True)
class Named:
    """Gives the things of a case their names, in a virtual host."""

    vhost: str
    case: str

    def __call__(self, name: str) -> str:
        return f"{self.case}.{name}" if name and not name.startswith("amq.") else name

    def policy(self, item: P) -> PolicyInfo:
        pattern = f"^{self.case}\\.{item.pattern}"
        return PolicyInfo(
            self.vhost,
            self(item.name),
            pattern,
            item.priority,
            self.definition(item.definition),
            item.apply_to,
        )

    def exchange(self, item: X) -> ExchangeInfo:
        return ExchangeInfo(
            self.vhost,
            self(item.name),
            item.type,
            auto_delete=item.auto_delete,
            arguments=self.definition(item.arguments),
        )

    def binding(self, item: B) -> BindingInfo:
        key = item.key if item.source else self(item.destination)
        return BindingInfo(self.vhost, self(item.source), self(item.destination), item.kind, key)

    def definition(self, item: Definition) -> dict[str, Any]:
        """Return it with the names of exchanges and queues in it made the case's own."""
        named = ("dead-letter-exchange", "dead-letter-routing-key", "alternate-exchange")
        return {key: self(value) if key.removeprefix("x-") in named else value for key, value in item.items()}


def put(definition: Definition, **more: Any) -> Callable[[Named], Change]:
    """Set the case's policy."""
    item = P(definition, **more)
    return lambda named: PutPolicy(named.policy(item), item.by_operator)


def drop(name: str = "p", *, by_operator: bool = False) -> Callable[[Named], Change]:
    return lambda named: DeletePolicy(named(name), by_operator)


def declare(type: str = "classic", **arguments: Any) -> Callable[[Named], Change]:
    """Declare queue `new`."""
    given = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
    if type != "classic":
        given["x-queue-type"] = type
    return lambda named: DeclareQueue(named("new"), type, arguments=named.definition(given))


def delete_queue(name: str = "q") -> Callable[[Named], Change]:
    return lambda named: DeleteQueue(named(name))


def delete_exchange(name: str = "x") -> Callable[[Named], Change]:
    return lambda named: DeleteExchange(named(name))


def bind(*given: Any) -> Callable[[Named], Change]:
    return lambda named: Bind(named.binding(B(*given)))


def unbind(*given: Any) -> Callable[[Named], Change]:
    return lambda named: Unbind(named.binding(B(*given)))


def _lengths() -> list[Case]:
    full, four = 10, {"max-length": 4}
    both = tuple(Q(name, name, full) for name in ("classic", "quorum"))
    refuse = {"x-overflow": "reject-publish"}
    found = [
        Case("len", put(four), both),
        Case("zero", put({"max-length": 0}), both),
        Case("roomy", put({"max-length": 10}), both),
        Case("bytes", put({"max-length-bytes": 450}), both),
        Case("counted", put({"max-length": 7, "max-length-bytes": 450}), both),
        Case("refusing", put({**four, "overflow": "reject-publish"}), both),
        Case("dlx-refusing", put({**four, "overflow": "reject-publish-dlx"}), both),
        Case(
            "refused-before",
            put({**four, "overflow": "reject-publish"}),
            (*both, P({"overflow": "reject-publish"})),
        ),
        Case("no-longer", put(four), (*both, P({"overflow": "reject-publish", "max-length": 10}))),
        Case("by-operator", put(four, by_operator=True), (*both, P({"max-length": 20}))),
        Case("operator-wider", put({"max-length": 20}, by_operator=True), (*both, P({"max-length": 12}))),
        Case(
            "operator-goes",
            drop(by_operator=True),
            (*both, P({"max-length": 12}, by_operator=True), P({"max-length": 20})),
        ),
        Case("goes", drop(), (*both, P({"max-length": 12}))),
        Case(
            "stricter-argument",
            put({"max-length": 8}),
            tuple(Q(item.name, item.type, 3, {"x-max-length": 3}) for item in both),
        ),
        Case(
            "looser-argument",
            put(four),
            tuple(Q(item.name, item.type, 8, {"x-max-length": 8}) for item in both),
        ),
        Case(
            "argument-refuses",
            put({**four, "overflow": "drop-head"}),
            tuple(Q(item.name, item.type, full, refuse) for item in both),
        ),
        Case(
            "argument-drops",
            put({**four, "overflow": "reject-publish"}),
            tuple(Q(item.name, item.type, full, {"x-overflow": "drop-head"}) for item in both),
        ),
        Case(
            "dead-lettered",
            put(
                {**four, "dead-letter-exchange": "", "dead-letter-routing-key": "dlq"},
                pattern="(classic|quorum)$",
            ),
            (*both, Q("dlq")),
        ),
        Case("in-hand", put(four), tuple(Q(item.name, item.type, full, unacked=3) for item in both)),
        Case(
            "purged",
            lambda named: PurgeQueue(named("quorum")),
            tuple(Q(item.name, item.type, full, unacked=2) for item in both),
        ),
        Case("streamed", put({"max-length-bytes": 1000}), (*both, Q("stream", "stream"))),
    ]
    return found


def _policies() -> list[Case]:
    types = tuple(Q(name, name) for name in ("classic", "quorum", "stream"))
    keys: dict[str, Definition] = {
        "key-age": {"max-age": "1D"},
        "key-limit": {"delivery-limit": 5},
        "key-ttl": {"message-ttl": 900_000},
        "key-mixed": {"max-length-bytes": 1_000_000, "delivery-limit": 5},
        "key-segment": {"stream-max-segment-size-bytes": 1_000_000},
        "key-locator": {"queue-leader-locator": "client-local"},
        "key-memory": {"max-in-memory-length": 5},
        "key-mode": {"queue-mode": "lazy"},
        "key-strategy": {"dead-letter-strategy": "at-least-once"},
        "key-size": {"initial-cluster-size": 1},
    }
    most = {"max-length-bytes": 1_000_000}
    less = {"max-length-bytes": 900_000}
    return [
        *(Case(name, put(definition), types) for name, definition in keys.items()),
        Case("key-group", put({"target-group-size": 1}), types, since=(4, 0)),
        Case("key-timeout", put({"consumer-timeout": 900_000}), types, since=(4, 0)),
        Case(
            "key-delayed", put({"delayed-retry-type": "all", "delayed-retry-min": 1000}), types, since=(4, 3)
        ),
        *(Case(f"to-{to.replace('_', '-')}", put(most, apply_to=to), types) for to in ("all", "queues")),
        *(
            Case(f"to-{to.replace('_', '-')}", put(most, apply_to=to), types, since=(4, 0))
            for to in ("classic_queues", "quorum_queues", "streams")
        ),
        Case("higher", put(less, name="h", priority=5), (*types, P(most))),
        Case("lower", put(less, name="h", priority=-5), (*types, P(most))),
        Case("falls-back", drop("h"), (*types, P(most), P(less, "h", 3))),
        Case("passed-over", put({**less, "max-age": "1D"}, name="h", priority=9), (*types, P(most))),
        Case("narrower", put(most, pattern="c"), (*types, P(most))),
        Case(
            "tied-as-before",
            put({"max-length-bytes": 800_000}, name="a"),
            (*types, P(most, "a"), P(less, "b"), P(less, "c")),
        ),
        Case(
            "merged-limit", put({"delivery-limit": 9}, by_operator=True), (*types, P({"delivery-limit": 5}))
        ),
        Case(
            "merged-none",
            put({"delivery-limit": 9}, by_operator=True),
            (*types, P({"delivery-limit": -1})),
            since=(4, 0),
        ),
        Case(
            "merged-overflow",
            put({"overflow": "reject-publish"}, by_operator=True),
            (*types, P({"overflow": "drop-head"})),
            since=(4, 0),
        ),
        Case("anywhere", put(most, pattern=".*tru"), (Q("in-trunk"), Q("in-trnk"))),
        Case("classes", put(most, pattern="[a-c]{2}\\d+$"), (Q("ab12"), Q("ab"), Q("xab1"))),
        Case("new-queue", declare("quorum"), (P({"max-length": 4, "delivery-limit": 3}),)),
        Case("new-stream", declare("stream"), (P({"max-length": 4}),)),
        Case("new-again", declare(), (Q("new", count=2),)),
        Case("new-otherwise", declare("quorum"), (Q("new", count=2),)),
    ]


def _times() -> list[Case]:
    both = tuple(Q(name, name, 3) for name in ("classic", "quorum"))
    return [
        Case("ttl-stays", put({"message-ttl": 1}), both),
        Case("ttl-comes", put({"message-ttl": 200}), (Q("classic"), Q("quorum", "quorum")), comes="classic"),
        Case("ttl-comes-quorum", put({"message-ttl": 200}), (Q("quorum", "quorum"),), comes="quorum"),
        Case("unused", put({"expires": 300}), (Q("q", count=3),), expires="q"),
        Case("unused-quorum", put({"expires": 300}), (Q("q", "quorum", 3),), expires="q"),
        Case("used", put({"expires": 300}), (Q("q", consumers=1),)),
    ]


def _ways() -> list[Case]:
    x, fan, topic = X(), X("f", "fanout"), X("t", "topic")
    two = (Q("q"), Q("r"))
    return [
        Case("unbound", unbind(), (*two, x, B(), B("x", "r")), publish=(("x", "k"), ("x", "other"))),
        Case("unbound-last", unbind(), (Q(), x, B()), publish=(("x", "k"),)),
        Case(
            "unbound-same-key",
            unbind("x", "q", "a"),
            (Q(), x, B("x", "q", "a"), B("x", "q", "b")),
            publish=(("x", "a"), ("x", "b")),
        ),
        Case(
            "unbound-topic",
            unbind("t", "q", "a.*"),
            (*two, topic, B("t", "q", "a.*"), B("t", "r", "#")),
            publish=(("t", "a.b"),),
        ),
        Case(
            "still-bound",
            unbind("t", "q", "a.*"),
            (Q(), topic, B("t", "q", "a.*"), B("t", "q", "#")),
            publish=(("t", "a.b"),),
        ),
        Case("bound", bind(), (Q(), x), publish=(("x", "k"),)),
        Case("bound-fanout", bind("f", "q", ""), (Q(), fan), publish=(("f", ""),)),
        Case("bound-again", bind(), (Q(), x, B()), publish=(("x", "k"),)),
        Case(
            "bound-exchange",
            bind("x", "f", "k", "exchange"),
            (Q(), x, fan, B("f", "q", "")),
            publish=(("x", "k"),),
        ),
        Case(
            "unbound-exchange",
            unbind("x", "f", "k", "exchange"),
            (Q(), x, fan, B("x", "f", "k", "exchange"), B("f", "q", "")),
            publish=(("x", "k"),),
        ),
        Case("exchange", delete_exchange(), (*two, x, B(), B("x", "r", "j")), publish=(("x", "k"),)),
        Case(
            "exchange-between",
            delete_exchange("f"),
            (Q(), x, fan, B("x", "f", "k", "exchange"), B("f", "q", "")),
            publish=(("x", "k"),),
        ),
        Case("goes-along", unbind(), (Q(), X(auto_delete=True), B()), publish=(("x", "k"),)),
        Case(
            "stays-along",
            unbind(),
            (Q(), X(auto_delete=True), B(), B("x", "q", "j")),
            publish=(("x", "k"), ("x", "j")),
        ),
        Case(
            "chain",
            delete_queue(),
            (
                Q(),
                Q("r"),
                X("a", auto_delete=True),
                X("b", auto_delete=True),
                B("a", "b", "k", "exchange"),
                B("b", "q", "k"),
            ),
            publish=(("", "q"),),
        ),
        Case(
            "chain-stops",
            delete_queue(),
            (
                Q(),
                Q("r"),
                X("a"),
                X("b", auto_delete=True),
                B("a", "b", "k", "exchange"),
                B("a", "r", "k"),
                B("b", "q", "k"),
            ),
            publish=(("a", "k"),),
        ),
        Case("queue", delete_queue(), (Q(count=4), x, B()), publish=(("x", "k"),)),
        Case("queue-used", delete_queue(), (Q(count=0, consumers=2),)),
        Case("queue-in-hand", delete_queue(), (Q("q", "quorum", 4, unacked=2),)),
        Case("queue-again", declare(), (), publish=(("", "new"),)),
        Case(
            "alternate",
            put({"alternate-exchange": "f"}, pattern="x$", apply_to="exchanges"),
            (Q(), x, fan, B("f", "q", "")),
            publish=(("x", "k"),),
        ),
        Case(
            "alternate-argument",
            delete_exchange("f"),
            (Q(), X(arguments={"alternate-exchange": "f"}), fan, B("f", "q", "")),
            publish=(("x", "k"),),
        ),
        Case(
            "alternate-goes",
            drop(),
            (Q(), x, fan, B("f", "q", ""), P({"alternate-exchange": "f"}, pattern="x$")),
            publish=(("x", "k"),),
        ),
        Case(
            "alternate-kept",
            put({"alternate-exchange": "y"}, pattern="x$", apply_to="exchanges"),
            (Q(), X(arguments={"alternate-exchange": "f"}), fan, B("f", "q", "")),
            publish=(("x", "k"),),
        ),
        Case("exchange-new", lambda named: DeclareExchange(named.exchange(X("n", "topic"))), ()),
        Case("exchange-other", lambda named: DeclareExchange(named.exchange(X("x", "topic"))), (x,)),
        Case("unbound-not", unbind("x", "q", "none"), (Q(), x, B())),
        Case(
            "headers", unbind("h", "q", ""), (Q(), X("h", "headers"), B("h", "q", "")), publish=(("h", ""),)
        ),
    ]


def _letters() -> list[Case]:
    dlx = {"dead-letter-exchange": "d"}
    there = (Q("dlq"), X("d", "fanout"), B("d", "dlq", ""))
    source = Q("q", count=2, arguments={"x-dead-letter-exchange": "d"})
    return [
        Case("letters-exchange", delete_exchange("d"), (source, *there), dies="q"),
        Case("letters-unbound", unbind("d", "dlq", ""), (source, *there), dies="q"),
        Case("letters-queue", delete_queue("dlq"), (source, *there), dies="q"),
        Case("letters-policy", put(dlx, pattern="q"), (Q("q", count=2), *there), dies="q"),
        Case(
            "letters-missing",
            put({"dead-letter-exchange": "none"}, pattern="q"),
            (Q("q", "quorum", 2), *there),
            dies="q",
        ),
        Case(
            "letters-argument", put({"dead-letter-exchange": "none"}, pattern="q"), (source, *there), dies="q"
        ),
        Case("letters-end", drop(), (Q("q", count=2), *there, P(dlx, pattern="q")), dies="q"),
        Case("letters-elsewhere", bind("d", "r", ""), (source, *there, Q("r")), dies="q"),
        Case(
            "letters-key",
            put({"dead-letter-exchange": "", "dead-letter-routing-key": "dlq"}, pattern="q"),
            (Q("q", "quorum", 2), Q("dlq")),
            dies="q",
        ),
        Case(
            "letters-no-key",
            delete_queue("dlq"),
            (
                Q("q", count=2, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dlq"}),
                Q("dlq"),
            ),
            dies="q",
        ),
    ]


CASES = [*_lengths(), *_policies(), *_times(), *_ways(), *_letters()]
