"""R9: a log service. One queue stores every entry, another raises an alert for each error."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from consumers.handlers.reference import payload
from consumers.handlers.registry import handler, option

if TYPE_CHECKING:
    from consumers.runtime.api import Delivery

LEVELS = ("debug", "info", "warning", "error")


@handler(
    "logs.store",
    title=_("Store log entries"),
    description=_("JSON log entries (level, service, text): each is stored as a record."),
)
def store(message: Delivery) -> None:
    """Check the entry and store it: the record of the message is the storage."""
    level, service, text = _entry(message)
    message.log.info("[%s] %s: %s", level, service, text)


@dataclass(frozen=True)
class AlertOptions:
    """How often a service may raise an alert."""

    quiet_seconds: float = option(
        30.0,
        label=_("Quiet time (s)"),
        help=_("After an alert, further errors of the same service are counted but raise no alert."),
        minimum=0,
        maximum=86_400,
    )


class _Alerts:
    """When each service last raised an alert, and how many errors were counted since. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[str, tuple[float | None, int]] = {}

    def count(self, service: str, quiet_seconds: float) -> int | None:
        """Return how many errors came since the last alert when it is time for one, else None."""
        now = time.monotonic()
        with self._lock:
            last, held_back = self._since.get(service, (None, 0))
            if last is not None and now - last < quiet_seconds:
                self._since[service] = (last, held_back + 1)
                return None
            self._since[service] = (now, 0)
            return held_back


_alerts = _Alerts()


@handler(
    "logs.alert",
    title=_("Raise alerts for errors"),
    description=_("Error entries raise an alert, at most one per service in the quiet time."),
    options=AlertOptions,
)
def alert(message: Delivery, options: AlertOptions) -> None:
    """Raise an alert for an error entry: an error line on the message's record and in the process's log."""
    level, service, text = _entry(message)
    if level != "error":
        message.log.warning("%s of %s: no alert for it", level, service)
        return
    held_back = _alerts.count(service, options.quiet_seconds)
    if held_back is None:
        message.log.info("%s: %s (counted, an alert is out)", service, text)
        return
    more = f" ({held_back} more since the last alert)" if held_back else ""
    message.log.error("ALERT %s: %s%s", service, text, more)


def _entry(message: Delivery) -> tuple[str, str, str]:
    """Return level, service and text. Raises BadPayload."""
    entry = payload.document(message)
    level = payload.text(entry, "level")
    if level not in LEVELS:
        raise payload.BadPayload(f"level must be one of {', '.join(LEVELS)}, not {level!r}")
    return level, payload.text(entry, "service"), payload.text(entry, "text")
