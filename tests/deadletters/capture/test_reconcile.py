from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from mqadmin.deadletters.capture import reconcile
from mqadmin.deadletters.capture.reconcile import Again, Doubtful, New, Seen


def back(*names: str) -> list[Seen]:
    return [Seen(name, redelivered=True) for name in names]


def fresh(*names: str) -> list[Seen]:
    return [Seen(name, redelivered=False) for name in names]


def begin(rows: Iterable[tuple[int, str]], window: int = 1) -> reconcile.State:
    return reconcile.begin((row, fingerprint, window) for row, fingerprint in rows)


def test_without_doubt_everything_is_new() -> None:
    plan = reconcile.plan(begin([]), back("a") + fresh("a"))
    assert plan.decisions == (New(), New())


def test_a_window_that_came_back_whole_is_recognised() -> None:
    plan = reconcile.plan(begin([(1, "a"), (2, "b")]), back("a", "b") + fresh("c"))
    assert plan.decisions == (Again(1), Again(2), New())
    assert plan.state.uncertain == ()


def test_two_identical_messages_that_came_back_are_two_rows() -> None:
    plan = reconcile.plan(begin([(1, "a"), (2, "a")]), back("a", "a"))
    assert plan.decisions == (Again(1), Again(2))


def test_a_message_never_delivered_before_is_new_even_when_identical() -> None:
    plan = reconcile.plan(begin([(1, "a")]), fresh("a"))
    assert plan.decisions == (New(),)
    assert plan.state.uncertain == (1,)


def test_a_part_of_the_window_is_stored_as_possible_duplicates() -> None:
    plan = reconcile.plan(begin([(1, "a"), (2, "b")]), back("a"))
    assert plan.decisions == (Doubtful(1),)
    assert plan.state.uncertain == (2, 1)


def test_a_match_that_becomes_certain_later_withdraws_the_duplicates() -> None:
    first = reconcile.plan(begin([(1, "a"), (2, "b")]), back("a"))
    second = reconcile.plan(first.state, back("b") + fresh("c"))
    assert second.decisions == (Again(2), New())
    assert second.withdraw == (1,)


def test_one_message_too_many_makes_its_fingerprint_doubtful() -> None:
    plan = reconcile.plan(begin([(1, "a"), (2, "b")]), back("a", "b", "a"))
    assert plan.decisions == (Doubtful(1), Again(2), Doubtful(1))


def test_one_too_many_in_an_early_window_is_remembered() -> None:
    first = reconcile.plan(begin([(1, "a"), (2, "b")]), back("a", "a"))
    second = reconcile.plan(first.state, back("b"))
    assert second.decisions == (Again(2),)
    assert second.withdraw == ()


def test_a_twin_after_the_recognition_takes_it_back() -> None:
    first = reconcile.plan(begin([(1, "a"), (2, "a")]), back("a", "a"))
    second = reconcile.plan(first.state, back("a"))
    assert second.decisions == (Doubtful(1),)
    assert second.repeat == (1, 2)
    assert reconcile.plan(second.state, back("a")).repeat == ()


def test_of_two_windows_in_doubt_each_is_judged_by_itself() -> None:
    """The first was acked before the crash that nobody noted, the second was not."""
    state = reconcile.begin([(1, "a", 1), (2, "b", 1), (3, "c", 2), (4, "d", 2)])
    plan = reconcile.plan(state, back("c", "d"))
    assert plan.decisions == (Again(3), Again(4))
    assert (plan.state.uncertain, plan.state.windows) == ((1, 2), {1})
    late = reconcile.plan(plan.state, back("a", "b"))  # its connection had only been cut off
    assert late.decisions == (Again(1), Again(2))
    assert not late.state.windows


def test_of_two_windows_that_look_alike_the_newest_comes_back_first() -> None:
    state = reconcile.begin([(1, "a", 1), (2, "b", 1), (3, "a", 2)])
    plan = reconcile.plan(state, back("a"))
    assert plan.decisions == (Again(3),)
    assert plan.state.windows == {1}


