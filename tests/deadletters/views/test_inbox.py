"""The inbox: causes, letters, the letter in hand; all of it in the address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mqadmin.core import hooks
from mqadmin.deadletters.capture import uncaptured
from mqadmin.deadletters.inbox import inbox
from mqadmin.deadletters.models import DeadLetter
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.views.conftest import HTMX, LIST, text
from tests.queues.conftest import make_queue

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db(transaction=True)]


def test_an_empty_inbox_says_so(admin: Client) -> None:
    assert "No dead letters" in text(admin, LIST)
    letter(status="discarded")
    assert "The inbox is empty" in text(admin, LIST)
    assert "Nothing matches" in text(admin, LIST + "?q=nothing")


def test_the_inbox_shows_causes_letters_and_the_letter(admin: Client) -> None:
    for number in (17, 18):
        letter(
            b'{"price": 5}',
            headers=died(type="shop.Missing", message=f"no customer {number}", trace="File x"),
            message_id=f"ord-{number}",
        )
    letter(headers=died("payments", "expired"), message_id="pay-1")
    page = text(admin, LIST)
    assert "no customer <i>N</i>" in page
    assert "3 parked" in page
    causes = page[page.index("By cause") :]
    assert causes.index("Missing") < causes.index("payments")
    group = DeadLetter.objects.get(message_id="ord-17").group
    narrowed = text(admin, f"{LIST}?group={group}")
    assert "ord-17" in narrowed
    assert 'id="letter-' in narrowed
    assert "pay-1" not in narrowed
    one = DeadLetter.objects.get(message_id="ord-17")
    opened = text(admin, f"{LIST}?letter={one.pk}")
    assert "File x" in opened
    assert "<u>5</u>" in opened
    assert "Requeue to orders" in opened


def test_the_fragment_and_the_page_have_one_address(admin: Client) -> None:
    letter(message_id="ord-1")
    fragment = text(admin, LIST, headers=HTMX)
    assert fragment.lstrip().startswith('<div id="inbox"')
    assert "<html" in text(admin, LIST)


def test_an_unchanged_inbox_costs_a_304(admin: Client) -> None:
    letter(message_id="ord-1", received_at=datetime.now(UTC) - timedelta(days=9))
    path = f"{LIST}?seen={DeadLetter.objects.get().pk}"
    first = admin.get(path, headers=HTMX)
    again = admin.get(path, headers={**HTMX, "If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_new_letters_wait_while_a_person_reads(admin: Client) -> None:
    one = letter(message_id="first")
    letter(message_id="second")
    page = text(admin, f"{LIST}?letter={one.pk}&seen={one.pk}")
    assert "second" not in page
    assert "1 new" in page


def test_filters_are_in_the_address(admin: Client) -> None:
    letter(b"apples", message_id="a", status="requeued")
    letter(b"pears", message_id="b")
    assert "open-" in text(admin, LIST + "?status=requeued&q=APPLES", headers=HTMX)
    for query in ("status=requeued&q=pears", "q=apples", "source=other", "reason=expired", "queue=x"):
        assert "open-" not in text(admin, f"{LIST}?{query}", headers=HTMX)
    assert text(admin, LIST + "?status=all", headers=HTMX).count('id="open-') == 2
    for nonsense in (
        "page=x",
        "letter=x",
        "letter=99999999999999999999",
        "seen=-1",
        "status=x",
        "operation=0",
    ):
        text(admin, f"{LIST}?{nonsense}")


def test_of_many_the_first_are_shown_and_all_are_counted(
    admin: Client, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uncaptured, "MOST", 5)
    monkeypatch.setattr(inbox, "MOST_CAUSES", 4)
    broker = place.row(total=1).broker
    for number in range(6):
        make_queue(broker, f"dlq.{number}", total=9 - number, is_inbox=True)
        letter(headers=died(type=f"Error{'abcdef'[number]}", message="no"))
    page = text(admin, LIST)
    assert page.count("nobody captures") == 5 + 1
    assert "5 more dead-letter queues nobody captures" in page
    assert "And 2 that hold fewer" in page
    assert "These are the 4 most frequent." in page
    titles = [item.title for item in hooks.attention("default", User.objects.get(username="admin"))]
    assert titles.count("1+ more causes of dead letters") == 1
    assert "4 more queues hold letters nobody captures" in titles
    found = text(admin, reverse("queue_list") + "?show=dead-letter")
    assert all(f"dlq.{number}" in found for number in range(6))
