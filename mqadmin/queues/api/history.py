"""The API's calls for history: the lines that the charts show."""

from __future__ import annotations

import time
from typing import Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema

from mqadmin.core import brokers, permissions
from mqadmin.core.api.plumbing import VIEW, ApiError, Asked
from mqadmin.history.reading import Lines
from mqadmin.queues.api.queues import find_queue
from mqadmin.queues.pages import history

router = Router(tags=["brokers and queues"], auth=VIEW.of("rows"))


class HistoryQuery(Asked):
    """How far back."""

    span: Literal["5m", "1h", "6h", "1d", "7d", "30d", "90d"] = "1h"


class HistoryOut(Schema):
    """Lines with a value at each of `times` (seconds since 1970), null where it was not known.

    A value stands for the `seconds` that begin there: of lengths and counts the highest, of rates the mean.
    """

    seconds: int
    times: list[int]
    lines: dict[str, list[float | None]]


@router.get("/queues/{int:queue_id}/history", response=HistoryOut)
def queue_history(request: HttpRequest, queue_id: int, wanted: Query[HistoryQuery]) -> Lines:
    """Return how long a queue was and what went through it, also while its broker does not answer."""
    queue = find_queue(queue_id)
    return history.lines((queue.broker.slug, "queue", queue.vhost, queue.name), wanted.span, time.time())


@router.get("/brokers/{slug}/history", response=HistoryOut, auth=VIEW.of("broker"))
def broker_history(request: HttpRequest, slug: str, wanted: Query[HistoryQuery]) -> Lines:
    """Return the totals of a broker."""
    if slug not in brokers.configs():
        raise ApiError(404, "not_found", _("There is no broker %(name)s.") % {"name": slug})
    permissions.require(slug)
    return history.lines((slug, "broker", "", ""), wanted.span, time.time())
