"""Two teams on one broker: each sees, counts, searches, exports and decides its own letters alone."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pika
import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.core.rights.asking import asks
from mqadmin.core.rights.rules import Rule
from mqadmin.deadletters.acts import importing, patching
from mqadmin.deadletters.inbox import everywhere, inbox, sparklines
from mqadmin.deadletters.models import CauseNote, DeadLetter, RetryRule
from mqadmin.deadletters.requeue import copies, destinations
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import fulltext, selection
from mqadmin.deadletters.search.selection import Filter
from mqadmin.queues.models import Broker
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.queues.conftest import make_queue
from tests.support.pages import html
from tests.support.teams import OPERATE, VIEW, Script, asking, browser, member

pytestmark = pytest.mark.any_version
alone = pytest.mark.usefixtures("no_broker")

OLD = datetime.now(UTC) - timedelta(hours=2)


def died_of(queue: str, error: str) -> dict[str, Any]:
    return died(queue, type=f"{error}Error", message=f"no {error}")


@pytest.fixture
def letters(db: None) -> dict[str, DeadLetter]:
    fulltext.forget()
    sparklines.forget()
    broker = Broker.objects.create(slug="default", reachable=True, sampled_at=timezone.now())
    make_queue(broker, "orders", "shop")
    make_queue(broker, "shop.dlq", "shop", is_inbox=True, total=5)
    make_queue(broker, "bank.dlq", "bank", is_inbox=True, total=9)
    shop = {"vhost": "shop", "queue": "shop.dlq", "received_at": OLD}
    bank = {"vhost": "bank", "queue": "bank.dlq", "received_at": OLD}
    return {
        "pay": letter(b"apples for ledger", headers=died_of("salaries", "Ledger"), message_id="A-3", **bank),
        "order": letter(b"apples and pears", headers=died_of("orders", "Stock"), message_id="A-1", **shop),
        "mail": letter(b"apples by mail", headers=died_of("mails", "Smtp"), message_id="A-2", **shop),
    }


def user_of_shop(**grant: Any) -> User:
    return member("shop-team", {"vhost": "shop", "level": OPERATE, **grant})


def told(response: Any) -> set[str]:
    """Return what of the other team is in a page."""
    text = html(response)
    return {name for name in ("bank.dlq", "salaries", "Ledger", "ledger", "A-3") if name in text}


@alone
def test_the_inbox_is_of_their_letters_whoever_looked_before(letters: dict[str, DeadLetter]) -> None:
    root = User.objects.create_user("root")
    root.groups.add(Group.objects.get(name="admin"))
    shop, admin = browser(user_of_shop()), browser(root)
    for query in ("", "&q=apples", "&q=vhost:bank", "&q=error:Ledger*", "&status=all", "&group=0"):
        address = f"/dead-letters/?broker=default{query}"
        for indexed in (False, True):
            if indexed:
                fulltext.catch_up()
            admin.get(address)
            assert not told(shop.get(address)) - {"Ledger", "bank"}, query
    assert told(admin.get("/dead-letters/?broker=default"))
    page = shop.get("/dead-letters/?broker=default")
    context = page.context
    assert {value: count for value, _label, count in context["statuses"]}["parked"] == 2
    assert sorted(cause.source_queue for cause in context["causes"]) == ["mails", "orders"]
    assert sum(sum(cause.points) for cause in context["causes"]) == 2
    assert context["choices"] == {"source": ["mails", "orders"], "queue": ["shop.dlq"]}
    assert [item.queue.name for item in context["uncaptured"]] == ["shop.dlq"]
    assert context["page"].paginator.count == 2
    assert shop.get(f"/dead-letters/?broker=default&letter={letters['pay'].pk}").context["shown"] is None
    for query in ("source:", "queue:", "vhost:", "error:", "header:", "payload."):
        given = {"broker": "default", "q": query, "at": len(query)}
        assert not told(shop.get("/dead-letters/complete/", given)), query
    badge = next(item.badge for item in context["frame"].nav if item.key == "dead-letters")
    assert badge.text == "2"
    assert not told(shop.get("/?broker=default"))
    assert not told(shop.get("/dead-letters/map/?broker=default&vhost=bank"))
    assert not told(shop.get("/dead-letters/automatic/?broker=default"))


@alone
def test_a_letter_or_a_cause_of_others_is_not_there(letters: dict[str, DeadLetter]) -> None:
    other, mine = letters["pay"], letters["order"]
    client = browser(user_of_shop())
    for name in ("letter_detail", "letter_body", "letter_edit"):
        assert client.get(reverse(name, args=[other.pk])).status_code == 404, name
    for name in ("letter_reveal", "letter_revert", "letter_note", "letter_edit"):
        assert client.post(reverse(name, args=[other.pk])).status_code == 404, name
    for name in ("cause_detail", "cause_history"):
        assert client.get(reverse(name, args=[other.group]) + "?broker=default").status_code == 404, name
        assert client.get(reverse(name, args=[mine.group]) + "?broker=default").status_code == 200, name
    assert client.post(reverse("cause_note", args=[other.group])).status_code == 404
    assert client.post(reverse("cause_note", args=[mine.group]), {"cause_note": "known"}).status_code == 302
    assert CauseNote.objects.get().group == mine.group
    assert "known" in html(client.get("/dead-letters/?broker=default"))
    assert not AuditEntry.objects.filter(actor="shop-team").exclude(action="dead_letters.note_cause").exists()


@alone
def test_what_is_beside_a_cause_is_for_whose_all_its_letters_are(letters: dict[str, DeadLetter]) -> None:
    """Two dead-letter queues have letters of one cause; who has one of them sees neither note nor history."""
    one = letters["order"]
    letter(vhost="shop", queue="other.dlq", headers=died_of("orders", "Stock"), received_at=OLD)
    CauseNote.objects.create(broker="default", group=one.group, text="hush", by="eve")
    everything = everywhere.causes([Filter("default", status="parked")])
    assert {cause.group: sum(cause.points) for cause in everything}[one.group] == 2
    client = browser(user_of_shop(queue="shop.dlq"))
    page = client.get("/dead-letters/?broker=default")
    assert {cause.group: sum(cause.points) for cause in page.context["causes"]}[one.group] == 1
    text = html(page)
    assert "StockError" in text
    assert "hush" not in text
    address = reverse("cause_history", args=[one.group]) + "?broker=default"
    assert client.get(address).status_code == 403
    assert "history counts all of them" in html(client.get(reverse("cause_detail", args=[one.group])))
    assert client.post(reverse("cause_note", args=[one.group]), {"cause_note": "mine"}).status_code == 403
    whole = Script(member("queue-team", {"vhost": "shop", "queue": "orders"}))
    (group,) = whole.get("/dead-letters/groups").json()["items"]
    assert (group["count"], group["note"]) == (2, "hush")


@alone
@pytest.mark.django_db(transaction=True)
def test_a_worker_decides_and_edits_their_letters_alone(
    letters: dict[str, DeadLetter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the selection that it was given would find more."""
    monkeypatch.setattr(operations, "nudge", lambda _pk: None)
    team = Script(user_of_shop())
    all_ = {"filter": {"broker": "default", "q": "apples"}}
    changed = {**all_, "find": "apples", "replace": "plums"}
    assert team.send("POST", "/dead-letters/discard", {"ids": [letters["pay"].pk]}).status_code == 404
    for path, body in (("edit", changed), ("discard", {"filter": {"broker": "default"}})):
        answer = team.send("POST", f"/dead-letters/{path}", body)
        assert (answer.status_code, answer.json()["total"]) == (202, 2), path
        found = Operation.objects.get(pk=answer.json()["id"])
        assert found.rights is not None
        every = Filter("default", q=found.params["selection"].get("filter", {}).get("q", ""))
        wider = selection.Selection("default", filter=every, up_to=DeadLetter.newest_id())
        Operation.objects.filter(pk=found.pk).update(params={**found.params, "selection": wider.to_json()})
        assert operations.execute(found.pk)
        found.refresh_from_db()
        assert (found.status, found.done, found.failed) == ("done", 2, 0), path
    states = {row.message_id: (bytes(row.body), row.status) for row in DeadLetter.objects.all()}
    assert states["A-1"] == (b"plums and pears", "discarded")
    assert states["A-3"] == (b"apples for ledger", "parked")


