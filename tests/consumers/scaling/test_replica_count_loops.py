"""Autoscaling in closed loops: arrivals, a queue and processes, hour after hour of its decisions."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from consumers.scaling.replica_count import Decision, Remembered, Seen, Settings, decide

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
WIDE = Settings(min=1, max=16, seconds=300)
DAY = 86_400

Load = Callable[[int], float]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@dataclass
class Simulation:
    """A queue, its processes, and autoscaling that looks every five seconds. One step is a second.

    `each(t)`: what one process handles a second; `all_(t)`: what all of them can at most (what they share).
    A process takes `delay` seconds to start. With `counted` RabbitMQ says what arrives. The queue's numbers are
    `late` seconds old, and all rates wrong by up to the share `noise`.
    """

    arriving: Load
    each: Load = lambda t: 50.0
    all_: Load = lambda t: math.inf
    settings: Settings = WIDE
    target: int = 1
    backlog: float = 0.0
    delay: int = 4
    counted: bool = True
    late: int = 0
    noise: float = 0.0

    def __post_init__(self) -> None:
        self.changes: list[tuple[int, int, int, str]] = []  # when, from, to, why
        self.reasons: list[str] = []
        self.decisions: list[Decision] = []
        self.waiting: list[float] = []  # by second
        self.running: list[int] = []
        self._starts = [-100] * self.target
        self._handled: deque[float] = deque(maxlen=10)
        self._known = Remembered()
        self._random = random.Random(7)

    def run(self, seconds: int) -> Simulation:
        for t in range(seconds):
            self._starts = self._starts[: self.target] + [t + self.delay] * (self.target - len(self._starts))
            running = sum(start <= t for start in self._starts)
            self.backlog += max(0.0, self.arriving(t))
            handled = min(self.backlog, running * self.each(t), self.all_(t))
            self.backlog -= handled
            self._handled.append(handled)
            self.waiting.append(self.backlog)
            self.running.append(running)
            if t % 5 == 0:
                self._look(t, running)
        return self

    def _look(self, t: int, running: int) -> None:
        then = max(0, t - self.late)
        waiting = round(self.waiting[then])
        seen = Seen(
            backlog=waiting,
            unacked=min(10 * running, waiting),
            arriving=self._measured(max(0.0, self.arriving(then))) if self.counted else None,
            handling=self._measured(sum(self._handled) / len(self._handled)),
            running=running,
            target=self.target,
            sampled_at=after(then),
        )
        decision, self._known = decide(seen, self.settings, self._known, after(t))
        self._check(decision, running)
        if decision.changed:
            self.changes.append((t, self.target, decision.replicas, decision.reason))
            self.target = decision.replicas
        self.reasons.append(decision.reason)
        self.decisions.append(decision)

    def _measured(self, rate: float) -> float:
        return rate * self._random.uniform(1 - self.noise, 1 + self.noise)

    def _check(self, decision: Decision, running: int) -> None:
        """What holds at every single look, whatever the load."""
        assert self.settings.min <= decision.replicas <= self.settings.max
        if decision.replicas > self.target:
            assert decision.replicas <= max(1, 2 * running)
        if decision.replicas < self.target:
            assert self.target - decision.replicas <= max(1, self.target // 4)

    def emptied_at(self, since: int) -> int:
        """The first second from `since` on in which less than a second's work waits."""
        return next(t for t in range(since, len(self.waiting)) if self.waiting[t] <= 50)

    @property
    def ups(self) -> list[int]:
        return [to for _t, before, to, _why in self.changes if to > before]

    @property
    def downs(self) -> list[int]:
        return [to for _t, before, to, _why in self.changes if to < before]


def test_a_steady_load_is_met_and_then_nothing_changes() -> None:
    simulation = Simulation(lambda t: 120.0).run(3600)
    assert simulation.target == 3
    assert simulation.emptied_at(60) < 300
    assert [to for *_rest, to, _why in simulation.changes] == [2, 3]
    assert simulation.changes[-1][0] < 60


def test_a_load_at_the_very_limit_of_some_does_not_flap() -> None:
    noise = random.Random(4)
    simulation = Simulation(lambda t: noise.gauss(100, 15)).run(7200)
    assert simulation.target == 3
    assert len(simulation.changes) <= 3


