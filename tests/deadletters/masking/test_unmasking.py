"""What is shown instead of a hidden value never gets into the message, whoever sends it back."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.masking.masking import SHOWN
from mqadmin.deadletters.models import DeadLetter
from tests.deadletters.factories import died, letter

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.usefixtures("_broker"),
    pytest.mark.django_db(transaction=True),
]

BY = Actor("olga")
BODY = b'{"card":{"number":"4111-secret"},"total":1}'


@pytest.fixture(autouse=True)
def _rules(settings: Any) -> None:
    settings.MQADMIN_MASKED = ["header.Authorization", "payload.card.number"]


def secret_letter(body: bytes = BODY, **more: Any) -> DeadLetter:
    headers = {**died(), "authorization": "Bearer top-secret", "note": {"of": "card 4111-secret"}}
    return letter(body, headers=headers, **more)


def test_a_letter_read_and_sent_back_through_the_api_keeps_what_is_hidden() -> None:
    one = secret_letter(gzip.compress(BODY), content_type="application/json", content_encoding="gzip")
    user = User.objects.create_user("olga", password="x")
    user.groups.add(Group.objects.get(name="operator"))
    client = Client(headers={"Authorization": f"Bearer {tokens.create(user=user)}"})
    path = f"/api/v1/dead-letters/{one.pk}"

    def send(changes: dict[str, Any]) -> Any:
        return client.patch(path, json.dumps(changes), content_type="application/json")

    got = client.get(path).json()
    assert (got["headers"]["authorization"], got["headers"]["note"]) == (SHOWN, {"of": f"card {SHOWN}"})
    answer = send({"headers": {**got["headers"], "tenant": "acme"}, "properties": got["properties"]})
    assert answer.status_code == 200
    stored = DeadLetter.objects.get()
    assert stored.headers == {**one.headers, "tenant": "acme"}
    assert stored.properties == one.properties
    answer = send({"body": got["body"].replace('"total": 1', '"total": 2')})
    assert (answer.status_code, answer.json()["code"], list(answer.json()["fields"])) == (
        422,
        "masked",
        ["body"],
    )
    assert bytes(DeadLetter.objects.get().body) == bytes(one.body)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Basic {SHOWN}"},
        {"Authorization": SHOWN},
        {"note": {"of": f"the card {SHOWN}"}},
    ],
    ids=str,
)
def test_a_header_that_was_changed_around_the_sign_is_refused(headers: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        editing.edit(letter=secret_letter(), by=BY, headers=headers)
    assert (refused.value.code, list(refused.value.fields)) == ("masked", ["headers"])
    assert AuditEntry.objects.get(action="dead_letters.edit").outcome != "done"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"card":{"number":"4111"}', SHOWN.encode()),
        (BODY, BODY.replace(b"4111-secret", SHOWN.encode())[:-1]),
        (BODY, json.dumps({"card": [{"number": SHOWN}]}).encode()),
    ],
)
def test_a_body_with_the_sign_is_refused(before: bytes, after: bytes) -> None:
    one = secret_letter(before)
    with pytest.raises(Refusal, match="body"):
        editing.edit(letter=one, by=BY, body=after, headers=one.headers, properties=one.properties)
    assert bytes(DeadLetter.objects.get().body) == before


def test_other_edits_are_taken() -> None:
    one = secret_letter()
    body = f'{{"card":{{"number":"4222"}},"note":"{SHOWN}"}}'.encode()
    one = editing.edit(letter=one, by=BY, body=body, headers={"authorization": "Basic x", "tenant": SHOWN})
    assert (bytes(one.body), one.headers) == (body, {"authorization": "Basic x", "tenant": SHOWN})


def test_a_letter_that_holds_the_sign_already_can_be_changed_elsewhere() -> None:
    one = secret_letter(f'{{"card":{{"number":"{SHOWN}"}},"total":1}}'.encode())
    body = bytes(one.body).replace(b"1", b"2")
    assert bytes(editing.edit(letter=one, by=BY, body=body).body) == body