@alone
def test_files_hold_their_letters_and_bring_none_into_others(letters: dict[str, DeadLetter]) -> None:
    team = Script(user_of_shop())
    lines = b"".join(team.get("/dead-letters/export", broker="default")).splitlines()
    assert sorted(json.loads(line)["message_id"] for line in lines) == ["A-1", "A-2"]
    assert team.get("/dead-letters", broker="default").json()["total"] == 2
    given = json.loads(lines[0])
    with asks(asking(Rule("default", "shop", "shop.dlq", OPERATE), needed="operate")):
        for wrong in ({"vhost": "bank"}, {"dead_letter_queue": "orders"}, {"return_queue": "mails"}):
            file = io.BytesIO(json.dumps({**given, "return_queue": "", **wrong}).encode())
            (fault,) = importing.take(file=file, broker="default", by=Actor("ann")).faults
            assert "is not yours to operate" in fault.error
    before = DeadLetter.objects.count()
    with asks(asking(Rule("default", "shop", "*", OPERATE), needed="operate")):
        file = io.BytesIO(json.dumps({**given, "captured_at": OLD.isoformat()}).encode())
        assert importing.take(file=file, broker="default", by=Actor("ann")).imported == 1
    assert DeadLetter.objects.count() == before + 1


@alone
def test_what_is_exported_must_be_theirs_to_operate(letters: dict[str, DeadLetter]) -> None:
    """What is read while it is sent needs what the page needed."""
    user = member("two", {"vhost": "shop", "level": OPERATE}, {"vhost": "bank", "level": VIEW})
    client = browser(user)
    assert client.get("/dead-letters/?broker=default").context["page"].paginator.count == 3
    address = "/dead-letters/export/?broker=default&all=1&status=parked"
    lines = b"".join(client.get(address)).splitlines()
    assert sorted(json.loads(line)["message_id"] for line in lines) == ["A-1", "A-2"]
    note = client.post(reverse("letter_note", args=[letters["pay"].pk]), {"note": "x"})
    assert note.status_code == 403, "which they may see"


