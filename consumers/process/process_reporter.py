"""How a consumer process tells of itself, and hears what is wanted of it: one thread, one row."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
from django.db import DatabaseError, DataError, IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess
from consumers.process.usage import Ceiling, Meter
from consumers.records.inserting import clean
from consumers.runtime.sink import Gauges, State, Wish
from consumers.supervisor import single
from consumers.supervisor.by_hand import SILENT, WITHOUT_A_WORD
from consumers.supervisor.fence import Fence, Fenced
from consumers.supervisor.machine import output, spawn
from consumers.supervisor.rows import database_now, lease_end

HEARTBEAT = 2.0  # seconds between writes when nothing changed
LOOK = 0.25  # seconds between looks at what is wanted
UNHEEDED = timedelta(seconds=5)  # so long a kill is its supervisor's to carry out; then there is none
CLOSE = 30.0  # seconds between looks for processes of the same consumer that ended without a word

log = logging.getLogger("mqadmin.consumer")


class ProcessReporter:
    """Keeps one `ConsumerProcess` row true and passes on changes of `Consumer.desired`.

    `state` and `event` may be called from any thread and only note what to write. A database that is gone is
    written to once it is back: telling is never in the way of consuming.
    """

    def __init__(self, row: ConsumerProcess) -> None:
        self._row_id = row.pk
        self._consumer_id = row.consumer_id
        self._supervised = bool(row.supervisor)
        self._displaced = False
        # What must never run twice ends itself when it cannot renew its lease: its supervisor may be gone.
        self._is_fenced = row.consumer.single or row.consumer.exclusive
        self._fence: Fence | None = None
        self._fenced = {row.pk: Fenced(os.getpid(), psutil.Process().create_time(), strict=True)}
        self._state: tuple[State, str, datetime] = ("starting", "", timezone.now())
        self._events: deque[tuple[datetime, str, str]] = deque(maxlen=200)
        self._subscribed_at: datetime | None = None
        self._changed = threading.Event()
        self._ending = threading.Event()
        self._meter = Meter()
        self._use = self._meter.look()
        self._ceiling = Ceiling(self._use)
        self._memory_limit_mb = 0
        self._question: tuple[str, tuple[Any, ...]] | None = None
        self._rate = _Rate()
        self._gauges: Callable[[], Gauges] = lambda: Gauges(0, 0, 0, 0)
        self._wish: Callable[[Wish], None] = lambda _wish: None
        self._redeliver: Callable[[], None] = lambda: None
        self._recycle: Callable[[str], None] = lambda _reason: None
        self._redelivers: int | None = None  # as last seen: what was asked before this process is not for it
        self._thread = threading.Thread(target=self._work, name="reporter", daemon=True)

    def state(self, state: State, reason: str = "") -> None:
        """Note the state the process is in now."""
        self._state = (state, clean(reason, 500), timezone.now())
        if state == "running" and self._subscribed_at is None:
            self._subscribed_at = self._state[2]
        self._changed.set()

    def event(self, kind: str, text: str) -> None:
        """Note something that a person may want to read later."""
        text = clean(text, 500)
        log.info("%s: %s", kind, text)
        self._events.append((timezone.now(), kind, text))
        self._changed.set()

    def start(
        self,
        gauges: Callable[[], Gauges],
        wish: Callable[[Wish], None],
        redeliver: Callable[[], None] = lambda: None,
        recycle: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        """Begin to write `gauges()` and to pass on what is wanted to `wish` and `redeliver`.

        `recycle` is called with the reason, once, when the process uses more memory than it may.
        """
        self._gauges = gauges
        self._wish = wish
        self._redeliver = redeliver
        self._recycle = recycle
        self._use = self._meter.look()  # its handlers are loaded by now
        self._ceiling = Ceiling(self._use)
        if self._is_fenced:
            self._put_up_fence()
        self._thread.start()

    def _put_up_fence(self) -> None:
        if self._supervised and self._fence is None and connection.vendor != "sqlite":
            self._fence = Fence()
            self._fence.renewed(time.monotonic(), self._fenced, others=False)
            self._fence.start()

    def finish(self, reason: str, *, failed: bool = False) -> None:
        """Write why it ended, and the last state unless that is a supervisor's to write."""
        self._ending.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(3)
        last: dict[str, Any] = {
            "exit_reason": clean(reason, 500),
            "in_flight": 0,
            "rate": 0,
            "connected_at": None,
        }
        if not self._supervised:  # else the supervisor sees the exit and says what happens next
            last |= _end("failed" if failed else "stopped", reason)
        try:
            self._write(last)
            self._write_events()
        except DatabaseError as error:
            log.warning("the last state could not be written: %s", error)
        finally:
            connection.close()

    def _work(self) -> None:
        written: tuple[State, str, datetime] | None = None
        due = looked = closed = 0.0
        while not self._ending.is_set():
            self._changed.wait(LOOK)
            self._changed.clear()
            if self._ending.is_set():
                break
            now = time.monotonic()
            if now >= looked:  # whether or not the database answers
                looked = now + HEARTBEAT
                self._look_at_itself()
            try:
                state = self._state
                if state is not written or now >= due:
                    self._show(state)
                    written, due = state, now + HEARTBEAT
                    self._heed_kill()
                self._write_events()
                self._look()
                if not self._supervised and now >= closed:  # there may be no supervisor at all
                    closed = now + CLOSE
                    _close_silent(self._consumer_id, but=self._row_id)
            except DatabaseError as error:
                log.warning("the process cannot report: %s", error)
                connection.close()
                self._ending.wait(1)
        connection.close()

    def _look_at_itself(self) -> None:
        """Look at what is used, have it replaced when that is too much, keep the output's files small."""
        use = self._use = self._meter.look()
        if reason := self._ceiling.passed(use, self._memory_limit_mb):
            self._recycle(reason)
            self._recycle = lambda _reason: None
        output.rotate(self._row_id)

    def _heed_kill(self) -> None:
        """Kill this process when a person wants that and no supervisor does it."""
        mine = ConsumerProcess.objects.filter(pk=self._row_id, kill_requested_at__isnull=False)
        if self._supervised:
            mine = mine.filter(kill_requested_at__lt=timezone.now() - UNHEEDED)
        if not mine.exists():
            return
        self.event("killed", f"Process {os.getpid()} was killed, as asked")
        if self._supervised:  # the next supervisor closes the row
            self._write({"exit_reason": "killed, as asked"})
            self._write_events()
            spawn.kill(os.getpid())
        self._state = ("stopped", "", timezone.now())
        self._write(_end("stopped", "killed, as asked"))
        self._write_events()
        os.kill(os.getpid(), signal.SIGKILL)

    def _picture(self, state: tuple[State, str, datetime]) -> dict[str, Any]:
        gauges = self._gauges()
        name, reason, since = state
        return {
            "state": name,
            "state_reason": reason,
            "state_since": since,
            "heartbeat_at": Now(),  # on the database's clock: this host's may be off
            "processed": gauges.processed,
            "failed": gauges.failed,
            "retried": gauges.retried,
            "in_flight": max(0, gauges.in_flight),
            "unacked": gauges.unacked,
            "held_times": gauges.held.times,
            "held_limit_ms": gauges.held.timeout_ms,
            "held_at": _moment(gauges.held.at),
            "connections": gauges.connections,
            "connection_errors": gauges.connection_errors,
            "channel_errors": gauges.channel_errors,
            "connected_at": _moment(gauges.connected_at),
            "subscribed_at": self._subscribed_at,
            "blocked_reason": clean(gauges.blocked, 200),
            "rate": self._rate.per_second(gauges.processed),
            "rss_bytes": self._use.rss,
            "cpu_percent": self._use.cpu_percent,
            "threads": self._use.threads,
            "open_files": self._use.open_files,
            **({} if (points := self._meter.new_points()) is None else {"usage": points}),
            # Taken for dead while it could not report, it is there again. A supervisor's word is not overruled.
            **({} if self._supervised else {"ended_at": None}),
        }

    def _show(self, state: tuple[State, str, datetime]) -> None:
        """Write how it is, and renew the lease on its replica: the process lives, whether its supervisor does."""
        began = time.monotonic()
        picture = self._picture(state)
        if not self._supervised:
            self._write(picture)
            return
        mine = ConsumerProcess.objects.filter(pk=self._row_id, ended_at=None)
        if mine.update(**picture, lease_until=lease_end()):
            if self._fence is not None:
                self._fence.renewed(began, self._fenced, others=False)
        elif not self._displaced:
            self._displaced = True
            self.event("displaced", "Its place was given to another process: it finishes what is in hand.")
            self._wish("stopped")

    def _write(self, fields: dict[str, Any]) -> None:
        ConsumerProcess.objects.filter(pk=self._row_id).update(**fields)

    def _write_events(self) -> None:
        while self._events:
            at, kind, text = self._events[0]
            try:
                ConsumerEvent.objects.create(
                    consumer_id=self._consumer_id, process_id=self._row_id, at=at, kind=kind, text=text
                )
            except (IntegrityError, DataError) as error:
                # Its consumer was deleted, or the text is none: waiting would keep it from what is wanted of it.
                log.warning("the event %s cannot be written: %s", kind, error)
            self._events.popleft()

    def _look(self) -> None:
        """Read what is wanted. A definition that is gone wants nothing."""
        # Compiled once: each time anew costs four times as much, 2.5 times a second in every process.
        if self._question is None:
            fields = ("desired", "redelivers", "memory_limit_mb", "single")
            rows = Consumer.objects.filter(pk=self._consumer_id).order_by().values_list(*fields)
            self._question = rows.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(*self._question)
            wanted = cursor.fetchone()
        desired, redelivers, limit, is_single = wanted or (None, self._redelivers, 0, False)
        if is_single:  # perhaps only since it was started
            self._put_up_fence()
        if limit != self._memory_limit_mb:
            self._memory_limit_mb = limit
            if useless := self._ceiling.useless(limit):
                self.event("memory", useless)
        if self._redelivers is not None and redelivers != self._redelivers:
            self._redeliver()
        self._redelivers = redelivers
        match desired:
            case Consumer.Desired.RUNNING:
                self._wish("running")
            case Consumer.Desired.PAUSED:
                self._wish("paused")
            case _:
                self._wish("stopped")


