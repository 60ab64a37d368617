"""Messages that are gone before anybody took them: when that is said, and when it is none of that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mqadmin.queues.health.facts import QueueFacts, Verdict
from mqadmin.queues.health.judging import judge, remember
from mqadmin.queues.health.memory import Memory

START, STEP = 1_800_000_000.0, 5.0


def flow(
    steps: int, *, come: int, take: int = 0, eaten: int = 0, jump: int = 0, late: int = 0, **more: object
) -> Iterator[QueueFacts]:
    """Yield a queue to which `come` messages a step come; consumers take and ack `take`, `eaten` are gone.

    `jump`: so many vanish at once, half way. `late`: the counters are told so many steps after the length.
    """
    for step in range(steps):
        told = max(step - late, 0)
        ready = 5_000 + step * (come - take - eaten) - (jump if step >= steps // 2 else 0)
        values = {"published": 9_000 + told * come, "left": told * take, "delivered": told * take}
        rates = {"publish_rate": come / STEP, "deliver_rate": take / STEP, "ack_rate": take / STEP}
        yield QueueFacts(ready=ready, total=ready, consumers=int(take > 0), **values, **rates, **more)  # type: ignore[arg-type]


def losing(observed: Iterator[QueueFacts]) -> list[dict[str, object]]:
    """Return the params of the reason after each observation, {} for none."""
    memory, now, found = Memory(), START, []
    for facts in observed:
        memory = remember(memory, facts, now)
        verdict: Verdict = judge(facts, memory, now)
        told = [reason for reason in verdict.reasons if reason["code"] == "losing"]
        found.append(told[0]["params"] if told else {})
        now += STEP
    return found


def test_what_expires_is_told_within_half_a_minute_with_its_rate() -> None:
    told = losing(flow(60, come=100, take=40, eaten=60, ttl_ms=60_000))
    assert next(step for step, params in enumerate(told) if params) * STEP <= 30
    assert told[-1] == {"how": "expired", "rate": 12.0, "percent": 60, "at_least": False, "kept": False}


@pytest.mark.parametrize(
    ("more", "how"),
    [
        ({"max_length": 5_000}, "dropped"),
        ({"max_length": 5_000, "overflow": "reject-publish"}, "refused"),
        ({"max_bytes": 900_000, "bytes_ready": 890_000}, "dropped"),
        ({"max_length": 50_000}, "unknown"),
        ({"ttl_ms": 9_000, "max_length": 50_000}, "expired"),
    ],
)
def test_how_it_is_lost(more: dict[str, object], how: str) -> None:
    assert losing(flow(30, come=100, eaten=100, **more))[-1]["how"] == how


def test_dead_letters_that_come_uncounted_make_it_a_lower_bound() -> None:
    told = losing(flow(30, come=100, take=40, eaten=60, ttl_ms=60_000, receives=True, dead_letters=True))[-1]
    assert (told["at_least"], told["kept"]) == (True, True)


@pytest.mark.parametrize(
    "observed",
    [
        flow(60, come=100, take=100),
        flow(60, come=100, take=100, late=1),  # counters and lengths are told apart
        flow(60, come=100, take=100, late=1, ttl_ms=60_000),
        flow(60, come=100, take=20),  # it grows
        flow(60, come=20, take=40, jump=3_000),  # purged, once
        flow(
            60, come=100, eaten=100, ttl_ms=9_000, dead_letters=True
        ),  # nobody consumes, it goes on: a delay
        flow(60, come=100, eaten=100, is_delay=True),
        flow(60, come=100, eaten=100, type="stream"),
        flow(60, come=100, eaten=100, emptied=True),  # mqadmin purges it
    ],
)
def test_what_is_no_loss(observed: Iterator[QueueFacts]) -> None:
    assert not any(losing(observed))


def test_what_consumers_reject_is_not_lost_before_anybody_took_it() -> None:
    """They are delivered, and not acked: dead letters or dropped, but somebody saw them."""
    memory, now = Memory(), START
    for step in range(60):
        facts = QueueFacts(
            ready=50,
            total=50,
            consumers=1,
            published=step * 100,
            delivered=step * 100,
            left=step * 50,
            publish_rate=20.0,
            deliver_rate=20.0,
            ack_rate=10.0,
        )
        memory = remember(memory, facts, now)
        assert all(reason["code"] != "losing" for reason in judge(facts, memory, now).reasons)
        now += STEP


def test_counters_of_a_node_that_went_are_no_loss() -> None:
    """Those of its channels go, one after the other, the queue's own do not."""
    observed = []
    for step, facts in enumerate(flow(80, come=100, take=100)):
        gone = min(2_000, 250 * max(0, step - 39))
        observed.append(
            replace(facts, delivered=(facts.delivered or 0) - gone, left=(facts.left or 0) - gone)
        )
    assert not any(losing(iter(observed)))
