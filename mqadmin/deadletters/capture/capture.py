"""Stores what a collector takes from a dead-letter queue: committed first, acked after (guarantee 3).

A collector works in windows (consumers/runtime/windows): it takes messages, cancels its subscription so that
nothing else is in flight, has the window stored by `commit_window`, acks all of it with one multiple ack, hears
from the broker that the ack was taken, and has that noted by `settled`; only then does it subscribe again. The
note is durable before the next message arrives, so of each window in doubt either every message comes back or
none does.

- Killed before the commit: nothing is stored, the window comes back, all of it is new.
- Killed between commit and ack: the window is in doubt (`CaptureWindow`), every message comes back marked as
  redelivered. Each is recognised by its fingerprint and stored no second time.
- Killed between ack and note: the window is in doubt, nothing comes back; `resolved`, or time, clears it. Should
  the next one end in doubt too, each is judged by itself.
- Two truly identical messages are two rows: a row recognises one message. How that stays true when somebody
  else returned a twin, and what is then stored as a possible duplicate, is `mqadmin.deadletters.capture.reconcile`.
- The broker crashed and forgot an ack: a redelivered message that looks like a settled letter is stored, marked
  as a possible duplicate. A duplicate can be seen and discarded; a lost letter cannot.

docs/adr/0005-capture-windows.md has the reasons.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DataError, InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet

from consumers.models import Consumer
from consumers.records.database_faults import unavailable
from consumers.runtime.sink import CapturedMessage
from mqadmin.deadletters.capture import reconcile, windows
from mqadmin.deadletters.capture.reconcile import Again, Doubtful, Seen
from mqadmin.deadletters.letter import letters
from mqadmin.deadletters.letter.letters import Taken
from mqadmin.deadletters.models import CaptureWindow, ClaimedBatch, DeadLetter
from mqadmin.deadletters.search import tally

log = logging.getLogger("mqadmin.consumer")

# A dead predecessor's messages come back at the latest when RabbitMQ gives up its connection, after two missed
# heartbeats of 30 s. The first message after that which nobody had before has all returned ones ahead of it.
HELD_AT_MOST = timedelta(seconds=120)
RECENT_LETTERS = 20_000  # newest letters of the queue that a redelivered message is compared with


def sink_for(consumer: Consumer) -> LetterSink:
    """Return the sink of a collector process: what `consumers.process.collectors` asks for."""
    return LetterSink(broker=consumer.broker, vhost=consumer.vhost, queue=consumer.queue)


class LetterSink:
    """Stores the letters of one dead-letter queue. One thread; a `consumers.runtime.sink.WindowSink`."""

    def __init__(self, *, broker: str, vhost: str, queue: str) -> None:
        self._place = letters.CapturedQueue(broker, vhost, queue)
        self._state = reconcile.State()
        self._opened_at: datetime | None = None
        self._high = 0  # rows above this were stored by this session
        self._is_repeated = False  # the last attempt to commit ended in an error: it may have been done
        self._recent: dict[str, int] | None = None

    def open(self) -> None:
        """Read which letters are in doubt. At the start, and after a loss between commit and answered ack.

        Raises SinkUnavailable.
        """
        try:
            pending = windows.doubtful(self._place)
            self._high = DeadLetter.newest_id()
        except (OperationalError, InterfaceError) as error:
            raise unavailable(error) from error
        self._state = reconcile.begin(pending)
        self._opened_at = None
        self._is_repeated = False
        self._recent = None
        if pending:
            log.info("%d letters of %s were stored but perhaps not acked", len(pending), self._place.queue)

    def commit_window(self, window: Sequence[CapturedMessage]) -> None:
        """Store what is not stored yet, in one transaction. Raises SinkUnavailable: try the same again."""
        if self._state.is_open and self._all_came_back(window):
            self._clear_doubt()
        taken = [letters.take(self._place, item.message, item.received_at) for item in window]
        seen = [Seen(item.fingerprint, item.message.redelivered) for item in taken]
        plan = reconcile.plan(self._state, seen)
        try:
            with transaction.atomic():
                if not (self._is_repeated and self._own_windows().exists()):
                    self._store(taken, plan)
        except (OperationalError, InterfaceError) as error:
            self._is_repeated = True
            raise unavailable(error) from error
        self._is_repeated = False
        self._state = plan.state

    def settled(self) -> None:
        """Note that the broker took the ack of the last window. Raises SinkUnavailable."""
        try:
            self._own_windows().delete()
        except (OperationalError, InterfaceError) as error:
            raise unavailable(error) from error

    def resolved(self) -> None:
        """What an earlier session left unacked has come back by now. Raises SinkUnavailable."""
        if self._state.is_open:
            self._clear_doubt()

    def _clear_doubt(self) -> None:
        """Rows that did not meet their message were acked: nothing is uncertain any more."""
        try:
            windows.of(self._place).filter(pk__in=self._state.windows).delete()
        except (OperationalError, InterfaceError) as error:
            raise unavailable(error) from error
        self._state = reconcile.resolve()

    def _all_came_back(self, window: Sequence[CapturedMessage]) -> bool:
        if self._opened_at is None:
            self._opened_at = window[0].received_at
        return window[0].received_at - self._opened_at > HELD_AT_MOST and not window[0].message.redelivered

    def _store(self, window: Sequence[Taken], plan: reconcile.Plan) -> None:
        new: list[tuple[Taken, int | None]] = []
        for item, decision in zip(window, plan.decisions, strict=True):
            if isinstance(decision, Again):
                continue
            of = decision.row if isinstance(decision, Doubtful) else self._settled_twin(item)
            new.append((item, of))
        if plan.repeat:
            self._repeat(plan.repeat)  # not of this window: their messages were acked
        if new:
            above = DeadLetter.newest_id()
            self._insert(new)
            windows.begin(self._place, above)
        if plan.withdraw:
            self._withdraw(plan.withdraw)

    def _withdraw(self, rows: Sequence[int]) -> None:
        """Delete the possible duplicates of these rows that nobody touched: one that was requeued or annotated
        meanwhile stays, and so does one that is on its way to the broker."""
        with transaction.atomic():
            found = DeadLetter.objects.filter(
                maybe_duplicate_of__in=rows,
                pk__gt=self._high,
                status=DeadLetter.Status.PARKED,
                operation=None,
                note="",
                original=None,
            )
            if connection.features.has_select_for_update:
                found = found.select_for_update()
            ids = list(found.values_list("pk", flat=True))
            busy = ClaimedBatch.among(ids)
            DeadLetter.objects.filter(pk__in=[pk for pk in ids if pk not in busy]).delete()

    def _insert(self, new: Sequence[tuple[Taken, int | None]]) -> None:
        try:
            with transaction.atomic():
                _execute([letters.row(self._place, item, duplicate_of=of) for item, of in new])
        except DataError:
            # One message that the database cannot hold must not stop the queue: keep all that matters of each.
            log.exception("letters of %s are stored without what was read from them", self._place.queue)
            _execute([letters.bare_row(self._place, item, duplicate_of=of) for item, of in new])

    def _repeat(self, rows: Sequence[int]) -> None:
        for letter in DeadLetter.objects.filter(pk__in=rows):
            of, letter.pk = letter.pk, None
            letter.maybe_duplicate_of_id = of
            letter.status, letter.status_reason = DeadLetter.Status.PARKED, ""
            letter.operation, letter.requeue_id, letter.note = None, "", ""
            letter.claimed_at = letter.decided_at = None
            letter.requeue_count = 0
            letter.save(force_insert=True)

    def _settled_twin(self, item: Taken) -> int | None:
        """Return a letter that looks the same as this redelivered message, for which RabbitMQ took an ack."""
        if not item.message.redelivered:
            return None
        if self._recent is None:
            newest = self._letters().filter(pk__lte=self._high).order_by("-pk")[:RECENT_LETTERS]
            self._recent = {print_: pk for pk, print_ in newest.values_list("pk", "fingerprint")}
        return self._recent.get(item.fingerprint)

    def _letters(self) -> QuerySet[DeadLetter]:
        place = self._place
        return DeadLetter.objects.filter(
            broker=place.broker, vhost=place.vhost, dead_letter_queue=place.queue
        )

    def _own_windows(self) -> QuerySet[CaptureWindow]:
        """The window in hand, and those that came back whole in it: all but those still in doubt."""
        return windows.of(self._place).exclude(pk__in=self._state.windows)


def _execute(rows: Sequence[tuple[Any, ...]]) -> None:
    tally.insert(letters.COLUMNS, rows)
