"""R6: work for several handler threads on one channel."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from consumers.handlers.registry import handler, option

if TYPE_CHECKING:
    from consumers.runtime.api import Delivery


@dataclass(frozen=True)
class Options:
    """How long one message keeps its thread."""

    work_ms: int = option(
        5,
        label=_("Work (ms)"),
        help=_("How long each message keeps its thread."),
        minimum=0,
        maximum=10_000,
    )


@handler(
    "threads.work",
    title=_("Work in threads"),
    description=_("A few milliseconds of work for each message: to see several threads share a queue."),
    options=Options,
)
def work(message: Delivery, options: Options) -> None:
    """Wait as a call to another service would, then sum up the body."""
    time.sleep(options.work_ms / 1000)
    message.log.info("%d bytes, sha256 %s", len(message.body), hashlib.sha256(message.body).hexdigest()[:12])
