"""Documents read, secrets masked, differences told: tables, without a broker."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mqadmin.core.errors import Refusal
from mqadmin.definitions.acts import sources
from mqadmin.definitions.acts.planning import plan
from mqadmin.definitions.comparing import differing, document, kinds, secret
from mqadmin.definitions.comparing.kinds import Key
from tests.support import growth

MASK = secret.masking(b"a key")
QUEUE = {"name": "a", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
USER = {
    "name": "ann",
    "tags": ["x"],
    "password_hash": "c2VjcmV0",
    "hashing_algorithm": "sha256",
    "limits": {},
}


def read(**sections: list[dict[str, Any]]) -> kinds.Snapshot:
    return document.read(sections).objects


def test_versions_of_rabbitmq_tell_the_same() -> None:
    """3.10 and 4.3 as they were seen to tell one topology."""
    old = read(
        vhosts=[{"name": "v"}],
        queues=[QUEUE],
        global_parameters=[{"name": "internal_cluster_id", "value": "rabbitmq-cluster-id-1"}],
    )
    metadata = {"description": "", "tags": [], "default_queue_type": "classic"}
    new = read(
        vhosts=[{"name": "v", "metadata": metadata, "limits": {"max-queues": 1}}],
        queues=[{**QUEUE, "type": "classic", "arguments": {"x-queue-type": "classic"}}],
    )
    assert differing.differences(old, new) == []
    quorum = read(vhosts=[{"name": "v"}], queues=[{**QUEUE, "arguments": {"x-queue-type": "quorum"}}])
    (item,) = differing.differences(old, quorum)
    assert [(change.path, change.before, change.after) for change in item.changes] == [
        (("arguments", "x-queue-type"), "classic", "quorum")
    ]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"bindings": 5}, "“bindings” is no list"),
        ({"queues": True}, "“queues” is no list"),
        ({"queues": {}}, "“queues” is no list"),
        ({"queues": [[]]}, "Number 1 of the file's “queues” is no object"),
        (
            {"queues": [QUEUE, {**QUEUE, "arguments": 5}]},
            "Number 2 of the file's “queues” lacks “arguments: {…}”",
        ),
        (
            {"vhosts": [{"name": "v", "metadata": [1]}]},
            "Number 1 of the file's “vhosts” lacks “metadata: {…}”",
        ),
        ({"queues": [{"name": "a"}], "metadata": 7}, "“metadata” is no object"),
        ({}, "holds no definitions: it has none of vhosts"),
        ({"queue": [], "rabbit_version": "9"}, "holds no definitions"),
        ({"queues": [{**QUEUE, "arguments": {"a": float("inf")}}]}, "what cannot be sent"),
        ({"queues": [{**QUEUE, "name": "\ud800"}]}, "what cannot be sent"),
    ],
)
def test_a_file_of_the_wrong_shape_is_told_in_words(told: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal) as refused:
        sources.of_document(told, vhost="v")
    assert words in refused.value.text
    assert refused.value.status == 422


@pytest.mark.parametrize(
    "queue",
    [
        {"name": "amq.gen-Xa"},
        {"auto_delete": True},
        {"arguments": {"x-expires": 1000}},
    ],
)
def test_what_comes_and_goes_is_left_out_with_its_bindings(queue: dict[str, Any]) -> None:
    going = {**QUEUE, **queue}
    binding = {"source": "x", "vhost": "/", "destination_type": "queue", "routing_key": "", "arguments": {}}
    found = document.read(
        {
            "queues": [going, {**QUEUE, "name": "stays"}],
            "bindings": [{**binding, "destination": going["name"]}, {**binding, "destination": "stays"}],
        }
    )
    assert [key.parts[0] for key in found.objects if key.kind == kinds.QUEUE] == ["stays"]
    assert (len(found.objects), found.passing) == (2, 2)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (kinds.USER, USER),
        (kinds.USER, {**USER, "password": "hunter2 xyz"}),
        (kinds.PARAMETER, {"value": {"uri": "amqp://u:hunter2@h:5672/v"}}),
        (kinds.PARAMETER, {"value": {"src-uri": ["amqps://u:hun/ter2@h", "amqp://h"]}}),
        (kinds.PARAMETER, {"value": {"uri": "amqp://h?password=hunter2&heartbeat=5"}}),
        (kinds.GLOBAL_PARAMETER, {"name": "api_token", "value": "hunter2"}),
        (kinds.POLICY, {"definition": {"auth-token": "hunter2"}}),
        (kinds.QUEUE, {"arguments": {"x-secret": "hunter2"}}),
    ],
)
def test_no_secret_survives_the_mask(kind: str, body: dict[str, Any]) -> None:
    masked = secret.masked_body(kind, body, MASK)
    told = json.dumps(masked, ensure_ascii=False)
    for part in ("hunter2", "hun/ter2", "c2VjcmV0"):
        assert part not in told
    assert secret.SHOWN in told
    assert secret.masked_body(kind, masked, MASK) == masked
    another = json.loads(json.dumps(body).replace("ter2", "ter3").replace("c2V", "d2V"))
    assert masked != secret.masked_body(kind, another, MASK)
    assert "(" not in json.dumps(secret.without_prints(masked), ensure_ascii=False)


def test_what_names_no_secret_stays_as_it_is() -> None:
    body = {"arguments": {"x-dead-letter-exchange": "orders.9f8a7b6c5d4e3f2a1b0c"}, "name": "token"}
    assert secret.masked_body(kinds.QUEUE, body, MASK) == body


SHOVEL = {
    "vhost": "/",
    "component": "shovel",
    "name": "s",
    "value": {"src-uri": "amqp://u:pw@h", "prefetch": 1},
}


def test_secrets_are_filled_in_from_the_broker_alone() -> None:
    key = kinds.key_of(kinds.PARAMETER, SHOVEL)
    masked = secret.masked_body(kinds.PARAMETER, SHOVEL, MASK)
    other = {**SHOVEL, "value": {"src-uri": "amqp://u:pw@h", "prefetch": 2}}
    assert secret.filled(key, masked, other, MASK) == SHOVEL
    assert secret.filled(key, secret.without_prints(masked), other, MASK) == SHOVEL
    for live in (None, {**SHOVEL, "value": {"src-uri": "amqp://u:new@h"}}):
        with pytest.raises(secret.Unknown):
            secret.filled(key, masked, live, MASK)


def test_a_user_keeps_a_password_or_comes_without() -> None:
    key = kinds.key_of(kinds.USER, USER)
    masked = secret.masked_body(kinds.USER, USER, MASK)
    live = {**USER, "tags": [], "password_hash": "bmV3"}
    assert secret.filled(key, masked, live, MASK) == {**USER, "password_hash": "bmV3"}
    assert secret.filled(key, masked, None, MASK)["password_hash"] == ""
    assert secret.filled(key, USER, live, MASK) == USER  # a file that has the hash


def test_a_file_without_secrets_is_the_same_as_the_broker() -> None:
    live = secret.masked(read(users=[USER], parameters=[SHOVEL]), MASK)
    file = document.written({key: secret.without_prints(body) for key, body in live.items()})
    assert differing.differences(live, document.read(file).objects) == []
    other = secret.masked(read(users=[{**USER, "password_hash": "bmV3"}], parameters=[SHOVEL]), MASK)
    assert [item.key.kind for item in differing.differences(live, other)] == [kinds.USER]


def test_a_plan_names_what_cannot_be_done() -> None:
    live = read(users=[{**USER, "name": "me"}], queues=[QUEUE], vhosts=[{"name": "old"}], exchanges=[])
    wanted = read(
        parameters=[SHOVEL],
        queues=[{**QUEUE, "durable": False}, {**QUEUE, "name": "amq.mine"}],
        policies=[{"vhost": "/", "name": "p", "pattern": "", "definition": {}}],
    )
    wanted = secret.masked(wanted, MASK)
    steps = plan(live, wanted, mask=MASK, own_user="me", messages={})
    told = {(step.act, step.key.kind, step.why) for step in steps}
    assert told == {
        ("blocked", kinds.USER, "own_user"),
        ("blocked", kinds.PARAMETER, "secret"),
        ("conflict", kinds.QUEUE, ""),
        ("blocked", kinds.QUEUE, "reserved"),
        ("create", kinds.POLICY, ""),
        ("delete", kinds.VHOST, ""),
    }


def test_objects_of_a_virtual_host_go_with_it() -> None:
    live = read(vhosts=[{"name": "/"}], queues=[QUEUE, {**QUEUE, "name": "b"}])
    (step,) = plan(live, {}, mask=MASK, own_user="me", messages={("/", "a"): 3, ("/", "b"): 4})
    assert (step.act, step.key.kind, step.inside, step.messages) == ("delete", kinds.VHOST, 2, 7)


@pytest.mark.parametrize(
    ("told", "section", "place"),
    [
        ({"queues": {}}, "queues", 0),
        ({"queues": [1]}, "queues", 1),
        ({"queues": [QUEUE, {"name": "a"}]}, "queues", 2),
    ],
)
def test_where_a_document_cannot_be_read(told: dict[str, Any], section: str, place: int) -> None:
    with pytest.raises(document.Unreadable) as refused:
        document.read(told)
    assert (refused.value.section, refused.value.place) == (section, place)


def test_keys_tell_hard_names_apart() -> None:
    names = ["a", "a ", "A", "a/b", "a%2Fb", "\u202ea", "", ".", "é", "e\u0301"]
    keys = [Key(kinds.QUEUE, "/", (name,)) for name in names] + [Key(kinds.QUEUE, "/a", ("",))]
    assert len({key.id for key in keys}) == len(keys)


def test_a_diff_takes_no_more_than_its_share() -> None:
    """Eight times the objects take about eight times as long, not sixty-four."""

    def work(count: int) -> None:
        one = read(queues=[{**QUEUE, "name": str(number)} for number in range(count)])
        other = {key: {**body, "durable": False} for key, body in one.items()}
        assert len(differing.differences(one, other)) == count

    small, large = (growth.processor_seconds(lambda count=count: work(count), 3) for count in (500, 4_000))  # type: ignore[misc]
    assert large < 24 * small


def test_a_parameter_of_many_lines_is_told_in_lines() -> None:
    def work(count: int) -> list[str]:
        one, other = (
            read(parameters=[{"vhost": "/", "component": "shovel", "name": "p", "value": value}])
            for value in ([{"a": f"{name}-{n}"} for n in range(count)] for name in ("site", "seat"))
        )
        return differing.lines(differing.differences(one, other))

    told = work(1)
    assert told[0] == '@@ parameter ["/", "shovel", "p"] @@'
    assert [line for line in told if line[0] in "-+"] == ['-      "a": "site-0"', '+      "a": "seat-0"']
    small, large = (growth.processor_seconds(lambda count=count: work(count), 3) for count in (10, 80))  # type: ignore[misc]
    assert large < 30 * small
    assert work(2_000)[-1] == "…"
    assert len(work(2_000)) == differing.MOST_LINES + 1


@pytest.mark.parametrize("shape", ["x://", "http://a:", "?", "?token", "a@x://b:"])
def test_a_long_text_is_masked_in_one_go(shape: str) -> None:
    def work(count: int) -> kinds.Body:
        body = {"name": "p", "value": {"note": "://" + shape * (count // len(shape))}}
        return secret.masked_body(kinds.PARAMETER, body, MASK)

    small, large = (growth.processor_seconds(lambda count=count: work(count), 3) for count in (4_000, 32_000))  # type: ignore[misc]
    assert large < 24 * small


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("amqp://ann:pw@h/?x=1", "amqp://ann:•••@h/?x=1"),
        ("see amqp://ann:p@w@h, amqp://h", "see amqp://ann:•••@h, amqp://h"),
        ("http://h/?my-token=pw&x=1&Password=pw", "http://h/?my-token=•••&x=1&Password=•••"),
        ("ann@example.org http://h", "ann@example.org http://h"),
    ],
)
def test_secrets_of_addresses_in_a_text(text: str, shown: str) -> None:
    body = secret.masked_body(kinds.PARAMETER, {"name": "p", "value": {"note": text}}, lambda _secret: "•••")
    assert body["value"]["note"] == shown
