"""The letters of all brokers in one inbox: causes put together, pages, and acts that are each broker's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from mqadmin.core.acts import operations
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.deadletters.inbox import everywhere
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search.selection import Filter
from mqadmin.queues.models import Broker
from tests.deadletters.factories import died, letter
from tests.support.pages import html
from tests.support.several import two_brokers

LIST = "/dead-letters/"
ALL = f"{LIST}?broker=*"


@pytest.fixture(autouse=True)
def _two(
    transactional_db: None, tmp_path: Path, settings: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    with two_brokers(tmp_path, settings):
        yield


@pytest.fixture
def operator() -> Client:
    user = User.objects.create_user("olga")
    user.groups.add(Group.objects.get(name="operator"))
    client = Client()
    client.force_login(user)
    return client


def mixed() -> None:
    """Three of one cause on two brokers, one of another cause, one of a broker that is not configured any more."""
    for number, slug in enumerate(("lab", "shop", "lab", "gone")):
        letter(broker=slug, headers=died(type="Missing", message="no customer"), message_id=f"m{number}")
    letter(broker="shop", headers=died("mails", "expired"), message_id="other")


def ids(text: str) -> list[str]:
    found = re.findall(r'<tr id="letter-(\d+)"', text)
    return [DeadLetter.objects.get(pk=pk).message_id for pk in found]


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<.*?>", " ", text))


def test_one_inbox_newest_first_and_one_cause_of_several_brokers(operator: Client) -> None:
    mixed()
    text = html(operator.get(ALL))
    assert ids(text) == ["other", "m2", "m1", "m0"]
    assert "4 parked" in flat(text)
    assert "The shop" in flat(text[text.index('id="letter-') :])
    group = DeadLetter.objects.get(message_id="m0").group
    chosen = html(operator.get(f"{LIST}?group={group}"))
    assert ids(chosen) == ["m2", "m1", "m0"]
    assert "The lab 2 · The shop 1" in flat(chosen)
    assert ids(html(operator.get(f"{LIST}?q=broker:lab"))) == ["m2", "m0"]
    assert ids(html(operator.get(f"{LIST}?broker=shop"))) == ["other", "m1"]


@pytest.mark.parametrize("q", ["", "broker:lab", "customer"])
def test_pages_of_all_are_those_of_one_sorted_list(q: str) -> None:
    for number in range(7):
        letter(
            broker="lab" if number % 3 else "shop",
            headers=died(type="Missing", message="no customer"),
            message_id=str(number),
        )
    up_to = DeadLetter.newest_id()
    late = letter(broker="lab", headers=died(type="Missing", message="no customer"))
    each = [Filter(slug, status="parked", q=q) for slug in ("lab", "shop")]
    shown = everywhere.Letters(each, up_to)
    wanted = [
        one.pk
        for one in DeadLetter.objects.order_by("-pk").exclude(pk=late.pk)
        if q != "broker:lab" or one.broker == "lab"
    ]
    pages = [one.pk for start in (0, 3, 6) for one in shown[start : start + 3]]
    assert pages == wanted
    assert shown.count() == len(wanted)
    assert everywhere.newer(each, up_to) == 1


def test_discarding_is_an_act_of_each_broker_and_typed_for_production(operator: Client) -> None:
    mixed()
    url = reverse("letter_discard")
    given = {"all": "1", "broker": "*"}
    asked = html(operator.get(url, given))
    assert "Discard 4 letters" in flat(asked)
    assert "The lab 2 · The shop 2" in flat(asked)
    assert "Type shop" in flat(asked)
    sent = {**given, "expect": "4", "up_to": str(DeadLetter.newest_id())}
    assert operator.post(url, sent).status_code == 422
    assert operator.post(url, {**sent, "expect": "3", "typed": "shop"}).status_code == 409
    assert not Operation.objects.exists()
    assert operator.post(url, {**sent, "typed": "shop"}).status_code == 302
    assert sorted(Operation.objects.values_list("broker", "total")) == [("lab", 2), ("shop", 2)]
    acts = AuditEntry.objects.filter(action="dead_letters.discard").values_list("broker", "count")
    assert sorted(acts) == [("lab", 2), ("shop", 2)]


def test_ticked_letters_go_to_their_own_broker(operator: Client) -> None:
    mixed()
    pks = {one.message_id: one.pk for one in DeadLetter.objects.all()}
    given = {"ids": [pks["m0"], pks["m1"]], "broker": "*", "expect": "2", "typed": "shop"}
    operator.post(reverse("letter_discard"), given)
    asked = {operation.broker: operation.params["selection"]["ids"] for operation in Operation.objects.all()}
    assert asked == {"lab": [pks["m0"]], "shop": [pks["m1"]]}


def test_a_broker_that_is_away_is_told_and_not_waited_for(operator: Client) -> None:
    mixed()
    for slug in ("lab", "shop"):
        Broker.objects.create(slug=slug, reachable=False, error_code="timeout", error="no answer")
    text = flat(html(operator.get(reverse("letter_requeue"), {"all": "1", "broker": "*"})))
    assert text.count("The broker is too slow to answer. no answer") == 2


def test_the_file_has_the_letters_of_all(operator: Client) -> None:
    mixed()
    answer = operator.get(reverse("letter_export"), {"all": "1", "broker": "*"})
    lines = b"".join(answer).splitlines()  # type: ignore[call-overload]
    assert len(lines) == 4
    assert AuditEntry.objects.filter(action="dead_letters.export").count() == 2


def test_pages_far_behind_are_found_by_ids_and_are_the_same(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    made = [letter(broker="lab", message_id=f"m{number}").pk for number in range(7)]
    found = everywhere.Letters([Filter("lab")], made[-1])
    near = [[row.pk for row in found[start : start + 3]] for start in (0, 3, 6)]
    assert [pk for page in near for pk in page] == made[::-1]
    monkeypatch.setattr(everywhere, "_FAR", 3)
    with django_assert_num_queries(2):
        assert [row.pk for row in found[3:6]] == near[1]
    assert [row.pk for row in found[6:9]] == near[2]
