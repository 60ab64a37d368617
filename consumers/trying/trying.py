"""Trying a handler on one message: nothing is consumed, recorded, retried or dead-lettered.

The handler runs for real, in a process of its own with a time limit, so that it can neither hang nor kill the
web process. What it sends, writes or calls, it does.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from django.utils.translation import gettext as _

from consumers.models import Consumer
from consumers.supervisor.machine import spawn
from mqadmin import place
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import formats
from mqadmin.rabbit.message import Message

LIMIT_S = 15.0  # for the handler; a shorter timeout of the consumer's counts
START_S = 30.0  # for the process to begin: it imports the project
AT_ONCE = 2  # trials of one web process
MOST_PRINTED = 20_000  # bytes
MOST_RESULT = 16 * 1024 * 1024
STACK_S = 0.5  # after its limit a handler has so long to be asked where it is

TrialOutcome = Literal["acked", "retried", "dead_lettered", "timed_out", "crashed", "not_run"]

_places = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class LogLine:
    """One line that was logged while the handler ran; `offset_ms` since its start."""

    offset_ms: float
    level: str
    text: str


@dataclass(frozen=True)
class Trial:
    """How it went. `detail` says in a sentence what a consumer would have done with the message.

    `duration_ms` is the handler's alone, None when it did not end. `printed`: what it wrote to stdout.
    `traceback`: of its error; of a timeout or a crash, the stack it was in as far as that is known.
    """

    outcome: TrialOutcome
    detail: str
    duration_ms: float | None = None
    error_type: str = ""
    error: str = ""
    traceback: str = ""
    log: tuple[LogLine, ...] = ()
    printed: str = ""


@dataclass
class _Heard:
    """What came out of the process: lines of JSON, its two streams, its exit code as subprocess gives it."""

    result: bytes = b""
    out: bytes = b""
    err: bytes = b""
    code: int = 0
    late: bool = False

    def take(self, name: str, piece: bytes) -> None:
        if name == "result":
            self.result += piece[: MOST_RESULT - len(self.result)]
        else:
            setattr(self, name, (getattr(self, name) + piece)[-MOST_PRINTED:])

    @property
    def begun(self) -> bool:
        return b"\n" in self.result

    @property
    def report(self) -> dict[str, Any] | None:
        """The line that says how it went, once it is whole; the one before only says that it begins."""
        lines = [json.loads(line) for line in self.result.split(b"\n")[:-1]]
        return next((line for line in lines if "outcome" in line), None)


def run(*, consumer: Consumer, by: Actor, message: Message) -> Trial:
    """Run the consumer's handler, with its options and retry policy as they are stored now, on `message`.

    Takes as long as the handler, at most START_S + LIMIT_S seconds. Raises Refusal for a collector, and when
    AT_ONCE trials are running already.
    """
    detail = {
        "handler": consumer.handler,
        "message_id": message.properties.message_id or "",
        "size": len(message.body),
    }
    with audit.act(
        by=by, action="consumer.try", broker=consumer.broker, target=consumer.name, detail=detail
    ) as entry:
        if consumer.is_collector:
            raise Refusal(_("It captures dead letters in windows: there is nothing to try."), "is_collector")
        allowed = limit(consumer)
        with _place():
            heard = _run(_request(consumer, message, allowed), allowed)
        trial = _trial(heard, allowed)
        entry.detail = {**detail, "outcome": trial.outcome}
        return trial


def limit(consumer: Consumer) -> float:
    """Return how many seconds its handler may take in a trial: its own timeout, where that is shorter."""
    return min(LIMIT_S, consumer.timeout_seconds or LIMIT_S)


@contextlib.contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise Refusal(_("Others are trying handlers now. Try again in a moment."), "busy", status=429)
    try:
        yield
    finally:
        _places.release()


def _policy(consumer: Consumer, attempts: int, first_delay: float) -> dict[str, float]:
    """Without jitter: a trial says the same each time."""
    return {
        "attempts": attempts,
        "first_delay": first_delay,
        "factor": consumer.retry_factor,
        "max_delay": max(consumer.retry_max_delay, first_delay),
    }


def _request(consumer: Consumer, message: Message, seconds: float) -> dict[str, Any]:
    """Everything the process needs: it does not read the definition, which may change meanwhile."""
    return {
        "place": {
            "consumer": consumer.name,
            "broker": consumer.broker,
            "vhost": consumer.vhost,
            "queue": consumer.queue,
        },
        "handler": consumer.handler,
        "options": consumer.options,
        "retry": _policy(consumer, consumer.retry_attempts, consumer.retry_first_delay),
        "connection_retry": (
            None
            if consumer.connection_retries is None
            else _policy(consumer, consumer.connection_retries, consumer.connection_delay)
        ),
        "limit": seconds,
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "redelivered": message.redelivered,
        "properties": message.properties.to_json(),
        "body": base64.b64encode(message.body).decode(),
    }


# --- the process ------------------------------------------------------------------------------------------


def _run(request: dict[str, Any], seconds: float) -> _Heard:
    heard = _Heard()
    reader, writer = os.pipe()
    with tempfile.TemporaryFile(prefix="mqadmin-try-") as file, open(reader, "rb", buffering=0) as result:
        try:
            file.write(json.dumps(request).encode())
            file.seek(0)
            process = subprocess.Popen(
                place.manage("try_handler", str(writer)),
                cwd=place.WORK,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(writer,),
                start_new_session=True,
            )
        finally:
            os.close(writer)
        with process:
            try:
                _listen(process, result, heard, seconds)
            finally:
                heard.code = _end(process)
    return heard


def _listen(process: subprocess.Popen[bytes], result: BinaryIO, heard: _Heard, seconds: float) -> None:
    """Hear the process until its report, its end or its deadline, whichever comes first."""
    deadline = time.monotonic() + START_S
    with selectors.DefaultSelector() as selector:
        for name, stream in (("result", result), ("out", process.stdout), ("err", process.stderr)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, name)
        began = False
        while heard.report is None and not _has_ended(process):
            if heard.begun and not began:
                began, deadline = True, time.monotonic() + seconds + STACK_S
            if time.monotonic() > deadline:
                heard.late = True
                break
            _hear(selector, heard, wait=0.1)
        for _step in range(1_000):  # what it said last; never endless, should a child of its go on talking
            if not _hear(selector, heard, wait=0):
                break


def _hear(selector: selectors.BaseSelector, heard: _Heard, *, wait: float) -> bool:
    """Take what is there, waiting so many seconds; False when there was nothing."""
    events = selector.select(wait) if selector.get_map() else []
    if wait and not selector.get_map():
        time.sleep(wait)  # it closed its streams and goes on
    for key, _mask in events:
        piece = os.read(key.fd, 65_536)
        if piece:
            heard.take(key.data, piece)
        else:
            selector.unregister(key.fileobj)
    return bool(events)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ended. It is not reaped, so that its pid still names its process group."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes]) -> int:
    """Kill it with all that it started, and return its exit code."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


