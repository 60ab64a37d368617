"""Masked fields: hidden from who looks, shown to who may, once, with a line in the audit log."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mqadmin.core.acts.audit import Actor
from mqadmin.core.api import tokens
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.acts import exporting, importing
from mqadmin.deadletters.inbox import presenting
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.masking.masking import SHOWN
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import facets, selection
from mqadmin.deadletters.search.searching import search
from mqadmin.given import Unusable
from tests.deadletters.factories import died, letter
from tests.deadletters.masking.people import RULES, client_of, user_of
from tests.support.consumers import make_consumer, make_record

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.usefixtures("_broker"),
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.parametrize(
    ("document", "expected", "count"),
    [
        ({"card": {"number": 4111, "name": "Ada"}}, {"card": {"number": SHOWN, "name": "Ada"}}, 1),
        ({"card": [{"number": 1}, {"number": 2}]}, {"card": [{"number": SHOWN}, {"number": SHOWN}]}, 2),
        ({"number": 5, "x": {"card": {"number": 1}}}, {"number": 5, "x": {"card": {"number": 1}}}, 0),
        ([{"a": {"b": {"password": {"x": 1}}}}], [{"a": {"b": {"password": SHOWN}}}], 1),
        ({"password": "p"}, {"password": SHOWN}, 1),
        ({"card": "no table"}, {"card": "no table"}, 0),
    ],
)
def test_what_is_hidden(document: Any, expected: Any, count: int, settings: Any) -> None:
    settings.MQADMIN_MASKED = RULES
    assert masking.mask(document, masking.rules()[1]) == count
    assert document == expected


@pytest.mark.parametrize(
    "body",
    [
        '{"card":{"number":"4111-secret"}}',
        '{"\\u0063ard":{"numbe\\u0072":"4111-secret"}}',
        '{"card" : [[{ "number" :["4111-secret"]}]]}',
        '{"card":{"number":"4111-secret"},"card":{"number":"4111-secret"}}',
        '[[{"x":1}],{"a":{"b":[{"password":{"c":"4111-secret"}}]}}]',
        '{"schl\u00fcssel":"4111-secret"}',
        '{"schl\\u00fcssel":"4111-secret"}',
        '{"a\\"b":"4111-secret"}',
        '{"a\\/b":"4111-secret"}',
        '{"a/b":"4111-secret"}',
    ],
)
def test_what_is_not_opened_holds_nothing_that_is_hidden(body: str, settings: Any) -> None:
    settings.MQADMIN_MASKED = [*RULES, "payload.schl\u00fcssel", 'payload.a"b', "payload.a/b"]
    one = letter(body.encode(), headers=died(message="4111-secret"))
    assert masking.hide(one) == body.count("4111")
    assert "4111" not in bytes(one.body).decode() + one.error
    json.loads(bytes(one.body))


def test_of_a_thousand_values_each_is_hidden_in_texts(settings: Any) -> None:
    settings.MQADMIN_MASKED = RULES
    numbers = [f"{number:03}" if number < 100 else f"4111-{number * 7919:07}" for number in range(1_000)]
    body = json.dumps([{"card": {"number": number}} for number in numbers] + [{"x": 1}] * 60_000).encode()
    for _twice in range(2):  # the second time it is remembered
        one = letter(body, headers=died(message=f"{numbers[7]} and {numbers[700]}!", trace=numbers[999]))
        assert masking.hide(one) == 1_000
        assert (one.error, one.trace) == (f"{SHOWN} and {SHOWN}!", SHOWN)
        assert not any(number in bytes(one.body).decode() for number in numbers[:200])


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_letter_is_shown_without_them_and_revealed_by_an_operator(
    settings: Any, encoding: str | None
) -> None:
    settings.MQADMIN_MASKED = RULES
    body = json.dumps({"card": {"number": "4111-secret"}, "total": 5}).encode()
    one = letter(
        gzip.compress(body) if encoding else body,
        headers={**died(), "authorization": "Bearer top-secret"},
        content_encoding=encoding,
        message_id="ord-1",
    )
    before = bytes(one.body)
    viewer, operator = client_of("viewer"), client_of("operator")
    for path in (f"/dead-letters/{one.pk}/", f"/dead-letters/{one.pk}/?tab=headers", "/dead-letters/"):
        page = viewer.get(path).content.decode()
        assert "2 values are hidden" in page
        assert "secret" not in page
        assert "Reveal" not in page
    assert viewer.post(f"/dead-letters/{one.pk}/reveal/").status_code == 403
    assert not AuditEntry.objects.filter(action="dead_letters.reveal").exists()
    revealed = operator.post(f"/dead-letters/{one.pk}/reveal/").content.decode()
    assert "4111-secret" in revealed
    assert AuditEntry.objects.get(action="dead_letters.reveal").actor == "operator"
    assert "secret" not in operator.get(f"/dead-letters/{one.pk}/").content.decode()
    assert bytes(DeadLetter.objects.get(pk=one.pk).body) == before
    assert facets.values("default", "headers", "authorization") == []
    assert facets.values("default", "body", "card.number") == []
    assert facets.values("default", "body", "total") == ["5"]


@pytest.mark.parametrize(
    ("place", "target"), [("/dead-letters/", "#inbox"), ("/dead-letters/{pk}/", "#letter")]
)
def test_the_parts_of_a_revealed_letter_open_where_it_is_read(settings: Any, place: str, target: str) -> None:
    settings.MQADMIN_MASKED = RULES
    one = letter(b"{}", headers={**died(), "authorization": "Bearer top-secret"}, message_id="ord-1")
    operator, path = client_of("operator"), place.format(pk=one.pk)
    shown = operator.get(f"{path}?tab=headers&seen={one.pk}").content.decode()
    address = re.search(r'hx-post="([^"]*/reveal/[^"]*)"', shown)
    assert address is not None
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{path}?tab=headers"}
    revealed = operator.post(unescape(address[1]), headers=headers).content.decode()
    assert "top-secret" in revealed
    tab = re.search(r'id="tab-history" href="([^"]*)"[^>]*hx-target="([^"]*)"', revealed)
    assert tab is not None
    assert tab[2] == target
    assert (f"seen={one.pk}" in tab[1]) == (target == "#inbox")


def test_whoever_edits_sees_them_and_that_is_written_down(settings: Any) -> None:
    settings.MQADMIN_MASKED = RULES
    hidden = letter(b"{}", headers={**died(), "authorization": "Bearer top-secret"}, message_id="ord-1")
    plain = letter(b"{}", headers=died(), message_id="ord-2")
    operator = client_of("operator")
    operator.get(f"/dead-letters/{plain.pk}/edit/")
    assert not AuditEntry.objects.filter(action="dead_letters.reveal").exists()
    assert "top-secret" in operator.get(f"/dead-letters/{hidden.pk}/edit/").content.decode()
    assert AuditEntry.objects.get(action="dead_letters.reveal").detail["letter"] == hidden.pk


def test_the_api_hides_them_in_what_it_answers_to_a_change(settings: Any) -> None:
    settings.MQADMIN_MASKED = RULES
    one = letter(b"{}", headers={**died(), "authorization": "Bearer top-secret"}, message_id="ord-1")
    headers = {"Authorization": f"Bearer {tokens.create(user=user_of('operator'))}"}
    for call in ("", "/revert"):
        send = Client().patch if not call else Client().post
        answer = send(
            f"/api/v1/dead-letters/{one.pk}{call}",
            json.dumps({"note": "looked at"}),
            content_type="application/json",
            headers=headers,
        )
        assert "secret" not in answer.content.decode()
    assert DeadLetter.objects.get(pk=one.pk).headers["authorization"] == "Bearer top-secret"


def test_a_rule_that_means_nothing_is_refused(settings: Any) -> None:
    settings.MQADMIN_MASKED = ["card.number"]
    with pytest.raises(Unusable, match=r"card\.number"):
        masking.rules()


def test_the_trace_of_a_message_is_shown() -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    one = letter(headers={**died(), "traceparent": parent})
    assert (
        "4bf92f3577b34da6a3ce929d0e0e4736"
        in client_of("viewer").get(f"/dead-letters/{one.pk}/").content.decode()
    )
    assert presenting.trace_id(one) == "4bf92f3577b34da6a3ce929d0e0e4736"
    for nonsense in ("", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "x", parent.upper(), 7, None):
        one.headers = {"traceparent": nonsense}
        assert presenting.trace_id(one) == ""


def test_a_trace_that_is_hidden_is_shown_nowhere(settings: Any) -> None:
    settings.MQADMIN_MASKED = ["header.traceparent"]
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    parent = f"00-{trace}-00f067aa0ba902b7-01"
    one = letter(headers={**died(), "traceparent": parent})
    client = client_of("viewer")
    assert trace not in client.get(f"/dead-letters/{one.pk}/").content.decode()
    record = make_record(make_consumer(), trace_id=trace)
    assert trace not in client.get(f"/consumers/records/{record.pk}/").content.decode()
    client = Client(headers={"Authorization": f"Bearer {tokens.create(user=User.objects.get())}"})
    assert client.get(f"/api/v1/dead-letters/{one.pk}").json()["trace_id"] == ""
    assert client.get(f"/api/v1/records/{record.pk}").json()["trace_id"] == ""
    assert client.get("/api/v1/records").json()["items"][0]["trace_id"] == ""


def test_an_error_that_repeats_a_masked_value_is_shown_without_it(settings: Any) -> None:
    settings.MQADMIN_MASKED = RULES
    one = letter(
        json.dumps({"card": {"number": "4111-secret"}}).encode(),
        headers=died(type="shop.Declined", message="card '4111-secret' was declined", trace="no 4111-secret"),
        message_id="ord-1",
    )
    viewer = client_of("viewer")
    token = {"Authorization": f"Bearer {tokens.create(user=user_of('admin'))}"}
    for path in (
        "/dead-letters/",
        "/dead-letters/?q=declined",
        f"/dead-letters/{one.pk}/",
        f"/dead-letters/{one.pk}/?tab=history",
    ):
        page = viewer.get(path).content.decode()
        assert "4111-secret" not in page, path
        assert "was declined" in page
    for path in ("", "/groups", f"/{one.pk}"):
        assert (
            "4111-secret" not in Client().get(f"/api/v1/dead-letters{path}", headers=token).content.decode()
        ), path
    assert DeadLetter.objects.get(pk=one.pk).error == "card '4111-secret' was declined"


def test_an_export_holds_them_only_for_who_may_reveal(settings: Any) -> None:
    settings.MQADMIN_MASKED = RULES
    letter(
        json.dumps({"card": {"number": "4111-secret"}}).encode(),
        headers={**died(message="4111-secret"), "authorization": "Bearer top-secret"},
    )
    chosen = selection.all_that_match(selection.Filter("default"))
    for name in ("viewer", "operator"):
        user_of(name)
    lines = {
        name: b"".join(exporting.export(selection=chosen, by=Actor(name)))
        for name in ("viewer", "operator", "nobody")
    }
    for name in ("viewer", "nobody"):
        body = base64.b64decode(json.loads(lines[name])["body"])
        assert b"secret" not in lines[name] + body
        assert json.loads(lines[name])["masked"] == 2
    assert b"top-secret" in lines["operator"]
    outcome = importing.take(file=io.BytesIO(lines["viewer"]), broker="default", by=Actor("operator"))
    assert outcome.imported == 0
    assert [fault.error for fault in outcome.faults] == [
        "It was exported with hidden values, which are not in it: have who may reveal them export it."
    ]
    again = importing.take(file=io.BytesIO(lines["operator"]), broker="default", by=Actor("operator"))
    assert (again.duplicates, again.faults) == (1, [])
    revealed = AuditEntry.objects.filter(action="dead_letters.export").values_list("actor", "detail")
    assert {actor: detail["revealed"] for actor, detail in revealed} == {
        "viewer": False,
        "operator": True,
        "nobody": False,
    }


def test_a_header_is_hidden_beside_a_name_that_is_no_text(settings: Any) -> None:
    """One such name has the whole table stored as pairs."""
    settings.MQADMIN_MASKED = RULES
    one = letter(b"{}", headers={**died(), b"\xff": 1, "Authorization": "Bearer top-secret"})
    assert set(one.headers) == {"$table"}
    viewer = client_of("viewer")
    page = viewer.get(f"/dead-letters/{one.pk}/?tab=headers").content.decode()
    assert "1 value is hidden" in page
    assert "secret" not in page
    place = [name for name, _value in one.headers["$table"]].index("Authorization")
    with pytest.raises(Refusal) as refused:
        search("default", f"headers.$table.{place}.1:top-secret")
    assert refused.value.code == "bad_query"
