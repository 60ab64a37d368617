"""The pages, the API and the command of acts that wait; and what the asking pages and calls say."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from mqadmin.approvals.models import Approval
from mqadmin.core import brokers, hooks
from mqadmin.core.acts import operations
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.deadletters.models import DeadLetter
from tests.approvals.conftest import Api, browser, person
from tests.core.conftest import HX
from tests.deadletters.factories import letter

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[[], Approval]


@pytest.fixture
def ask(ann: User) -> Ask:
    """Have ann ask, by her page, that six letters be discarded."""

    def asked() -> Approval:
        ids = [letter().pk for _ in range(6)]
        client = browser(ann)
        answer = client.post("/dead-letters/discard/", {"ids": ids, "expect": 6}, headers=HX)
        waiting = Approval.objects.latest("pk")
        assert answer.headers["HX-Redirect"] == f"/approvals/{waiting.pk}/"
        said = text(client.get(answer.headers["HX-Redirect"]))
        assert "Nothing was done yet: a second person must agree." in said
        return waiting

    return asked


def text(answer: Any) -> str:
    return " ".join(unescape(answer.content.decode()).split())


def test_a_dialog_says_that_it_will_wait(ann: User, settings: Any) -> None:
    ids = [letter().pk for _ in range(6)]
    client = browser(ann)
    said = "A second person must agree: 6 messages on default."
    assert said in text(client.get("/dead-letters/discard/", {"ids": ids}))
    edit = {"ids": ids, "way": "replace", "find": "a", "replace": "b"}
    assert said in text(client.get("/dead-letters/edit/", edit))
    assert said not in text(client.get("/dead-letters/discard/", {"ids": ids[:4]}))
    settings.MQADMIN_FOUR_EYES = 0
    assert said not in text(client.get("/dead-letters/discard/", {"ids": ids}))


def test_one_asks_and_another_agrees(ask: Ask, ann: User, bob: User) -> None:
    waiting = ask()
    hers, his = browser(ann), browser(bob)
    address = f"/approvals/{waiting.pk}/"
    seen = text(hers.get(address))
    assert "You asked for it: somebody else must agree." in seen
    assert 'id="take-back"' in seen
    assert 'id="approve"' not in seen

    seen = text(his.get(address))
    assert "Approve: 6 messages" in seen
    assert "Type its name, default, to go on" in seen
    assert "They leave the inbox but stay stored: they can be restored." in seen
    assert "ann waits for a second person" in text(his.get("/"))
    assert "ann waits for a second person" not in text(hers.get("/"))
    assert hooks.nav_badge("approvals", "default") == ("1", "amber", (1,))

    approve = f"{address}approve/"
    assert his.post(approve, {"seen": 1, "typed": "defalt"}).status_code == 422
    assert his.post(approve, {"typed": "default"}).status_code == 409  # looked at nothing
    assert hers.post(approve, {"seen": 1, "typed": "default"}).status_code == 409
    DeadLetter.objects.filter(pk=letter().pk).update(status="requeued")
    assert his.post(approve, {"seen": 1, "typed": "default"}).url == address
    assert operations.execute(Operation.objects.get().pk)
    assert DeadLetter.objects.filter(status="discarded").count() == 6
    assert "Discard 6 letters: begun." in text(hers.get(address, headers=HX))
    assert "bob was faster" in text(browser(person("eve")).post(approve, {"seen": 1, "typed": "default"}))
    assert "approved by bob" in text(hers.get("/approvals/"))


def test_of_several_brokers_each_waits_by_itself(ann: User, settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "brokers.toml"
    file.write_text(
        '[brokers.prod]\namqp_url = "amqp://localhost:1"\nenvironment = "production"\n'
        '[brokers.test]\namqp_url = "amqp://localhost:1"\n'
    )
    settings.MQADMIN_BROKERS_FILE = str(file)
    brokers.forget()
    for slug in ("prod", "test"):
        for _ in range(6):
            letter(broker=slug)
    client = browser(ann)
    every = {"all": "1", "status": "parked", "broker": "*"}
    said = "A second person must agree: 6 messages on prod."
    assert said in text(client.get("/dead-letters/discard/", every))
    answer = client.post("/dead-letters/discard/", {**every, "expect": 12, "typed": "prod"}, headers=HX)
    told = json.loads(answer.headers["HX-Trigger"])["mqadmin:toast"]["items"][0]["text"]
    assert "Discard 6 letters: begun." in told
    assert "prod: Nothing was done yet: a second person must agree." in told
    assert Operation.objects.get().broker == "test"
    assert Approval.objects.get().broker == "prod"


def test_it_is_refused_and_taken_back(ask: Ask, ann: User, bob: User) -> None:
    first = ask()
    browser(bob).post(f"/approvals/{first.pk}/refuse/", {"reason": "the shop is <open>"})
    assert "the shop is <open>" in text(browser(ann).get(f"/approvals/{first.pk}/"))
    second = ask()
    assert browser(bob).post(f"/approvals/{second.pk}/take-back/").status_code == 409
    browser(ann).post(f"/approvals/{second.pk}/take-back/")
    assert {*Approval.objects.values_list("status", flat=True)} == {"refused", "taken_back"}
    assert DeadLetter.objects.filter(status="parked").count() == 12


def test_alone_in_an_emergency(ask: Ask, ann: User, settings: Any) -> None:
    waiting, client = ask(), browser(ann)
    address = f"/approvals/{waiting.pk}/"
    assert 'id="alone"' not in text(client.get(address))
    settings.MQADMIN_FOUR_EYES_ALONE = ["ann"]
    assert 'id="alone"' in text(client.get(address))
    given = {"seen": 1, "typed": "default", "reason": "all is down, nobody answers"}
    client.post(f"{address}alone/", given)
    assert "Alone, by" in text(client.get(address))
    seen = text(client.get("/audit/"))
    assert "WENT AHEAD ALONE with" in seen
    assert "all is down, nobody answers" in seen


def test_the_sidebar_leads_there_where_it_is_on(ann: User, settings: Any) -> None:
    entry = 'href="/approvals/"'
    assert entry in text(browser(ann).get("/audit/"))
    settings.MQADMIN_FOUR_EYES = 0
    assert entry not in text(browser(ann).get("/audit/"))


def test_the_api_answers_202_with_what_waits(ann: User, bob: User) -> None:
    ids = [letter().pk for _ in range(6)]
    hers, his = Api(ann), Api(bob)
    answer = hers.post("/dead-letters/discard", {"ids": ids})
    told = answer.json()
    assert (answer.status_code, told["code"]) == (202, "awaits_approval")
    waiting = told["approval"]
    assert (waiting["status"], waiting["messages"], waiting["asked_by"]) == ("waiting", 6, "ann")
    assert waiting["dry_run"] == [
        {"level": "tells", "text": "They leave the inbox but stay stored: they can be restored."}
    ]
    path = f"/approvals/{waiting['id']}"
    assert his.get("/approvals", status="waiting").json()["items"] == [his.get(path).json()]
    assert hers.post(f"{path}/approve", {"version": 1}).json()["code"] == "own"
    assert Api(person("vic", "viewer")).post(f"{path}/approve", {"version": 1}).status_code == 403
    assert his.post(f"{path}/approve", {"version": 2}).json()["code"] == "changed"
    assert his.post(f"{path}/approve").status_code == 422
    done = his.post(f"{path}/approve", {"version": 1}).json()
    assert (done["status"], done["decided_by"]) == ("done", "bob")
    assert Operation.objects.get().pk == done["operation"]
    assert his.post(f"{path}/approve", {"version": 1}).json()["code"] == "wrong_state"
    assert his.get("/approvals", status="waiting").json()["items"] == []
    assert his.get("/approvals/999").status_code == 404
    by = AuditEntry.objects.get(action="dead_letters.discard", outcome="done")
    assert (by.actor, by.via, by.detail["approved_by"]) == ("ann", "api", "bob")


def test_by_the_api_it_is_refused_taken_back_and_gone_ahead_with(
    ask: Ask, ann: User, bob: User, settings: Any
) -> None:
    hers, his = Api(ann), Api(bob)
    path = f"/approvals/{ask().pk}"
    assert his.post(f"{path}/take-back").json()["code"] == "not_own"
    assert his.post(f"{path}/refuse", {"reason": "no"}).json()["status"] == "refused"
    assert hers.post(f"/approvals/{ask().pk}/take-back").json()["status"] == "taken_back"
    path, reason = f"/approvals/{ask().pk}/alone", "all is down, nobody answers"
    assert hers.post(path, {"version": 1, "reason": reason}).json()["code"] == "not_alone"
    settings.MQADMIN_FOUR_EYES_ALONE = ["ann"]
    assert hers.post(path, {"version": 1, "reason": reason}).json()["alone"] is True


def test_the_command_lists_them(ask: Ask) -> None:
    waiting = ask()
    out = StringIO()
    call_command("approvals", "list", "--json", stdout=out)
    (item,) = json.loads(out.getvalue())["items"]
    assert item["id"] == waiting.pk
    with pytest.raises(SystemExit) as ended:
        call_command("approvals", "list", "--status", "expired")
    assert ended.value.code == 1