# --- what it means ----------------------------------------------------------------------------------------


def _trial(heard: _Heard, seconds: float) -> Trial:
    printed = heard.out.decode("utf-8", "replace")
    stack = heard.err.decode("utf-8", "replace")
    report = heard.report
    if report is not None:
        return _reported(report, printed)
    if not heard.begun:
        late = _("it did not start within %(time)s") % {"time": formats.duration(START_S)}
        how = late if heard.late else spawn.exit_words(heard.code)
        text = _("The process that should run the handler failed: %(how)s.") % {"how": how}
        return Trial("not_run", text, printed=printed, traceback=stack)
    if heard.late:
        text = _("The handler was not done within %(limit)s and was killed.")
        detail = text % {"limit": formats.duration(seconds)}
        return Trial("timed_out", detail, printed=printed, traceback=stack)
    text = _("The handler ended its process: %(how)s.") % {"how": spawn.exit_words(heard.code)}
    return Trial("crashed", text, printed=printed, traceback=stack)


def _reported(report: dict[str, Any], printed: str) -> Trial:
    outcome: TrialOutcome = report["outcome"]
    return Trial(
        outcome=outcome,
        detail=_detail(outcome, report),
        duration_ms=report.get("duration_ms"),
        error_type=report.get("error_type", ""),
        error=report.get("error", ""),
        traceback=report.get("traceback", ""),
        log=tuple(LogLine(offset, level, text) for offset, level, text in report.get("log", ())),
        printed=printed,
    )


def _detail(outcome: TrialOutcome, report: dict[str, Any]) -> str:
    if outcome == "acked":
        return _("A consumer would ack it.")
    if outcome == "retried":
        return _("A consumer would let it come back in %(delay)s, as attempt %(attempt)d.") % {
            "delay": formats.duration(report["delay"]),
            "attempt": report["attempt"] + 1,
        }
    if outcome == "dead_lettered":
        return _("A consumer would dead-letter it: %(reason)s") % {"reason": report["reason"]}
    return str(report["reason"])
