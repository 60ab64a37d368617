"""Messages that are taken back and handled again: told on every page, and counted apart from failures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from consumers import hooks
from consumers.models import Consumer, ConsumerProcess
from consumers.records.minutes import MinuteCounter
from tests.consumers.api.conftest import Api
from tests.consumers.views.conftest import get, text_of
from tests.support.consumers import make_consumer, make_process, make_record, make_supervisor

pytestmark = pytest.mark.django_db

WHY = "The broker took back what was in hand: a message was held longer than 30 min, its consumer timeout."


@pytest.fixture
def slow() -> Consumer:
    """A consumer whose every message took too long: five handled, none of them acked, nothing failed."""
    make_supervisor()
    consumer = make_consumer(name="slow", desired="running", prefetch=1)
    held = {"held_times": 5, "held_limit_ms": 1_800_000, "held_at": timezone.now(), "unacked": 5}
    process = make_process(consumer, processed=5, channel_errors=5, **held)
    counter = MinuteCounter(consumer_id=consumer.pk, process_id=process.pk)
    moments = [timezone.now().timestamp()] * 5
    counter.write(counter.count([(at, "acked", 2e6) for at in moments], moments))
    make_record(consumer, message_id="again", ack_lost=WHY)
    make_record(consumer, message_id="fine")
    return consumer


@pytest.mark.usefixtures("slow")
def test_the_consumers_page_says_it_with_what_helps(viewer: Client) -> None:
    page = text_of(get(viewer, "consumer_detail", "slow"))
    assert "RabbitMQ took messages back 5 times: one was held longer than the 30 min that it allows." in page
    assert "Set a deadline of at most 27 min." in page
    assert "<b>0 %</b> success in the last hour" in page
    assert "<b>5</b> handled in the last hour whose ack never arrived" in page
    assert "held too long 5 times" in page
    listed = text_of(get(viewer, "consumer_list"))
    assert "RabbitMQ took messages back 5 times" in listed
    assert "Nothing failed" not in listed


@pytest.mark.usefixtures("slow")
def test_the_overview_asks_for_attention(viewer: Client) -> None:
    (found,) = hooks.attention("default", None)  # type: ignore[arg-type]
    assert found.title == "Consumer slow handles messages again and again"
    assert "Set a deadline of at most 27 min." in found.text
    assert found.actions[0].href == "/consumers/slow/edit/#id_timeout_seconds"


def test_what_was_longer_than_a_day_ago_is_no_news(slow: Consumer) -> None:
    ConsumerProcess.objects.update(held_at=timezone.now() - timedelta(days=2))
    assert list(hooks.attention("default", None)) == []  # type: ignore[arg-type]


def test_a_record_says_that_its_ack_never_arrived(slow: Consumer, viewer: Client) -> None:
    record = slow.handled.get(message_id="again")
    page = text_of(get(viewer, "record_detail", record.pk))
    assert "Its ack never reached RabbitMQ, which delivers the message again" in page
    assert WHY in page
    found = text_of(get(viewer, "record_list", "slow", outcome="ack_lost"))
    assert "again" in found
    assert ">fine<" not in found


@pytest.mark.usefixtures("slow")
def test_the_api_has_it_too(api_of: Api) -> None:
    viewer = api_of("viewer")
    body: Any = viewer.call("GET", "/consumers/slow")[1]
    assert (body["failed_last_hour"], body["unacked_last_hour"], body["success_percent"]) == (0, 5, 0.0)
    assert body["held_too_long"]["times"] == 5
    assert body["consumer_timeout"] == {"seconds": 1800.0, "source": "seen"}
    assert "Set a deadline of at most 27 min." in body["deadline_warning"]
    process = viewer.call("GET", "/consumers/slow/processes")[1]["items"][0]
    assert (process["unacked"], process["held_times"], process["held_limit_ms"]) == (5, 5, 1_800_000)
    for lost, ids in ((True, ["again"]), (False, ["fine"])):
        items = viewer.call("GET", "/records", ack_lost=lost)[1]["items"]
        assert [item["message_id"] for item in items] == ids
        assert (items[0]["ack_lost"] == WHY) is lost


def test_a_collector_is_not_told_to_set_a_deadline(slow: Consumer, viewer: Client) -> None:
    """What it holds are letters too large to be stored; it has no handler that could be late."""
    Consumer.objects.update(is_collector=True)
    page = text_of(get(viewer, "consumer_detail", slow.name))
    assert "It holds letters that are too large to be stored" in page
    assert "deadline of at most" not in page
    assert list(hooks.attention("default", None)) == []  # type: ignore[arg-type]