@alone
def test_who_may_reveal_is_said_by_their_role(letters: dict[str, DeadLetter], settings: Any) -> None:
    settings.MQADMIN_MASKED = ["payload.card"]
    body = {"vhost": "shop", "queue": "shop.dlq", "received_at": OLD, "headers": died("orders")}
    one = letter(b'{"card": "4111-secret", "name": "ann"}', **body)
    other = letter(
        b'{"card": "4222-secret", "name": "bob"}', **{**body, "vhost": "bank", "queue": "bank.dlq"}
    )
    blind = browser(member("blind", {"vhost": "shop", "level": OPERATE, "reveals": False}))
    # To look is enough, where the role reveals.
    seeing = browser(member("seeing", {"vhost": "shop", "level": VIEW}))
    for name in ("letter_reveal", "letter_edit"):
        assert blind.post(reverse(name, args=[one.pk])).status_code == 403, name
    assert blind.get(reverse("letter_body", args=[one.pk])).status_code == 403
    assert "Reveal" not in html(blind.get(reverse("letter_detail", args=[one.pk])))
    assert "Reveal" in html(seeing.get(reverse("letter_detail", args=[one.pk])))
    assert "4111-secret" in html(seeing.post(reverse("letter_reveal", args=[one.pk])))
    assert seeing.post(reverse("letter_reveal", args=[other.pk])).status_code == 404
    assert b"4111-secret" in seeing.get(reverse("letter_body", args=[one.pk])).content
    for client, found in ((blind, 0), (seeing, 1)):
        page = client.get("/dead-letters/?broker=default&q=4111-secret")
        assert page.context["page"].paginator.count == found
    exported = b"".join(blind.get("/dead-letters/export/?broker=default&all=1&status=parked"))
    rows = [json.loads(line) for line in exported.splitlines()]
    assert {row["mqadmin_letter"] for row in rows if row["id"] == one.pk} == {"masked"}
    assert not any("secret" in base64.b64decode(row["body"]).decode() for row in rows)
    with asks(asking(Rule("default", "shop", "*", OPERATE, reveals=False), needed="operate")):
        assert "masked fields" in copied_into_a_header(one)
    assert copied_into_a_header(one) == ""


def copied_into_a_header(one: DeadLetter) -> str:
    """Return why a step that copies a masked field to where it would show is not done."""
    steps = [{"op": "copy", "from": "/body/card", "path": "/headers/seen"}]
    change = patching.Change.from_json({"patch": steps})
    (tried,) = patching.preview(selection=selection.some("default", [one.pk]), change=change)
    return tried.error


@alone
def test_rules_that_retry_are_of_their_queues(letters: dict[str, DeadLetter]) -> None:
    RetryRule.objects.create(broker="default", vhost="bank", source="salaries", changed_by="eve")
    team = Script(user_of_shop(level=3))
    assert team.get("/retry-rules").json()["total"] == 0
    for vhost, source, status in (("bank", "salaries", 404), ("shop", "orders", 200)):
        body = {"broker": "default", "vhost": vhost, "source": source}
        assert team.send("POST", "/retry-rules", body).status_code == status
    assert team.get("/retry-rules").json()["total"] == 1
    of_cause = {"broker": "default", "group": letters["order"].group}
    assert team.send("POST", "/retry-rules", of_cause).status_code == 403, "its letters may be anywhere"
    assert RetryRule.objects.get(vhost="bank").changed_by == "eve"