def test_a_burst_is_gone_in_time_and_then_it_shrinks_slowly() -> None:
    simulation = Simulation(lambda t: 60_000.0 if t == 600 else 20.0).run(3600)
    assert simulation.emptied_at(605) - 600 <= WIDE.seconds + 15
    assert simulation.ups[0] == 2, "doubling at most"
    assert simulation.target == 1
    assert simulation.downs == sorted(simulation.downs, reverse=True)
    assert min(t for t, before, to, _why in simulation.changes if to < before) >= 600 + 120
    assert len(simulation.changes) <= 12


def test_a_slow_ramp_is_followed_step_by_step_with_little_waiting() -> None:
    simulation = Simulation(lambda t: t / 10).run(7200)
    assert simulation.target == 15
    assert not simulation.downs
    assert max(simulation.waiting) < 60 * 72, "a minute's arrivals"
    assert len(simulation.changes) == 14


def test_night_and_day() -> None:
    simulation = Simulation(lambda t: 300 * math.sin(t / (DAY / 2) * math.pi)).run(DAY)
    assert max(simulation.running) in (6, 7)
    assert simulation.target == 1
    assert len(simulation.changes) <= 24
    assert max(simulation.waiting) < 1500, "five seconds of what comes at noon"


@pytest.mark.parametrize("period", [30, 60, 120, 200])
def test_oscillating_arrivals_do_not_flap(period: int) -> None:
    simulation = Simulation(lambda t: 100 + 80 * math.sin(t / period * 2 * math.pi), each=lambda t: 20.0).run(
        7200
    )
    assert len(simulation.changes) <= 8
    assert [to for t, _before, to, _why in simulation.changes if t > 600] == [], "settled after ten minutes"
    assert simulation.target >= 6


