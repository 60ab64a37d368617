"""Stop all, start all: the count that was seen, the word on a production broker, an audit of each and of all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from consumers.definitions import mass
from consumers.definitions.definitions import Conflict
from consumers.models import Consumer
from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry
from tests.consumers.conftest import BY
from tests.support.consumers import make_consumer, make_process, make_supervisor
from tests.support.pages import html

pytestmark = pytest.mark.django_db

STOP, START = "/consumers/stop-all/", "/consumers/start-all/"


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    yield
    brokers.forget()


@pytest.fixture
def several() -> None:
    """Two that run, one paused, one stopped, and a collector of each kind; one on another broker."""
    make_supervisor()
    rows: dict[str, dict[str, Any]] = {
        "one": {"desired": "running"},
        "two": {"desired": "running", "queue": "payments"},
        "held": {"desired": "paused"},
        "off": {"desired": "stopped"},
        "letters": {"desired": "running", "is_collector": True},
        "letters-off": {"desired": "stopped", "is_collector": True},
        "elsewhere": {"desired": "running", "broker": "other"},
    }
    for name, fields in rows.items():
        make_consumer(name=name, **fields)


def told(*desired: str) -> set[str]:
    return set(Consumer.objects.filter(desired__in=desired).values_list("name", flat=True))


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", html(response))


@pytest.mark.usefixtures("several")
def test_stop_all_says_what_it_does_then_does_it(operator: Client) -> None:
    make_process(Consumer.objects.get(name="one"))
    text = text_of(operator.get(STOP))
    assert "<b>3</b> consumers on default would stop" in text
    assert "1 process runs now" in text
    assert "one, two" in text
    assert "production broker" not in text

    response = operator.post(STOP, {"expect": "3"}, follow=True)

    assert told("running", "paused") == {"letters", "elsewhere"}
    assert "3 consumers finish what is in hand, then stop." in text_of(response)
    entries = AuditEntry.objects.order_by("id")
    assert [entry.action for entry in entries] == ["consumer.stop_all", *["consumer.stop"] * 3]
    assert {entry.outcome for entry in entries} == {"done"}
    assert (entries[0].broker, entries[0].count) == ("default", 3)
    assert sorted(entries[0].detail["done"]) == ["held", "one", "two"]


@pytest.mark.usefixtures("several")
def test_collectors_only_where_they_are_ticked(operator: Client) -> None:
    assert "<b>4</b> consumers" in text_of(operator.get(STOP, {"collectors": "on"}))
    operator.post(f"{STOP}?collectors=on", {"expect": "4"})
    assert told("running", "paused") == {"elsewhere"}
    operator.post(START, {"expect": "4"})
    assert told("running") == {"one", "two", "held", "off", "elsewhere"}


@pytest.mark.usefixtures("several")
def test_start_all_says_that_it_means_all_that_are_stopped(operator: Client) -> None:
    make_consumer(name="off-too", replicas=3)
    text = text_of(operator.get(START))
    assert "<b>2</b> consumers on default would start: all that are stopped, whoever stopped them" in text
    assert "That is 4 processes." in text


@pytest.mark.usefixtures("several")
def test_another_count_than_was_seen_does_nothing(operator: Client) -> None:
    response = operator.post(STOP, {"expect": "2"})
    assert response.status_code == 409
    assert "It is 3 consumers now that would be stopped." in text_of(response)
    assert operator.post(STOP, {"expect": "many"}).status_code == 422
    assert told("stopped") == {"off", "letters-off"}
    assert AuditEntry.objects.get().outcome == "refused"


@pytest.mark.usefixtures("several", "production")
def test_on_production_its_name_is_typed(operator: Client) -> None:
    assert "Type default to go on" in text_of(operator.get(STOP))
    for typed in ("", "Default", "other"):
        response = operator.post(STOP, {"expect": "3", "typed": typed})
        assert response.status_code == 422
        assert "Type the name of the broker exactly." in text_of(response)
    assert told("stopped") == {"off", "letters-off"}
    assert not AuditEntry.objects.exists()
    assert operator.post(STOP, {"expect": "3", "typed": " default "}).status_code == 302
    assert len(told("stopped")) == 5


@pytest.mark.usefixtures("several")
def test_the_filter_of_the_list_counts(operator: Client) -> None:
    text = text_of(operator.get("/consumers/", {"q": "pay"}))
    assert f'href="{STOP}?broker=default&amp;q=pay"' in text
    assert "Stop all (1)" in text
    assert "<b>1</b> consumer on default" in text_of(operator.get(STOP, {"q": "pay"}))
    operator.post(f"{STOP}?q=pay", {"expect": "1"})
    assert told("stopped") == {"off", "two", "letters-off"}


@pytest.mark.usefixtures("several")
def test_a_viewer_sees_why_not(viewer: Client) -> None:
    assert viewer.get(STOP).status_code == 403
    assert viewer.post(START, {"expect": "1"}).status_code == 403
    text = text_of(viewer.get("/consumers/"))
    assert STOP not in text
    assert "Stop all" in text


def test_who_was_overtaken_is_left_and_named() -> None:
    one, two = make_consumer(name="one", desired="running"), make_consumer(name="two", desired="running")
    Consumer.objects.filter(pk=one.pk).update(desired="paused")  # after it was read

    done = mass.carry_out("stop", [one, two], broker="default", expect=2, by=BY)

    assert (done.names, done.overtaken) == (["two"], ["one"])
    assert told("paused") == {"one"}
    whole = AuditEntry.objects.get(action="consumer.stop_all")
    assert (whole.count, whole.detail["overtaken"]) == (1, ["one"])
    with pytest.raises(Conflict):
        mass.carry_out("stop", [], broker="default", expect=1, by=BY)


@pytest.mark.usefixtures("several")
def test_the_api_stops_and_starts_all(api_of: Any) -> None:
    operator = api_of("operator")
    assert operator.call("POST", "/consumers/stop-all", {"expect": 1})[0] == 409
    assert operator.call("POST", "/consumers/stop-all", {})[0] == 422
    assert operator.call("POST", "/consumers/stop-all", {"expect": 1, "state": "odd"})[0] == 422
    status, body = operator.call("POST", "/consumers/stop-all", {"expect": 3, "broker": "default"})
    assert (status, sorted(body["done"]), body["overtaken"]) == (202, ["held", "one", "two"], [])
    status, body = operator.call("POST", "/consumers/start-all", {"expect": 1, "q": "pay"})
    assert (status, body["done"]) == (202, ["two"])
    assert api_of("viewer").call("POST", "/consumers/start-all", {"expect": 1})[0] == 403
