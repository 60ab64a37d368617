"""What a queue does with messages that come back: how often, how late, and how long a consumer may keep one."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration
from mqadmin.rabbit.types import QueueDetail

_DELAYS = re.compile(r"(all|failed|returned) \(min: (\d+)ms, max: (\d+)ms\)")


def told(detail: QueueDetail) -> list[tuple[str, str]]:
    """Return (what, how it is) for what the broker itself says of it: of quorum queues, from RabbitMQ 4.3 on."""
    found = []
    if detail.info.delivery_limit is not None:
        found.append((_("Delivery limit"), str(detail.info.delivery_limit)))
    if detail.delayed_retry not in ("", "disabled"):
        found.append((_("Delayed retry"), _delayed_retry(detail.delayed_retry)))
    timeouts = sorted({item.timeout_ms for item in detail.consumer_details if item.timeout_ms is not None})
    if (
        timeouts and detail.info.type == "quorum"
    ):  # the broker says one of classic queues too, and does not apply it
        text = prose.listed(duration(milliseconds / 1000) for milliseconds in timeouts)
        found.append((_("Consumer timeout"), _("%(time)s, then the consumer is cancelled") % {"time": text}))
    if detail.dying:
        found.append((_("Held until dead-lettered"), str(detail.dying)))
    return found


def by_priority(detail: QueueDetail) -> list[tuple[int, int]]:
    """Return (priority, how many are ready), the highest first; [] where all have one and the same."""
    return list(detail.by_priority.items()) if len(detail.by_priority) > 1 else []


def _delayed_retry(setting: str) -> str:
    """The broker says "all (min: 20000ms, max: 60000ms)"."""
    match = _DELAYS.fullmatch(setting)
    if match is None:
        return setting
    first, most = (duration(int(milliseconds) / 1000) for milliseconds in match.groups()[1:])
    delays = first if first == most else _("%(first)s up to %(most)s") % {"first": first, "most": most}
    which = {
        "all": _("%(delays)s for each return"),
        "failed": _("%(delays)s for each failed delivery"),
        "returned": _("%(delays)s for each return that is no failure"),
    }
    return which[match[1]] % {"delays": delays}