def test_square_waves_longer_than_its_patience_are_followed_without_overshooting() -> None:
    simulation = Simulation(lambda t: 150.0 if t // 600 % 2 else 50.0, each=lambda t: 20.0).run(7200)
    assert simulation.emptied_at(7190)
    assert max(simulation.running) <= 11  # 8 carry it, the rest for what had piled up
    assert all(waiting <= 6000 for waiting in simulation.waiting)


def test_without_traffic_it_goes_to_the_minimum_by_quarters() -> None:
    simulation = Simulation(lambda t: 0.0, target=16).run(900)
    assert simulation.downs == [12, 9, 7, 6, 5, 4, 3, 2, 1]
    assert simulation.changes[0][0] >= 120
    assert all(later[0] - earlier[0] >= 15 for earlier, later in pairwise(simulation.changes))


def test_to_none_and_back() -> None:
    bounds = Settings(min=0, max=4, seconds=300)
    simulation = Simulation(lambda t: 1.0 if t >= 1200 else 0.0, settings=bounds).run(1800)
    assert simulation.running[1190] == 0
    assert simulation.running[-1] == 1
    assert simulation.waiting[-1] < 5


def test_a_handler_that_got_slower_gets_more() -> None:
    simulation = Simulation(lambda t: 100.0, each=lambda t: 50.0 if t < 1200 else 20.0).run(3600)
    assert simulation.running[1190] == 3
    assert simulation.target in (6, 7)
    assert simulation.emptied_at(1300) - 1200 <= WIDE.seconds
    assert "limited" not in simulation.reasons


def test_a_handler_that_got_faster_needs_fewer() -> None:
    simulation = Simulation(lambda t: 100.0, each=lambda t: 20.0 if t < 1200 else 100.0, backlog=3000).run(
        9600
    )
    assert simulation.running[1190] >= 6
    assert simulation.target <= 2, "after two hours without waiting it tries fewer"
    assert max(simulation.waiting[1200:]) < 60 * 100


@pytest.mark.parametrize("stuck_from", [0, 600], ids=["from the start", "later"])
def test_a_stuck_handler_is_not_multiplied(stuck_from: int) -> None:
    simulation = Simulation(lambda t: 20.0, each=lambda t: 50.0 if t < stuck_from else 0.0).run(7200)
    assert max(simulation.running) <= 2
    assert simulation.reasons[-1] == "stuck"
    assert len(simulation.changes) <= 1


def test_it_recovers_when_a_stuck_handler_goes_on() -> None:
    simulation = Simulation(lambda t: 20.0, each=lambda t: 0.0 if 600 <= t < 1800 else 50.0).run(4000)
    assert simulation.emptied_at(1810) - 1800 <= WIDE.seconds + 60
    assert simulation.target == 1


@pytest.mark.parametrize("arriving", [120.0, 300.0])
def test_what_arrives_is_found_out_where_rabbitmq_does_not_count_it(arriving: float) -> None:
    simulation = Simulation(lambda t: arriving, counted=False).run(3600)
    assert simulation.target == pytest.approx(arriving / 50, abs=2)
    assert simulation.emptied_at(60) < 400
    assert len(simulation.changes) <= 6


def test_what_shares_a_bottleneck_stops_growing_and_says_so() -> None:
    simulation = Simulation(lambda t: 300.0, all_=lambda t: 100.0).run(1200)
    assert "limited" in simulation.reasons
    assert simulation.running[600] <= 8, "16 are allowed, and would be needed by its arithmetic"
    tried = [t for t, *_rest in simulation.changes if t > 120]
    assert len(tried) <= 1, "tried again after ten minutes, by a quarter"


def test_it_grows_again_once_the_bottleneck_is_gone() -> None:
    simulation = Simulation(lambda t: 300.0, all_=lambda t: 100.0 if t < 900 else math.inf).run(3600)
    assert "limited" in simulation.reasons
    assert simulation.emptied_at(910) - 900 <= 1200
    assert simulation.target <= 8


def test_late_and_noisy_numbers_change_little() -> None:
    steady = Simulation(lambda t: 120.0, late=10, noise=0.1).run(3600)
    assert (steady.target, len(steady.changes)) == (3, 2)
    burst = Simulation(lambda t: 60_000.0 if t == 600 else 20.0, late=10, noise=0.1).run(3600)
    assert burst.emptied_at(605) - 600 <= WIDE.seconds + 30
    assert len(burst.changes) <= 12
    shared = Simulation(lambda t: 300.0, all_=lambda t: 100.0, late=10, noise=0.1).run(3600)
    assert "limited" in shared.reasons
    assert shared.target <= 10


def test_too_much_for_all_it_may_have_is_said() -> None:
    simulation = Simulation(lambda t: 2000.0).run(600)
    assert simulation.target == 16
    assert simulation.reasons[-1] == "most"
    assert simulation.changes[-1][0] <= 120


def test_processes_that_start_slowly_are_waited_for() -> None:
    simulation = Simulation(lambda t: 100.0, delay=60).run(1800)
    steps = [t for t, before, to, _why in simulation.changes if to > before]
    assert all(later - earlier >= 60 for earlier, later in pairwise(steps))
    assert simulation.emptied_at(200) <= 400


def test_processes_that_never_start_are_not_multiplied() -> None:
    simulation = Simulation(lambda t: 100.0, delay=10**6).run(1200)
    assert simulation.target <= 2


def test_messages_that_take_a_minute_each() -> None:
    simulation = Simulation(lambda t: 0.1, each=lambda t: 1 / 60).run(7200)
    assert 6 <= simulation.target <= 9
    assert max(simulation.waiting) < 15
    assert len(simulation.changes) <= 6


@pytest.mark.parametrize("counted", [True, False])
def test_messages_that_are_all_done_at_once_every_minute(counted: bool) -> None:
    """For most of the time nothing is seen to be handled; it is slow, not stuck."""
    simulation = Simulation(lambda t: 0.1, each=lambda t: float(t % 60 == 0), counted=counted).run(7200)
    assert 6 <= simulation.target <= 10
    assert max(simulation.waiting[1200:]) < 20
    assert len(simulation.changes) <= 8


def test_the_averages_of_few_messages_are_taken_over_minutes() -> None:
    few = replace(WIDE, max=8)
    simulation = Simulation(
        lambda t: 0.2, each=lambda t: float(t % 60 == 0), settings=few, counted=False
    ).run(3600)
    late = simulation.decisions[360:]
    assert all(0.7 / 60 < (seen.per_replica or 0) < 1.4 / 60 for seen in late)
    assert all(0.12 < (seen.arriving or 0) < 0.28 for seen in late)


def test_what_it_knows_for_long_is_tried_again_in_a_steady_load_now_and_then() -> None:
    simulation = Simulation(lambda t: 120.0).run(12 * 3600)
    later = [why for t, _before, _to, why in simulation.changes if t > 300]
    assert 2 <= len(later) <= 12, "every two hours one fewer, and back"
    assert later[:2] == ["down", "up"]
    assert max(simulation.waiting[300:]) < 60 * 120
