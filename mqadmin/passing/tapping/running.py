"""One tap while it runs: what comes is matched, thinned to its rate, and kept; until its time is over."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import InterfaceError, OperationalError, close_old_connections, connections
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core import brokers
from mqadmin.core.errors import Refusal
from mqadmin.passing.models import Seen, Tap
from mqadmin.passing.tapping import firehose, keeping, line, matching, plan
from mqadmin.passing.tapping.keeping import Ring
from mqadmin.passing.tapping.line import Line
from mqadmin.passing.tapping.matching import Filter
from mqadmin.rabbit.administration import tracing
from mqadmin.rabbit.errors import NotFound, RabbitError
from mqadmin.stack import with_room

log = logging.getLogger(__name__)

SLICE_S = 0.25
LOOKED_AT = 2_000  # messages a second that are taken at most where there is a filter
LOOK_S = 5.0  # how often bindings, policy and the broker's count are asked for
BLIND_S = 30.0  # so long a tap goes on without knowing whether its bindings are still copies
LEASE_S = 15.0


class Over(Exception):
    """The tap ends; the text says why, for people, "" where its time is over."""


class Running:
    """One tap in the hands of this process, `holder`; `run` is the body of its thread."""

    def __init__(self, tap: Tap, holder: str, stopped: Callable[[], bool]) -> None:
        self.tap, self._holder, self._stopped = tap, holder, stopped
        self._filter: Filter = matching.read(tap.query)
        self._ring = Ring()
        self._looked = self._knew = 0.0
        self._avoids_letters = False
        self._at_once = 0  # kept in this second
        self._second = 0

    def run(self) -> None:
        """Look until it is over; then nothing of it is left at the broker. Raises nothing."""
        words = ""
        try:
            self._look()
        except Over as over:
            words = str(over)
        except Refusal as refusal:
            words = refusal.text
        except RabbitError as error:
            words = str(error)
        except (OperationalError, InterfaceError) as error:
            words = _("The database did not answer: %(why)s") % {"why": error}
        except Exception as error:
            log.exception("%s failed", self.tap)
            words = f"{type(error).__name__}: {error}"
        try:
            close_old_connections()
            end(self.tap, words)
            if self.tap.is_firehose:
                firehose.sweep(self.tap.broker)
        except Exception as error:  # the monitor's thread ends it, and sweeps
            log.warning("%s: its end could not be written: %s", self.tap, error)
        finally:
            connections.close_all()

    def _look(self) -> None:
        tap, client = self.tap, brokers.client(self.tap.broker)
        found = self._plan()
        tap.queue = f"{plan.PREFIX}{tap.pk}.{secrets.token_hex(4)}"
        with line.opened(brokers.config(tap.broker), tap.vhost, tap.queue) as open_line:
            # Of a queue that is not there yet it is not known which policy it gets: it is made, seen, made again.
            open_line.declare(dead_letters=False)
            if tracing.count_published(client, tap.vhost, tap.queue)[1]:
                self._avoids_letters = True
                tap.queue = f"{tap.queue}.l"
                open_line.again(tap.queue)
                open_line.declare(dead_letters=True)
            if tap.is_firehose:
                firehose.switch_on(tap.broker, tap.vhost)
            open_line.bind(found.copies)
            open_line.consume(self._budget)
            self._says(queue=tap.queue, notes=list(found.notes), bound=[item.listed for item in found.copies])
            self._looked = self._knew = time.monotonic()
            while True:
                self._turn(open_line)

    @property
    def _budget(self) -> int:
        """Messages that are taken at most in a turn."""
        return max(1, int((self.tap.rate if self._filter.is_empty else LOOKED_AT) * SLICE_S))

    @property
    def _seconds(self) -> float:
        """How long a turn takes."""
        return max(SLICE_S, 1 / self.tap.rate) if self._filter.is_empty else SLICE_S

    def _turn(self, open_line: Line) -> None:
        messages = open_line.take(self._budget, self._seconds)
        if self.tap.is_firehose:
            messages = [line.untraced(item) for item in messages if self._is_meant(item.routing_key)]
        now = time.time()
        rows = [
            row for row in (keeping.seen(self.tap, item, now) for item in messages) if self._filter.takes(row)
        ]
        kept = self._thinned(rows)
        self.tap.taken += len(messages)
        self.tap.matched += len(rows)
        self.tap.kept += len(kept)
        if kept:
            self._ring.add(kept)
        self._says()
        if time.monotonic() - self._looked > LOOK_S:
            self._looked = time.monotonic()
            self._look_again(open_line)

    def _is_meant(self, key: str) -> bool:
        """Whether a message of the firehose is of what is tapped: a name may hold the signs of a pattern."""
        prefix = "deliver." if self.tap.kind == Tap.Kind.QUEUE else "publish."
        return key == f"{prefix}{self.tap.name}"

    def _thinned(self, rows: list[Seen]) -> list[Seen]:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._at_once = second, 0
        found = rows[: max(0, self.tap.rate - self._at_once)]
        self._at_once += len(found)
        return found

    def _look_again(self, open_line: Line) -> None:
        """Follow bindings that came and went: a copy that outlives its binding would take what nobody else
        takes."""
        tap, client = self.tap, brokers.client(self.tap.broker)
        try:
            count, letters = tracing.count_published(client, tap.vhost, tap.queue)
            if letters and not self._avoids_letters:
                raise Over(
                    _("A policy now dead-letters what the tap's queue drops. Start it again: it avoids that.")
                )
            found = self._plan()
        except RabbitError as error:
            if error.kind == "connection" and time.monotonic() - self._knew < BLIND_S:
                return
            raise
        self._knew = time.monotonic()
        open_line.bind(found.copies)
        if tap.is_firehose:
            firehose.switch_on(tap.broker, tap.vhost)
        else:
            tap.passed = count if count is None else max(count, tap.taken)
        self._says(passed=tap.passed, notes=list(found.notes), bound=[item.listed for item in found.copies])

    def _plan(self) -> plan.Plan:
        try:
            found = plan.plan(brokers.client(self.tap.broker), self.tap)
        except NotFound:
            raise Over(_("It is gone.")) from None
        if found.refused:
            raise Over(f"!{found.refused}")
        return found

    def _says(self, **values: object) -> None:
        """Write how far it is, if it is still wanted and ours. Raises Over, django.db.Error."""
        now = timezone.now()
        counted = {"taken": self.tap.taken, "matched": self.tap.matched, "kept": self.tap.kept}
        mine = Tap.objects.filter(
            pk=self.tap.pk, holder=self._holder, state=Tap.State.RUNNING, is_stopping=False, ends_at__gt=now
        )
        if not mine.update(lease_until=now + timedelta(seconds=LEASE_S), **counted, **values):
            raise Over(self._why())
        if self._stopped():
            raise Over(_("mqadmin's monitor, which holds the taps, was stopped."))

    def _why(self) -> str:
        row = Tap.objects.filter(pk=self.tap.pk).first()
        if row is None or row.is_stopping or row.ends_at <= timezone.now():
            return ""
        return _("Another process took it.")


def end(tap: Tap, words: str) -> bool:
    """Write that a tap ended, if it has not already. Raises django.db.Error."""
    values = {"state": Tap.State.ENDED, "ended_at": timezone.now(), "lease_until": None, "words": words[:500]}
    return bool(Tap.objects.filter(pk=tap.pk, state__in=Tap.OPEN).update(**values))


def start(tap: Tap, holder: str, stopped: Callable[[], bool]) -> threading.Thread | None:
    """Claim a tap that waits and run it in a thread of its own; None where another process was first."""
    now = timezone.now()
    claimed = Tap.objects.filter(pk=tap.pk, state=Tap.State.WAITING, is_stopping=False).update(
        state=Tap.State.RUNNING, holder=holder, lease_until=now + timedelta(seconds=2 * LEASE_S)
    )
    if not claimed:
        return None
    run = with_room(Running(tap, holder, stopped).run)
    thread = threading.Thread(target=run, name=f"tap-{tap.pk}", daemon=True)
    thread.start()
    return thread
