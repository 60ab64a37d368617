"""Charts over more than the broker's hour: from our own history, beside an earlier time, also when it is away."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.history import steps
from mqadmin.history.kinds import padded
from mqadmin.history.recording import Key, Recorder
from mqadmin.queues.models import Broker, Queue
from tests.queues.conftest import make_queue

pytestmark = pytest.mark.django_db

STEP = 5


@pytest.fixture
def queue(broker: Broker) -> Queue:
    return make_queue(broker, "work")


def record(broker: Broker, ready: dict[int, int]) -> None:
    """Record lengths of the queue by age in seconds."""
    recorder = Recorder(broker.slug, steps.configured(), gap=1e9)
    now = time.time()
    for age in sorted(ready, reverse=True):
        numbers = (ready[age], 0, 1, 0.5, None, None, None)
        recorder.record(
            now - age,
            {
                Key("queue", "/", "work"): (*numbers, 90),
                Key("broker", "", ""): padded("broker", (*numbers, 3)),
            },
        )


@pytest.fixture
def _away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("RABBITMQ_URL", "amqp://127.0.0.1:1/")
    brokers.forget()


@pytest.mark.usefixtures("_away")
@pytest.mark.parametrize("span", ["5m", "1h", "6h", "1d", "7d", "30d", "90d"])
def test_a_span_is_shown_while_the_broker_is_away(viewer: Client, queue: Queue, span: str) -> None:
    record(queue.broker, {200: 7, 100: 42, 0: 1})
    chart = viewer.get(reverse("queue_lengths", args=[queue.pk]), {"span": span}).json()
    lengths = [value for value in chart["series"][0]["y"] if value is not None]
    assert max(lengths) == 42
    assert chart["x"] == sorted(chart["x"])
    assert len(chart["x"]) <= 400
    rates = viewer.get(reverse("queue_rates", args=[queue.pk]), {"span": span}).json()
    assert 0.5 in rates["series"][0]["y"]
    page = viewer.get(reverse("queue_detail", args=[queue.pk]), {"span": span}).content.decode()
    assert f"?span={span}" in page
    assert page.count('aria-current="true"') >= 2


@pytest.mark.usefixtures("_away")
def test_beside_the_day_before(viewer: Client, queue: Queue) -> None:
    record(queue.broker, {86_400 + 200: 900, 86_400 + 100: 800, 200: 7, 0: 1})
    found = viewer.get(reverse("queue_lengths", args=[queue.pk]), {"span": "1h", "against": "1d"}).json()
    assert [line["label"] for line in found["series"]] == ["ready", "unacked", "ready, the day before"]
    now, before = found["series"][0]["y"], found["series"][2]["y"]
    assert max(value for value in now if value is not None) <= 900
    assert max(value for value in before if value is not None) == 900
    assert found["x"][-1] - found["x"][0] <= 3600 + 120
    assert {later - at for at, later in pairwise(found["x"])} == {60}  # on one axis, by the coarser step
    assert len([value for value in before if value is not None]) >= 2


def test_the_overview_has_the_same_spans(viewer: Client, queue: Queue) -> None:
    record(queue.broker, {200: 7, 0: 1})
    found = viewer.get(reverse("overview_rates"), {"broker": queue.broker.slug, "span": "7d"}).json()
    assert 0.5 in found["series"][0]["y"]


def test_an_unknown_span_is_the_last_hour(viewer: Client, queue: Queue) -> None:
    page = viewer.get(reverse("overview"), {"broker": queue.broker.slug, "span": "<i>x", "against": "2"})
    assert "span=1h" in page.content.decode()
    assert "<i>x" not in page.content.decode()
