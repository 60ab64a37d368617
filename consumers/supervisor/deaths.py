"""What the death of a process counts for: how long to wait, and when a person has to look. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 300.0
KILLED_MAX_S = 15.0  # the longest wait after a kill from outside: the process has nothing to get over
EARLY_DEATHS_MAX = 6  # deaths in a row before it has consumed in health: a person must look
HEALTHY = timedelta(minutes=10)  # forgives earlier crashes and kills
CONSUMED_IN_HEALTH = timedelta(seconds=10)  # subscribed for so long, or one message handled


@dataclass(frozen=True)
class Exit:
    """How a process ended. `code`: as of `subprocess` (-9: by signal 9), None when nobody saw it end.

    `outside`: somebody killed it who was neither its supervisor nor the kernel for want of memory.
    """

    code: int | None
    words: str
    outside: bool = False


@dataclass(frozen=True)
class Life:
    """What is known of a process that died: when it subscribed, its last sign of life, messages handled."""

    subscribed_at: datetime | None
    last: datetime | None
    processed: int

    @property
    def healthy(self) -> bool:
        """Whether it consumed for so long that what was before it no longer counts."""
        return self._consumed_for(HEALTHY)

    @property
    def consumed(self) -> bool:
        """Whether it consumed in health."""
        return self.subscribed_at is not None and (
            self.processed > 0 or self._consumed_for(CONSUMED_IN_HEALTH)
        )

    def _consumed_for(self, span: timedelta) -> bool:
        return (
            self.subscribed_at is not None
            and self.last is not None
            and self.last - self.subscribed_at >= span
        )


@dataclass(frozen=True)
class Counts:
    """Deaths in a row of one replica.

    `crashes`: without ten healthy minutes between them; `early_deaths`: before it consumed in health. `kills`: from
    outside while it consumed, without ten healthy minutes and without a death of its own between them; the first
    of them was at `kills_since`.
    """

    crashes: int = 0
    early_deaths: int = 0
    kills: int = 0
    kills_since: datetime | None = None


def counted(before: Counts, exit: Exit, life: Life, now: datetime) -> Counts:
    """Return the counts with this death among them.

    Who kills a process that consumes says nothing of it: such a death is counted apart, and is never the one too
    many. Killed before it consumed, it may well be the process: its start may be what is killed.
    """
    if exit.outside and life.subscribed_at is not None:
        if life.healthy or not before.kills:
            return Counts(0 if life.healthy else before.crashes, 0, 1, now)
        return Counts(before.crashes, 0, before.kills + 1, before.kills_since or now)
    if life.healthy:
        return Counts(crashes=1)
    return Counts(before.crashes + 1, 0 if life.consumed else before.early_deaths + 1)


def backoff(crashes: int) -> float:
    """Return the seconds to wait after the `crashes`-th death in a row: 1, 2, 4 ... 300."""
    return min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** min(crashes - 1, 20))


def wait(counts: Counts) -> float:
    """Return the seconds to wait before it is started again: none after the first death of one that consumed."""
    if (counts.kills or counts.crashes) == 1 and not counts.early_deaths:
        return 0.0
    return min(KILLED_MAX_S, backoff(counts.kills)) if counts.kills else backoff(counts.crashes)


def words(exit: Exit, counts: Counts, now: datetime) -> str:
    """Return how it ended, and of one that is killed again and again how often."""
    if counts.kills < 2 or counts.kills_since is None:
        return exit.words
    seconds = max(1, round((now - counts.kills_since).total_seconds()))
    span = f"{seconds} s" if seconds < 100 else f"{round(seconds / 60)} min"
    return f"{exit.words}, {counts.kills} times in {span}; it worked each time in between"