def _end(state: State, reason: str) -> dict[str, Any]:
    now = timezone.now()
    return {
        "state": state,
        "state_reason": clean(reason, 500),
        "state_since": now,
        "exit_reason": clean(reason, 500),
        "ended_at": now,
        "in_flight": 0,
        "rate": 0,
    }


def _moment(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


class _Rate:
    """Messages a second over about ten seconds."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque(maxlen=6)

    def per_second(self, count: int) -> float:
        now = time.monotonic()
        self._points.append((now, count))
        began, first = self._points[0]
        return round((count - first) / (now - began), 2) if now > began else 0.0


class Held(RuntimeError):
    """The consumer may run once only, and another process has it."""


def introduce(consumer: Consumer, process_id: int | None) -> ConsumerProcess:
    """Return this process's row: the one a supervisor made for it, or a new one when it was started by hand.

    Raises ConsumerProcess.DoesNotExist when that row is gone or was ended meanwhile: another took its place;
    Held when it was started by hand, may run once only, and another process has it.
    """
    me = {
        "pid": os.getpid(),
        "pid_created": psutil.Process().create_time(),
        "heartbeat_at": timezone.now(),
        "revision": consumer.revision,
    }
    if process_id is None:
        _close_silent(consumer.pk)
        now = timezone.now()
        with transaction.atomic():
            if consumer.single:
                Consumer.objects.select_for_update().get(pk=consumer.pk)  # one of two who start it waits here
                other = single.holder(consumer, database_now())
                if other is not None:
                    raise Held(single.words(other))
            return ConsumerProcess.objects.create(
                consumer=consumer,
                host=socket.gethostname(),
                state=ConsumerProcess.State.STARTING,
                state_since=now,
                started_at=now,
                **me,
            )
    mine = ConsumerProcess.objects.filter(pk=process_id, consumer=consumer, ended_at=None)
    if not mine.update(**me):
        raise ConsumerProcess.DoesNotExist(process_id)
    return mine.get()


def _close_silent(consumer_id: int, *, but: int = 0) -> None:
    """Close the rows of processes without supervisor that ended without a word, as killed containers do.

    One that was only cut off from the database opens its row again with its next report.
    """
    now = timezone.now()
    others = ConsumerProcess.objects.filter(consumer=consumer_id, supervisor="", ended_at=None).exclude(
        pk=but
    )
    gone = [row.pk for row in others if _is_gone(row, now)]
    if gone:
        others.filter(pk__in=gone).update(**_end("stopped", WITHOUT_A_WORD))


def _is_gone(row: ConsumerProcess, now: datetime) -> bool:
    if row.heartbeat_at is None or now - row.heartbeat_at > SILENT:
        return True
    # Before it there was another with this pid on this host: a container that was started again.
    return row.host == socket.gethostname() and row.pid == os.getpid()
