"""What may be set for one queue: from when on it is told. One table, for the judge, the form and the API.

`Queue.thresholds` keeps what differs from the default, {"ready": 1000}. 0 says: never tell. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MOST = 1_000_000_000
MESSAGES, SECONDS, PERCENT, CONSUMERS = "messages", "seconds", "percent", "consumers"


def _set(default: float | None, unit: str, label: Promise | str, help: Promise | str) -> Any:
    return field(default=default, metadata={"unit": unit, "label": label, "help": help})


@dataclass(frozen=True, slots=True)
class Limits:
    """The thresholds of one queue. None: nothing is set, and the rule goes by what it says in its help."""

    ready: float | None = _set(
        None,
        MESSAGES,
        gettext_lazy("Ready messages"),
        gettext_lazy("Told as soon as more are ready. Without it a backlog is judged by its growth alone."),
    )
    unacked: float | None = _set(
        None,
        MESSAGES,
        gettext_lazy("Unacked messages"),
        gettext_lazy("Told as soon as consumers hold more."),
    )
    oldest_s: float | None = _set(
        600,
        SECONDS,
        gettext_lazy("Age of the oldest"),
        gettext_lazy("Told when the oldest ready message waits longer."),
    )
    growing_s: float | None = _set(
        30,
        SECONDS,
        gettext_lazy("Growing for"),
        gettext_lazy("Told when the backlog has grown for so long; broken after ten times as long."),
    )
    stalled_s: float | None = _set(
        60,
        SECONDS,
        gettext_lazy("Nothing acked for"),
        gettext_lazy("Told when messages wait and consumers ack none for so long; broken after five times."),
    )
    clears_s: float | None = _set(
        3600,
        SECONDS,
        gettext_lazy("Clear in"),
        gettext_lazy("Told when it takes longer until the backlog is gone."),
    )
    no_consumers_s: float | None = _set(
        30,
        SECONDS,
        gettext_lazy("Without consumers for"),
        gettext_lazy("Told when messages wait and nobody consumes for so long."),
    )
    consumers: float | None = _set(
        None,
        CONSUMERS,
        gettext_lazy("Fewest consumers"),
        gettext_lazy("Told when fewer consume, whether messages wait or not."),
    )
    silent_s: float | None = _set(
        None,
        SECONDS,
        gettext_lazy("Silent for"),
        gettext_lazy(
            "Told when nothing arrived for so long, at any hour. Without it a pause is told that is three times "
            "as long as the longest that is usual at this hour of such a day, and ten minutes at least."
        ),
    )
    full_percent: float | None = _set(
        90,
        PERCENT,
        gettext_lazy("Nearly full at"),
        gettext_lazy("Told when so much of its length limit is taken."),
    )
    redelivered_percent: float | None = _set(
        20,
        PERCENT,
        gettext_lazy("Redelivered"),
        gettext_lazy("Told when so many of the deliveries are redeliveries."),
    )
    lost_percent: float | None = _set(
        1,
        PERCENT,
        gettext_lazy("Expired or dropped"),
        gettext_lazy("Told when so many of those that arrive are gone before anybody took them."),
    )


DEFAULT = Limits()


@dataclass(frozen=True)
class Threshold:
    """One line of the table. `default` None: not told, or judged by what is usual."""

    name: str
    unit: str
    default: float | None
    label: Promise | str
    help: Promise | str


TABLE = tuple(
    Threshold(name=entry.name, default=getattr(DEFAULT, entry.name), **entry.metadata)
    for entry in fields(Limits)
)
NAMES = frozenset(entry.name for entry in TABLE)


def limits(stored: Mapping[str, Any]) -> Limits:
    """Return the limits of a queue with `stored` thresholds; what is not known, or no number, is left out."""
    known = {name: value for name, value in stored.items() if name in NAMES and not fault(name, value)}
    return Limits(**known) if known else DEFAULT


def fault(name: str, value: Any) -> str:
    """Return why `value` cannot be the threshold `name`, in a sentence; "" where it can."""
    if name not in NAMES:
        return _("There is no threshold “%(name)s”. Known: %(known)s.") % {
            "name": name,
            "known": ", ".join(entry.name for entry in TABLE),
        }
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return _("A number is needed.")
    most = 100 if name.endswith("_percent") else MOST
    if not 0 <= value <= most:
        return _("At least 0 and at most %(most)s.") % {"most": f"{most:,}"}
    return ""
