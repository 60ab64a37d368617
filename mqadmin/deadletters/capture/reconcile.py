"""Which messages of a new session are letters that are stored already. Pure: no database, no clock.

What is known (docs/adr/0005-capture-windows.md): the last session stored a window and asked the broker to ack
it, and nobody heard the answer. Those rows are *uncertain*. Either the broker took the ack, then none of their
messages comes back; or it did not, then all of them come back, marked as redelivered. A redelivered message
with the fingerprint of an uncertain row is therefore that row's message once *every* row of its window has met
its own. After crashes in a row several windows may be uncertain, each for itself; of rows that look the same, the
newest window's meets the message first, since the oldest is the likeliest to have been acked. Until then, and
where a fingerprint shows more messages than rows, it may be a twin that somebody else returned to the queue: it
is stored as a row of its own, marked as a possible duplicate. A duplicate can be seen and discarded; a lost
letter cannot.

What is received at a time may be less than a window in doubt, so a match may become certain only later: then the
rows that were stored meanwhile are withdrawn. The other way round, a twin that shows up after its fingerprint was
recognised takes the recognition back: the recognised rows are stored once more (identical messages: the copy
is as good as the original).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Seen:
    """A message of the window in hand."""

    fingerprint: str
    redelivered: bool


@dataclass(frozen=True, slots=True)
class New:
    """Store it."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is the message of this row: store nothing."""

    row: int


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Store it as a possible duplicate of this row."""

    row: int


Decision = New | Again | Doubtful
Rows = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class State:
    """Where a session stands. Row ids by fingerprint.

    `missing`: uncertain rows whose message did not come back so far; `met`: those whose did; `crowded`:
    fingerprints that came back more often than there are rows; `recognised`: those that were decided to be
    stored already, while their twins could still turn up. `window_of`: the window of each uncertain row.
    """

    missing: Rows = field(default_factory=dict)
    met: Rows = field(default_factory=dict)
    crowded: frozenset[str] = frozenset()
    recognised: Rows = field(default_factory=dict)
    window_of: Mapping[int, int] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether a message may still be one that is stored already."""
        return bool(self.missing or self.met or self.recognised)

    @property
    def uncertain(self) -> tuple[int, ...]:
        """Rows whose ack is still in doubt."""
        return _all(self.missing) + _all(self.met)

    @property
    def windows(self) -> frozenset[int]:
        """Windows whose ack is still in doubt."""
        return frozenset(self.window_of[row] for row in self.uncertain)


@dataclass(frozen=True)
class Plan:
    """What to do with a window: one decision per message, then `state` once that is committed.

    `withdraw`: uncertain rows, the possible duplicates of which (stored by this session) are none after all.
    `repeat`: rows to store once more as possible duplicates of themselves.
    """

    decisions: tuple[Decision, ...]
    state: State
    withdraw: tuple[int, ...] = ()
    repeat: tuple[int, ...] = ()


def begin(uncertain: Iterable[tuple[int, str, int]]) -> State:
    """Return the state of a session that finds these (row, fingerprint, window) in doubt; windows count up."""
    missing: dict[str, tuple[int, ...]] = {}
    window_of: dict[int, int] = {}
    for row, fingerprint, window in sorted(uncertain, key=lambda item: (-item[2], item[0])):
        missing[fingerprint] = (*missing.get(fingerprint, ()), row)
        window_of[row] = window
    return State(missing=missing, window_of=window_of)


def resolve() -> State:
    """Return the state once everything that could come back has: nothing is uncertain any more.

    Rows that were met only in part stay beside their possible duplicates.
    """
    return State()


def plan(state: State, window: Sequence[Seen]) -> Plan:
    """Decide about the messages of one window."""
    if not state.is_open:
        return Plan(tuple(New() for _ in window), state)
    matches, twins = _match(state, window)
    met = _joined(state.met, matches.values(), window, matches)
    missing = _without(state.missing, _all(met))
    decisions: list[Decision] = [New() for _ in window]
    for index, fingerprint in twins.items():
        decisions[index] = Doubtful(_row_of(state, met, fingerprint))
    crowded = state.crowded | set(twins.values())
    repeat = tuple(row for name in sorted(crowded) for row in state.recognised.get(name, ()))
    recognised = {name: rows for name, rows in state.recognised.items() if name not in crowded}
    gone = {state.window_of[row] for row in _all(missing)}
    whole = {row for row in _all(met) if state.window_of[row] not in gone}
    for index, row in matches.items():
        is_certain = row in whole and window[index].fingerprint not in crowded
        decisions[index] = Again(row) if is_certain else Doubtful(row)
    certain = _only(met, {row for name, rows in met.items() if name not in crowded for row in rows} & whole)
    withdraw = tuple(row for row in _all(certain) if row in set(_all(state.met)))
    left = State(
        missing, _without(met, whole), crowded, _merged(recognised, certain), window_of=state.window_of
    )
    if not left.uncertain:
        left = State(recognised=left.recognised)
    return Plan(tuple(decisions), left, withdraw, repeat)


def _match(state: State, window: Sequence[Seen]) -> tuple[dict[int, int], dict[int, str]]:
    """Return (index -> the uncertain row it meets, index -> fingerprint of one too many)."""
    matches: dict[int, int] = {}
    twins: dict[int, str] = {}
    used: Counter[str] = Counter()
    for index, seen in enumerate(window):
        if not seen.redelivered:
            continue
        name = seen.fingerprint
        candidates = state.missing.get(name, ())
        if used[name] < len(candidates):
            matches[index] = candidates[used[name]]
            used[name] += 1
        elif candidates or name in state.met or name in state.recognised:
            twins[index] = name
    return matches, twins


def _joined(
    met: Rows, rows: Iterable[int], window: Sequence[Seen], matches: Mapping[int, int]
) -> dict[str, tuple[int, ...]]:
    joined = dict(met)
    for index, row in zip(matches, rows, strict=True):
        name = window[index].fingerprint
        joined[name] = (*joined.get(name, ()), row)
    return joined


def _without(rows: Rows, gone: Iterable[int]) -> dict[str, tuple[int, ...]]:
    return _only(rows, set(_all(rows)) - set(gone))


def _only(rows: Rows, wanted: Container[int]) -> dict[str, tuple[int, ...]]:
    kept = {name: tuple(row for row in group if row in wanted) for name, group in rows.items()}
    return {name: group for name, group in kept.items() if group}


def _merged(rows: Rows, more: Rows) -> dict[str, tuple[int, ...]]:
    return {name: (*rows.get(name, ()), *more.get(name, ())) for name in {**rows, **more}}


def _row_of(state: State, met: Rows, fingerprint: str) -> int:
    rows = state.recognised.get(fingerprint) or met.get(fingerprint) or state.missing[fingerprint]
    return rows[0]


def _all(rows: Rows) -> tuple[int, ...]:
    return tuple(row for group in rows.values() for row in group)
