"""The pages: what they show, whom they refuse, and that nothing in a letter becomes markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from consumers.models import Consumer, Record
from mqadmin.core import hooks
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.core.models import Operation
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.capture import tracking, uncaptured
from mqadmin.deadletters.inbox import inbox
from mqadmin.deadletters.models import CauseNote, DeadLetter
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.listeners import holding
from tests.queues.conftest import make_queue
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]

LIST = "/dead-letters/"
HTMX = {"HX-Request": "true", "HX-Target": "inbox"}


@pytest.fixture(autouse=True)
def _environment(broker_config: BrokerConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


def client_of(role: str) -> Client:
    user = User.objects.create_user(role, password="x")
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(transactional_db: None) -> Client:
    return client_of("admin")


def text(client: Client, path: str, **more: Any) -> str:
    answer = client.get(path, **more)
    assert answer.status_code == 200, answer.content[:500]
    return str(answer.content.decode())


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


HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize("tab", ["payload", "headers", "properties", "log", "history"])
def test_nothing_in_a_letter_becomes_markup(admin: Client, tab: str) -> None:
    headers = {
        **died(HOSTILE, type=HOSTILE, message=f"{HOSTILE} 5", trace=HOSTILE),
        HOSTILE: HOSTILE,
        "nested": {HOSTILE: [HOSTILE]},
        "bytes": HOSTILE.encode(),
    }
    one = letter(HOSTILE.encode(), queue=HOSTILE, headers=headers, message_id=HOSTILE, type=HOSTILE)
    DeadLetter.objects.update(status_reason=HOSTILE, source_exchange=HOSTILE, routing_keys=[HOSTILE])
    editing.note(letter=one, text=HOSTILE, by=Actor(HOSTILE))
    editing.note_cause(broker="default", group=one.group, text=HOSTILE, by=Actor("ann"))
    consumer = Consumer.objects.create(name="c", broker="default", queue="orders", handler="record")
    Record.objects.create(
        consumer=consumer,
        queue="orders",
        message_id=HOSTILE,
        outcome="dead_lettered",
        started_at=datetime.now(UTC),
        log=[[1, "ERROR", HOSTILE]],
    )
    broker = Broker.objects.create(slug="default")
    Queue.objects.create(broker=broker, vhost=HOSTILE, name=HOSTILE, is_inbox=True, total=3)
    pages = [
        text(admin, f"{LIST}?letter={one.pk}&tab={tab}&q=alert&group={one.group}"),
        text(admin, f"{LIST}{one.pk}/?tab={tab}"),
        text(admin, f"{LIST}{one.pk}/edit/"),
        text(admin, "/?broker=default"),
        text(admin, "/find/?q=%3Cscript"),
    ]
    for page in pages:
        assert "<script>alert" not in page
        assert not re.search(r'="[^"]*<script>', page)
    assert "&lt;script&gt;alert(1)" in pages[0]


def test_tabs_show_headers_properties_log_lines_and_history(admin: Client) -> None:
    one = letter(headers={**died(), "customer": "Ada", "weight": 1.5}, message_id="m", app_id="shop")
    consumer = Consumer.objects.create(name="orders", broker="default", queue="orders", handler="record")
    record = Record.objects.create(
        consumer=consumer,
        queue="orders",
        message_id="m",
        attempt=2,
        outcome="dead_lettered",
        started_at=one.captured_at - timedelta(seconds=1),
        log=[[250, "WARNING", "stock is low"]],
    )
    path = f"{LIST}{one.pk}/"
    assert "Ada" in text(admin, path + "?tab=headers")
    assert "app_id" in text(admin, path + "?tab=properties")
    log = text(admin, path + "?tab=log")
    assert "stock is low" in log
    assert "Attempt 2" in log
    history = text(admin, path + "?tab=history")
    order = [history.index(word) for word in ("Published", "Attempt 2 failed, dead-lettered", "Captured")]
    assert order == sorted(order)
    assert reverse("record_detail", args=[record.pk]) in history
    assert f"letter #{one.pk}, parked" in text(admin, reverse("record_detail", args=[record.pk]))


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


def test_edit_save_and_requeue(admin: Client, place: Place) -> None:
    one = letter(b"a\nb", vhost=place.vhost, headers={**died(), "weight": 1.0})
    path = f"{LIST}{one.pk}/edit/"
    form = admin.get(path).context["form"]
    fields = {name: form[name].value() for name in ("body", "encoding", "headers", "properties", "edits")}
    changed = {**fields, "body": "a\r\nc"}
    assert admin.post(path, {**changed, "headers": "[]"}).status_code == 422
    assert admin.post(path, {**changed, "properties": '{"priority": 999}'}).status_code == 422
    assert admin.post(path, {**changed, "requeue": "1"}).status_code == 302
    one.refresh_from_db()
    assert bytes(one.body) == b"a\nc"
    assert one.headers["weight"] == {"$float": "1.0"}
    operations.execute(Operation.objects.get().pk)
    message = place.take("orders")
    assert message.body == b"a\nc"
    assert message.headers["weight"] == 1.0
    stale = admin.post(path, {**fields, "body": "other"})
    assert stale.status_code == 422
    assert "meanwhile" in stale.content.decode()


def test_notes(admin: Client) -> None:
    one = letter()
    admin.post(f"{LIST}{one.pk}/note/", {"note": "ask the stock team"})
    admin.post(f"/dead-letters/causes/{one.group}/note/", {"cause_note": "fixed in 2.14"})
    page = text(admin, LIST)
    assert "ask the stock team" in page
    assert "note: fixed in 2.14" in page
    admin.post(f"/dead-letters/causes/{one.group}/note/", {"cause_note": ""})
    assert not CauseNote.objects.exists()


def test_track_from_the_inbox_and_the_queue_page(admin: Client, place: Place) -> None:
    queue = place.row(total=12)
    page = text(admin, LIST)
    assert "dlx.orders holds 12 letters nobody captures" in page
    track = reverse("queue_track", args=[queue.pk])
    assert track in text(admin, reverse("queue_detail", args=[queue.pk]))
    assert admin.post(track).status_code == 302
    letter(vhost=place.vhost)
    panel = text(admin, reverse("queue_detail", args=[queue.pk]))
    assert "collect-dlx-orders" in panel
    assert "1 letter in the inbox" in panel
    assert "nobody captures" not in text(admin, LIST)
    assert admin.post(reverse("queue_untrack", args=[queue.pk])).status_code == 302


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


def test_a_queue_that_is_consumed_from_is_not_offered_and_refused_in_words(
    admin: Client, place: Place
) -> None:
    queue = place.row(total=12, consumers=1)
    track = reverse("queue_track", args=[queue.pk])
    page = text(admin, LIST)
    assert "nobody captures" not in page
    assert track not in page
    panel = text(admin, reverse("queue_detail", args=[queue.pk]))
    assert "1 consumer works on this queue" in panel
    assert "Track it all the same" in panel
    with holding(place, "dlx.orders"):
        counted = lambda: tracking._consumers(queue) == 1  # noqa: E731
        wait_until(counted, 20, what="a consumer that is counted")
        answer = admin.post(track)
        assert answer.status_code == 409
        assert "1 consumer works on this queue" in answer.content.decode()
        token = {"Authorization": f"Bearer {tokens.create(user=User.objects.get(username='admin'))}"}
        call = f"/api/v1/queues/{queue.pk}/track"
        answer = Client().post(call, headers=token)
        assert (answer.status_code, answer.json()["code"]) == (409, "consumed")
        assert not Consumer.objects.exists()
        assert Client().post(f"{call}?force=true", headers=token).status_code == 200
        assert admin.post(reverse("queue_untrack", args=[queue.pk])).status_code == 302
        assert admin.post(track, {"force": "yes"}).status_code == 302
    assert Consumer.objects.get().desired == "running"


ACTS = [
    "requeue/",
    "discard/",
    "restore/",
    "{pk}/edit/",
    "{pk}/revert/",
    "{pk}/note/",
    "queues/{queue}/track/",
]


@pytest.mark.parametrize("act", ACTS)
def test_a_viewer_sees_but_may_not(act: str, place: Place) -> None:
    viewer = client_of("viewer")
    one = letter(message_id="ord-1")
    page = text(viewer, LIST)
    assert "ord-1" in page
    assert "This needs the role operator or admin." in page
    path = LIST + act.format(pk=one.pk, queue=place.row().pk)
    assert viewer.post(path, {"ids": [one.pk]}).status_code == 403
    one.refresh_from_db()
    assert (one.status, one.note, one.edits) == ("parked", "", 0)


@pytest.mark.parametrize("path", ["{pk}/revert/", "{pk}/note/", "queues/{pk}/track/", "queues/{pk}/untrack/"])
def test_wrong_method(admin: Client, path: str) -> None:
    assert admin.get(LIST + path.format(pk=letter().pk)).status_code == 405


def test_what_is_not_there(admin: Client) -> None:
    for path in ("9999/", "9999/edit/"):
        assert admin.get(LIST + path).status_code == 404
    assert "no longer stored" in text(admin, LIST + "?letter=9999") or "No dead letters" in text(admin, LIST)


def test_a_guest_signs_in_first() -> None:
    assert "/login/" in Client().get(LIST)["Location"]


def test_the_hooks(admin: Client) -> None:
    for number in range(3):
        letter(headers=died(type="ValueError", message=f"no {number}"), message_id=f"ord-{number}")
    user = User.objects.get(username="admin")
    (found,) = [item for item in hooks.attention("default", user) if "dead letters" in item.title]
    assert found.title == "3 dead letters: ValueError"
    assert (found.level, found.text) == ("watch", "no N. In orders, last 0 s ago.")
    badge = hooks.nav_badge("dead-letters", "default")
    assert badge is not None
    assert (badge.text, badge.tone) == ("3", "red")
    assert [hit.title for hit in hooks.find("ord-", "default")] == ["ord-2", "ord-1", "ord-0"]
    assert hooks.nav_badge("dead-letters", "other") is None
    (tile,) = [tile for tile in hooks.overview_tiles("default") if tile.label == "Dead letters today"]
    assert tile.value == "3"
