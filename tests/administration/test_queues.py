"""Queues declared, bound, deleted: from the page and through the API, on a real broker."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, KeptMessage, Operation
from mqadmin.queues.acts import declaring, deleting, snapshots
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.administration import queue_arguments
from mqadmin.rabbit.administration.queue_arguments import TYPES
from tests.administration.conftest import HARD
from tests.support.management import Management, no_statistics
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN = Actor("ann")
# What each argument is tried with; a choice with each of its own.
VALUES: dict[str, Any] = {"number": 30, "flag": True, "age": "7D", "text": "there"}


def declare(vhost: str, name: str, **values: Any) -> Queue:
    return declaring.declare(broker="default", by=ANN, vhost=vhost, name=name, **values)


def publish(vhost: str, queue: str, *bodies: bytes) -> None:
    with amqp.channel(brokers.config("default"), vhost) as channel:
        channel.confirm_delivery()
        for body in bodies:
            channel.basic_publish("", queue, body, mandatory=True)


@pytest.mark.parametrize("name", HARD)
def test_a_queue_of_any_name_is_declared_bound_unbound_and_deleted(
    name: str, admin: Client, management: Management, vhost: str
) -> None:
    management.declare_exchange(vhost, "source", type="topic")
    form = {"vhost": vhost, "name": name, "type": "quorum", "durable": "1", "max_length": "5"}
    made = admin.post(reverse("queue_new"), form)
    assert made.status_code == 302, html(made)
    queue = Queue.objects.get(name=name)
    assert made["Location"] == reverse("queue_detail", args=[queue.pk])
    there = management.queue(vhost, name).info
    assert (there.type, there.arguments) == ("quorum", {"x-queue-type": "quorum", "x-max-length": 5})
    bind = reverse("queue_bind", args=[queue.pk])
    assert admin.get(bind).status_code == 200
    bound = admin.post(bind, {"source": "source", "routing_key": name[:80], "arguments": '{"a": 1}'})
    assert bound.status_code == 302, html(bound)
    page = html(admin.get(reverse("queue_detail", args=[queue.pk])))
    assert "<script>alert" not in page
    unbind = next(part.split('"')[0] for part in page.split('href="') if "/bindings/delete/" in part)
    left = admin.post(unbind.replace("&amp;", "&"))
    assert left.status_code == 302
    assert "/bindings/queue/" in left["Location"]
    assert [item.source for item in management.queue_bindings(vhost, name)] == [""]
    delete = reverse("queue_delete", args=[queue.pk])
    assert admin.get(delete).status_code == 200
    assert admin.post(delete, {"messages": "empty"}).status_code == 302
    assert not [item for item in management.queues(vhost) if item.name == name]


@pytest.mark.parametrize("type", TYPES)
def test_the_broker_takes_all_that_is_offered_for_a_type(
    type: str, management: Management, vhost: str
) -> None:
    """Each argument by itself, with what it needs, and each choice: none is refused, each is there after it."""
    version = declaring.version_of("default", management)
    assert version
    needs: dict[str, dict[str, Any]] = {
        "x-dead-letter-routing-key": {"x-dead-letter-exchange": "x"},
        "x-dead-letter-strategy": {"x-dead-letter-exchange": "x", "x-overflow": "reject-publish"},
        "x-delayed-retry-type": {"x-delayed-retry-min": 10},
        "x-delayed-retry-max": {"x-delayed-retry-min": 10},
    }
    special = {
        "x-expires": 60_000,
        "x-queue-version": 2,
        "x-quorum-initial-group-size": 1,
        "x-initial-cluster-size": 1,
    }
    tried = 0
    for argument in queue_arguments.offered(type, version):
        single = special.get(argument.name, VALUES.get(argument.kind))
        for value in argument.choices or (single,):
            tried += 1
            given = {**needs.get(argument.name, {}), argument.name: value}
            name = f"q{tried}"
            declare(vhost, name, type=type, arguments=given)
            found = management.queue(vhost, name).info
            assert (found.type, found.arguments) == (type, {"x-queue-type": type, **given})
    assert tried > 5


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "é" * 128}, ["name"]),
        ({"name": "a\0b"}, ["name"]),
        ({"name": "a\r\nb"}, ["name"]),
        ({"name": "amq.mine"}, ["name"]),
        ({"durable": False}, ["durable"]),
        ({"auto_delete": True}, ["auto_delete"]),
        ({"type": "stream", "arguments": {"x-expires": 5}}, ["expires"]),
        ({"arguments": {"x-max-priority": 5, "x-max-age": "7D"}}, ["max_age", "max_priority"]),
        ({"arguments": {"x-expires": 0}}, ["expires"]),
        ({"arguments": {"x-message-ttl": "5"}}, ["message_ttl"]),
        ({"arguments": {"x-single-active-consumer": 1}}, ["single_active_consumer"]),
        ({"arguments": {"x-overflow": "reject-publish-dlx"}}, ["overflow"]),
        ({"arguments": {"x-dead-letter-routing-key": "k"}}, ["dead_letter_routing_key"]),
        ({"arguments": {"x-dead-letter-strategy": "at-least-once"}}, ["dead_letter_strategy", "overflow"]),
        ({"type": "stream", "arguments": {"x-max-age": "7 days"}}, ["max_age"]),
        ({"arguments": {"x-queue-type": "classic"}}, ["arguments"]),
    ],
)
def test_what_cannot_be_declared_is_refused_beside_its_field(
    values: dict[str, Any], fields: list[str], management: Management, vhost: str
) -> None:
    with pytest.raises(Refusal) as caught:
        declare(vhost, **{"name": "q", **values})
    assert (caught.value.status, sorted(caught.value.fields)) == (422, fields)
    assert all(caught.value.fields.values())
    assert management.queues(vhost) == []


def test_what_a_version_does_not_know_is_said_and_not_ignored() -> None:
    new = {"x-delayed-retry-type": "all", "x-delayed-retry-min": 5}
    for version, wrong in (((4, 0), set(new)), ((4, 3), set()), (None, set())):
        found = queue_arguments.faults("quorum", version, new)
        assert {(item.argument.name, item.code) for item in found} == {(name, "old") for name in wrong}
    for version, codes in (((3, 11), []), ((3, 12), ["new"])):
        assert [
            item.code for item in queue_arguments.faults("classic", version, {"x-queue-mode": "lazy"})
        ] == codes
    text = declaring.faults((4, 0), "/", "q", "quorum", True, False, new)["delayed_retry_type"]
    assert text == "RabbitMQ 4.0 does not know x-delayed-retry-type; it came with 4.3."


def test_a_queue_that_is_there_already_says_what_differs(vhost: str) -> None:
    declare(vhost, "q", type="classic", auto_delete=True, arguments={"x-max-length": 5})
    with pytest.raises(Refusal) as same:
        declare(vhost, "q", type="classic", auto_delete=True, arguments={"x-max-length": 5})
    assert (same.value.code, "just like this" in same.value.text) == ("exists", True)
    with pytest.raises(Refusal) as other:
        declare(vhost, "q", type="quorum", arguments={"x-expires": 90})
    assert other.value.code == "exists"
    for part in (
        "type is classic, not quorum",
        "auto-delete is yes, not no",
        "x-max-length is 5, not none",
        "x-expires is none, not 90",
    ):
        assert part in other.value.text
    assert list(other.value.fields) == ["name"]
    entry = AuditEntry.objects.filter(action="queue.declare").latest("pk")
    assert (entry.outcome, entry.target) == ("refused", f"{vhost}:q")


def test_the_dialog_keeps_what_was_typed_and_puts_faults_beside_fields(admin: Client, vhost: str) -> None:
    form = {"vhost": vhost, "name": "q", "type": "stream", "durable": "1", "max_length": "7", "max_age": "x"}
    page = admin.post(reverse("queue_new"), form)
    assert page.status_code == 422
    text = html(page)
    assert "A queue of type stream takes no x-max-length." in text
    assert "x-max-age is a number and a unit" in text
    assert 'value="7"' in text
    touched = html(admin.post(reverse("queue_new"), {**form, "look": "1", "max_length": "", "max_age": "7D"}))
    assert "What it touches" in touched


def test_calls_declare_and_delete(token: dict[str, str], management: Management, vhost: str) -> None:
    client = Client(headers=token)

    def post(**values: Any) -> Any:
        body = json.dumps({"vhost": vhost, "name": "q", "type": "classic", **values})
        return client.post("/api/v1/queues", body, content_type="application/json")

    made = post(arguments={"x-max-priority": 3})
    assert made.status_code == 201, made.content
    number = made.json()["id"]
    assert post().json()["code"] == "exists"
    assert post(name="r", arguments={"x-max-age": "7D"}).status_code == 422
    publish(vhost, "q", b"one")
    at = f"/api/v1/queues/{number}"
    assert (client.delete(at).status_code, client.delete(at).json()["code"]) == (409, "not_empty")
    assert client.delete(f"{at}?if_empty=false").status_code == 204
    assert management.queues(vhost) == []
    entry = AuditEntry.objects.filter(action="queue.delete", outcome="done").get()
    assert entry.detail["arguments"]["x-max-priority"] == 3


@pytest.mark.parametrize("type", ["classic", "quorum"])
def test_a_deleted_queue_leaves_its_messages_to_be_put_back(
    type: str, token: dict[str, str], management: Management, vhost: str
) -> None:
    queue = declare(vhost, "q", type=type)
    bodies = [b"%d" % number for number in range(20)]
    publish(vhost, "q", *bodies)
    answer = Client(headers=token).delete(f"/api/v1/queues/{queue.pk}?snapshot=true")
    assert answer.status_code == 202, answer.content
    operation = Operation.objects.get(pk=answer.json()["id"])
    operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done, operation.error) == ("done", 20, "")
    assert management.queues(vhost) == []
    again = declare(vhost, "q", type=type)
    assert again.pk == queue.pk
    assert [item.pk for item, _count in snapshots.of(again)] == [operation.pk]
    back = snapshots.restore(operation=operation, by=ANN)
    operations.execute(back.pk)
    with amqp.channel(brokers.config("default"), vhost) as channel:
        assert [channel.basic_get("q", auto_ack=True)[2] for _body in bodies] == bodies


def test_a_queue_without_statistics_stays_where_it_is(
    management: Management, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = declare(vhost, "q", type="classic")
    publish(vhost, "q", b"kept")
    monkeypatch.setattr(deleting, "STATISTICS_SECONDS", 0.0)
    monkeypatch.setattr(deleting, "_SETTLED_SECONDS", 0.0)
    with no_statistics():
        operation = deleting.delete_kept(queue=queue, by=ANN)
        operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, "cannot be known" in operation.error) == ("failed", True)
    assert [bytes(item.body) for item in KeptMessage.objects.all()] == [b"kept"]
    assert [item.name for item in management.queues(vhost)] == ["q"]


def test_messages_that_somebody_holds_leave_the_queue_where_it_is(
    management: Management, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = declare(vhost, "q", type="classic")
    publish(vhost, "q", b"held", b"ready")
    monkeypatch.setattr(deleting, "_SETTLED_SECONDS", 0.0)
    with amqp.channel(brokers.config("default"), vhost) as channel:
        channel.basic_get("q")
        wait_until(lambda: management.queue(vhost, "q").info.unacked == 1, timeout=30)
        operation = deleting.delete_kept(queue=queue, by=ANN)
        operations.execute(operation.pk)
        operation.refresh_from_db()
        assert operation.status == "failed"
        assert "the queue stays" in operation.error
        assert [bytes(item.body) for item in KeptMessage.objects.all()] == [b"ready"]
    assert [item.name for item in management.queues(vhost)] == ["q"]
