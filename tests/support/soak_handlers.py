"""The load of the soak tests: what a message does stands in its body, and every call leaves a line in a journal.

A body is "ok:S" (S seconds of work), "once:S" (its first attempt fails), "never:S" (every attempt fails) or
"spin:S" (S seconds of computing).

In the environment of the consumer process, all optional:
MQADMIN_SOAK_JOURNAL    the file that each call appends a line to before it does anything
MQADMIN_SOAK_HEARTBEAT  seconds, in place of the runtime's own AMQP heartbeat: a lost line shows sooner
MQADMIN_SOAK_PATIENCE   seconds that SQLite waits for a lock, in place of the settings' 20
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from django.db import connections

from consumers.handlers.registry import handler
from consumers.runtime.api import Delivery
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.headers import REQUEUE_ID, RETRY_ID

NAME = "tests.soak"
JOURNAL = "MQADMIN_SOAK_JOURNAL"
HEARTBEAT = "MQADMIN_SOAK_HEARTBEAT"
PATIENCE = "MQADMIN_SOAK_PATIENCE"


@dataclass(frozen=True)
class Call:
    """One call of the handler: of which message, and whether the message said that it may be a second time."""

    message_id: str
    attempt: int
    redelivered: bool
    requeued: bool
    retry_id: str  # "-": none
    pid: int


@handler(NAME, title="The load of the soak tests")
def work(message: Delivery) -> None:
    _note(message)
    what, _, seconds = message.text.partition(":")
    until = time.monotonic() + float(seconds)
    while what == "spin" and time.monotonic() < until:
        pass
    time.sleep(max(0.0, until - time.monotonic()))
    if what == "never" or (what == "once" and message.attempt == 1):
        raise RuntimeError(f"no luck with {message.message_id}")


def _note(message: Delivery) -> None:
    path = os.environ.get(JOURNAL)
    if not path:
        return
    call = (
        message.message_id,
        message.attempt,
        int(message.redelivered),
        int(REQUEUE_ID in message.headers),
        message.headers.get(RETRY_ID, "-"),
        os.getpid(),
    )
    # One short write to a file opened for appending: lines of several processes never mix, none is lost by SIGKILL.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (" ".join(map(str, call)) + "\n").encode())
    finally:
        os.close(descriptor)


def calls(path: Path) -> list[Call]:
    """Return the journal, in order."""
    if not path.exists():
        return []
    lines = (line.split() for line in path.read_text().splitlines())
    return [
        Call(name, int(attempt), redelivered == "1", requeued == "1", retry_id, int(pid))
        for name, attempt, redelivered, requeued, retry_id, pid in lines
    ]


def _shorten() -> None:
    """Shorten what a test would otherwise wait minutes for; nothing else of the process differs."""
    heartbeat, patience = os.environ.get(HEARTBEAT), os.environ.get(PATIENCE)
    if heartbeat:
        defaults = BrokerConfig.connection_parameters.__kwdefaults__
        assert defaults is not None
        defaults["heartbeat"] = int(heartbeat)
    if patience and connections.settings["default"]["ENGINE"].endswith("sqlite3"):
        connections.settings["default"]["OPTIONS"]["timeout"] = float(patience)


_shorten()
