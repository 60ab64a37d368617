"""Deletes in steps that let others write."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mqadmin.core.models import AuditEntry
from mqadmin.core.rows import deleting
from mqadmin.core.rows.deleting import Steps


def test_steps_shrink_where_they_take_long_and_grow_where_they_do_not(db: None, monkeypatch: Any) -> None:
    clock = [0.0]

    class Slow:
        def __init__(self, seconds: float) -> None:
            self.seconds = seconds

        def delete(self) -> tuple[int, dict[str, int]]:
            clock[0] += self.seconds
            return 1, {}

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    rested: list[float] = []
    monkeypatch.setattr(time, "sleep", rested.append)
    steps = Steps(60, first=200, smallest=10, largest=1_000)
    sizes = []
    for took in (0.2, 0.2, 0.01, 0.001, 0.001, 0.001, 0.001, 0.001):
        steps.delete(Slow(took))  # type: ignore[arg-type]
        sizes.append(steps.size)
    assert sizes == [100, 50, 50, 100, 200, 400, 800, 1_000]
    assert rested[:3] == pytest.approx([0.2, 0.2, 0.01])
    assert steps.goes_on
    clock[0] += 60
    assert not steps.goes_on


def test_a_step_that_waits_for_others_is_no_smaller_and_rests_longer(monkeypatch: Any) -> None:
    """The lock that SQLite gives to one at a time is waited for before the step begins."""
    clock, rested = [0.0], list[float]()

    class Others:
        def __enter__(self) -> None:
            clock[0] += 0.1

        def __exit__(self, *_error: object) -> None:
            pass

    class Rows:
        def delete(self) -> tuple[int, dict[str, int]]:
            clock[0] += 0.01
            return 1, {}

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", rested.append)
    monkeypatch.setattr(deleting.transaction, "atomic", Others)
    steps = Steps(60, first=200)
    steps.delete(Rows())  # type: ignore[arg-type]
    assert (steps.size, rested) == (200, [pytest.approx(deleting.RESTS * 0.01 - 0.1)])


@pytest.fixture
def entries(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleting, "PAUSE_SECONDS", 0)
    AuditEntry.objects.bulk_create(AuditEntry(actor=name, action="a") for name in "ooonoonn")


def actors() -> str:
    return "".join(AuditEntry.objects.order_by("id").values_list("actor", flat=True))


def test_the_oldest_go_until_a_step_finds_none(entries: None) -> None:
    steps = Steps(60, first=2, smallest=1, largest=2)
    assert deleting.oldest_while(AuditEntry.objects.filter(actor="o"), steps) == 5
    assert actors() == "nnn"


def test_what_stands_behind_others_is_not_looked_for(entries: None) -> None:
    assert deleting.oldest_while(AuditEntry.objects.filter(actor="n"), Steps(60, first=3, largest=3)) == 0
    assert deleting.all_of(AuditEntry.objects.filter(actor="n"), Steps(60, first=1, largest=1)) == 3
    assert actors() == "ooooo"


def test_without_time_nothing_goes(entries: None) -> None:
    rows = AuditEntry.objects.all()
    assert (deleting.oldest_while(rows, Steps(0)), deleting.all_of(rows, Steps(0))) == (0, 0)
    assert len(actors()) == 8
