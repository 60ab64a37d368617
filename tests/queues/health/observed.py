"""What a queue went through, one observation after another, and what is said of it."""

from __future__ import annotations

from mqadmin.queues.health.facts import QueueFacts, Verdict
from mqadmin.queues.health.judging import judge, remember
from mqadmin.queues.health.memory import Memory

START = 1_800_000_000.0

STEP = 5.0

NUMBERS = ("ready", "unacked", "total", "consumers")


def live(*observed: QueueFacts, start: float = START) -> tuple[Verdict, Memory, float]:
    """Feed one observation every five seconds; return the last verdict, the memory and the time."""
    memory, now, verdict = Memory(), start, None
    for facts in observed:
        memory = remember(memory, facts, now)
        verdict = judge(facts, memory, now)
        now += STEP
    assert verdict is not None
    return verdict, memory, now - STEP


def codes(verdict: Verdict) -> list[str]:
    return [str(reason["code"]) for reason in verdict.reasons]


def busy(ready: int = 0, unacked: int = 0, **more: object) -> QueueFacts:
    values = {"consumers": 1, "publish_rate": 10.0, "deliver_rate": 10.0, "ack_rate": 10.0} | more
    return QueueFacts(ready=ready, unacked=unacked, total=ready + unacked, **values)  # type: ignore[arg-type]


QUIET = QueueFacts(consumers=1)


def growing(steps: int, per_second: float = 20.0, **more: object) -> list[QueueFacts]:
    return [busy(ready=100 + int(i * STEP * per_second), unacked=10, **more) for i in range(steps)]


def inbox(ready: int, **more: object) -> QueueFacts:
    values = {"consumers": 0, "is_inbox": True, "inbox_of": ("orders",)} | more
    return QueueFacts(ready=ready, total=ready, **values)  # type: ignore[arg-type]
