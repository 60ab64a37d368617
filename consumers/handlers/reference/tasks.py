"""R1: a task queue. Each message is one JSON task; a task that cannot be done is dead-lettered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from consumers.handlers.reference import payload
from consumers.handlers.registry import handler

if TYPE_CHECKING:
    from consumers.runtime.api import Delivery

WORK_S = {"resize_image": 0.03, "send_email": 0.02, "build_report": 0.05}


class UnknownTask(LookupError):
    """No code here knows how to do this task."""


class InvalidAddress(ValueError):
    """An e-mail address that no mail server would take."""


class SourceNotReady(RuntimeError):
    """The input of the task is still being written: later it will be there."""


@handler(
    "tasks.run",
    title=_("Run a task"),
    description=_("JSON tasks by name: resize_image, send_email, build_report. A bad task fails."),
)
def run(message: Delivery) -> None:
    """Do the task that the message names. Raises what made it impossible."""
    task = payload.document(message)
    name = payload.text(task, "task")
    do = _TASKS.get(name)
    if do is None:
        raise UnknownTask(f"no task is called {name!r}; known: {', '.join(sorted(_TASKS))}")
    do(task)
    time.sleep(WORK_S[name])
    message.log.info("%s done", name)


def _resize_image(task: dict[str, Any]) -> None:
    source = payload.text(task, "source")
    if payload.number(task, "width") <= 0:
        raise payload.BadPayload(f"width must be positive, not {task['width']}")
    wait = payload.seconds_until(task, "source_ready_at")
    if wait:
        raise SourceNotReady(f"{source} is still being uploaded ({wait:.0f} s to go)")


def _send_email(task: dict[str, Any]) -> None:
    address = payload.text(task, "to")
    name, at, domain = address.partition("@")
    if not name or not at or "." not in domain:
        raise InvalidAddress(f"{address!r} is not an e-mail address")
    payload.text(task, "subject")


def _build_report(task: dict[str, Any]) -> None:
    first, last = payload.moment(task, "from"), payload.moment(task, "to")
    if first is None or last is None:
        raise payload.BadPayload("a report needs both 'from' and 'to'")
    if last < first:
        raise payload.BadPayload(f"the report ends ({last:%Y-%m-%d}) before it begins ({first:%Y-%m-%d})")


_TASKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "resize_image": _resize_image,
    "send_email": _send_email,
    "build_report": _build_report,
}