@alone
def test_where_letters_may_go(letters: dict[str, DeadLetter]) -> None:
    """Back with whoever operates the dead-letter queue; elsewhere to what is theirs. The worker looks again."""
    one = letters["order"]
    places = {
        "source": To(),
        "exchange": To("exchange"),
        "own": To("given", "", "shop.dlq2"),
        "other": To("given", "", "mails"),
    }

    def refused(*rules: Rule) -> set[str]:
        with asks(asking(*rules, needed="operate")):
            by_check = {name for name, to in places.items() if _why_not(one, to)}
            by_worker = {name for name, to in places.items() if _why_not_copied(one, to)}
        assert by_check == by_worker
        return by_check

    assert refused(Rule("default", "shop", "shop.dlq*", OPERATE)) == {"exchange", "other"}
    assert refused(Rule("default", "shop", "orders", OPERATE)) == {"exchange", "own", "other"}
    assert refused(Rule("default", "shop", "mails", OPERATE)) == {"source", "exchange", "own"}
    assert refused(Rule("default", "shop", "*", OPERATE)) == set()
    assert refused(Rule("default", "shop", "*", VIEW)) == set(places)


def _why_not(one: DeadLetter, to: To) -> str:
    place = destinations.address(one, to)
    return destinations.not_theirs("default", one.vhost, place, to, one.dead_letter_queue)


def _why_not_copied(one: DeadLetter, to: To) -> str:
    stored = DeadLetter._base_manager.filter(pk=one.pk).values_list(*copies.COLUMNS).get()
    texts = [json.dumps(value) if isinstance(value, dict | list) else value for value in stored]
    claimed = copies.Claimed(*texts, "id")
    try:
        copies.Copier(to, broker="default", username="me").copy(claimed)
    except Exception as error:
        return str(error)
    return ""


@pytest.mark.broker
@pytest.mark.django_db(transaction=True)
def test_who_has_the_dead_letter_queue_sends_its_letters_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a real broker, by a worker; nothing is told of the queue that they go back to."""
    monkeypatch.setattr(operations, "nudge", lambda _pk: None)
    place.channel.queue_declare("elsewhere", durable=True)
    place.row("orders", ready=1234)
    ids = [letter(b"x", vhost=place.vhost).pk for _ in range(3)]
    letter(b"y", vhost=place.vhost, queue="dlx.other", headers=died("other"))
    user = member("inbox-team", {"vhost": place.vhost, "queue": "dlx.orders", "level": OPERATE})
    team = Script(user)
    given = {"filter": {"broker": "default"}}
    tried = team.send("POST", "/dead-letters/requeue", {**given, "dry_run": True}).json()
    assert (tried["total"], tried["requeueable"]) == (3, 3)
    assert [(item["ready"], item["consumers"]) for item in tried["queues"]] == [(None, None)]
    for to in ("exchange", {"exchange": "", "routing_key": "elsewhere"}):
        answer = team.send("POST", "/dead-letters/requeue", {**given, "to": to})
        assert (answer.status_code, answer.json()["code"]) == (409, "no_destination"), to
    answer = team.send("POST", "/dead-letters/requeue", given)
    assert answer.status_code == 202
    assert operations.execute(answer.json()["id"])
    assert place.depth("orders") == 3
    done = Operation.objects.get(pk=answer.json()["id"])
    assert (done.status, done.done) == ("done", 3)
    assert set(DeadLetter.objects.filter(status="requeued").values_list("pk", flat=True)) == set(ids)


@pytest.mark.broker
@pytest.mark.django_db(transaction=True)
def test_what_is_masked_is_hidden_in_a_queue_too(place: Place, settings: Any) -> None:
    settings.MQADMIN_MASKED = ["payload.card", "header.token"]
    place.channel.basic_publish(
        "",
        "dlx.orders",
        b'{"card": "4111", "n": 1}',
        pika.BasicProperties(headers={"token": "hush", "a": "b"}),
    )
    place.wait_depth("dlx.orders", 1)
    row = place.row()
    address = f"/queues/{row.pk}/peek"
    for reveals in (False, True):
        team = Script(member(f"team {reveals}", {"vhost": place.vhost, "level": OPERATE, "reveals": reveals}))
        (item,) = team.send("POST", address, {"count": 1}).json()["items"]
        shown = {"card": "4111" if reveals else "•••", "n": 1}
        assert json.loads(item["body"]) == shown
        assert item["headers"] == {"token": "hush" if reveals else "•••", "a": "b"}


@alone
def test_without_limits_nothing_more_is_read(
    letters: dict[str, DeadLetter], django_assert_num_queries: Any
) -> None:
    with asks(asking(Rule())), django_assert_num_queries(4):
        assert len(inbox.causes(Filter("default", status="parked"))) == 3
    with django_assert_num_queries(4):
        assert len(inbox.causes(Filter("default", status="parked"))) == 3