def test_a_part_of_one_window_keeps_only_that_one_open() -> None:
    state = reconcile.begin([(1, "a", 1), (2, "b", 1), (3, "c", 2), (4, "d", 2)])
    first = reconcile.plan(state, back("a", "c"))
    assert first.decisions == (Doubtful(1), Doubtful(3))
    second = reconcile.plan(first.state, back("d"))
    assert second.decisions == (Again(4),)
    assert second.withdraw == (3,)
    assert second.state.windows == {1}


def test_once_resolved_nothing_is_recognised() -> None:
    assert reconcile.plan(reconcile.resolve(), back("a")).decisions == (New(),)


def rows_after(stored: list[str], arriving: list[Seen], window: int) -> Counter[str]:
    """Return how many rows of each fingerprint there are once everything that arrives is captured."""
    rows = dict(enumerate(stored, start=1))
    return captured(begin(rows.items()), rows, arriving, window)


def captured(state: reconcile.State, rows: dict[int, str], arriving: list[Seen], window: int) -> Counter[str]:
    doubtful: dict[int, int] = {}
    for start in range(0, len(arriving), window):
        part = arriving[start : start + window]
        plan = reconcile.plan(state, part)
        for seen, decision in zip(part, plan.decisions, strict=True):
            if not isinstance(decision, Again):
                rows[max(rows, default=0) + 1] = seen.fingerprint
            if isinstance(decision, Doubtful):
                doubtful[max(rows)] = decision.row
        for row in plan.repeat:
            rows[max(rows) + 1] = rows[row]
        for copy in [copy for copy, row in doubtful.items() if row in plan.withdraw]:
            del rows[copy], doubtful[copy]
        state = plan.state
    return Counter(rows.values())


names = st.sampled_from("abc")


@given(
    st.lists(names, max_size=5),
    st.lists(names, max_size=5),
    st.lists(names, max_size=5),
    st.lists(names, max_size=3),
    st.integers(1, 7),
)
def test_after_crashes_in_a_row_no_row_is_lost(
    acked: list[str], held: list[str], unsettled: list[str], others: list[str], window: int
) -> None:
    """Of three windows in doubt one was acked, one comes back at once and one late, and new letters in between."""
    stored = [
        *[(name, 1) for name in acked],
        *[(name, 2) for name in held],
        *[(name, 3) for name in unsettled],
    ]
    rows = [(row, name, number) for row, (name, number) in enumerate(stored, start=1)]
    arriving = back(*unsettled) + fresh(*others) + back(*held)
    found = captured(reconcile.begin(rows), {row: name for row, name, _ in rows}, arriving, window)
    true = Counter(acked) + Counter(held) + Counter(unsettled) + Counter(others)
    assert all(found[name] >= count for name, count in true.items())


@given(st.lists(names, max_size=6), st.lists(st.builds(Seen, names, st.booleans())), st.integers(1, 7))
def test_no_message_is_ever_lost_when_the_window_had_been_acked(
    stored: list[str], arriving: list[Seen], window: int
) -> None:
    """The messages that arrive are all others than the stored ones, whatever they look like."""
    true = Counter(stored) + Counter(seen.fingerprint for seen in arriving)
    rows = rows_after(stored, arriving, window)
    uncertain = Counter(stored)
    returned = Counter(seen.fingerprint for seen in arriving if seen.redelivered)
    if uncertain and any(returned[name] != count for name, count in uncertain.items()):
        assert all(rows[name] >= count for name, count in true.items() if returned[name] != uncertain[name])
    if any(returned[name] < count for name, count in uncertain.items()):
        assert all(rows[name] >= count for name, count in true.items())


@given(st.lists(names, max_size=6), st.lists(names, max_size=6), st.integers(1, 7))
def test_a_window_that_comes_back_whole_leaves_exactly_its_rows(
    stored: list[str], others: list[str], window: int
) -> None:
    arriving = back(*stored) + fresh(*others)
    assert rows_after(stored, arriving, window) == Counter(stored) + Counter(others)


@given(st.lists(names, max_size=6), st.lists(st.builds(Seen, names, st.booleans())), st.integers(1, 7))
def test_a_window_that_comes_back_among_twins_loses_nothing(
    stored: list[str], others: list[Seen], window: int
) -> None:
    arriving = back(*stored) + others
    true = Counter(stored) + Counter(seen.fingerprint for seen in others)
    rows = rows_after(stored, arriving, window)
    assert all(rows[name] >= count for name, count in true.items())
