"""Guarantee 7: intent before the act, outcome after it."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit.errors import NoResponse, UnsafePeek
from tests.core.conftest import SignIn

ANN = audit.Actor("ann", "api")


def test_the_intent_stands_before_the_act_and_the_outcome_after_it(transactional_db: None) -> None:
    with audit.act(by=ANN, action="queue.purge", broker="b", target="/:q", detail={"why": "x"}) as entry:
        during = AuditEntry.objects.get()
        assert (during.outcome, during.actor, during.via, during.detail) == (
            "intent",
            "ann",
            "api",
            {"why": "x"},
        )
        assert during.finished_at is None
        entry.count = 12
    after = AuditEntry.objects.get()
    assert (after.outcome, after.count, after.reason) == ("done", 12, "")
    assert after.finished_at is not None


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Refusal("it is running"), "refused"),
        (PermissionDenied("no"), "refused"),
        (UnsafePeek("would drop one"), "refused"),
        (NoResponse("gone"), "failed"),
        (ZeroDivisionError("1/0"), "failed"),
        (KeyboardInterrupt(), "failed"),
    ],
)
def test_an_exception_is_recorded_and_goes_on(db: None, error: BaseException, outcome: str) -> None:
    with pytest.raises(type(error)), audit.act(by=ANN, action="x"):
        raise error
    entry = AuditEntry.objects.get()
    assert (entry.outcome, entry.reason) == (outcome, str(error) or type(error).__name__)


def test_what_the_act_rolled_back_is_gone_but_the_entry_stays(transactional_db: None) -> None:
    def fail() -> None:
        with audit.act(by=ANN, action="x"), transaction.atomic():
            AuditEntry.objects.create(actor="inside", action="y")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        fail()
    assert [entry.actor for entry in AuditEntry.objects.all()] == ["ann"]


def test_it_cannot_be_entered_inside_a_transaction_that_could_undo_it(transactional_db: None) -> None:
    with pytest.raises(RuntimeError), transaction.atomic(), audit.act(by=ANN, action="x"):
        pass
    assert not AuditEntry.objects.exists()


def test_the_page_filters_and_shows_hostile_names_as_text(sign_in: SignIn) -> None:
    AuditEntry.objects.create(actor="ann", action="queue.purge", target="<script>alert(1)</script>")
    AuditEntry.objects.create(actor="bob", action="consumer.start", target="orders")
    client = sign_in("viewer")
    everything = client.get("/audit/").text
    assert "<script>alert" not in everything
    assert "&lt;script&gt;alert(1)" in everything
    only_bob = client.get("/audit/?actor=BOB").text
    assert "consumer.start" in only_bob
    assert "queue.purge" not in only_bob
    assert "consumer.start" not in client.get("/audit/?action=queue.").text
    assert "Nothing matches" in client.get("/audit/?since=2999-01-01").text
    assert client.get("/audit/?since=yesterday").status_code == 200
