"""The dialogs that requeue and discard: they ask first, and of two the second is told who was first."""

from __future__ import annotations

import html

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core.acts import operations
from mqadmin.core.models import Operation
from mqadmin.deadletters.models import DeadLetter
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.views.conftest import HTMX, LIST, client_of, text

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def test_requeue_asks_first_and_then_starts_one_operation(admin: Client, place: Place) -> None:
    ids = [letter(vhost=place.vhost).pk for _ in range(2)]
    query = "&".join(f"ids={pk}" for pk in ids)
    asked = text(admin, f"/dead-letters/requeue/?{query}")
    assert "Requeue 2 to orders" in asked
    assert not Operation.objects.exists()
    wrong = text(admin, f"/dead-letters/requeue/?{query}&to=given&routing_key=missing")
    assert "There is no queue “missing”." in wrong
    answer = admin.post("/dead-letters/requeue/", {"ids": ids, "to": "source", "expect": "2"})
    operation = Operation.objects.get()
    assert answer["Location"] == reverse("operation_detail", args=[operation.pk])
    assert operation.total == 2
    assert "Requeue 2 letters to orders" in text(admin, LIST)
    operations.execute(operation.pk)
    assert place.depth("orders") == 2
    assert text(admin, f"{LIST}?operation={operation.pk}", headers=HTMX).count('id="open-') == 2


def test_all_that_match_states_the_count_and_refuses_another(admin: Client, place: Place) -> None:
    for _ in range(3):
        letter(b"apple", vhost=place.vhost)
    up_to = DeadLetter.objects.latest("pk").pk
    letter(b"apple", vhost=place.vhost)
    fields = {"all": "1", "q": "apple", "status": "parked", "up_to": str(up_to)}
    asked = admin.get("/dead-letters/discard/", fields).content.decode()
    assert "Discard 3" in asked
    stale = admin.post("/dead-letters/discard/", {**fields, "expect": "4"})
    assert stale.status_code == 409
    admin.post("/dead-letters/discard/", {**fields, "expect": "3"})
    operations.execute(Operation.objects.get().pk)
    assert DeadLetter.objects.filter(status="discarded").count() == 3
    admin.post("/dead-letters/restore/", {"all": "1", "status": "discarded", "up_to": str(up_to)})
    operations.execute(Operation.objects.latest("pk").pk)
    assert DeadLetter.objects.filter(status="parked").count() == 4


def test_the_dialog_says_when_the_broker_is_away(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from mqadmin.core import brokers

    one = letter()
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://127.0.0.1:1/")
    brokers.forget()
    page = text(admin, f"/dead-letters/requeue/?ids={one.pk}")
    assert "form-fault" in page
    assert " disabled" in page
    text(admin, LIST)


def test_of_two_who_click_the_same_button_the_second_is_told_who_was_first(
    admin: Client, place: Place
) -> None:
    other = client_of("operator")
    one = letter(vhost=place.vhost)
    assert other.post("/dead-letters/requeue/", {"ids": one.pk}).status_code == 302
    operations.execute(Operation.objects.get().pk)
    late = admin.post("/dead-letters/requeue/", {"ids": one.pk})
    assert late.status_code == 409
    said = html.unescape(late.content.decode())
    assert "operator was faster: “Requeue 1 letter to orders”, " in said
    assert "None of these letters is parked." in said
    again = html.unescape(other.post("/dead-letters/discard/", {"ids": one.pk}).content.decode())
    assert "You were there already: “Requeue 1 letter to orders”" in again
    assert Operation.objects.count() == 1
    assert place.depth("orders") == 1


def test_a_count_that_changed_under_the_second_names_the_first(admin: Client, place: Place) -> None:
    other = client_of("operator")
    letter(vhost=place.vhost)
    everything = {"all": "1", "status": "parked", "up_to": DeadLetter.objects.latest("pk").pk, "expect": "1"}
    assert other.post("/dead-letters/discard/", everything).status_code == 302
    operations.execute(Operation.objects.get().pk)
    late = admin.post("/dead-letters/requeue/", everything)
    assert late.status_code == 409
    assert "operator was faster: “Discard" in html.unescape(late.content.decode())


def test_the_dialog_tells_which_headers_go_and_lets_one_keep_them(admin: Client, place: Place) -> None:
    rebus = {"rbs2-error-details": "late", "rbs2-source-queue": "orders"}
    one = letter(vhost=place.vhost, headers={**died(), **rebus, "retry-count": 3})
    asked = text(admin, f"/dead-letters/requeue/?ids={one.pk}")
    assert "written by Rebus" in asked
    assert "rbs2-error-details, rbs2-source-queue" in asked
    assert "retry-count" not in asked
    kept = text(admin, f"/dead-letters/requeue/?ids={one.pk}&to=source&keep_headers=1")
    assert "written by Rebus" not in kept
    assert "written by RabbitMQ" in kept
    assert kept.count('name="keep_headers"') == 2, "ticked, and sent along"
    admin.post("/dead-letters/requeue/", {"ids": [one.pk], "to": "source", "keep_headers": "1"})
    operations.execute(Operation.objects.get().pk)
    assert place.take("orders").headers["rbs2-source-queue"] == "orders"


def test_without_such_headers_there_is_nothing_to_keep(admin: Client, place: Place) -> None:
    one = letter(vhost=place.vhost, headers={**died(), "retry-count": 3})
    assert "keep_headers" not in text(admin, f"/dead-letters/requeue/?ids={one.pk}")
