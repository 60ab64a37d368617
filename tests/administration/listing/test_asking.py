"""One asks for a list, however many look; a failure is told beside what was known."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.administration.exchanges.lists import EXCHANGES
from mqadmin.administration.listing import asking, kinds, reading, tables, thread
from mqadmin.administration.listing.kinds import Kind
from mqadmin.administration.models import Listing
from mqadmin.core import brokers
from mqadmin.rabbit.administration.exchanges import Exchange
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.core.conftest import HX

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


class Counted:
    """The list of exchanges, asked of the real broker, and how often that was; it may be held."""

    def __init__(self) -> None:
        self.calls = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.asked = threading.Event()

    def __call__(self, client: ManagementClient) -> list[Exchange]:
        self.calls += 1
        self.asked.set()
        assert self.go_on.wait(60)
        return list(EXCHANGES.ask(client))


@pytest.fixture
def counted(_broker: None) -> Counted:
    return Counted()


@pytest.fixture
def kind(counted: Counted) -> Iterator[Kind]:
    yield kinds.register(replace(EXCHANGES, ask=counted))
    kinds.register(EXCHANGES)


def aged(seconds: float) -> None:
    """Have the list been asked for, and looked at, so long ago."""
    then = timezone.now() - timedelta(seconds=seconds)
    Listing.objects.update(asked_at=then, taken_at=then, wanted_at=then, took=0.1)


def test_many_who_look_at_once_are_one_call(kind: Kind, counted: Counted) -> None:
    counted.go_on.clear()
    seen: list[int] = []

    def look() -> None:
        seen.append(len(reading.look("default", kind).rows()))
        connections.close_all()

    viewers = [threading.Thread(target=look) for _ in range(8)]
    for viewer in viewers:
        viewer.start()
    assert counted.asked.wait(60)
    counted.go_on.set()
    for viewer in viewers:
        viewer.join(60)
    assert counted.calls == 1
    assert len(seen) == 8
    assert min(seen) == max(seen) > 5
    reading.look("default", kind)
    assert counted.calls == 1


def test_another_process_that_asks_is_waited_for(
    kind: Kind, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = asking.find("default", kind)
    Listing.objects.update(claimed_until=timezone.now() + timedelta(seconds=60))
    monkeypatch.setattr(asking, "WAIT_S", 0.2)
    seen = reading.look("default", kind)
    assert (counted.calls, seen.is_known) == (0, False)
    # One that died in the middle keeps the claim no longer than that.
    Listing.objects.filter(pk=listing.pk).update(claimed_until=timezone.now())
    assert reading.look("default", kind).is_known


def test_the_monitor_asks_for_what_is_looked_at_and_for_nothing_else(kind: Kind, counted: Counted) -> None:
    asker = thread.Asker("default", threading.Event())
    reading.look("default", kind)
    assert (asker.turn(), counted.calls) == (0, 1)  # asked for just now
    aged(6)
    assert (asker.turn(), counted.calls) == (1, 2)
    Listing.objects.update(took=3.0, asked_at=timezone.now() - timedelta(seconds=14))
    assert asker.turn() == 0  # a call that took 3 s is not made again for 15 s
    aged(31)
    assert asker.turn() == 0  # nobody looks any more
    reading.look("default", kind)
    wanted_at = Listing.objects.get().wanted_at
    assert wanted_at is not None
    assert wanted_at > timezone.now() - timedelta(seconds=20)


def test_an_act_outdates_the_list(kind: Kind, counted: Counted) -> None:
    reading.look("default", kind)
    asking.changed("default", [kind.name])
    reading.look("default", kind)
    reading.look("default", kind)
    assert counted.calls == 2


def test_a_failure_is_told_beside_what_was_known(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = reverse("exchange_list")
    assert "amq.topic" in admin.get(address).text
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://guest:guest@127.0.0.1:1/")
    brokers.forget()
    aged(13)
    text = admin.get(address).text
    assert "amq.topic" in text
    assert "Nothing answers at http://127.0.0.1:1" in text
    assert "What is shown is" in text
    Listing.objects.all().delete()
    tables.forget()
    text = admin.get(address).text
    assert "Not known" in text
    assert "No exchanges" not in text


def test_what_did_not_change_is_a_304_that_reads_no_row(
    kind: Kind, counted: Counted, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = reverse("exchange_list")
    refresh = {**HX, "HX-Source": "div#listed"}
    first = admin.get(address, headers=refresh)
    assert first.status_code == 200
    monkeypatch.setattr(tables, "table", None)
    again = {**refresh, "If-None-Match": first["ETag"]}
    assert admin.get(address, headers=again).status_code == 304
    Listing.objects.update(digest="another")
    with pytest.raises(TypeError):
        admin.get(address, headers=again)


def test_lists_that_nobody_looks_at_are_forgotten(kind: Kind) -> None:
    reading.look("default", kind)
    assert thread.forget() == ""
    aged(90_000)
    assert thread.forget() == "1 unused lists deleted"
    assert not Listing.objects.exists()
