"""What a consumer is doing, in a word and a sentence: a pure function of what its rows say.

A person asks "is it running, and if not, why": the worst thing that is true of its processes answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from django.utils.translation import get_language

from consumers.models import Consumer, ConsumerProcess
from consumers.scaling import schedule_words
from consumers.scaling.schedule import ScheduleError
from consumers.status import tones
from consumers.status.line_words import rollout_words
from consumers.supervisor.hosts import Fleet, no_host_words
from mqadmin.core.pages import formats, prose
from mqadmin.core.tones import Tone
from mqadmin.core.translating import gettext as _
from mqadmin.core.translating import ngettext
from mqadmin.core.wording import worded

State = Literal[
    "running",
    "starting",
    "restarting",
    "off_hours",
    "waiting",
    "pausing",
    "paused",
    "stopping",
    "stopped",
    "backoff",
    "failed",
    "lost",
    "unplaced",
    "unsupervised",
]

PROCESS_FRESH = timedelta(seconds=15)

P = ConsumerProcess.State
LIVE = frozenset(ConsumerProcess.LIVE)
# Not alive, but still what a person must know: the replica is not running, and why.
DOWN = frozenset({P.BACKOFF, P.FAILED, P.LOST})


@dataclass(frozen=True)
class Status:
    """`running`: processes that consume now, of `wanted`; `outside`: those that consume beside them, since somebody
    else started them. `older`: live ones with settings of before.

    `rollout`: how far a restart of its processes has come, "" while there is none.
    """

    state: State
    words: str
    running: int
    wanted: int
    live: int
    older: int
    rollout: str = ""
    outside: int = 0

    @property
    def managed(self) -> int:
        """Live processes beside those that somebody else started in addition."""
        return self.live - self.outside

    @property
    def tone(self) -> Tone:
        return tones.CONSUMER[self.state]

    @property
    def label(self) -> str:
        return labels()[self.state]

    @property
    def is_trouble(self) -> bool:
        """Whether it does not do what it was told to, and a person may have to help."""
        return self.state in ("failed", "backoff", "lost", "unplaced", "unsupervised", "waiting")

    @property
    def is_steady(self) -> bool:
        """Whether nothing is under way, so that looking rarely is enough."""
        moving = ("starting", "restarting", "pausing", "stopping", "backoff")
        return self.state not in moving and not self.rollout


def labels() -> dict[State, str]:
    """Return the word for each state, in the language of the request."""
    return _labels(get_language())


@lru_cache(maxsize=20)
def _labels(_language: str | None) -> dict[State, str]:
    return {
        "running": _("running"),
        "starting": _("starting"),
        "restarting": _("restarting"),
        "off_hours": _("outside its hours"),
        "waiting": _("waiting"),
        "pausing": _("pausing"),
        "paused": _("paused"),
        "stopping": _("stopping"),
        "stopped": _("stopped"),
        "backoff": _("backoff"),
        "failed": _("failed"),
        "lost": _("lost"),
        "unplaced": _("no host"),
        "unsupervised": _("no supervisor"),
    }


def current(processes: Iterable[ConsumerProcess]) -> list[ConsumerProcess]:
    """Return the rows that count now: one a replica, running or held back; what has ended is history."""
    rows = [row for row in processes if row.ended_at is None and row.state in LIVE | DOWN]
    return sorted(rows, key=lambda row: (row.replica, row.pk or 0))


def derive(
    consumer: Consumer,
    processes: Sequence[ConsumerProcess],
    *,
    supervised: bool,
    now: datetime,
    fleet: Fleet | None = None,
) -> Status:
    """Return the state of `consumer` from its processes (any of them, ended ones too).

    `supervised`: whether a supervisor has shown itself within `hosts.FRESH`. `fleet`: what hosts there are;
    None: nothing is said of them.
    """
    rows = current(processes)
    live = [row for row in rows if row.state in LIVE]
    desired = consumer.desired
    rollout = rollout_words(consumer, live, fleet)
    running, outside = _counted(consumer, rows)
    if desired == Consumer.Desired.STOPPED:
        state, words = _stopping(consumer, live, supervised, now)
    else:
        state, words = (
            _closed(consumer, live, supervised, now)
            or _trouble(consumer, rows, live, supervised, now, fleet)
            or (
                _pausing(consumer, live)
                if desired == Consumer.Desired.PAUSED
                else _running(consumer, live, rollout, _outside_words(running, consumer, outside))
            )
        )
    return Status(
        state=state,
        words=words,
        running=running,
        outside=outside,
        wanted=consumer.target,
        live=len(live),
        older=sum(row.revision < consumer.revision for row in live),
        rollout=rollout,
    )


def _counted(consumer: Consumer, rows: Sequence[ConsumerProcess]) -> tuple[int, int]:
    """Return how many consume of those that are wanted, and how many beside them.

    What systemd, Kubernetes or a person started takes no replica of a supervisor, which starts its own all the
    same; where no supervisor has any, they are what is wanted.
    """
    consuming = [row for row in rows if row.state == P.RUNNING]
    running = sum(bool(row.supervisor) for row in consuming)
    if not any(row.supervisor for row in rows):
        running = min(len(consuming), consumer.target)
    return running, len(consuming) - running


def is_open(consumer: Consumer, now: datetime) -> bool:
    """Whether its schedule lets it run now. One that cannot be read closes nothing, as supervisors see it."""
    try:
        return not consumer.schedule or schedule_words.parsed(consumer.schedule).open(now)
    except ScheduleError:
        return True


def _closed(
    consumer: Consumer, live: Sequence[ConsumerProcess], supervised: bool, now: datetime
) -> tuple[State, str] | None:
    """Return what it does outside its hours, None within them."""
    if is_open(consumer, now):
        return None
    managed = [row for row in live if row.supervisor]
    if managed:
        return "stopping", _("Outside its hours: %(ending)s.") % {
            "ending": _ending(consumer, managed, None, supervised, now)
        }
    if live:
        return None  # what no supervisor started keeps no hours
    when = schedule_words.status(consumer.schedule, now)
    return "off_hours", _("Waits for its hours: %(when)s.") % {"when": when}


def _stopping(
    consumer: Consumer, live: Sequence[ConsumerProcess], supervised: bool, now: datetime
) -> tuple[State, str]:
    if not live:
        who = consumer.desired_by
        return "stopped", _("Stopped by %(who)s.") % {"who": who} if who else ""
    return "stopping", _sentence(_ending(consumer, live, consumer.desired_at, supervised, now))


def _ending(
    consumer: Consumer,
    live: Sequence[ConsumerProcess],
    asked: datetime | None,
    supervised: bool,
    now: datetime,
) -> str:
    """Say what it still waits for: "2 messages in hand, 21 s left"."""
    # A process ends itself in time; to kill it, and to say that it ended, is its supervisor's part.
    nobody = (
        ""
        if supervised or not _of_supervisors(live)
        else _("no supervisor is running to end it, or to say that it has ended")
    )
    if any(row.kill_requested_at for row in live):
        return nobody or _("being killed: what is in hand returns to the queue")
    parts = [_in_hand(live)]
    since = min((row.stop_requested_at for row in live if row.stop_requested_at), default=asked)
    if since is not None:
        left = consumer.stop_seconds - (now - since).total_seconds()
        parts.append(
            _("%(seconds)d s left") % {"seconds": left}
            if left >= 1
            else nobody or _("past its time, being killed")
        )
    return prose.clause(parts)


def _trouble(
    consumer: Consumer,
    rows: Sequence[ConsumerProcess],
    live: Sequence[ConsumerProcess],
    supervised: bool,
    now: datetime,
    fleet: Fleet | None,
) -> tuple[State, str] | None:
    """Return what stands in the way of what it was told, the worst first; None when nothing does."""
    down = {state: [row for row in rows if row.state == state] for state in DOWN}
    if down[P.FAILED]:
        return "failed", _failed_words(down[P.FAILED], consumer)
    if not supervised and (not live or down[P.BACKOFF]):
        return "unsupervised", _("No supervisor is running, so nothing starts it.")
    if fleet is not None and len(_of_supervisors(rows)) < consumer.target:
        why = no_host_words(consumer.placement, fleet)
        if why:
            return "unplaced", _of_all(consumer.target - len(_of_supervisors(rows)), consumer, why)
    if down[P.BACKOFF]:
        return "backoff", _backoff_words(down[P.BACKOFF], now)
    silent = [row for row in live if is_silent(row, now)]
    if down[P.LOST] or silent:
        return "lost", _lost_words((down[P.LOST] or silent)[0], supervised)
    waiting = [row for row in live if row.state == P.WAITING]
    if waiting:
        return "waiting", worded(waiting[0].state_reason) or _("It waits for what it needs.")
    return None


def _lost_words(row: ConsumerProcess, supervised: bool) -> str:
    if row.state_reason and row.state == P.LOST:
        return worded(row.state_reason)
    silent = _("No sign of life from process %(pid)s on %(host)s.") % {
        "pid": row.pid or "–",
        "host": row.host,
    }
    if not row.supervisor:
        return _("%(silent)s Whoever started it has to look after it.") % {"silent": silent}
    if not supervised:
        return _("%(silent)s No supervisor is running, so nothing replaces it.") % {"silent": silent}
    return _("%(silent)s Unless it reports again it is replaced within a minute or so.") % {"silent": silent}


def _pausing(consumer: Consumer, live: Sequence[ConsumerProcess]) -> tuple[State, str]:
    if any(row.state != P.PAUSED for row in live):
        return "pausing", _sentence(_in_hand(live))
    who = consumer.desired_by
    return "paused", _("Paused by %(who)s. What is in the queue stays there.") % {"who": who} if who else ""


def _of_supervisors(rows: Sequence[ConsumerProcess]) -> list[ConsumerProcess]:
    return [row for row in rows if row.supervisor]


def _running(
    consumer: Consumer, live: Sequence[ConsumerProcess], rollout: str, words: str
) -> tuple[State, str]:
    draining = [row for row in live if row.state == P.DRAINING]
    if rollout:
        parts = [rollout, _in_hand(draining)] if draining else [rollout]
        return "restarting", _("%(parts)s.") % {"parts": prose.clause(parts)}
    if draining:
        return "starting", _("A process is being replaced: %(hand)s.") % {"hand": _in_hand(live)}
    if len(_of_supervisors(live) or live) < consumer.target or any(row.state != P.RUNNING for row in live):
        reason = next(
            (worded(row.state_reason) for row in live if row.state != P.RUNNING and row.state_reason), ""
        )
        return "starting", reason or words
    return "running", words


def _outside_words(running: int, consumer: Consumer, outside: int) -> str:
    """Say that more consume than the supervisors started: "4 of 4 running, 1 more started outside."."""
    if not outside:
        return ""
    values = {"n": running, "all": consumer.target, "more": outside}
    return _("%(n)d of %(all)d running, %(more)d more started outside.") % values


def is_silent(process: ConsumerProcess, now: datetime) -> bool:
    """Whether a process that should be alive has not reported for PROCESS_FRESH."""
    seen = process.heartbeat_at or process.started_at
    return process.state in LIVE and seen is not None and now - seen > PROCESS_FRESH


def process_words(process: ConsumerProcess, now: datetime) -> str:
    """Return why a process is in its state: its own reason, and when it starts again."""
    if process.ended_at is not None:
        return worded(process.exit_reason or process.state_reason)
    if process.state == P.BACKOFF:
        return _backoff_words([process], now)
    if process.state == P.FAILED:
        return _stays_down(process)
    if is_silent(process, now):
        seen = process.heartbeat_at or process.started_at
        return _("No sign of life for %(time)s.") % {"time": formats.ago(seen, now)}
    if process.state in LIVE and process.lease_until is not None and process.lease_until < now:
        late = formats.ago(process.lease_until, now)
        return _("Its host let the lease lapse %(time)s ago: another host may take over.") % {"time": late}
    return worded(process.state_reason or process.exit_reason) or killed_words(process, now)


def killed_words(process: ConsumerProcess, now: datetime) -> str:
    """Say how often a replica was killed from outside, "" where it was not, or once."""
    if process.kills < 2 or process.kills_since is None or process.state not in LIVE:
        return ""
    return _("Killed from outside %(n)d times in %(time)s; it worked each time in between.") % {
        "n": process.kills,
        "time": formats.ago(process.kills_since, now),
    }


def _failed_words(down: Sequence[ConsumerProcess], consumer: Consumer) -> str:
    row = down[0]
    return _of_all(len(down), consumer, _stays_down(row))


def _stays_down(row: ConsumerProcess) -> str:
    reason = worded(row.state_reason or row.exit_reason) or _("It kept ending before it could consume.")
    return _("%(reason)s. It stays down until somebody starts it.") % {"reason": reason.rstrip(".")}


def _of_all(count: int, consumer: Consumer, reason: str) -> str:
    if consumer.target == 1:
        return reason
    return _("%(n)d of %(all)d: %(reason)s") % {"n": count, "all": consumer.target, "reason": reason}


def _backoff_words(down: Sequence[ConsumerProcess], now: datetime) -> str:
    row = min(down, key=lambda item: item.next_start_at or now)
    left = max(0, round((row.next_start_at - now).total_seconds())) if row.next_start_at else 0
    when = _("starts again in %(seconds)d s") % {"seconds": left} if left else _("starts again now")
    reason = worded(row.exit_reason or row.state_reason)
    crash = _("crash %(n)d") % {"n": row.crashes} if row.crashes and not row.kills else ""
    why = prose.labelled(crash, reason) if crash else reason
    return _sentence(prose.clause((when, why)))


def _in_hand(live: Sequence[ConsumerProcess]) -> str:
    count = sum(row.in_flight for row in live)
    return ngettext("%(n)d message in hand", "%(n)d messages in hand", count) % {"n": count}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
