"""Predicted, then made on a real broker: prediction and effect are equal. All share one virtual host."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pika
import pytest

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.effects.change import DeclareQueue, DeleteVhost, PutVhostLimit
from mqadmin.rabbit.effects.effect import Effect, QueueEffect
from mqadmin.rabbit.effects.predict import predict
from mqadmin.rabbit.effects.routes import RouteChange
from mqadmin.rabbit.effects.state import VhostState
from mqadmin.rabbit.management_api.gathering import gather
from mqadmin.rabbit.topology.routing import topic_matches
from mqadmin.rabbit.types import BindingInfo, QueueInfo
from tests.rabbit.effects.cases import CASES, Case, Named, Q, put
from tests.rabbit.effects.making import Client, Reached, client, make
from tests.support.management import Management
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker
REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """One case: what was there, what was predicted, whether the broker took it and where messages went.

    `counts`: of the queues after the change, before a message was rejected.
    """

    case: Case
    named: Named
    state: VhostState
    effect: Effect
    taken: bool
    before: Mapping[tuple[str, str], Reached]
    after: Mapping[tuple[str, str], Reached]
    counts: Mapping[str, int | None]
    cancelled: frozenset[str]


@dataclass
class World:
    """All cases after their changes, and the virtual host as it is then."""

    outcomes: Mapping[str, Outcome]
    now: VhostState
    amqp: Client

    def picture(self, name: str) -> dict[str, Any]:
        """Return what is there of a case, as the broker tells it."""
        outcome = self.outcomes[name]
        named = outcome.named
        return {
            "queues": {
                queue: {
                    "policy": info.policy or "",
                    "operator_policy": info.operator_policy or "",
                    "definition": info.effective_policy,
                    "ready": self.amqp.ready(queue) if _is_counted(outcome.case, info) else None,
                }
                for queue, info in self.now.queues.items()
                if queue.startswith(f"{named.case}.")
            },
            "exchanges": {
                exchange: info.policy or ""
                for exchange, info in self.now.exchanges.items()
                if exchange.startswith(f"{named.case}.")
            },
            "bindings": _bindings(named, self.now.bindings),
        }


def predicted(outcome: Outcome) -> dict[str, Any]:
    """Return what must be there of a case by its prediction."""
    named, effect, state = outcome.named, outcome.effect, outcome.state
    queues = {
        queue: {
            "policy": info.policy or "",
            "operator_policy": info.operator_policy or "",
            "definition": info.effective_policy,
            "ready": info.ready if _is_counted(outcome.case, info) else None,
        }
        for queue, info in state.queues.items()
        if queue.startswith(f"{named.case}.")
    }
    for item in effect.queues:
        assert item.queue.startswith(f"{named.case}."), "what is not of the case is not touched"
        if item.after is None:
            del queues[item.queue]
            continue
        queues[item.queue] = {
            "policy": item.after.policy,
            "operator_policy": item.after.operator_policy,
            "definition": item.after.definition,
            "ready": item.ready if _is_counted(outcome.case, item) else None,
        }
    for said in effect.statements:
        if said.code == "queue_expires" and not said.params["in_use"]:
            del queues[said.queue]
        if said.code == "dead_lettered":
            for queue in said.params["to"]:
                queues[queue]["ready"] += said.params["count"]
    exchanges = {
        name: info.policy or ""
        for name, info in state.exchanges.items()
        if name.startswith(f"{named.case}.") and name not in effect.exchanges_gone
    }
    exchanges |= {name: after.policy for name, (_before, after) in effect.exchange_policies.items()}
    exchanges |= dict.fromkeys(effect.exchanges_new, "")
    gone = {id(item) for item in effect.bindings_gone}
    left = [item for item in state.bindings if id(item) not in gone]
    return {
        "queues": queues,
        "exchanges": exchanges,
        "bindings": _bindings(named, [*left, *effect.bindings_new]),
    }


def _is_counted(case: Case, queue: QueueInfo | QueueEffect) -> bool:
    """Whether the ready messages tell of the change: a stream has none, and some cases publish and take."""
    return queue.type != "stream" and not case.publish and not case.dies


def _bindings(named: Named, bindings: Any) -> set[tuple[str, ...]]:
    def told(item: BindingInfo) -> tuple[str, ...]:
        return item.source, item.destination_type, item.destination, item.routing_key

    return {told(item) for item in bindings if item.source.startswith(f"{named.case}.")}


@pytest.fixture(scope="module")
def world(broker_config: BrokerConfig, amqp_url: str) -> Iterator[World]:
    management = Management(broker_config)
    with temporary_vhost(broker_config, "effects") as vhost, client(amqp_url, vhost) as amqp:
        yield _made(management, vhost, amqp)
    management.close()


def _made(management: Management, vhost: str, amqp: Client) -> World:
    version = management.overview().version
    cases = [case for case in CASES if case.since <= tuple(map(int, version.split(".")[:2])) < case.until]
    named = {case.name: Named(vhost, case.name) for case in cases}
    for case in cases:
        amqp.set_up(management, case, named[case.name])
    state = wait_until(lambda: _as_set_up(management, vhost, cases, named), timeout=30, interval=0.5)
    assert state is not None
    effects = {case.name: predict(state, case.change(named[case.name])) for case in cases}
    outcomes = {
        case.name: _changed(management, amqp, case, named[case.name], state, effects[case.name])
        for case in cases
    }
    found = World(outcomes, state, amqp)
    _settled(management, vhost, found)
    return found


def _as_set_up(
    management: Management, vhost: str, cases: list[Case], named: Mapping[str, Named]
) -> VhostState | None:
    """Return the state once the statistics know of all that is there."""
    state = gather(management, vhost)
    live = management.policies_now(vhost)
    for case in cases:
        for item in case.there:
            if isinstance(item, Q):
                info = state.queues[named[case.name](item.name)]
                # A quorum queue of 3.10 counts who got a message as a consumer, until it is acked.
                consumers = 0 if item.unacked else info.consumers
                known = (info.total, info.unacked, consumers)
                if item.type != "stream" and known != (item.count, item.unacked, item.consumers):
                    return None
                if item.count and not info.message_bytes:
                    return None
                if (info.policy or "") != live.get(info.name, ""):
                    return None
    return state


def _changed(
    management: Management, amqp: Client, case: Case, named: Named, state: VhostState, effect: Effect
) -> Outcome:
    queues = [named(item.name) for item in case.there if isinstance(item, Q)] + [named("new")]
    before = {place: amqp.reached(named, *place, queues) for place in case.publish}
    amqp.cancelled.clear()
    taken = make(management, named.vhost, case.change(named))
    after = {place: amqp.reached(named, *place, queues) for place in case.publish}
    counts = {name: amqp.ready(name) for name in queues}
    if case.dies:
        method, _properties, _body = amqp.open_channel().basic_get(named(case.dies))
        assert method is not None
        assert method.delivery_tag is not None
        amqp.channel.basic_reject(method.delivery_tag, requeue=False)
    if case.comes:
        amqp.open_channel().basic_publish("", named(case.comes), b"")
    amqp.taking.process_data_events()
    return Outcome(case, named, state, effect, taken, before, after, counts, frozenset(amqp.cancelled))


def _settled(management: Management, vhost: str, found: World) -> None:
    """Look until all is as predicted, or for as long as the statistics may need twice: then it is as it is."""

    def is_as_predicted() -> bool:
        found.now = gather(management, vhost)
        live = management.policies_now(vhost)
        if any((info.policy or "") != live.get(name, "") for name, info in found.now.queues.items()):
            return False
        return all(found.picture(name) == predicted(outcome) for name, outcome in found.outcomes.items())

    with contextlib.suppress(AssertionError):
        wait_until(is_as_predicted, timeout=15, interval=0.5)


def test_each_case_is_as_predicted(world: World) -> None:
    """One test of all cases: in tests of their own each worker that gets one would make the world anew."""
    wrong = []
    for name, outcome in world.outcomes.items():
        for look in (what_is_there, where_messages_go, where_dead_letters_go, who_is_cut):
            try:
                look(world, outcome)
            except AssertionError as error:
                wrong.append(f"{name}, {look.__name__}: {error}")
    assert wrong == [], "\n".join(wrong)
    tried = world.outcomes.values()
    assert len(tried) > 50
    assert any(one.case.publish for one in tried)
    assert any(one.case.dies for one in tried)
    assert any(one.cancelled for one in tried)


def what_is_there(world: World, outcome: Outcome) -> None:
    """Check the queues, exchanges and bindings of a case, and whether the broker took the change."""
    assert outcome.taken is not outcome.effect.is_refused
    assert world.picture(outcome.case.name) == predicted(outcome)


def where_messages_go(_world: World, outcome: Outcome) -> None:
    """Check what the messages of a case reached before the change and after it."""
    for (exchange, key), before in outcome.before.items():
        route = _route(outcome, exchange, key)
        lost, gained = (set(route.lost), set(route.gained)) if route else (set(), set())
        was, now = (
            set() if item == REFUSED else set(item) for item in (before, outcome.after[exchange, key])
        )
        assert (was - now, now - was) == (lost, gained)
        assert (outcome.after[exchange, key] == REFUSED) is bool(route and route.refused)
        assert bool(was and not now) is bool(route and route.unroutable)


def where_dead_letters_go(world: World, outcome: Outcome) -> None:
    """Check where the message of a case went that died."""
    if not outcome.case.dies:
        return
    said = [
        item
        for item in outcome.effect.statements
        if item.code in ("letters_lost", "letters_go", "no_letters")
    ]
    there = {key: count for key, count in outcome.counts.items() if key != outcome.named(outcome.case.dies)}
    more = {key for key, count in there.items() if count is not None and world.amqp.ready(key) == count + 1}
    assert len(said) <= 1
    if said:
        assert more == set(said[0].params.get("after", ()))
    else:
        assert len(more) == 1


def who_is_cut(_world: World, outcome: Outcome) -> None:
    """Check how many consumers of a case's queues were cut."""
    if any(isinstance(item, Q) and item.consumers for item in outcome.case.there):
        told = [item.params["count"] for item in outcome.effect.statements if item.code == "consumers_cut"]
        assert sum(told) == len(outcome.cancelled)


