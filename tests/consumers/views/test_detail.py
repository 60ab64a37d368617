"""The page of one consumer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from consumers.models import ConsumerEvent
from tests.consumers.views.conftest import get, text_of
from tests.support.consumers import make_consumer, make_process, make_supervisor

pytestmark = pytest.mark.django_db


def test_detail_shows_processes_events_and_older_settings(viewer: Client) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running", revision=2)
    make_process(consumer, revision=1, pid=4711, rss_bytes=64 * 1024 * 1024)
    ConsumerEvent.objects.create(
        consumer=consumer, at=timezone.now(), kind="crashed", text="It crashed: boom"
    )

    text = text_of(get(viewer, "consumer_detail", "orders"))

    for part in ("4711", "64.0", "1 process runs with older settings", "It crashed: boom"):
        assert part in text


def test_a_process_tells_of_its_connection(viewer: Client) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running", prefetch=20)
    make_process(
        consumer,
        connected_at=timezone.now() - timedelta(hours=3, minutes=12, seconds=10),
        connections=4,
        connection_errors=3,
        channel_errors=1,
        failed=212,
        in_flight=18,
        blocked_reason="low on memory",
    )
    text = text_of(get(viewer, "consumer_detail", "orders"))
    assert "connected 3 h 12 min, 4th connection, 3 connection errors, 1 channel error" in text
    assert "RabbitMQ takes no copies from it: low on memory" in text
    assert '18<span class="dim"> / 20</span>' in text
    assert "<b>3</b> of connections" in text
    assert "<b>1</b> of a channel" in text
    assert "<b>212</b> of messages" in text
    assert "Redeliver 18 in hand" in text


def test_the_definition_names_what_is_not_as_usual(viewer: Client) -> None:
    make_consumer(name="plain")
    make_consumer(
        name="special",
        mode="pull",
        pull_interval=0.5,
        batch_size=50,
        connection_retries=20,
        connection_delay=9,
        connect_attempts=1,
        dedupe_key="json",
        dedupe_path="order.id",
        dedupe_seconds=3600,
    )
    words = [
        "a look every 500 ms",
        "up to 50 messages",
        "20 retries, the first after 9 s",
        "1 attempt, then the process ends",
        "by order.id in the JSON body, within 1 h",
    ]
    plain, special = (text_of(get(viewer, "consumer_detail", name)) for name in ("plain", "special"))
    assert [part for part in words if part not in special] == []
    for label in ("Mode", "Batches", "Not reachable", "Connecting", "Duplicates"):
        assert f"<dt>{label}</dt>" in special
        assert f"<dt>{label}</dt>" not in plain
