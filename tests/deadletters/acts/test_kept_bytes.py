"""A change of many letters rewrites nothing that it does not name: seen on what RabbitMQ gets, byte for byte."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mqadmin.core.acts import operations
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.deadletters.acts import editing, patching
from mqadmin.deadletters.acts.patching import Change, Unchangeable
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from tests.deadletters.conftest import BY, Place
from tests.deadletters.factories import died, letter

pytestmark = pytest.mark.django_db(transaction=True)
ODD = (
    '{"amount":12345678901234567.89, "price" : 1.10,"k":1,"k":2,"x":"\\u00e9 é \\/","z":[1E5,-0 , NaN]}\n'
).encode()
STEP = {"op": "replace", "path": "/body/price", "value": "1.20"}


@pytest.fixture
def admin(transactional_db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("admin", password="x"))
    return client


@pytest.fixture(autouse=True)
def _no_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


def changed(body: bytes, *steps: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return patching.changed(letter(body, **properties), Change(steps))


@pytest.mark.broker
def test_what_a_patch_does_not_name_reaches_the_queue_as_it_died(place: Place) -> None:
    one = letter(ODD, vhost=place.vhost)
    chosen = selection.some("default", [one.pk])
    change = Change.from_json(
        {"patch": '[{"op": "replace", "path": "/body/price", "value": 98765432109876543.210}]'}
    )
    (tried,) = patching.preview(selection=chosen, change=change)
    assert operations.execute(patching.start(selection=chosen, change=change, by=BY).pk)
    assert operations.execute(requeue.start(selection=chosen, to=To(), by=BY).pk)
    sent = place.take("orders").body
    assert sent == ODD.replace(b"1.10", b"98765432109876543.210")
    assert (tried.before, tried.after) == (ODD.decode(), sent.decode())
    told = AuditEntry.objects.get(action=patching.KIND).detail["change"]["patch"]
    assert told[0]["value"] == "98765432109876543.210"


@pytest.mark.broker
def test_a_patch_of_the_page_is_done_as_it_is_typed(place: Place, admin: Client) -> None:
    one = letter(ODD, vhost=place.vhost)
    typed = '[{"op": "add", "path": "/body/z/-", "value": 1.50}]'
    asked = {"ids": str(one.pk), "way": "patch", "patch": typed}
    shown = admin.get("/dead-letters/edit/", asked).content.decode()
    assert "1.50" in shown
    admin.post("/dead-letters/edit/", {**asked, "expect": "1"})
    assert operations.execute(Operation.objects.get().pk)
    one.refresh_from_db()
    assert bytes(one.body) == ODD.replace(b" , NaN", b" , NaN, 1.50")
    doubled = admin.get(
        "/dead-letters/edit/", {**asked, "patch": typed.replace('"value"', '"value": 2, "value"')}
    )
    assert "given twice" in doubled.content.decode()


@pytest.mark.parametrize(
    "step",
    [
        {"op": "replace", "path": "/body/k", "value": 3},
        {"op": "remove", "path": "/body/k"},
        {"op": "add", "path": "/body/k", "value": 3},
        {"op": "test", "path": "/body/k", "value": 2},
        {"op": "copy", "from": "/body/k", "path": "/body/new"},
    ],
)
def test_a_path_through_a_doubled_key_is_refused(step: dict[str, Any]) -> None:
    with pytest.raises(Unchangeable, match="the key “k” twice"):
        changed(ODD, step)
    with pytest.raises(Unchangeable, match="the key “k” twice"):
        changed(b'{"o":{"k":1,"k":2}}', {"op": "copy", "from": "/body/o", "path": "/headers/o"})


def test_numbers_are_tested_by_what_they_say() -> None:
    same = {"op": "test", "path": "/body/price", "value": 1.1}
    assert changed(ODD, same, STEP)["body"] == ODD.replace(b"1.10", b'"1.20"')
    for text in ("12345678901234567.88", "12345678901234568"):
        change = Change.from_json({"patch": f'[{{"op": "test", "path": "/body/amount", "value": {text}}}]'})
        with pytest.raises(Unchangeable, match=r"12345678901234567\.89 is not equal to tested value"):
            patching.changed(letter(ODD), change)


def test_one_for_true_is_a_change_in_body_headers_and_properties() -> None:
    one = letter(b'{"a":1}', headers={**died(), "n": 1})
    for path in ("/body/a", "/headers/n"):
        found = patching.changed(one, Change(({"op": "replace", "path": path, "value": True},)))
        assert found, path
    headers = {**one.headers, "n": True}
    assert editing.edit(letter=one, by=BY, headers=headers).headers["n"] is True


def test_a_number_that_no_header_holds_is_not_rounded_into_one() -> None:
    with pytest.raises(Unchangeable, match="more digits than a float"):
        changed(ODD, {"op": "copy", "from": "/body/amount", "path": "/headers/amount"})
    found = changed(ODD, {"op": "move", "from": "/body/price", "path": "/headers/price"})
    assert found["headers"]["price"] == 1.1
    assert found["body"] == ODD.replace(b' "price" : 1.10,', b"")


def test_a_body_in_another_encoding_stays_in_it() -> None:
    body = '{"price": 1.10, "é": 1}'.encode("utf-16")
    assert changed(body, STEP)["body"] == '{"price": "1.20", "é": 1}'.encode("utf-16")


@pytest.mark.broker
def test_a_patch_through_the_api_is_done_as_it_is_sent() -> None:
    one, token = letter(ODD), tokens.create(user=User.objects.create_superuser("admin", password="x"))
    step = '{"op": "replace", "path": "/body/price", "value": 98765432109876543.210}'
    shown = Client().post(
        "/api/v1/dead-letters/edit",
        f'{{"ids": [{one.pk}], "patch": [{step}], "preview": true}}',
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert shown.json()["items"][0]["after"] == ODD.decode().replace("1.10", "98765432109876543.210")


def test_find_and_replace_leaves_what_is_encoded_alone() -> None:
    with pytest.raises(Unchangeable, match="is encoded"):
        patching.changed(letter(base64.b64encode(b'{"a": 1, "b": 2}')), Change(find="e", replace="f"))
    latin = letter(b'{"a": "x"}', content_type="application/json; charset=iso-8859-1")
    with pytest.raises(Unchangeable, match="only ASCII"):
        patching.changed(latin, Change(find="x", replace="é"))
    found = patching.changed(latin, Change(({"op": "replace", "path": "/body/a", "value": "é"},)))
    assert found == {"body": b'{"a": "\\u00e9"}'}


def test_the_editor_refuses_what_it_would_read_otherwise(admin: Client) -> None:
    one = letter(headers={**died(), "n": 1})
    path = f"/dead-letters/{one.pk}/edit/"
    form = admin.get(path).context["form"]
    given = {name: form[name].value() for name in ("body", "encoding", "headers", "properties", "edits")}
    for typed, words in (('{"n": 1, "n": 2}', "given twice"), ('{"n": 12345678901234567.89}', "more digits")):
        answer = admin.post(path, {**given, "headers": typed})
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert DeadLetter.objects.get().edits == 0
