"""R7: a priority queue. The runtime runs the highest priority in hand first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from consumers.handlers.reference import payload
from consumers.handlers.registry import handler, option

if TYPE_CHECKING:
    from consumers.runtime.api import Delivery


@dataclass(frozen=True)
class Options:
    """How long one message takes."""

    work_ms: int = option(
        40, label=_("Work (ms)"), help=_("How long one ticket takes."), minimum=0, maximum=10_000
    )


@handler(
    "priority.work",
    title=_("Work by priority"),
    description=_("Tickets of priority 0 to 10; the log line of each says how long it waited."),
    options=Options,
)
def work(message: Delivery, options: Options) -> None:
    """Work on the ticket and say how long it waited."""
    ticket = payload.document(message)
    subject = payload.text(ticket, "subject")
    opened = payload.moment(ticket, "opened_at")
    waited = (datetime.now(UTC) - opened).total_seconds() if opened is not None else 0.0
    time.sleep(options.work_ms / 1000)
    message.log.info("priority %d waited %.1f s: %s", message.priority, waited, subject)
