"""The clock of a contender: from the first message in hand to the last one acked."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from ctypes import c_double
from typing import Any
from urllib.parse import quote, urlsplit

from mqadmin.rabbit.config import BrokerConfig, load


def given() -> dict[str, Any]:
    """Return what the benchmark told this process: vhost, queue, messages, prefetch and the like."""
    told: dict[str, Any] = json.loads(sys.argv[1])
    return told


def broker() -> BrokerConfig:
    """Return the broker of the benchmark."""
    return load(os.environ)["default"]


def amqp_url(vhost: str) -> str:
    """Return the address of `vhost` with credentials, as client libraries take it."""
    return urlsplit(broker().amqp_url)._replace(path="/" + quote(vhost, safe="")).geturl()


class Clock:
    """Counts `messages` acks. Seconds of the monotonic clock, which all processes share."""

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self._acked = 0
        self._ended = 0.0
        # In memory that forked children share: with Celery's prefork pool the handlers run there.
        self._began: Any = multiprocessing.RawValue(c_double, 0.0)

    def in_hand(self, ago: float = 0) -> None:
        """The handler was called, so many seconds ago; the first call starts the clock. Any thread or fork."""
        if not self._began.value:
            self._began.value = time.monotonic() - ago

    def acked(self) -> bool:
        """One ack was written; True for the last, which stops the clock."""
        self._acked += 1
        if self._acked == self.messages:
            self.stop()
        return self._acked >= self.messages

    def stop(self) -> None:
        self._ended = time.monotonic()

    def report(self, **more: Any) -> None:
        """Print the result, for the benchmark that started this process."""
        seconds = self._ended - self._began.value
        print(json.dumps({"seconds": seconds, "messages": self.messages, **more}), flush=True)
