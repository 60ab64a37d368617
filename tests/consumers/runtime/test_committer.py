"""Group commit: when a group is committed, what happens while the store is gone, what best effort drops."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from consumers.runtime import committer as committer_module
from consumers.runtime.committer import Committer
from consumers.runtime.sink import SinkUnavailable
from tests.support.waiting import patient, wait_until


class Store:
    """Keeps the groups it was given; cannot be written while `gone` is set."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.told: list[int] = []
        self.troubles: list[str] = []
        self.gone = threading.Event()
        self.faults: list[BaseException] = []
        self.open = threading.Event()
        self.open.set()

    def commit(self, group: Sequence[int]) -> None:
        self.open.wait(patient(10))
        if self.gone.is_set():
            raise SinkUnavailable("locked")
        self.groups.append(list(group))

    def committer(
        self, *, more: Callable[[], object] = bool, enough: int = 1, most: int = 0
    ) -> Committer[int]:
        made = Committer(
            self.commit,
            committed=self.told.extend,
            trouble=self.troubles.append,
            fatal=self.faults.append,
            more=more,
            enough=enough,
            most_waiting=most,
        )
        made.start()
        return made


def test_one_alone_is_committed_at_once() -> None:
    store = Store()
    committer = store.committer(enough=50, more=lambda: False)
    committer.put(1)
    wait_until(lambda: store.told == [1], 5)
    assert committer.stop(5)


def test_while_more_are_coming_a_group_becomes_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer_module, "LINGER", 30.0)
    store = Store()
    coming = True
    asked = threading.Event()

    def more() -> bool:
        if threading.current_thread().name == "committer":
            asked.set()
        return coming

    committer = store.committer(enough=10, more=more)
    committer.put(0)
    assert asked.wait(patient(5)), "with one of ten in hand it asks whether to wait"
    for number in range(1, 10):
        committer.put(number)
    wait_until(lambda: len(store.told) == 10, 5)
    for number in range(10, 13):
        coming = number < 12
        committer.put(number)
    wait_until(lambda: len(store.told) == 13, 5, what="the last three, since no more are coming")
    assert store.groups == [list(range(10)), [10, 11, 12]]
    assert committer.stop(5)


def test_after_a_large_group_a_moment_is_waited_for_what_its_acks_bring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(committer_module, "PAUSE", 30.0)
    store = Store()
    store.open.clear()
    asked = threading.Event()

    def more() -> bool:
        if threading.current_thread().name == "committer":
            asked.set()
        return False

    committer = store.committer(enough=50, more=more)
    committer.put(0)
    wait_until(asked.is_set, 5, what="the first, in the committer's hands")
    wait_until(lambda: not committer._idle, 5)
    for number in range(1, 21):
        committer.put(number)
    store.open.set()
    wait_until(lambda: len(store.told) == 21, 5)
    wait_until(lambda: committer._idle, 5)
    asked.clear()
    committer.put(21)
    assert asked.wait(patient(5)), "with one in hand it asks whether to wait"
    for number in range(22, 31):
        committer.put(number)
    wait_until(lambda: len(store.told) == 31, 5)
    assert [len(group) for group in store.groups] == [1, 20, 10]
    assert committer.stop(5)


def test_it_does_not_wait_for_ever_for_a_group_to_become_full() -> None:
    store = Store()
    committer = store.committer(enough=10, more=lambda: True)
    committer.put(1)
    wait_until(lambda: store.told == [1], 5)
    assert committer.stop(5)


def test_a_store_that_is_gone_is_waited_for_and_nothing_is_dropped() -> None:
    store = Store()
    store.gone.set()
    committer = store.committer()
    for number in range(100):
        committer.put(number)
    wait_until(lambda: "locked" in store.troubles, 5)
    assert store.told == []
    store.gone.clear()
    wait_until(lambda: len(store.told) == 100, 10)
    assert store.told == list(range(100))
    assert store.troubles[-1] == ""
    assert committer.stop(5)


def test_best_effort_drops_what_finds_no_room_and_counts_it() -> None:
    store = Store()
    store.gone.set()
    committer = store.committer(most=10)
    committer.put(0)
    wait_until(lambda: "locked" in store.troubles, 5)  # the first is in the committer's hands
    for number in range(1, 31):
        committer.put(number)
    assert committer.dropped == 20
    store.gone.clear()
    wait_until(lambda: len(store.told) == 11, 10)
    assert committer.stop(5)


def test_a_defect_of_the_store_ends_it_and_reports_nothing_as_committed() -> None:
    store = Store()
    told: list[int] = []

    def broken(_group: Sequence[int]) -> None:
        raise ZeroDivisionError

    committer = Committer(
        broken, committed=told.extend, trouble=store.troubles.append, fatal=store.faults.append
    )
    committer.start()
    committer.put(1)
    wait_until(lambda: store.faults, 5)
    assert isinstance(store.faults[0], ZeroDivisionError)
    assert told == []
