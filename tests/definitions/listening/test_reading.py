"""Events as RabbitMQ 3.10.8 and 4.3.6 sent them: which object they are of, and that no value is read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.comparing.kinds import Key
from mqadmin.definitions.keeping import events
from mqadmin.definitions.keeping.events import Heard, Told
from mqadmin.definitions.listening.reading import Reader

AT = datetime(2026, 1, 1, tzinfo=UTC)
BY = {"user_who_performed_action": "ann"}
HARD = "e\u202e/x"
BINDING = {
    "vhost": "v",
    "arguments": ['{<<"n">>,long,1}'],
    "routing_key": "k.*",
    "destination_kind": "queue",
    "destination_name": "q",
    "source_kind": "exchange",
    "source_name": HARD,
}


def heard(name: str, headers: dict[str, Any], reader: Reader | None = None) -> Heard | None:
    return (reader or Reader()).read(name, {**BY, **headers}, AT)


@pytest.mark.parametrize(
    ("name", "headers", "key"),
    [
        ("policy.set", {"vhost": "v", "name": "p", "definition": {}}, Key("policy", "v", ("p",))),
        ("policy.cleared", {"vhost": "v", "name": "p"}, Key("policy", "v", ("p",))),
        (
            "parameter.set",
            {"component": "operator_policy", "vhost": "v", "name": "op", "value": {}},
            Key("operator_policy", "v", ("op",)),
        ),
        (
            "parameter.set",
            {"component": "vhost-limits", "vhost": "v", "name": "limits", "value": []},
            Key("limit", "v", ("limits",)),
        ),
        (
            "parameter.set",
            {"component": "shovel", "vhost": "v", "name": "s", "value": {"src-uri": "amqp://a:secret@b"}},
            Key("parameter", "v", ("shovel", "s")),
        ),
        (
            "parameter.cleared",
            {"component": "global", "name": "g"},
            Key("global_parameter", "", ("g",)),
        ),
        ("queue.created", {"vhost": "v", "name": HARD, "arguments": []}, Key("queue", "v", (HARD,))),
        ("queue.deleted", {"vhost": "v", "name": b"q"}, Key("queue", "v", ("q",))),
        ("exchange.created", {"vhost": "v", "name": HARD}, Key("exchange", "v", (HARD,))),
        ("binding.created", BINDING, Key("binding", "v", (HARD, "queue", "q", "k.*", '{"n": 1}'))),
        ("vhost.created", {"name": "v"}, Key("vhost", "v", ("v",))),
        ("user.created", {"name": "u"}, Key("user", "", ("u",))),
        ("user.password.changed", {"name": "u"}, Key("user", "", ("u",))),
        ("user.tags.set", {"name": "u", "tags": []}, Key("user", "", ("u",))),
        ("user.limits.set", {"username": "u", "name": "limits"}, Key("user", "", ("u",))),
        ("permission.created", {"vhost": "v", "user": "u"}, Key("permission", "v", ("u",))),
        ("topic.permission.deleted", {"vhost": "v", "user": "u"}, Key("topic_permission", "v", ("u", "x"))),
    ],
)
def test_an_event_is_of_an_object(name: str, headers: dict[str, Any], key: Key) -> None:
    found = heard(name, headers)
    assert found == Heard(AT, name, events.of_key(key), "ann")
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("queue.created", {"vhost": "v", "name": "a", "auto_delete": True}),
        ("queue.created", {"vhost": "v", "name": "a", "exclusive": True}),
        ("queue.created", {"vhost": "v", "name": "a", "arguments": ['{<<"x-expires">>,long,5}']}),
        ("queue.deleted", {"vhost": "v", "name": "amq.gen-1"}),
        ("exchange.created", {"vhost": "v", "name": ""}),
        ("exchange.deleted", {"vhost": "v", "name": "amq.topic"}),
        ("parameter.set", {"component": "exchange-delete-in-progress", "vhost": "v", "name": "a"}),
        ("binding.created", {**BINDING, "source_name": ""}),
        ("queue.created", {"vhost": "v"}),
        ("policy.set", {"name": 7, "vhost": "v"}),
        ("connection.created", {"name": "a", "vhost": "v"}),
        ("", {}),
    ],
)
def test_what_is_not_kept_and_what_cannot_be_read_is_passed_over(name: str, headers: dict[str, Any]) -> None:
    assert heard(name, headers) is None


def test_what_came_with_a_client_goes_unheard_with_its_bindings() -> None:
    reader = Reader()
    queue = {"vhost": "v", "name": "q"}
    assert heard("queue.created", {**queue, "auto_delete": True}, reader) is None
    assert heard("binding.created", BINDING, reader) is None
    assert heard("queue.deleted", queue, reader) is None
    assert heard("binding.deleted", BINDING, reader) is None
    assert heard("queue.created", queue, reader) is not None
    assert heard("binding.created", BINDING, reader) is not None


def test_an_operator_policy_is_told_twice_and_is_one() -> None:
    reader = Reader()
    operator = {"component": "operator_policy", "vhost": "v", "name": "p"}
    assert heard("parameter.set", operator, reader) is not None
    assert heard("policy.set", {"vhost": "v", "name": "p"}, reader) is None
    assert heard("policy.set", {"vhost": "v", "name": "p"}, reader) is not None


def test_what_goes_along_is_of_who_took_the_whole() -> None:
    binding = Key(kinds.BINDING, "v", ("x", "queue", "q", "", "{}"))
    permission = Key(kinds.PERMISSION, "v", ("u",))

    def told(*found: tuple[str, Key, str]) -> Told:
        return Told({events.of_key(key): Heard(AT, name, "", by) for name, key, by in found})

    internal = ("binding.deleted", binding, events.INTERNAL)
    queue = ("queue.deleted", Key(kinds.QUEUE, "v", ("q",)), "ann")
    vhost = ("vhost.deleted", Key(kinds.VHOST, "v", ("v",)), "bob")
    made = ("vhost.created", Key(kinds.VHOST, "v", ("v",)), "bob")

    def by(found: Told, key: Key) -> str | None:
        one = found.of(key, is_gone=True)
        return one.by if one is not None else None

    assert by(told(internal, queue), binding) == "ann"
    assert by(told(internal), binding) == events.INTERNAL
    assert by(told(vhost), binding) == "bob"
    assert by(told(made), binding) is None
    assert by(told(("user.deleted", Key(kinds.USER, "", ("u",)), "cyd")), permission) == "cyd"
    assert told(queue).of(binding, is_gone=False) is None
