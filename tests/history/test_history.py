"""What is recorded is read again, folded or not, with restarts between, on the database of the run."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from mqadmin.history import folding, reading, steps
from mqadmin.history.models import Chunk, Gap, Moment, Series
from mqadmin.history.reading import Lines
from mqadmin.history.recording import Key, Raw, Recorder
from tests.support.length import IN_FULL

pytestmark = pytest.mark.django_db

STEPS = steps.read("5s:10m,20s:1h,60s:6h")
START = 1_800_000_000
NUMBERS = 7
Sample = dict[Key, Raw]
WIDTHS = {300: 5, 2400: 20, 5400: 60}  # of a step, by how long ago the lines begin


def queue(name: str) -> Key:
    return Key("queue", "/", name)


def row(ready: float | None, rate: float | None = None) -> Raw:
    return (ready, 0, 1, rate, None, None, None, None)


def recorder() -> Recorder:
    return Recorder("default", STEPS, gap=30)


def read(name: str, since: int, until: int, now: int | None = None) -> Lines:
    return reading.read(
        "default", "queue", "/", name, since=since, until=until, steps=STEPS, now=now or until
    )


def traffic(seconds: int, seed: int) -> Iterator[tuple[int, Sample]]:
    """Yield a sample each 5 s: a busy queue, one that changes now and then, one that never does."""
    dice = random.Random(seed)
    seldom = 5
    for at in range(START, START + seconds, 5):
        if dice.random() < 0.05:
            seldom = dice.randrange(1000)
        yield (
            at,
            {
                queue("busy"): row(dice.randrange(10_000), dice.randrange(1_000) / 4),
                queue("seldom"): row(seldom),
                queue("still"): row(42),
            },
        )


def truth(samples: list[tuple[int, Sample]], name: str, place: int) -> list[float]:
    """Return what a number was in each second."""
    return [sample[queue(name)][place] or 0 for _at, sample in samples for _second in range(5)]


@pytest.mark.parametrize(
    ("restarts", "seed"),
    [
        pytest.param(0, 300, marks=IN_FULL),
        pytest.param(0.1, 1, marks=IN_FULL),
        (0.1, 300),
    ],
)
def test_a_line_is_what_was(restarts: float, seed: int) -> None:
    dice = random.Random(seed)
    samples = list(traffic(9000, seed=seed))
    record = recorder()
    for at, sample in samples:
        if dice.random() < restarts:
            record = recorder()
        record.record(at, sample)
        folding.fold("default", STEPS, at)
    assert {*Chunk.objects.values_list("step", flat=True)} == {5, 20, 60}
    for age, width in WIDTHS.items():
        is_what_was(samples, age, width)


def is_what_was(samples: list[tuple[int, Sample]], age: int, width: int) -> None:
    """Check all that the lines of the last `age` seconds say, in steps of `width`, against the samples."""
    now = samples[-1][0] + 5
    since = now - age
    for name in ("busy", "seldom", "still"):
        found = read(name, since, now)
        assert found.seconds == width * (-(-age // width // 400))
        lengths, rates = truth(samples, name, 0), truth(samples, name, 3)
        for at, ready, rate in zip(
            found.times, found.lines["ready"], found.lines["publish_rate"], strict=True
        ):
            if at < START or at + found.seconds > now - now % 60:
                continue  # the newest coarse window is not over
            span = slice(at - START, at - START + found.seconds)
            assert ready == max(lengths[span]), (name, at)
            if name == "busy":
                assert rate == pytest.approx(sum(rates[span]) / found.seconds, abs=0.02), at


@pytest.mark.any_database
def test_a_step_is_stored_alike_thinned_or_straight() -> None:
    """What benchmarks/history.py goes by: each minute straight into the coarsest step, or thinned from each 5 s."""
    minutes: dict[int, Sample] = {}
    for at, sample in traffic(9000, seed=3):
        minutes.setdefault(at // 60 * 60, sample)
    for broker, every, known in (("thinned", 5, STEPS), ("straight", 60, STEPS[2:])):
        record = Recorder(broker, known, gap=4 * every)
        for at in range(START, START + 9000, every):
            record.record(at, minutes[at // 60 * 60])
            folding.fold(broker, known, at)
        folding.fold(broker, known, START + 9000)
    rows = Chunk.objects.filter(step=60).order_by("series__name", "start")
    found = {
        broker: [
            (name, start, bytes(data))
            for name, start, data in rows.filter(series__broker=broker).values_list(
                "series__name", "start", "data"
            )
        ]
        for broker in ("thinned", "straight")
    }
    assert found["thinned"] == found["straight"]
    assert {name for name, _start, _data in found["straight"]} == {"busy", "seldom", "still"}


def test_only_what_changes_is_stored() -> None:
    record = recorder()
    for at in range(START, START + 600, 5):
        record.record(at, {queue("still"): row(42), queue("busy"): row(at % 7)})
    still = Series.objects.get(name="still")
    moments = Moment.objects.filter(step=5).order_by("at")
    assert len(reading.stored(still, STEPS[0], START, START + 600, finest=STEPS[0])) == 1
    assert moments.count() == 120
    assert [moment.count for moment in moments[:3]] == [2, 1, 1]
    record = recorder()
    record.record(START + 600, {queue("still"): row(42), queue("busy"): row(3)})
    assert len(reading.stored(still, STEPS[0], START, START + 700, finest=STEPS[0])) == 1


def test_a_gap_is_a_gap_and_not_a_line() -> None:
    record = recorder()
    for at in [*range(START, START + 60, 5), *range(START + 300, START + 360, 5)]:
        record.record(at, {queue("still"): row(42)})
    assert Gap.objects.values_list("begin", "end").get() == (START + 55, START + 300)
    found = read("still", START, START + 360)
    known = dict(zip(found.times, found.lines["ready"], strict=True))
    assert known[START + 55] == 42
    assert {known[at] for at in range(START + 60, START + 300, 5)} == {None}
    assert known[START + 300] == 42


def test_what_came_before_a_gap_counts_for_nothing_after_it() -> None:
    record = recorder()
    for at, rate in [(START, 100), (START + 5, 50), *((START + 305 + more, 0) for more in range(0, 60, 5))]:
        record.record(at, {queue("still"): row(42, rate)})
    coarse = reading.stored(Series.objects.get(name="still"), STEPS[1], START, START + 400, finest=STEPS[0])
    known = {at: values[3] for at, values in coarse}
    assert known[START] == 100 * 100, "the five seconds that are known"
    assert known[START + 300] == 0
    assert Moment.objects.get(step=5, at=START + 305).count == 1, "what did not change is said anew"


def test_a_gap_that_goes_on_is_one() -> None:
    record = recorder()
    for at in range(START, START + 60, 5):
        record.record(at, {queue("still"): row(42)})
    found = read("still", START, START + 100)
    assert found.lines["ready"] == [42] * 12 + [None] * 8
    assert read("still", START, START + 80).lines["ready"] == [42] * 16


def test_a_broker_on_which_nothing_changes_has_no_gaps() -> None:
    for at in range(START, START + 300, 5):
        recorder().record(at, {queue("still"): row(42)})
    assert not Gap.objects.exists()


def test_a_gap_while_no_recorder_ran() -> None:
    recorder().record(START, {queue("a"): row(1)})
    recorder().record(START + 300, {queue("a"): row(1)})
    assert Gap.objects.values_list("begin", "end").get() == (START, START + 300)


def test_a_queue_that_went_ends_and_one_that_comes_back_goes_on() -> None:
    record = recorder()
    record.record(START, {queue("a"): row(1), queue("b"): row(1)})
    record.record(START + 5, {queue("b"): row(1)})
    recorder().record(START + 10, {queue("a"): row(7)})  # b went while nobody looked
    found = read("a", START, START + 15)
    assert found.lines["ready"] == [1, None, 7]
    assert read("b", START, START + 15).lines["ready"] == [1, 1, None]
    assert Series.objects.count() == 2


def test_a_sample_that_comes_too_soon_is_left_out_and_nothing_of_it_lost() -> None:
    record = recorder()
    record.record(START, {queue("a"): row(1)})
    assert record.record(START + 1, {queue("a"): row(9)}) == 0
    assert record.record(START + 5, {queue("a"): row(9)}) == 1


def test_what_is_old_goes_and_what_held_since_stays() -> None:
    record = recorder()
    for at, sample in traffic(6000, seed=1):
        record.record(at, sample)
        folding.fold("default", STEPS, at)
    now = START + 6000
    before = Chunk.objects.filter(step=5).count()
    assert folding.forget(STEPS, now) > 0
    assert Chunk.objects.filter(step=5).count() < before
    kept = now - STEPS[0].kept
    assert set(read("still", kept, now).lines["ready"]) == {42}
    assert None not in read("busy", kept, now).lines["ready"]
    assert folding.forget(STEPS, now) == 0


def test_a_series_that_ended_before_the_longest_memory_is_forgotten() -> None:
    record = recorder()
    for at in range(START, START + 14_400, 60):
        sample = {queue("still"): row(42), queue("busy"): row(at % 7)}
        if at < START + 600:
            sample[queue("gone")] = row(at % 5)
        record.record(at, sample)
        folding.fold("default", STEPS, at)
    later = START + 14_400 + STEPS[-1].kept + STEPS[-1].span
    for at in range(later, later + 14_400, 60):
        record.record(at, {queue("still"): row(42), queue("busy"): row(at % 7)})
        folding.fold("default", STEPS, at)
    folding.forget(STEPS, later + 14_400)
    assert set(Series.objects.values_list("name", flat=True)) == {"still", "busy"}
    assert not Chunk.objects.exclude(series__in=Series.objects.all()).exists()


def test_what_was_recorded_of_a_broker_that_is_configured_no_more_is_forgotten() -> None:
    record = recorder()
    for at in range(START, START + 1_200, 60):
        record.record(at, {queue("orders"): row(at % 7)})
    later = START + 1_200
    assert folding.end(["default"], STEPS, later) == 0
    assert folding.end(["other"], STEPS, later + 14_400) == 1
    assert not Moment.objects.exists()  # they are chunks now
    assert Chunk.objects.exists()
    folding.forget(STEPS, later + 14_401)
    assert Series.objects.exists()  # it may come back as long as its history is kept
    folding.forget(STEPS, later + 14_401 + STEPS[-1].kept + STEPS[-1].span + 1)
    assert not Series.objects.exists()
    assert not Chunk.objects.exists()


def test_a_broker_that_comes_back_goes_on() -> None:
    recorder().record(START, {queue("orders"): row(1)})
    folding.end([], STEPS, START + 14_400)
    recorder().record(START + 14_460, {queue("orders"): row(2)})
    assert Series.objects.get().ended_at is None
