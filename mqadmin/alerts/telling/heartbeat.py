"""The dead-man's switch: an address that is asked each minute while rules are evaluated.

Whoever listens there tells people when it is not asked any more.
"""

from __future__ import annotations

import logging
import threading
import time

import requests

from mqadmin.alerts.telling.answers import clean

log = logging.getLogger(__name__)

EVERY_S = 60.0
TIMEOUT_S = 10.0
FAILURES = 3  # in a row, before people are told


class Heartbeat:
    """`beat` may be called at any pace, by one thread: it returns at once."""

    def __init__(self, address: str, every_s: float = EVERY_S) -> None:
        self._address = address
        self._every_s = every_s
        self._next = 0.0
        self._thread: threading.Thread | None = None
        self._failed = 0
        self._why = ""

    @property
    def fault(self) -> str:
        """Why the last few failed, "" while they do not."""
        return self._why if self._failed >= FAILURES else ""

    def beat(self) -> None:
        """Ask the address if it is time."""
        now = time.monotonic()
        is_busy = self._thread is not None and self._thread.is_alive()
        if not self._address or now < self._next or is_busy:
            return
        self._next = now + self._every_s
        self._thread = threading.Thread(target=self.ask, name="alerts-heartbeat", daemon=True)
        self._thread.start()

    def ask(self) -> bool:
        """Ask it now; returns whether it answered well."""
        try:
            with requests.get(
                self._address, timeout=TIMEOUT_S, stream=True, allow_redirects=False
            ) as response:
                why = "" if response.ok else f"HTTP {response.status_code}"
        except requests.RequestException as error:
            why = clean(str(error), (self._address,)) or type(error).__name__
        if why and why != self._why:
            log.warning("the heartbeat address does not take it: %s", why)
        elif self._why and not why:
            log.info("the heartbeat address takes it again")
        self._failed = self._failed + 1 if why else 0
        self._why = why
        return not why
