"""What becomes of a message, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.runtime import api
from consumers.runtime.channel.consumer_connection import MAX_DELAY, backoff
from consumers.runtime.copies import copies
from consumers.runtime.handling.dedupe import key_of
from consumers.runtime.handling.retry_policy import LONGEST_DELAY, decide, delay
from consumers.runtime.outcome import Acked, DeadLettered, Outcome, Retried
from consumers.runtime.spec import Dedupe, RetryPolicy
from mqadmin.rabbit.codec import decode_value
from mqadmin.rabbit.headers import REQUEUE_ID
from tests.consumers.handlers.deliveries import delivery
from tests.support.wire import Field, field

NONE = RetryPolicy()
THREE = RetryPolicy(attempts=3, first_delay=2, factor=3, max_delay=10)
BOOM = ValueError("boom")


@pytest.mark.parametrize(
    ("attempt", "error", "policy", "expected"),
    [
        (1, None, THREE, Acked()),
        (9, None, NONE, Acked()),
        (1, BOOM, NONE, DeadLettered("error")),
        (1, BOOM, THREE, Retried(2)),
        (2, BOOM, THREE, Retried(6)),
        (3, BOOM, THREE, Retried(10)),
        (4, BOOM, THREE, DeadLettered("error at attempt 4")),
        (1, api.Reject("bad customer"), THREE, DeadLettered("bad customer")),
        (1, api.Reject(), THREE, DeadLettered("rejected by the handler")),
        (1, api.Retry(), THREE, Retried(2)),
        (1, api.Retry(delay=0.5), THREE, Retried(0.5)),
        (4, api.Retry(delay=0.5), THREE, DeadLettered("still asked for a retry at attempt 4")),
        (5, api.Retry(delay=7), NONE, Retried(7)),
        (6, api.Retry(delay=7), NONE, DeadLettered("still asked for a retry at attempt 6")),
        (1, api.Retry(), NONE, DeadLettered("still asked for a retry at attempt 1")),
        (1, api.Retry(delay=-5), THREE, Retried(0)),
        (1, SystemExit(3), NONE, DeadLettered("error")),
        (1, api.Retry(delay=float("inf")), NONE, Retried(LONGEST_DELAY)),
    ],
)
def test_decide(attempt: int, error: BaseException | None, policy: RetryPolicy, expected: Outcome) -> None:
    assert decide(attempt, error, policy) == expected


def test_delay_never_overflows() -> None:
    assert delay(20_000, RetryPolicy(attempts=30_000, factor=10)) == 300


@pytest.mark.parametrize(
    ("seconds", "name"),
    [(0, "1"), (0.1, "100"), (1, "1000"), (1.234, "1200"), (64, "64000"), (86_399, "86000000")],
)
def test_delay_queues_are_few(seconds: float, name: str) -> None:
    assert copies.delay_name(seconds) == f"mqadmin.delay.{name}"


def test_reconnects_spread_out_and_are_bounded() -> None:
    ceilings = [backoff(failures, chance=lambda _low, high: high) for failures in range(1, 40)]
    assert ceilings[:4] == [0.5, 1, 2, 4]
    assert max(ceilings) == MAX_DELAY
    assert backoff(5, chance=lambda low, _high: low) > 0


def test_jitter_spreads_a_delay_around_itself() -> None:
    policy = RetryPolicy(attempts=3, first_delay=10, jitter=0.2)
    assert delay(1, policy, chance=lambda low, _high: low) == pytest.approx(8)
    assert delay(1, policy, chance=lambda _low, high: high) == pytest.approx(12)


@pytest.mark.parametrize(
    "headers",
    [
        {REQUEUE_ID: {b"\xff": 1}},
        {REQUEUE_ID: [{b"\xff": {"a": b"\xff"}}]},
        {REQUEUE_ID: {"a": 1, b"\xff": 2}},
    ],
)
def test_any_header_makes_a_key(headers: dict[str, Any]) -> None:
    keys = {key_of(delivery(b"", headers=headers), None) for _ in range(2)}
    assert [len(key) for key in keys] == [64]


def test_a_number_is_the_same_however_wide_its_publisher_made_it() -> None:
    def keys(*fields: Field) -> set[str]:
        tables = [decode_value(field(("F", [(b"id", item)])), 0)[0] for item in fields]
        return {key_of(delivery(b"", headers=table), Dedupe("header", "id")) for table in tables}

    assert len(keys(*((kind, 5) for kind in "bBsuIil"))) == 1
    assert len(keys(("f", 0.5), ("d", 0.5))) == 1
    assert len(keys(("I", 1), ("t", True), ("d", 1.0), ("S", b"1"), ("x", b"2"))) == 5


@pytest.mark.parametrize("depth", [10, 900, 2_000, 5_000, 20_000, 200_000])
def test_a_value_however_deep_makes_a_key_or_none(depth: int) -> None:
    body = b'{"a": ' + b"[" * depth + b"]" * depth + b"}"
    assert len(key_of(delivery(body), Dedupe("json", "a"))) in (0, 64)