def _route(outcome: Outcome, exchange: str, key: str) -> RouteChange | None:
    """Return what is predicted of messages to `exchange` with this key."""
    key = outcome.named(key) if not exchange else key
    there = {
        item.routing_key: item for item in outcome.effect.routes if item.exchange == outcome.named(exchange)
    }
    by_pattern = [item for other, item in there.items() if other and topic_matches(other, key)]
    return there.get(key) or (by_pattern[0] if by_pattern else there.get(None))


@pytest.mark.parametrize(
    ("limit", "value", "codes"),
    [
        ("max-queues", 1, ["queues_full"]),
        ("max-queues", 0, ["queues_full"]),
        ("max-queues", 2, []),
        ("max-queues", -1, []),
        ("max-connections", 0, ["connections_full"]),
    ],
)
def test_a_limit_lets_in_what_is_predicted(
    management: Management, vhost: str, amqp_url: str, limit: str, value: int, codes: list[str]
) -> None:
    management.declare_queue(vhost, "q")
    change = PutVhostLimit(limit, value)
    effect = predict(gather(management, vhost), change)
    assert make(management, vhost, change)
    state = gather(management, vhost)
    assert state.limits == {limit: value}
    again = DeclareQueue("new")
    if limit == "max-queues":
        declared = predict(state, again)
        assert make(management, vhost, again) is not declared.is_refused
        assert declared.is_refused is bool(codes)
    else:
        with pytest.raises(pika.exceptions.AMQPConnectionError), client(amqp_url, vhost):
            pass
    assert [item.code for item in effect.statements] == codes


def test_a_virtual_host_goes_with_all_that_is_in_it(broker_config: BrokerConfig, amqp_url: str) -> None:
    management = Management(broker_config)
    with temporary_vhost(broker_config) as vhost:
        with client(amqp_url, vhost) as amqp:
            amqp.set_up(
                management, Case("c", put({}), (Q("q", count=3), Q("r", "quorum"))), Named(vhost, "c")
            )
        state = wait_until(lambda: _counted(management, vhost), interval=0.5)
        effect = predict(state, DeleteVhost())
        make(management, vhost, DeleteVhost())
        assert vhost not in {item.name for item in management.vhosts()}
        management.create_vhost(vhost)
    assert effect.statements[0].code == "vhost_gone"
    assert effect.statements[0].params["messages"] == 3
    assert [item.after for item in effect.queues] == [None, None]
    management.close()


def _counted(management: Management, vhost: str) -> VhostState | None:
    state = gather(management, vhost)
    return state if state.queues["c.q"].total == 3 else None
