"""What the broker would refuse, or take and do nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mqadmin.rabbit.effects import applying
from mqadmin.rabbit.effects.change import (
    Bind,
    Change,
    DeclareExchange,
    DeclareQueue,
    DeleteExchange,
    DeletePolicy,
    DeleteQueue,
    PurgeQueue,
    Unbind,
)
from mqadmin.rabbit.effects.effect import Code, Statement
from mqadmin.rabbit.effects.state import VhostState
from mqadmin.rabbit.types import ExchangeInfo, QueueInfo


def of(state: VhostState, change: Change) -> Iterator[Statement]:
    """Yield why nothing would change: "stops" where the broker refuses, "tells" where it takes it."""
    match change:
        case DeclareQueue(name=name):
            yield from _declared(state, change)
        case DeclareExchange(exchange=exchange) if exchange.name in state.exchanges:
            is_same = _kind(state.exchanges[exchange.name]) == _kind(exchange)
            yield _said("exists" if is_same else "differs", "exchange", exchange.name)
        case DeleteExchange(name=name) if name not in state.exchanges:
            yield _said("missing", "exchange", name)
        case DeleteQueue(name=name) | PurgeQueue(name=name) if name not in state.queues:
            yield _said("missing", "queue", name)
        case Unbind(binding=binding) if not any(applying.same(binding, item) for item in state.bindings):
            yield _said("missing", "binding", binding.routing_key)
        case Bind(binding=binding):
            if binding.source not in state.exchanges:
                yield _said("missing", "exchange", binding.source)
            there = state.queues if binding.destination_type == "queue" else state.exchanges
            if binding.destination not in there:
                yield _said("missing", binding.destination_type, binding.destination)
        case DeletePolicy(name=name, by_operator=by_operator):
            kind = state.operator_policies if by_operator else state.policies
            is_hidden = ("operator_policies" if by_operator else "policies") in state.hidden
            if not is_hidden and not any(item.name == name for item in kind):
                yield _said("missing", "policy", name)


def _declared(state: VhostState, change: DeclareQueue) -> Iterator[Statement]:
    known = state.queues.get(change.name)
    if known is not None:
        is_same = _queue(known) == _queue(applying.declared(state.vhost, change))
        yield _said("exists" if is_same else "differs", "queue", change.name)
    elif applying.is_full(state):
        yield Statement("no_room", "stops", change.name, {"limit": state.limits["max-queues"]})


def _said(code: Code, kind: str, name: str) -> Statement:
    level = "tells" if code == "exists" else "stops"
    return Statement(code, level, params={"kind": kind, "name": name})  # type: ignore[arg-type]


def _queue(info: QueueInfo) -> tuple[Any, ...]:
    """Return what must be the same for a declaration to be one (rabbit_amqqueue:assert_equivalence/5)."""
    arguments = {key: value for key, value in info.arguments.items() if key != "x-queue-type"}
    return info.type, info.durable, info.auto_delete, arguments


def _kind(info: ExchangeInfo) -> tuple[Any, ...]:
    return info.type, info.durable, info.auto_delete, dict(info.arguments)
