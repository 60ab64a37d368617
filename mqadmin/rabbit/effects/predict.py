"""What a change would do to a virtual host, computed with RabbitMQ's own rules and nothing else. Pure.

It is true of the state that it is given: how old that is, whoever gathered it knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from mqadmin.rabbit.effects import applying, effective, letters, messages, refusals, routes, vhosts
from mqadmin.rabbit.effects.change import Change, DeletePolicy, DeleteVhost, PurgeQueue, PutPolicy
from mqadmin.rabbit.effects.effect import ORDER, Effect, QueueEffect, Statement
from mqadmin.rabbit.effects.effective import Applied, Rules
from mqadmin.rabbit.effects.routes import RouteChange
from mqadmin.rabbit.effects.state import VhostState
from mqadmin.rabbit.topology import policies
from mqadmin.rabbit.topology.patterns import matches
from mqadmin.rabbit.types import PolicyInfo, QueueInfo

ByName = Mapping[str, Applied]


def predict(state: VhostState, change: Change) -> Effect:
    """Return what `change` would do to the virtual host `state`. Seconds for a virtual host of 10,000 queues."""
    refused = list(refusals.of(state, change))
    if any(item.level == "stops" for item in refused):
        return Effect(statements=tuple(refused))
    after = applying.after(state, change)
    before_by, after_by = _policies(state, after, change)
    old, new = _in_force(state, before_by), _in_force(after, after_by)
    old, new, exchange_policies = _with_alternates(state, old, after, new, change)
    found = () if isinstance(change, DeleteVhost) else tuple(routes.changed(old, new))
    queues = tuple(_queues(old, new, before_by, after_by, change))
    gone = tuple(name for name in state.exchanges if name not in after.exchanges)
    said = [
        *refused,
        *vhosts.statements(state, after, change),
        *(item for queue in queues for item in queue.statements),
        *_of_exchanges(gone, change),
        *_refused(found),
        *(item for route in found for item in _of_route(route)),
        *(Statement("hidden", "unknown", params={"what": what}) for what in sorted(state.hidden - {"order"})),
    ]
    kept, was = {id(item) for item in after.bindings}, {id(item) for item in state.bindings}
    return Effect(
        queues=queues,
        exchanges_gone=gone,
        exchanges_new=tuple(name for name in after.exchanges if name not in state.exchanges),
        bindings_gone=tuple(item for item in state.bindings if id(item) not in kept),
        bindings_new=tuple(item for item in after.bindings if id(item) not in was),
        routes=found,
        exchange_policies=exchange_policies,
        statements=tuple(sorted(said, key=lambda item: ORDER.index(item.level))),
    )


def _policies(state: VhostState, after: VhostState, change: Change) -> tuple[ByName, ByName]:
    """Return what applies to each queue before and after; worked out anew only where it may be something else."""
    rules, later = Rules(state), Rules(after)
    before = {name: rules.of_queue(info) for name, info in state.queues.items()}
    touched: set[str] = set()
    if isinstance(change, PutPolicy | DeletePolicy):
        patterns = [item.pattern for item in _of_name(state, after, change)]
        touched = {name for name in before if any(matches(item, name) is not False for item in patterns)}
    return before, {
        name: before[name] if name in before and name not in touched else later.of_queue(info, rules)
        for name, info in after.queues.items()
    }


def _of_name(state: VhostState, after: VhostState, change: PutPolicy | DeletePolicy) -> list[PolicyInfo]:
    name = change.policy.name if isinstance(change, PutPolicy) else change.name
    found = []
    for one in (state, after):
        kind = one.operator_policies if change.by_operator else one.policies
        found += [item for item in kind if item.name == name]
    return found


def _in_force(state: VhostState, applied: ByName) -> VhostState:
    queues = {name: effective.with_policy(info, applied[name]) for name, info in state.queues.items()}
    return replace(state, queues=queues)


def _with_alternates(
    state: VhostState, old: VhostState, after: VhostState, new: VhostState, change: Change
) -> tuple[VhostState, VhostState, dict[str, tuple[Applied, Applied]]]:
    """Return both states with the alternate exchanges that are in force, and the exchanges whose policy changes."""
    rules, later = Rules(state), Rules(after)
    was = {name: rules.of_exchange(info) for name, info in state.exchanges.items()}
    may_differ = isinstance(change, PutPolicy | DeletePolicy)
    now = {
        name: was[name] if name in was and not may_differ else later.of_exchange(info, rules)
        for name, info in after.exchanges.items()
    }
    differing = {name: (was[name], now[name]) for name in now if name in was and was[name] != now[name]}
    return _alternates(old, was), _alternates(new, now), differing


def _alternates(state: VhostState, applied: ByName) -> VhostState:
    exchanges = {
        name: replace(info, alternate_exchange=effective.alternate_exchange(info, applied[name]))
        for name, info in state.exchanges.items()
    }
    return replace(state, exchanges=exchanges)


def _queues(
    old: VhostState, new: VhostState, before: ByName, after: ByName, change: Change
) -> Iterator[QueueEffect]:
    said = letters.statements(old, new) if new.exists else {}
    table = letters.table(new)
    for name in sorted(old.queues.keys() | new.queues.keys()):
        was, now = old.queues.get(name), new.queues.get(name)
        if now is None and was is not None:
            yield QueueEffect(
                name, was.type, before[name], None, statements=tuple(vhosts.queue_gone(was, change))
            )
        elif was is None and now is not None:
            told = (*_unclear(after[name]), *said.get(name, ()))
            yield QueueEffect(name, now.type, None, after[name], 0, 0, statements=_named(name, told))
        elif was is not None and now is not None:
            passed = _passed_over(now, new, change)
            is_touched = before[name] != after[name] or passed or name in said
            if is_touched or (isinstance(change, PurgeQueue) and change.name == name):
                told = (*passed, *said.get(name, ()))
                yield _changed(was, now, before[name], after[name], told, letters.arriving(now, table))


def _changed(
    was: QueueInfo,
    now: QueueInfo,
    before: Applied,
    after: Applied,
    said: tuple[Statement, ...],
    to: tuple[str, ...],
) -> QueueEffect:
    told = [*_unclear(after), *said]
    count, in_bytes = 0, False
    if after.unclear:
        most = max(
            (messages.dropped(was, replace(now, effective_policy=item))[0] for item in after.choices),
            default=0,
        )
        told += [Statement("perhaps_dropped", "loses", params={"count": most})] if most else []
    elif before.definition != after.definition:
        count, _limit, in_bytes = messages.dropped(was, now)
        told += messages.statements(was, now, to)
    if was.ready != now.ready:
        told.append(Statement("purged", "loses", params={"messages": was.ready}))
    is_known = now.ready is not None and now.type != "stream" and not after.unclear
    ready = (now.ready or 0) - count if is_known else None
    return QueueEffect(
        now.name, now.type, before, after, ready, now.consumers, in_bytes, _named(now.name, tuple(told))
    )


def _named(name: str, said: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(replace(item, queue=name) for item in said)


def _unclear(applied: Applied) -> tuple[Statement, ...]:
    if not applied.unclear:
        return ()
    return (Statement("unclear", "unknown", params={"policies": applied.unclear}),)


def _passed_over(info: QueueInfo, state: VhostState, change: Change) -> tuple[Statement, ...]:
    """Say of a policy that is set that it would match a queue, were it not for keys that are not for its type."""
    if not isinstance(change, PutPolicy) or not matches(change.policy.pattern, info.name):
        return ()
    keys = policies.not_taken(info.type, change.policy.definition, state.version)
    alone = replace(change.policy, definition={}, vhost=info.vhost)
    if not keys or not policies.winner(info, [alone], state.version).policies:
        return ()
    return (Statement("passed_over", "tells", params={"policy": change.policy.name, "keys": keys}),)


def _of_exchanges(gone: tuple[str, ...], change: Change) -> Iterator[Statement]:
    if isinstance(change, DeleteVhost):
        return
    for name in gone:
        is_named = name == getattr(change, "name", None)
        code = "exchange_deleted" if is_named else "exchange_goes_along"
        yield Statement(code, "stops", params={"exchange": name})  # type: ignore[arg-type]


def _refused(found: Iterable[RouteChange]) -> Iterator[Statement]:
    """Say of each exchange that is gone once who loses the channel, with the routing keys that led somewhere."""
    keys: dict[str, list[str | None]] = {}
    for route in found:
        if route.refused:
            keys.setdefault(route.exchange, []).append(route.routing_key)
    for exchange, led in keys.items():
        yield Statement("refused", "stops", params={"exchange": exchange, "keys": tuple(led)})


def _of_route(route: RouteChange) -> Iterator[Statement]:
    where = {"exchange": route.exchange, "routing_key": route.routing_key}
    if route.unroutable and not route.refused:  # refused: said of all its keys at once
        yield Statement("unroutable", "loses", params={**where, "queues": route.lost, "sure": route.is_sure})
    elif not route.refused:
        for name in route.lost:
            yield Statement("stops_getting", "stops", name, {**where, "sure": route.is_sure})
    for name in route.gained:
        yield Statement("starts_getting", "tells", name, {**where, "sure": route.is_sure})
