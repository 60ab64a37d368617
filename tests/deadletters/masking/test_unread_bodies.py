"""A body that may hold a masked field and cannot be read whole is not shown at all."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.api import tokens
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.masking.masking import SHOWN
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.reading import bodies
from tests.deadletters.factories import died, letter

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.usefixtures("_broker"),
    pytest.mark.django_db(transaction=True),
]

MOST = 1_000  # values that are looked at
CARD = {"card": {"number": "4111-secret"}}
DIGITS = b'{"card":{"number":"4111-secret"},"n":' + b"1" * 5_000 + b"}"
LONG = json.dumps({**CARD, "pad": "x" * 1_000_000}).encode()
UNREAD = {
    "large": LONG,
    "digits": DIGITS,
    "deep": b'{"card":{"number":"4111-secret"},"n":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "lines": json.dumps(CARD).encode() + b"\n" + json.dumps(CARD).encode(),
    "cut": b' \n{"card":{"number":"4111-secret"',
    "text in text": json.dumps(json.dumps(CARD)).encode(),
    "utf-16": json.dumps(CARD).encode("utf-16"),
    "gzip": gzip.compress(LONG),
    "base64": base64.b64encode(DIGITS),
    "large base64": base64.encodebytes(LONG),
    "many": b'[{"card":{"number":"4111-secret"}},' + b",".join([b'{"number":0}'] * MOST) + b"]",
}


@pytest.fixture(autouse=True)
def _rules(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_MOST", MOST)
    settings.MQADMIN_MASKED = ["payload.card.number"]


def user_of(role: str) -> User:
    user = User.objects.create_user(role, password="x")
    user.groups.add(Group.objects.get(name=role))
    return user


def leaks(content: bytes) -> bool:
    return any(secret in content for secret in (b"4111-secret", base64.b64encode(b'{"card":{"number"')))


@pytest.mark.parametrize("body", UNREAD.values(), ids=UNREAD)
def test_nothing_of_it_is_shown_or_found(body: bytes) -> None:
    headers = died(type="shop.Declined", message="4111-secret declined", trace="at 4111-secret")
    one = letter(body, headers=headers, content_type="application/json")
    viewer = user_of("viewer")
    client, token = Client(), {"Authorization": f"Bearer {tokens.create(user=viewer)}"}
    client.force_login(viewer)
    page = client.get(f"/dead-letters/{one.pk}/").content
    assert b"1 value is hidden" in page
    for path in (
        "/dead-letters/",
        f"/dead-letters/{one.pk}/?tab=hex",
        f"/dead-letters/{one.pk}/?tab=history",
    ):
        page += client.get(path).content
    assert not leaks(page)
    assert client.get(f"/dead-letters/{one.pk}/body/").status_code == 403
    answer = client.get(f"/api/v1/dead-letters/{one.pk}", headers=token)
    assert [answer.json()[name] for name in ("body", "error", "trace")] == [SHOWN] * 3
    assert client.get("/api/v1/dead-letters?q=4111-secret", headers=token).json()["total"] == 0
    assert bytes(DeadLetter.objects.get(pk=one.pk).body) == body


def test_an_operator_reveals_it() -> None:
    one = letter(DIGITS)
    client = Client()
    client.force_login(user_of("operator"))
    assert b"4111-secret" not in client.get(f"/dead-letters/{one.pk}/").content
    assert b"4111-secret" in client.post(f"/dead-letters/{one.pk}/reveal/").content


@pytest.mark.parametrize(
    "body", [b"", b"4111 apples", b"exception in handler one", b"<a>4111</a>", b"eyes only " * 9]
)
def test_text_that_is_no_document_stays(body: bytes) -> None:
    one = letter(body, headers=died(message="declined"), content_encoding="utf-8")
    assert masking.hide(one) == 0
    assert (bytes(one.body), one.error) == (body, "declined")


def test_a_rule_for_headers_alone_hides_no_body(settings: Any) -> None:
    settings.MQADMIN_MASKED = ["header.authorization"]
    assert masking.hide(letter(DIGITS)) == 0


@pytest.mark.parametrize(
    ("body", "kind", "encoding"),
    [
        (b"plain", "application/msgpack", None),
        (b"plain", None, "br"),
        (b'{"a": 1}', "text/plain; charset=utf-16", None),
        (b"\xff\x00", None, None),
    ],
)
def test_what_is_not_surely_plain(body: bytes, kind: str | None, encoding: str | None) -> None:
    assert not bodies.is_plain(body, kind, encoding)
