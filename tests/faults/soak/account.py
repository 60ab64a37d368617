"""What became of every message: the published ids against records, the handler's journal and what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.soak.memory import Growth
from tests.support.soak_handlers import Call

FINAL = frozenset({"acked", "dead_lettered", "duplicate"})


@dataclass(frozen=True)
class Line:
    """A record, as far as it matters here."""

    message_id: str
    attempt: int
    outcome: str
    redelivered: bool
    error_type: str


@dataclass
class Account:
    """The books of one run. `ids` maps every published id to what it does: ok, spin, once or never.

    `dead`: the ids found among the dead letters. `left`: messages left in queues that should be empty, by queue.
    `requeued`: ids published again with a requeue id. `done`: which faults happened, how often.
    """

    title: str
    ids: Mapping[str, str]
    records: Sequence[Line]
    calls: Sequence[Call]
    dead: Collection[str]
    left: Mapping[str, int]
    seconds: float
    stopping: float
    done: Counter[str] = field(default_factory=Counter)
    growth: Sequence[Growth] = ()

    def __post_init__(self) -> None:
        self.outcomes = Counter(record.outcome for record in self.records)
        self._final: dict[str, set[str]] = {}
        for record in self.records:
            if record.outcome in FINAL:
                self._final.setdefault(record.message_id, set()).add(record.outcome)

    @property
    def without_end(self) -> set[str]:
        """The ids that no record says the end of."""
        return set(self.ids) - set(self._final)

    @property
    def twice(self) -> set[str]:
        """The ids of which one attempt was begun, or recorded, more than once."""
        begun = Counter((call.message_id, call.attempt) for call in self.calls)
        told = Counter((record.message_id, record.attempt) for record in self.records)
        return {name for (name, _attempt), count in (begun | told).items() if count > 1}

    @property
    def unflagged(self) -> set[str]:
        """Those handled twice of which no delivery said that it may be a second time: that it was redelivered,
        that it has a requeue's id, or a retry's that was there before."""
        flagged = {call.message_id for call in self.calls if call.redelivered or call.requeued}
        flagged |= {record.message_id for record in self.records if record.redelivered}
        copies = Counter(call.retry_id for call in self.calls if call.retry_id != "-")
        flagged |= {call.message_id for call in self.calls if copies[call.retry_id] > 1}
        return self.twice - flagged

    @property
    def poison(self) -> set[str]:
        """The ids given up because processes died with them in hand: rightly so, but not for what they do."""
        return {record.message_id for record in self.records if record.error_type == "Crash"}

    @property
    def wrong(self) -> set[str]:
        """The ids whose end is not what the message was made for."""
        poison = self.poison
        ends = {"ok": "acked", "spin": "acked", "once": "acked", "never": "dead_lettered"}
        return {
            name
            for name, what in self.ids.items()
            if name in self._final
            and name not in poison
            and ends[what] not in self._final[name]  # a duplicate, too, is one of something
        }

    @property
    def lost_letters(self) -> set[str]:
        """The ids recorded as dead-lettered that are among no dead letters."""
        told = {record.message_id for record in self.records if record.outcome == "dead_lettered"}
        return told - set(self.dead)

    def check(self) -> None:
        """Fail unless every promise was kept."""
        assert not self.without_end, _some("no record says what became of", self.without_end)
        strangers = {record.message_id for record in self.records} - set(self.ids)
        assert not strangers, _some("records of messages that nobody published", strangers)
        assert not any(self.left.values()), f"left behind: {dict(self.left)}"
        assert not self.wrong, _some("ended otherwise than they should", self.wrong)
        assert not self.lost_letters, _some("no dead letter of", self.lost_letters)
        assert not self.unflagged, _some("handled twice, and no delivery said so", self.unflagged)
        assert not (grown := [item for item in self.growth if not item.is_flat]), f"memory grows: {grown}"

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        faults = ", ".join(f"{count} {name}" for name, count in self.done.items()) or "none"
        rows = {
            "ids": f"{len(self.ids)}, of which {len(self.without_end)} without an end",
            "records": f"{len(self.records)}: {outcomes}",
            "calls of the handler": len(self.calls),
            "handled twice": f"{len(self.twice)}, of which {len(self.twice) - len(self.unflagged)} flagged",
            "given up as poison": len(self.poison),
            "dead letters": f"{len(self.dead)} ids",
            "faults": faults,
            "seconds": f"{self.seconds:.1f}, stopping {self.stopping:.1f}",
            "memory": "; ".join(map(str, self.growth)) or "no process lived long enough to tell",
        }
        return "\n".join([self.title, *(f"  {name:22}{value}" for name, value in rows.items())])


def _some(words: str, ids: Collection[str]) -> str:
    shown = ", ".join(sorted(ids)[:10])
    return f"{words} {len(ids)}: {shown}"
