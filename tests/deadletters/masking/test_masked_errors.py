"""What is masked stays out of what canaries, circuit breakers and log lines say: every viewer reads it."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from consumers.trying import trying
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.automatic import breaker
from mqadmin.deadletters.inbox import presenting
from mqadmin.deadletters.models import Breaker, DeadLetter, LetterEvent
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.requeue.requeue import Care
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.headers import REQUEUE_ID
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.listeners import Listener
from tests.support.consumers import make_consumer, make_record

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]

BODY = json.dumps({"card": {"number": "4111-secret"}}).encode()
ERROR = "card 4111-secret declined"


@pytest.fixture(autouse=True)
def _rules(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MQADMIN_MASKED = ["payload.card.number"]
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


@pytest.mark.parametrize("by_record", [True, False])
def test_what_died_again_of_a_requeue_in_steps(place: Place, by: Actor, by_record: bool) -> None:
    ids = [letter(BODY, vhost=place.vhost, message_id=f"m-{n}").pk for n in range(3)]
    chosen = selection.some("default", ids)
    with Listener(place, "orders"):
        care = Care(canary_seconds=60, canary_steps=(1,))
        operation = requeue.start(selection=chosen, to=To(), by=by, care=care)
        assert operations.execute(operation.pk)
        sent = DeadLetter.objects.get(operation=operation, status="requeued")
        if by_record:
            consumer = make_consumer(vhost=place.vhost)
            headers = {REQUEUE_ID: sent.requeue_id}
            make_record(consumer, outcome="dead_lettered", error=ERROR, headers=headers)
        else:
            headers = {**died(type="Declined", message=ERROR), REQUEUE_ID: sent.requeue_id}
            letter(BODY, vhost=place.vhost, headers=headers)
        type(operation).objects.update(not_before=None)
        assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "failed"
    assert "card ••• declined" in operation.error
    assert "secret" not in operation.error + " ".join(AuditEntry.objects.values_list("reason", flat=True))


def test_what_a_breakers_trial_failed_of(monkeypatch: pytest.MonkeyPatch, by: Actor) -> None:
    consumer = make_consumer(name="work", vhost="/", queue="orders", desired="running")
    breaker.save(consumer=consumer, by=by, is_on=True, number=1, seconds=60, rest=1)
    letter(BODY, headers=died(type="Declined"))
    breaker.step()
    trial = SimpleNamespace(outcome="dead_lettered", error_type="shop.Declined", error=ERROR, detail="")
    monkeypatch.setattr(trying, "run", lambda **_asked: trial)
    breaker.step(timezone.now() + timedelta(seconds=5))
    words, event = Breaker.objects.get().words, LetterEvent.objects.get(kind="tried")
    assert "(Declined: card ••• declined)" in words
    assert event.text == "Declined: card ••• declined"


def test_what_a_consumer_logged_of_the_message() -> None:
    one = letter(BODY, message_id="m-1")
    log = [[1, "INFO", "charging card 4111-secret"]]
    make_record(make_consumer(), message_id="m-1", outcome="dead_lettered", log=log)
    whole = presenting.show(one, reveal=True)
    assert [line.text for line in whole.log] == ["charging card 4111-secret"]
    assert [line.text for line in presenting.show(one).log] == ["charging card •••"]
