"""Threads that empty the outbox: one for each channel that has something to send, so that one that hangs delays
no other and no evaluation."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.alerts.models import Channel, Delivery
from mqadmin.alerts.telling import messages, outbox, services
from mqadmin.alerts.telling.answers import Answer
from mqadmin.core import unseen

log = logging.getLogger(__name__)

MOST_THREADS = 16
IN_A_ROW = 20  # messages that one thread sends before the outbox is looked at again
DATABASE_WAIT_S = 1.0


class Senders:
    """`look` hands what is due to threads. `look` is for one thread; it speaks to no service."""

    def __init__(self, holder: str, claim_s: float, stop: threading.Event) -> None:
        self._holder = holder
        self._claim_s = claim_s
        self._stop = stop
        self._lock = threading.Lock()
        self._busy: dict[int, threading.Thread] = {}  # by channel
        self._in_hand: set[int] = set()  # deliveries

    def look(self) -> int:
        """Start to send what is due; returns for how many channels. Raises django.db.Error."""
        now = timezone.now()
        with self._lock:
            self._busy = {pk: thread for pk, thread in self._busy.items() if thread.is_alive()}
            busy, in_hand = set(self._busy), set(self._in_hand)
        outbox.take_back(now, self._claim_s, in_hand)
        waiting: dict[int, list[int]] = defaultdict(list)
        for item in outbox.due(now):
            if item.channel_id is None:
                self._give_up(item.id, _("The channel was deleted."))
            elif item.channel_id not in busy and len(waiting[item.channel_id]) < IN_A_ROW:
                waiting[item.channel_id].append(item.id)
        asked_for = Delivery.objects.filter(state__in=Delivery.OPEN, what=Delivery.What.TEST)
        tests = set(asked_for.values_list("pk", flat=True))  # one may try a channel before it is switched on
        off = set(Channel.objects.filter(pk__in=waiting, is_on=False).values_list("pk", flat=True))
        started = 0
        for channel, ids in waiting.items():
            if channel in off:
                for delivery in set(ids) - tests:
                    self._give_up(delivery, _("The channel was switched off."))
                ids = [delivery for delivery in ids if delivery in tests]
            if not ids:
                continue
            if len(busy) + started < MOST_THREADS:
                self._start(channel, ids)
                started += 1
        return started

    def join(self, seconds: float) -> None:
        """Wait so long at most for what is being sent."""
        until = time.monotonic() + seconds
        with self._lock:
            threads = list(self._busy.values())
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _start(self, channel: int, ids: Sequence[int]) -> None:
        thread = threading.Thread(target=self._send_all, args=(ids,), name=f"alerts-{channel}", daemon=True)
        with self._lock:
            self._busy[channel] = thread
        thread.start()

    def _send_all(self, ids: Sequence[int]) -> None:
        try:
            for delivery_id in ids:
                if self._stop.is_set() or not self.send(delivery_id):
                    return
        except (DatabaseError, InterfaceError) as error:
            log.warning("alerts: the outbox waits for the database: %s", error)
        except Exception:
            log.exception("alerts: a message could not be sent")
        finally:
            connections.close_all()

    def send(self, delivery_id: int) -> bool:
        """Send one now, in this thread; returns whether the channel works."""
        delivery = outbox.claim(delivery_id, self._holder, timezone.now())
        if delivery is None or delivery.channel is None:
            return True
        with self._lock:
            self._in_hand.add(delivery_id)
        try:
            answer = services.send(delivery.channel, messages.of(delivery))
            self._finish(delivery, answer)
        finally:
            with self._lock:
                self._in_hand.discard(delivery_id)
        return answer.ok

    def _finish(self, delivery: Delivery, answer: Answer) -> None:
        """Write the outcome, however long the database is away: else it would be sent again."""
        while True:
            try:
                state = outbox.finish(delivery, answer, timezone.now())
                break
            except (DatabaseError, InterfaceError) as error:
                log.warning("alerts: message %s is %s; writing it waits: %s", delivery.pk, answer.ok, error)
                connections.close_all()
                if self._stop.wait(DATABASE_WAIT_S):
                    return
        level = logging.INFO if answer.ok else logging.WARNING
        name, text = unseen.plain(delivery.channel_name), unseen.line(answer.text)
        log.log(level, "alert %s to channel %s: %s. %s", delivery.pk, name, state, text)

    def _give_up(self, delivery_id: int, why: str) -> None:
        waiting = Delivery.objects.filter(pk=delivery_id, state=Delivery.State.DUE)
        waiting.update(state=Delivery.State.FAILED, ended_at=timezone.now(), next_at=None, answer=why)
