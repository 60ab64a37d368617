"""What holds of every prediction, whatever the virtual host is like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.rabbit.effects import applying
from mqadmin.rabbit.effects.change import (
    Bind,
    Change,
    DeleteExchange,
    DeletePolicy,
    DeleteQueue,
    DeleteVhost,
    PutPolicy,
    Unbind,
)
from mqadmin.rabbit.effects.effect import ORDER, Effect
from mqadmin.rabbit.effects.predict import predict
from mqadmin.rabbit.effects.state import VhostState
from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, PolicyInfo, QueueInfo

NAMES = ("a", "b", "c")
definitions = st.fixed_dictionaries(
    {},
    optional={
        "max-length": st.integers(0, 20),
        "overflow": st.sampled_from(["drop-head", "reject-publish"]),
        "message-ttl": st.integers(0, 9),
        "max-age": st.just("1D"),
        "dead-letter-exchange": st.sampled_from(["", "x", "gone"]),
        "alternate-exchange": st.sampled_from(["x", "y"]),
    },
)
policies = st.builds(
    PolicyInfo,
    st.just("/"),
    st.sampled_from(["p", "q", "r"]),
    st.sampled_from(["", "^a", "b|c", "^(?!a)", "x"]),
    st.integers(0, 2),
    definitions,
    st.sampled_from(["all", "queues", "exchanges", "quorum_queues"]),
)
queues = st.builds(
    QueueInfo,
    st.just("/"),
    st.sampled_from(NAMES),
    st.sampled_from(["classic", "quorum", "stream"]),
    ready=st.integers(0, 30),
    total=st.just(30),
    unacked=st.just(0),
    consumers=st.integers(0, 2),
)
exchanges = st.builds(
    ExchangeInfo,
    st.just("/"),
    st.sampled_from(["x", "y", "z"]),
    st.sampled_from(["direct", "topic", "fanout"]),
    auto_delete=st.booleans(),
)
bindings = st.builds(
    BindingInfo,
    st.just("/"),
    st.sampled_from(["x", "y", "z"]),
    st.sampled_from((*NAMES, "x", "y")),
    st.sampled_from(["queue", "exchange"]),
    st.sampled_from(["k", "*", "#"]),
)
states = st.builds(
    lambda queues, exchanges, bindings, policies, by_operator: VhostState(
        "/",
        {item.name: item for item in queues},
        {item.name: item for item in exchanges},
        tuple(bindings),
        tuple({item.name: item for item in policies}.values()),
        tuple({item.name: item for item in by_operator}.values()),
        version=(4, 0),
    ),
    st.lists(queues, max_size=3),
    st.lists(exchanges, max_size=3),
    st.lists(bindings, max_size=5),
    st.lists(policies, max_size=3),
    st.lists(policies, max_size=1),
)
changes = st.one_of(
    st.builds(PutPolicy, policies),
    st.builds(DeletePolicy, st.sampled_from(["p", "q"])),
    st.builds(Bind, bindings),
    st.builds(Unbind, bindings),
    st.builds(DeleteExchange, st.sampled_from(["x", "y"])),
    st.builds(DeleteQueue, st.sampled_from(NAMES)),
    st.just(DeleteVhost()),
)


@given(states, changes)
def test_what_is_said_is_of_what_is_there_and_the_worst_comes_first(
    state: VhostState, change: Change
) -> None:
    effect = predict(state, change)
    assert [ORDER.index(item.level) for item in effect.statements] == sorted(
        ORDER.index(item.level) for item in effect.statements
    )
    known = state.queues.keys() | {""}
    assert {item.queue for item in effect.statements} <= known
    for item in effect.queues:
        assert item.ready is None or 0 <= item.ready <= (state.queues[item.queue].ready or 0)


@given(states, changes)
def test_made_again_it_does_nothing_more(state: VhostState, change: Change) -> None:
    after = applying.after(state, change)
    again = predict(after, change)
    assert applying.after(after, change) == after
    assert not again.routes
    assert not again.bindings_gone
    assert not [item for item in again.queues if item.before and item.after and item.keys]


@given(states, changes)
def test_a_refused_change_touches_nothing(state: VhostState, change: Change) -> None:
    effect = predict(state, change)
    if effect.is_refused:
        assert effect == Effect(statements=effect.statements)


def _policy(name: str, pattern: str = "^a", priority: int = 0, **definition: Any) -> PolicyInfo:
    given = {key.replace("_", "-"): value for key, value in definition.items()}
    return PolicyInfo("/", name, pattern, priority, given)


def _state(*policies: PolicyInfo, seen: str | None = None, **more: Any) -> VhostState:
    info = QueueInfo("/", "a", "classic", ready=10, total=10, unacked=0, message_bytes=1000, policy=seen)
    return VhostState("/", {"a": info}, {}, (), policies, version=(4, 0), **more)


@pytest.mark.parametrize(
    ("state", "policy", "unclear"),
    [
        # One more of the same priority: the table of the broker may be in another order.
        (_state(_policy("p", max_length=8)), _policy("new", max_length=4), {"p", "new"}),
        # Another definition of one of them: the first applies, as before.
        (_state(_policy("p", max_length=8), _policy("q", max_length=9)), _policy("p", max_length=4), set()),
        # The order may not be read, but it is seen which one applies.
        (
            _state(_policy("p"), _policy("q"), seen="q", hidden=frozenset({"order"})),
            _policy("p", max_length=4),
            set(),
        ),
        (
            _state(_policy("p"), _policy("q"), hidden=frozenset({"order"})),
            _policy("p", max_length=4),
            {"p", "q"},
        ),
        # A pattern that RE2 does not read, above one that it does.
        (_state(_policy("p", max_length=8)), _policy("new", "^(?!b)", 1, max_length=4), {"p", "new"}),
        (
            _state(_policy("p", "^(?!b)", 1, max_length=8), _policy("q"), seen="p"),
            _policy("q", max_length=4),
            set(),
        ),
        (_state(_policy("p", "^(?!b)", 1)), _policy("new", "^a", 2, max_length=4), set()),
    ],
)
def test_which_policy_applies_is_not_guessed(
    state: VhostState, policy: PolicyInfo, unclear: set[str]
) -> None:
    effect = predict(state, PutPolicy(policy))
    told = {name for item in effect.statements if item.code == "unclear" for name in item.params["policies"]}
    assert told == unclear
    if unclear:
        assert [item.ready for item in effect.queues] == [None]
        lost = [item.params["count"] for item in effect.statements if item.code == "perhaps_dropped"]
        assert lost == [6]


def test_bytes_are_told_by_the_mean_size() -> None:
    state = _state()
    effect = predict(state, PutPolicy(_policy("p", max_length_bytes=450)))
    assert [(item.code, item.params["count"], item.params["about"]) for item in effect.statements] == [
        ("dropped", 6, True)
    ]
    unknown = replace(state.queues["a"], message_bytes=None)
    assert not predict(
        replace(state, queues={"a": unknown}), PutPolicy(_policy("p", max_length_bytes=450))
    ).statements


def test_what_may_not_be_read_is_said() -> None:
    effect = predict(_state(hidden=frozenset({"operator_policies"})), PutPolicy(_policy("p", max_length=20)))
    assert [(item.code, item.level) for item in effect.statements] == [("hidden", "unknown")]
