"""The table of a consumer's processes: one row for each replica, which keeps its place whatever happens to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.definitions.definitions import DOWN
from consumers.models import Consumer, ConsumerProcess
from consumers.status import line_words, state_words, tones
from consumers.status.summary import Summary
from mqadmin.core.pages import formats, prose

ENDED = 5  # processes that are over, shown below those that run
HELD_BACK = {  # a replica without a process, by what the consumer does
    "unsupervised": "supervisor",
    "unplaced": "host",
}


@dataclass(frozen=True)
class ProcessRow:
    """One line of the table. `process` None: nobody runs this replica yet.

    `key` names the row in the page; a replica keeps it when its process is replaced.
    """

    key: str
    process: ConsumerProcess | None
    replica: int
    tone: str
    words: str
    is_live: bool = False
    is_older: bool = False
    connection: str = ""
    blocked: str = ""
    room: int | None = None  # how many it may hold unacked; None: it runs with settings that are gone
    is_foreign: bool = False  # no supervisor started it
    can_restart: bool = False
    can_start: bool = False

    @property
    def line(self) -> str:
        """All that there is to say, the most important first."""
        owner = _("Started by something else, which owns its lifecycle") if self.is_foreign else ""
        return " · ".join(part for part in (self.blocked, self.words, owner, self.connection) if part)

    @property
    def cpu_points(self) -> list[float]:
        return self._points(1)

    @property
    def memory_points(self) -> list[float]:
        return self._points(2)

    @property
    def uses(self) -> str:
        """Say what else it uses: "14 threads, 31 open files"; "" when that is not known."""
        process, parts = self.process, []
        if process is not None and process.threads is not None:
            text = ngettext("%(n)s thread", "%(n)s threads", process.threads)
            parts.append(text % {"n": formats.number(process.threads)})
        if process is not None and process.open_files is not None:
            text = ngettext("%(n)s open file", "%(n)s open files", process.open_files)
            parts.append(text % {"n": formats.number(process.open_files)})
        return prose.clause(parts)

    def _points(self, column: int) -> list[float]:
        stored = self.process.usage if self.process is not None and self.is_live else None
        rows = stored if isinstance(stored, list) else []
        return [float(row[column]) for row in rows if isinstance(row, list) and len(row) > column]


def process_rows(consumer: Consumer, found: Summary) -> list[ProcessRow]:
    """Return a row for each replica, for each process that no supervisor started, and for the last that ended."""
    now = timezone.now()
    mine = [row for row in found.processes if row.supervisor]
    foreign = [row for row in found.processes if not row.supervisor]
    ended = consumer.processes.exclude(ended_at=None).order_by("-ended_at")[:ENDED]
    placed = [_row(row, consumer, now) for row in mine] + list(_vacant(consumer, found, mine))
    rest = [_row(row, consumer, now) for row in [*foreign, *ended]]
    return sorted(placed, key=lambda row: row.replica) + rest


def _vacant(consumer: Consumer, found: Summary, mine: Iterable[ConsumerProcess]) -> Iterable[ProcessRow]:
    """Yield a place for each replica that should run and that nobody has; none while something else runs them."""
    state = found.status.state
    if consumer.desired == Consumer.Desired.STOPPED or state in ("off_hours", "stopping"):
        return
    is_elsewhere = any(not row.supervisor for row in found.live)
    taken = {row.replica for row in mine}
    words = {"supervisor": _("Waits for a supervisor."), "host": _("Waits for a host that may run it.")}
    for replica in range(0 if is_elsewhere else consumer.target):
        if replica not in taken:
            text = words.get(HELD_BACK.get(state, ""), _("Is about to be started."))
            yield ProcessRow(f"replica-{replica}", None, replica, "grey", text)


def _row(row: ConsumerProcess, consumer: Consumer, now: datetime) -> ProcessRow:
    is_live = row.ended_at is None and row.state in state_words.LIVE
    is_older = is_live and row.revision < consumer.revision
    is_wanted = consumer.desired != Consumer.Desired.STOPPED
    is_placed = row.ended_at is None and bool(row.supervisor)
    return ProcessRow(
        key=f"replica-{row.replica}" if is_placed else f"process-{row.pk}",
        process=row,
        replica=row.replica,
        tone="red" if state_words.is_silent(row, now) else tones.PROCESS.get(row.state, "grey"),
        words=state_words.process_words(row, now),
        is_live=is_live,
        is_older=is_older,
        connection=line_words.connection_words(row, now) if is_live else "",
        blocked=line_words.blocked_words(row) if is_live else "",
        room=None if is_older else consumer.prefetch,
        is_foreign=is_live and not row.supervisor,
        can_restart=is_live and is_placed and is_wanted and row.stop_requested_at is None,
        can_start=is_placed and is_wanted and row.state in DOWN,
    )
