"""How a consumer process tells of itself, and hears what is wanted of it: one thread, one row."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psutil
from django.db import DatabaseError, connection
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess
from consumers.runtime.sink import Gauges, State, Wish

HEARTBEAT = 2.0  # seconds between writes when nothing changed
LOOK = 0.4  # seconds between looks at what is wanted

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
        self._state: tuple[State, str, datetime] = ("starting", "", timezone.now())
        self._events: deque[tuple[datetime, str, str]] = deque(maxlen=200)
        self._subscribed_at: datetime | None = None
        self._changed = threading.Event()
        self._ending = threading.Event()
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._rate = _Rate()
        self._gauges: Callable[[], Gauges] = lambda: Gauges(0, 0, 0, 0)
        self._wish: Callable[[Wish], None] = lambda _wish: None
        self._redeliver: Callable[[], None] = lambda: None
        self._redelivers: int | None = None  # as last seen: what was asked before this process is not for it
        self._thread = threading.Thread(target=self._work, name="reporter", daemon=True)

    def state(self, state: State, reason: str = "") -> None:
        """Note the state the process is in now."""
        self._state = (state, reason[:500], timezone.now())
        if state == "running" and self._subscribed_at is None:
            self._subscribed_at = self._state[2]
        self._changed.set()

    def event(self, kind: str, text: str) -> None:
        """Note something that a person may want to read later."""
        log.info("%s: %s", kind, text)
        self._events.append((timezone.now(), kind, text[:500]))
        self._changed.set()

    def start(
        self,
        gauges: Callable[[], Gauges],
        wish: Callable[[Wish], None],
        redeliver: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin to write `gauges()` and to pass on what is wanted to `wish` and `redeliver`."""
        self._gauges = gauges
        self._wish = wish
        self._redeliver = redeliver
        self._thread.start()

    def finish(self, reason: str, *, failed: bool = False) -> None:
        """Write why it ended, and the last state unless that is a supervisor's to write."""
        self._ending.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(3)
        last: dict[str, Any] = {"exit_reason": reason[:500], "in_flight": 0, "rate": 0, "connected_at": None}
        if not self._supervised:  # else the supervisor sees the exit and says what happens next
            last |= {
                "state": "failed" if failed else "stopped",
                "state_reason": reason[:500],
                "state_since": timezone.now(),
                "ended_at": timezone.now(),
            }
        try:
            self._write(last)
            self._write_events()
        except DatabaseError as error:
            log.warning("the last state could not be written: %s", error)
        finally:
            connection.close()

    def _work(self) -> None:
        written: tuple[State, str, datetime] | None = None
        due = 0.0
        while not self._ending.is_set():
            self._changed.wait(LOOK)
            self._changed.clear()
            if self._ending.is_set():
                break
            now = time.monotonic()
            try:
                state = self._state
                if state is not written or now >= due:
                    self._write(self._picture(state))
                    written, due = state, now + HEARTBEAT
                self._write_events()
                self._look()
            except DatabaseError as error:
                log.warning("the process cannot report: %s", error)
                connection.close()
                self._ending.wait(1)
        connection.close()

    def _picture(self, state: tuple[State, str, datetime]) -> dict[str, Any]:
        gauges = self._gauges()
        name, reason, since = state
        return {
            "state": name,
            "state_reason": reason,
            "state_since": since,
            "heartbeat_at": timezone.now(),
            "processed": gauges.processed,
            "failed": gauges.failed,
            "retried": gauges.retried,
            "in_flight": max(0, gauges.in_flight),
            "connections": gauges.connections,
            "connection_errors": gauges.connection_errors,
            "channel_errors": gauges.channel_errors,
            "connected_at": _moment(gauges.connected_at),
            "subscribed_at": self._subscribed_at,
            "blocked_reason": gauges.blocked[:200],
            "rate": self._rate.per_second(gauges.processed),
            "rss_bytes": self._process.memory_info().rss,
            "cpu_percent": self._process.cpu_percent(),
        }

    def _write(self, fields: dict[str, Any]) -> None:
        ConsumerProcess.objects.filter(pk=self._row_id).update(**fields)

    def _write_events(self) -> None:
        while self._events:
            at, kind, text = self._events[0]
            ConsumerEvent.objects.create(
                consumer_id=self._consumer_id, process_id=self._row_id, at=at, kind=kind, text=text
            )
            self._events.popleft()

    def _look(self) -> None:
        """Read what is wanted. A definition that is gone wants nothing."""
        wanted = Consumer.objects.filter(pk=self._consumer_id).values_list("desired", "redelivers").first()
        desired, redelivers = wanted or (None, self._redelivers)
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


def introduce(consumer: Consumer, process_id: int | None) -> ConsumerProcess:
    """Return this process's row: the one a supervisor made for it, or a new one when it was started by hand.

    Raises ConsumerProcess.DoesNotExist when that row is gone or was ended meanwhile: another took its place.
    """
    me = {
        "pid": os.getpid(),
        "pid_created": psutil.Process().create_time(),
        "heartbeat_at": timezone.now(),
        "revision": consumer.revision,
    }
    if process_id is None:
        now = timezone.now()
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
