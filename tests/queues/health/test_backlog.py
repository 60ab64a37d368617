"""Verdicts on backlogs: that grow, drain, hit a limit, and why consumers do not keep up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mqadmin.queues.health import facts as health
from mqadmin.queues.health.facts import NEVER, Handling, QueueFacts
from tests.queues.health.observed import busy, codes, growing, live


def test_a_growing_backlog_is_watched_first_and_broken_after_five_minutes() -> None:
    verdict, _, _ = live(*growing(16))
    assert verdict.level == health.WATCH
    assert codes(verdict) == ["growing", "slow_consumers"]
    assert verdict.reasons[0]["params"]["rate"] == pytest.approx(20.0, rel=0.1)
    assert verdict.clears_in == NEVER
    verdict, _, _ = live(*growing(90))
    assert (verdict.level, codes(verdict)[0]) == (health.BROKEN, "growing")


def test_a_backlog_that_will_soon_hit_its_limit_is_broken_at_once() -> None:
    verdict, _, _ = live(*growing(16, max_length=20_000))
    assert verdict.level == health.BROKEN
    assert verdict.reasons[0]["params"]["full_in"] == pytest.approx(900, rel=0.2)


def test_a_burst_is_not_a_growing_backlog() -> None:
    burst = [busy(ready=ready) for ready in (0, 0, 500, 300, 100, 0, 0, 0, 0, 0, 0, 0)]
    assert live(*burst)[0].level == health.OK


def test_growth_ends_only_after_it_stayed_away() -> None:
    backlog = growing(20)
    top = backlog[-1].ready or 0
    pause = [busy(ready=top, unacked=10)] * 4
    assert "growing" in codes(live(*backlog, *pause)[0])
    falling = [busy(ready=max(0, top - 100 * i), unacked=10) for i in range(1, 25)]
    verdict, _, _ = live(*backlog, *falling)
    assert "growing" not in codes(verdict)


def test_a_draining_backlog_says_when_it_is_gone() -> None:
    verdict, _, _ = live(*[busy(ready=100_000 - 500 * i, unacked=10) for i in range(20)])
    assert verdict.growth == pytest.approx(-100, rel=0.05)
    assert verdict.clears_in == pytest.approx(905, rel=0.05)
    assert verdict.level == health.OK


def test_a_backlog_that_takes_hours_is_watched() -> None:
    verdict, _, _ = live(*[busy(ready=1_000_000 - 50 * i, unacked=10) for i in range(20)])
    assert (verdict.level, codes(verdict)) == (health.WATCH, ["clears_late"])


def test_consumers_that_ack_nothing_stall_a_queue() -> None:
    stuck = busy(ready=50, unacked=10, publish_rate=0.0, deliver_rate=0.0, ack_rate=0.0)
    verdict, _, _ = live(*[stuck] * 14)
    assert (verdict.level, codes(verdict)) == (health.WATCH, ["stalled"])
    verdict, _, _ = live(*[stuck] * 62)
    assert (verdict.level, codes(verdict)) == (health.BROKEN, ["stalled"])


@pytest.mark.parametrize(
    ("ready", "overflow", "level", "code"),
    [
        (89, "", health.OK, None),
        (90, "", health.WATCH, "nearly_full"),
        (100, "", health.WATCH, "full"),
        (100, "reject-publish", health.BROKEN, "full"),
        (101, "reject-publish-dlx", health.BROKEN, "full"),
    ],
)
def test_the_length_limit(ready: int, overflow: str, level: str, code: str | None) -> None:
    verdict, _, _ = live(*[busy(ready=ready, max_length=100, overflow=overflow)] * 3)
    assert (verdict.level, codes(verdict)) == (level, [code] if code else [])


def test_the_length_limit_does_not_flap() -> None:
    verdict, _, _ = live(*[busy(ready=ready, max_length=100) for ready in (91, 85, 82)])
    assert codes(verdict) == ["nearly_full"]
    assert codes(live(*[busy(ready=ready, max_length=100) for ready in (91, 79)])[0]) == []


def behind(steps: int = 16, **more: object) -> dict[str, object]:
    """Return why consumers do not keep up: 20 more a second than the 10 that they ack."""
    observed = growing(steps, publish_rate=30.0, **more)
    verdict, _, _ = live(*observed)
    found = [item for item in verdict.reasons if item["code"] in ("slow_consumers", "no_room")]
    return {"code": found[0]["code"], **found[0]["params"]} if found else {}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        # Ten at hand: its handler never waits, so it is the slow one. 30 a second come, each consumer does 10.
        ({}, {"code": "slow_consumers", "more": 2}),
        ({"consumers": 4}, {"code": "slow_consumers", "more": 8}),
        ({"consumers": 10}, {"code": "no_room"}),  # one each: it may wait for the next
        ({"handling": Handling(0.1, 1, 1)}, {"code": "slow_consumers", "busy": 100, "ms": 100.0, "more": 2}),
        ({"handling": Handling(0.01, 1, 1)}, {"code": "no_room", "busy": 10}),  # measured: it is idle, mostly
        (
            {"handling": Handling(0.01, 1, 1), "consumers": 2},
            {"code": "slow_consumers", "more": 4},
        ),  # others too
        ({"capacity": 0.95}, {}),  # they could take more: it is not them
        ({"capacity": 0.95, "type": "quorum"}, {"code": "slow_consumers"}),  # not measured there
    ],
)
def test_slow_consumers_are_told_from_those_without_room(
    more: dict[str, object], expected: dict[str, object]
) -> None:
    found = behind(**more)
    assert {name: found.get(name) for name in expected} == expected
    assert bool(found) == bool(expected)


def test_consumers_that_take_all_and_ack_too_little() -> None:
    hoarded = [busy(unacked=300 + 100 * i, ack_rate=5.0) for i in range(30)]
    verdict, _, _ = live(*hoarded)
    assert (verdict.level, codes(verdict)) == (health.WATCH, ["hoarding"])


def test_a_stream_whose_readers_get_less_than_comes() -> None:
    stream = QueueFacts(type="stream", total=9, ready=9, consumers=2, publish_rate=10.0, deliver_rate=12.0)
    verdict, _, _ = live(*[stream] * 20)
    assert codes(verdict) == ["readers_behind"]
    assert verdict.reasons[0]["params"] == {"readers": 2, "each": 6.0, "rate": 4.0}
    assert "readers_behind" not in codes(live(*[replace(stream, deliver_rate=20.0)] * 20)[0])


def test_when_it_is_full_is_told_by_the_minute() -> None:
    verdict, _, now = live(*growing(16, max_bytes=2_000_000, bytes_ready=1_000_000))
    full = verdict.reasons[0]["params"]
    assert (full["unit"], full["limit"], full["full_at"] % 60) == ("bytes", 2_000_000, 0)
    assert full["full_at"] == pytest.approx(now + full["full_in"], abs=60)
