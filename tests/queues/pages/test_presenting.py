"""The rows of the queues' table: read as values alone, they are drawn as those of models."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from mqadmin.core.pages import rows_seen
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import columns, listing, presenting
from tests.queues.conftest import HOSTILE, make_queue

_AGO = re.compile(r"(<time [^>]*>)[^<]*")  # what is written in it goes on ticking


def _full(broker: Broker, now: float) -> None:
    """Create a queue of which each column has a word or a number of its own, and one in trouble."""
    make_queue(
        broker,
        HOSTILE,
        "shop",
        type="quorum",
        durable=True,
        state="running",
        node="rabbit@a",
        policy="limits",
        owner="team-shop",
        ready=11,
        unacked=12,
        total=23,
        consumers=2,
        publish_rate=1.5,
        deliver_rate=2.5,
        ack_rate=3.5,
        redeliver_rate=4.5,
        memory=51_000,
        message_bytes=52_000,
        capacity=0.25,
        ram=13,
        persistent=14,
        bytes_ram=53_000,
        bytes_persistent=54_000,
        arguments={"x-max-priority": 5},
        effective_policy={"message-ttl": 60_000},
        history=[[int(now // 60) - 30, 5], [int(now // 60) - 9, 23]],
        growth=0.5,
        clears_in=90.0,
        oldest_at=int(now) - 700,
        tracked=True,
        muted_until=timezone.now() + timedelta(days=2),
        muted_by="ada",
        health="ok",
        health_rank=1,
    )
    make_queue(
        broker,
        "orders",
        ready=3,
        health="broken",
        health_rank=3,
        health_reasons=[{"code": "unseen", "level": "broken", "params": {}}],
        oldest_at=int(now) - 90,
        oldest_at_least=True,
        is_delay=True,
        clears_in=120.0,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("shown", [columns.USUAL, ("broker", *columns.labels())], ids=["usual", "all"])
def test_rows_of_values_are_drawn_as_rows_of_models(
    broker: Broker, shown: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    _full(broker, now)
    keys = list(Queue.objects.order_by("pk").values_list("pk", "changed_at"))

    def drawn() -> str:
        rows_seen.forget()
        context = {
            "rows": presenting.table(keys, now, shown, {broker.pk: "Main"}),
            "shown": dict.fromkeys(shown, True),
            "sorts": dict.fromkeys(listing.SORTS),
        }
        return _AGO.sub(r"\1", render_to_string("queues/_rows.html", context))

    values = drawn()
    monkeypatch.setattr(presenting, "_read", Queue.objects.in_bulk)
    assert values.count("data-queue=") == 2
    assert values == drawn()
    assert len(re.findall(r"<td\b", values)) == len(re.findall(r"<th\b", values)) * 2


@pytest.mark.parametrize(
    ("more", "is_still"),
    [
        ({}, True),
        ({"health_reasons": [{"code": "idle", "level": "idle", "since": 5}]}, True),
        ({"history": [[100, 3]]}, True),  # level for longer than the sparkline goes back
        ({"history": [[950, 3]]}, False),
        ({"oldest_at": 59_000.0}, False),
        ({"muted_until": timezone.now()}, False),
        ({"health_reasons": [{"code": "waits_long", "level": "watch"}]}, False),
        ({"health_reasons": [{"code": "of a newer version", "level": "watch"}]}, False),
    ],
)
def test_a_row_is_good_for_the_minute_unless_nothing_of_it_tells_an_age(
    more: dict[str, Any], is_still: bool
) -> None:
    now = 1000 * 60 + 12.0
    (row,) = presenting.table([(1, timezone.now())], now)
    row.queue = Queue(**more)
    assert row.until == (now + 600 if is_still else 1001 * 60)
