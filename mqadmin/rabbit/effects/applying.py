"""What there is after a change: its objects, and those that go with them. Pure.

What goes along: the bindings of what goes (rabbit_binding:remove_for_source/1, remove_for_destination/2), and each
exchange that is auto-delete and whose last binding as a source goes (rabbit_exchange:maybe_auto_delete/2). No queue
goes for a binding: a queue that is auto-delete goes with its last consumer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mqadmin.rabbit.effects.change import (
    Bind,
    Change,
    DeclareExchange,
    DeclareQueue,
    DeleteExchange,
    DeletePolicy,
    DeleteQueue,
    DeleteVhost,
    DeleteVhostLimit,
    PurgeQueue,
    PutPolicy,
    PutVhostLimit,
    Unbind,
)
from mqadmin.rabbit.effects.state import VhostState
from mqadmin.rabbit.topology.routing import DEFAULT_EXCHANGE
from mqadmin.rabbit.types import BindingInfo, PolicyInfo, QueueInfo


def after(state: VhostState, change: Change) -> VhostState:
    """Return the virtual host as it is after the change, with the same numbers of messages in its queues.

    What the broker would refuse changes nothing: see `refusals`.
    """
    match change:
        case PutPolicy(policy=policy, by_operator=by_operator):
            return _with_policies(state, by_operator, _put(_kind(state, by_operator), policy))
        case DeletePolicy(name=name, by_operator=by_operator):
            left = tuple(item for item in _kind(state, by_operator) if item.name != name)
            return _with_policies(state, by_operator, left)
        case PutVhostLimit(name=name, value=value):
            return replace(state, limits={**state.limits, name: value})
        case DeleteVhostLimit(name=name):
            return replace(state, limits={key: item for key, item in state.limits.items() if key != name})
        case DeleteVhost():
            return VhostState(state.vhost, version=state.version, hidden=state.hidden, exists=False)
        case _:
            return _topology(state, change)


def _topology(state: VhostState, change: Change) -> VhostState:
    match change:
        case Bind(binding=binding):
            is_new = all(not same(binding, item) for item in state.bindings)
            return replace(state, bindings=(*state.bindings, binding)) if is_new else state
        case Unbind(binding=binding):
            return _without_bindings(state, [item for item in state.bindings if same(binding, item)])
        case DeclareExchange(exchange=exchange):
            exchanges = {exchange.name: exchange, **state.exchanges}
            return replace(state, exchanges=exchanges)
        case DeleteExchange(name=name):
            return _without_exchange(state, name)
        case DeclareQueue(name=name):
            if name in state.queues or is_full(state):
                return state
            return replace(state, queues={**state.queues, name: declared(state.vhost, change)})
        case DeleteQueue(name=name):
            queues = {key: item for key, item in state.queues.items() if key != name}
            gone = [item for item in state.bindings if _place(item) == ("queue", name)]
            return _without_bindings(replace(state, queues=queues), gone)
        case PurgeQueue(name=name) if name in state.queues:
            info = replace(state.queues[name], ready=0)
            return replace(state, queues={**state.queues, name: info})
        case _:
            return state


def is_full(state: VhostState) -> bool:
    """Whether the virtual host has as many queues as it may (rabbit_vhost_limit:is_over_queue_limit/1)."""
    limit = state.limits.get("max-queues")
    return limit is not None and 0 <= limit <= len(state.queues)


def declared(vhost: str, change: DeclareQueue) -> QueueInfo:
    """Return the queue that is declared, empty."""
    return QueueInfo(
        vhost,
        change.name,
        change.type,
        durable=change.durable,
        auto_delete=change.auto_delete,
        ready=0,
        unacked=0,
        total=0,
        consumers=0,
        message_bytes=0,
        arguments=change.arguments,
    )


def same(one: BindingInfo, other: BindingInfo) -> bool:
    """Whether two are one and the same binding to RabbitMQ."""
    return (
        _place(one) == _place(other)
        and (one.source, one.routing_key) == (other.source, other.routing_key)
        and dict(one.arguments) == dict(other.arguments)
    )


def _place(binding: BindingInfo) -> tuple[str, str]:
    return binding.destination_type, binding.destination


def _without_bindings(state: VhostState, gone: Iterable[BindingInfo]) -> VhostState:
    going = list(gone)
    if not going:
        return state
    ids = {id(item) for item in going}
    state = replace(state, bindings=tuple(item for item in state.bindings if id(item) not in ids))
    sources = {item.source for item in state.bindings}
    for name in dict.fromkeys(item.source for item in going):
        exchange = state.exchanges.get(name)
        is_last = name != DEFAULT_EXCHANGE and name not in sources
        if exchange is not None and exchange.auto_delete and is_last:
            state = _without_exchange(state, name)
    return state


def _without_exchange(state: VhostState, name: str) -> VhostState:
    exchanges = {key: item for key, item in state.exchanges.items() if key != name}
    kept = tuple(item for item in state.bindings if item.source != name)
    gone = [item for item in kept if _place(item) == ("exchange", name)]
    return _without_bindings(replace(state, exchanges=exchanges, bindings=kept), gone)


def _kind(state: VhostState, by_operator: bool) -> tuple[PolicyInfo, ...]:
    return state.operator_policies if by_operator else state.policies


def _with_policies(state: VhostState, by_operator: bool, policies: tuple[PolicyInfo, ...]) -> VhostState:
    if by_operator:
        return replace(state, operator_policies=policies)
    return replace(state, policies=policies)


def _put(policies: tuple[PolicyInfo, ...], policy: PolicyInfo) -> tuple[PolicyInfo, ...]:
    if any(item.name == policy.name for item in policies):
        return tuple(policy if item.name == policy.name else item for item in policies)
    return (*policies, policy)
