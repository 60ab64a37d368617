"""What this process sends, from its start to its end: begun after every fork, ended within a second.

Nothing here raises, and nothing waits for a collector: what cannot be sent is dropped, and said once a minute.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mqadmin.telemetry import wanted

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from mqadmin.telemetry.sdk import Sending

STOP_S = 1.0  # seconds in which what is left is sent when the process ends

log = logging.getLogger("mqadmin.telemetry")


class _Here:
    """What was begun, by which process: a fork has none of it."""

    pid = 0
    sending: Sending | None = None


def start(role: str, **more: str) -> None:
    """Begin to send what is wanted as a process of the kind `role`; a second call does nothing.

    `more`: attributes of all that it sends. To be called when no fork follows: it starts threads.
    """
    if _Here.pid == os.getpid():
        return
    _Here.pid, _Here.sending = os.getpid(), None
    signals = wanted.signals()
    if not signals:
        return
    if why := wanted.trouble():
        log.warning("%s", why)
        return
    try:
        from mqadmin.telemetry.sdk import Sending

        _Here.sending = Sending(role, signals, more)
    except Exception as error:  # whatever a variable says: no message waits for it
        log.warning("telemetry: nothing is sent, as the settings OTEL_* cannot be used: %s", _words(error))


def load() -> None:
    """Import what `start` will need, without beginning anything: for a process that others are forked from."""
    if wanted.signals() and not wanted.trouble():
        try:
            from mqadmin.telemetry import joining, sdk  # noqa: F401
        except Exception as error:
            log.info("telemetry: not loaded: %s", _words(error))


def tracer() -> Tracer | None:
    """Return what makes spans here, None where none are sent."""
    return _Here.sending.tracer if _Here.sending is not None and _Here.pid == os.getpid() else None


def offer() -> None:
    """Have handlers' own instruments send to the same place, unless they have set up one of their own."""
    if (sending := _Here.sending) is not None:
        _quietly(sending.offer)


def stop(within: float = STOP_S) -> None:
    """Send what is left, for `within` seconds at most, and send nothing more. Any thread; never raises."""
    pid, _Here.pid = _Here.pid, 0
    sending, _Here.sending = _Here.sending, None
    if sending is None or pid != os.getpid():
        return
    thread = threading.Thread(target=_quietly, args=(sending.stop,), name="telemetry-end", daemon=True)
    thread.start()
    thread.join(within)


def _quietly(what: Callable[[], Any]) -> None:
    try:
        what()
    except Exception as error:
        log.warning("telemetry: %s", _words(error))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
