"""What somebody with a role for a part began: they follow and end it, a worker does it with what they might do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import Run
from mqadmin.core.api import tokens
from mqadmin.core.models import ApiToken, AuditEntry, Grant, Operation, Restored
from mqadmin.core.permissions import rights
from mqadmin.core.rights.asking import Asking, asks
from mqadmin.core.rights.rules import ALL, Rights, Rule
from mqadmin.queues.models import Broker, Queue, SavedQueueView
from mqadmin.queues.pages.saved import SHELF

pytestmark = [pytest.mark.usefixtures("no_broker"), pytest.mark.django_db, pytest.mark.any_version]


@pytest.fixture
def ann() -> User:
    user = User.objects.create_user("ann")
    group = Group.objects.create(name="shop team")
    Grant.objects.create(group=group, broker="default", vhost="shop", level=2)
    user.groups.add(group)
    return user


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Operation]:
    """A function: who, with which rights -> an operation of theirs that no worker has taken up."""
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    monkeypatch.setattr(operations, "_kinds", dict(operations._kinds))

    def start(name: str, held: Rights) -> Operation:
        with asks(Asking(lambda: (name, held), "operate")):
            return operations.start(
                kind="test", by=Actor(name), broker="default", summary=f"of {name}", params={}, total=2
            )

    return start


def test_a_worker_does_it_with_their_rights_and_writes_down_how_far_it_is(
    ann: User, begin: Callable[..., Operation]
) -> None:
    broker = Broker.objects.create(slug="default")
    for vhost in ("shop", "bank"):
        Queue.objects.create(broker=broker, vhost=vhost, name="orders")
    seen: list[Any] = []

    def run(it: Run) -> None:
        seen.extend(Queue.objects.values_list("vhost", flat=True))
        it.progress(done=1)
        it.progress(done=1)

    operations.runner("test")(run)
    operation = begin("ann", rights(ann))
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (seen, operation.status, operation.done) == (["shop"], "done", 2)


def test_they_follow_and_end_what_they_began(ann: User, begin: Callable[..., Operation]) -> None:
    mine, others = begin("ann", rights(ann)), begin("bob", rights(ann))
    client = Client()
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("operation_list"))
    assert "of ann" in page.text
    assert "of bob" not in page.text
    assert client.get(reverse("operation_detail", args=[mine.pk])).status_code == 200
    assert client.get(reverse("operation_detail", args=[others.pk])).status_code == 404
    assert client.post(reverse("operation_cancel", args=[others.pk])).status_code == 404
    assert client.post(reverse("operation_cancel", args=[mine.pk])).status_code == 302
    mine.refresh_from_db()
    assert mine.status == "cancelled"
    log = client.get(reverse("audit_list"))
    assert {entry.actor for entry in log.context["page"]} == {"ann"}
    assert AuditEntry.objects.get(actor="ann").outcome == "done"


def test_a_token_follows_what_one_of_its_scope_began(ann: User, begin: Callable[..., Operation]) -> None:
    def call(vhost: str) -> list[int]:
        made, token = tokens.make(user=ann)
        ApiToken.objects.filter(pk=made.pk).update(vhost=vhost)
        answer = Client().get("/api/v1/operations", headers={"Authorization": f"Bearer {token}"})
        return [item["id"] for item in answer.json()["items"]]

    by_token = begin("ann", rights(ann).limited(Rule(vhost="shop", level=3)))
    begin("ann", rights(ann))
    assert call("shop") == [by_token.pk]
    assert call("s*") == []


def test_what_a_restore_switched_off_is_of_all(ann: User) -> None:
    Restored.objects.create(taken_at=timezone.now(), by="bob", lines=["Consumer payroll: it was running."])
    client = Client()
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("operation_list"))
    assert "restored from a backup" in page.text
    assert "payroll" not in page.text
    Group.objects.get(name="viewer").user_set.add(ann)
    assert "payroll" in client.get(reverse("operation_list")).text


def test_searches_that_others_share_name_their_queues(ann: User) -> None:
    SavedQueueView.objects.create(name="payroll", query="q=salaries", owner="", by="bob")
    SavedQueueView.objects.create(name="mine", query="q=orders", owner="ann", by="ann")
    with asks(Asking(lambda: ("ann", rights(ann)))):
        assert [view.name for view in SHELF.visible("ann")] == ["mine"]
    with asks(Asking(lambda: ("ann", ALL))):
        assert {view.name for view in SHELF.visible("ann")} == {"mine", "payroll"}
