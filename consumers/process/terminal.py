"""What `run_consumer` says to a person, a journal or a container's log: a line for what happens, none per message.

Everything goes through the log of the process, so that order and times are those of all other lines.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from consumers.process.process_reporter import ProcessReporter
from consumers.runtime.outcome import Handled
from consumers.runtime.sink import Gauges, Sink, State
from mqadmin.core import unseen

EVERY = 5.0  # seconds between two summaries

log = logging.getLogger("mqadmin.consumer")


def set_up(*, verbose: bool) -> None:
    """Make the console's lines short; unless `verbose`, leave out what handlers log of single messages.

    That is kept with the message's record.
    """
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Line("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        if not verbose:
            handler.addFilter(_is_of_the_process)


class _Line(logging.Formatter):
    """Time and words; the level only where it is a warning or worse."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = unseen.lines(record.message)
        line = super().formatMessage(record)
        return line if record.levelno < logging.WARNING else f"{line} [{record.levelname.lower()}]"


def _is_of_the_process(record: logging.LogRecord) -> bool:
    in_handler = (record.threadName or "").startswith("handler-") or hasattr(record, "mqadmin_delivery")
    return not in_handler or record.name.startswith("mqadmin.consumer")


class Teller(ProcessReporter):
    """A reporter that also says each change of state, and why it ended."""

    _said: tuple[str, str] = ("", "")

    def state(self, state: State, reason: str = "") -> None:
        """Note the state and say it, once. Any thread."""
        super().state(state, reason)
        if (state, reason) != self._said:
            self._said = (state, reason)
            log.info("%s", f"{state}: {reason}" if reason else state)

    def finish(self, reason: str, *, failed: bool = False) -> None:
        """Write and say why it ended."""
        super().finish(reason, failed=failed)
        log.info("ended: %s", reason)


class Summaries:
    """A line every few seconds in which something was handled, in a thread of its own."""

    def __init__(self, gauges: Callable[[], Gauges], *, every: float = EVERY) -> None:
        self._gauges = gauges
        self._every = every
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="summaries", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ending.set()
        self._thread.join(2)

    def _work(self) -> None:
        before, since = self._gauges(), time.monotonic()
        while not self._ending.wait(self._every):
            now, moment = self._gauges(), time.monotonic()
            if counts(now) != counts(before):
                log.info("%s", words(now, (now.processed - before.processed) / (moment - since)))
            before, since = now, moment


def counts(gauges: Gauges) -> tuple[int, int, int]:
    """Return what only ever grows."""
    return gauges.processed, gauges.failed, gauges.retried


def words(gauges: Gauges, rate: float | None = None) -> str:
    """Return the counters in words; `rate`: messages a second."""
    parts = [f"{gauges.processed:,} handled", f"{gauges.failed:,} failed"]
    if gauges.retried:
        parts.append(f"{gauges.retried:,} retried")
    if rate is not None:
        parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s")
        parts.append(f"{max(0, gauges.in_flight):,} in hand")
    return ", ".join(parts)


class Loud:
    """A sink that says each message once its record is committed."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def commit(self, outcomes: Sequence[Handled]) -> None:
        """Commit, then say what was committed. Raises SinkUnavailable."""
        self._sink.commit(outcomes)
        for handled in outcomes:
            delivery = handled.delivery
            name = delivery.message_id or delivery.routing_key or f"{len(delivery.body):,} bytes"
            text = f"{handled.outcome.replace('_', '-')} {name} ({handled.duration * 1000:.1f} ms)"
            why = f"{handled.error_type}: {handled.error}" if handled.error_type else handled.detail
            log.info("%s", _plain(f"{text}: {why}" if why else text))


def _plain(text: str) -> str:
    """Return it on one line, without what a terminal would obey: a publisher wrote it."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text
    )
