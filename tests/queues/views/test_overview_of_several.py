"""The overview of several brokers: the worst first, each by its own rows; and what stands out when all is well."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.core.remembered import Remembered
from mqadmin.queues.models import Broker
from mqadmin.queues.pages import standouts
from tests.alerts.factories import make_incident
from tests.deadletters.factories import letter
from tests.queues.conftest import make_queue
from tests.queues.views.conftest import HTMX
from tests.support.consumers import make_consumer
from tests.support.pages import html

NAMES = ("fine", "bad", "away")


@pytest.fixture
def three(tmp_path: Path, settings: object, _roles: None) -> Iterator[dict[str, Broker]]:
    """Three brokers, at addresses where nothing answers: one well, one with a broken queue, one not reached."""
    file = tmp_path / "brokers.toml"
    file.write_text("".join(f'[brokers.{name}]\namqp_url = "amqp://127.0.0.1:1"\n' for name in NAMES))
    settings.MQADMIN_BROKERS_FILE = str(file)  # type: ignore[attr-defined]
    brokers.forget()
    now = timezone.now()
    rows = {
        name: Broker.objects.create(slug=name, reachable=True, version="4.0.5", sampled_at=now, queue_count=1)
        for name in NAMES
    }
    Broker.objects.filter(slug="away").update(reachable=False, error_code="timeout", error="no answer")
    reasons = [{"code": "no_consumers", "level": "broken", "params": {"since": 1, "waiting": 9, "had": 2}}]
    for name in ("invoices", "mails"):
        make_queue(rows["bad"], name, health="broken", health_rank=3, health_reasons=reasons, total=len(name))
    make_queue(rows["fine"], "orders", health="ok", health_rank=1)
    yield rows
    brokers.forget()


def order(text: str) -> list[str]:
    return re.findall(r'<tr id="fleet-(\w+)"', text)


def test_all_brokers_are_there_the_worst_first(viewer: Client, three: dict[str, Broker]) -> None:
    text = html(viewer.get("/"))
    assert order(text) == ["bad", "away", "fine"]
    assert "invoices has nobody listening" in text
    assert "and 1 more" in text
    assert "The broker is too slow to answer" in text
    # Nobody chose one: the worst is shown below, by its own rows alone.
    assert '<tr id="fleet-bad" class="sel" aria-current="true">' in text
    assert ">orders<" not in text
    # The numbers of the one that is away are not those of now.
    away = text[text.index('id="fleet-away"') : text.index('id="fleet-fine"')]
    assert away.count('<td class="num wide dim">') == 2
    letter(broker="away")
    make_consumer(broker="fine", desired="running")
    text = html(viewer.get("/"))
    assert re.search(r'<a class="\w+-text" href="/dead-letters/\?broker=away">1</a>', text)
    assert re.search(r'<a class="\w+-text" href="/consumers/\?broker=fine">0 / 1</a>', text)
    fragment = html(viewer.get("/", headers=HTMX))
    assert order(fragment) == ["bad", "away", "fine"]


def test_the_one_that_was_chosen_is_shown(viewer: Client, three: dict[str, Broker]) -> None:
    for address in ("/?broker=fine", "/"):
        text = html(viewer.get(address))
        assert '<tr id="fleet-fine" class="sel"' in text
        assert "Nothing needs you" in text


def test_the_wall_shows_all(viewer: Client, three: dict[str, Broker]) -> None:
    text = html(viewer.get("/wall/"))
    assert "3 things are broken" in text
    assert [text.index(f"<h2>{name}</h2>") for name in ("bad", "away", "fine")] == sorted(
        text.index(f"<h2>{name}</h2>") for name in NAMES
    )


def test_what_is_wrong_with_mqadmin_itself_is_told_once_and_is_no_fault_of_a_broker(
    viewer: Client, three: dict[str, Broker]
) -> None:
    make_incident(broker="", kind="process_away", title="The worker is silent")
    text = html(viewer.get("/wall/"))
    assert text.count("The worker is silent") == 1
    assert "4 things are broken" in text
    text = html(viewer.get("/?broker=fine"))
    assert text.count("The worker is silent") == 1  # on its page, whichever broker is shown
    assert "Nothing needs you" in text[text.index('id="fleet-fine"') :]


def test_what_stands_out(viewer: Client, broker: Broker) -> None:
    now = int(time.time())
    limited = {"x-max-length": 100}
    make_queue(broker, "busy", publish_rate=40.0, ready=10, oldest_at=now - 3, arguments=limited)
    make_queue(broker, "busier", publish_rate=90.0, ready=0)
    make_queue(broker, "slow", ready=5, oldest_at=now - 7_200, growth=0.5)
    make_queue(broker, "holds", ready=5, oldest_at=now - 9_000, is_delay=True)
    make_queue(broker, "tight", ready=90, arguments=limited, effective_policy={"max-length": 120})
    make_queue(broker, "policed", ready=60, effective_policy={"max-length": 80})
    make_queue(broker, "shut", ready=3, arguments={"x-max-length": 0})
    found = {
        item.key: [(queue.name, queue.value) for queue in item.queues]
        for item in standouts.lists("default", now)
    }
    assert found == {
        "busiest": [("busier", "90/s in"), ("busy", "40/s in")],
        "slowest": [("slow", "≈ 2 h"), ("busy", "≈ 3 s")],
        "fullest": [("tight", "90%"), ("policed", "75%"), ("busy", "10%")],
        "growing": [("slow", "+30/min")],
    }
    text = html(viewer.get("/"))
    assert "Nothing needs you." in text
    assert text.index("Nothing needs you.") < text.index("Waiting longest")


def test_lists_are_made_once_for_a_sample(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standouts, "_kept", Remembered(5))
    make_queue(broker, "one", publish_rate=1.0)
    first = standouts.of(broker, 1_000)
    make_queue(broker, "two", publish_rate=2.0)
    assert standouts.of(broker, 1_001) is first
    broker.sampled_at = timezone.now()
    assert [queue.name for queue in standouts.of(broker, 1_001)[0].queues] == ["two", "one"]
