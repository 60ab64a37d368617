"""What people set on queues, and standing rules, as pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.pages import formats
from mqadmin.core.pages.formats import duration, number
from mqadmin.queues.health import thresholds
from mqadmin.queues.models import Queue, Standing
from mqadmin.queues.search import counting
from mqadmin.queues.search.language import BadQuery
from mqadmin.queues.standing.effective import MUTE, OWNER, THRESHOLDS


@dataclass(frozen=True)
class Care:
    """What a queue's page shows. `mute`: in words, "" where it is not muted; `limits`: label and value of each
    threshold that is not the default. `by_rule`: which of it a standing rule says."""

    owner: str
    note: str
    mute: str
    limits: list[tuple[str, str]]
    by_rule: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.owner or self.note or self.mute or self.limits)

    @property
    def is_owner_ruled(self) -> bool:
        return OWNER in self.by_rule

    @property
    def are_limits_ruled(self) -> bool:
        return THRESHOLDS in self.by_rule


def of(queue: Queue) -> Care:
    """Return what is set on a queue."""
    by_rule = frozenset({OWNER, THRESHOLDS, MUTE} - set(queue.own))
    return Care(queue.owner, queue.note, mute(queue), limits(queue.thresholds), by_rule)


def mute(row: Queue | Standing) -> str:
    """Return until when a row is muted and by whom, "" where it is not."""
    if row.muted_until is None or row.muted_until <= timezone.now():
        return ""
    by = getattr(row, "muted_by", "")  # of a rule it is not told
    text = _("Muted until %(until)s by %(by)s.") if by else _("Muted until %(until)s.")
    return text % {"until": until(row.muted_until), "by": by}


def until(moment: datetime) -> str:
    """Return a moment as a person reads it: the time alone where it is today."""
    local = timezone.localtime(moment)
    return formats.moment(local, "H:i" if local.date() == timezone.localdate() else "j M Y, H:i")


def limits(stored: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return label and value, with its unit, of each threshold in `stored`."""
    return [
        (str(item.label), _amount(stored[item.name], item.unit))
        for item in thresholds.TABLE
        if item.name in stored
    ]


def _amount(value: float, unit: str) -> str:
    if not value:
        return _("never told")
    if unit == thresholds.SECONDS:
        return duration(value)
    return f"{value:g} %" if unit == thresholds.PERCENT else number(int(value))


@dataclass(frozen=True)
class Shown:
    """A rule of the list: how many queues it matches now, where they are listed, and why it cannot be applied."""

    rule: Standing
    count: int
    href: str
    limits: list[tuple[str, str]]
    mute: str
    fault: str = ""
    is_first: bool = False
    is_last: bool = False


def rules() -> list[Shown]:
    """Return all rules, the one that decides first on top; a few reads, however many rules."""
    found = list(Standing.objects.all())
    counts = counting.counts([rule.query for rule in found], Queue.objects.filter(gone_at__isnull=True))
    shown = [_rule(rule, count) for rule, count in zip(found, counts, strict=True)]
    if shown:
        shown[0] = replace(shown[0], is_first=True)
        shown[-1] = replace(shown[-1], is_last=True)
    return shown


def _rule(rule: Standing, found: int | BadQuery) -> Shown:
    count, fault = (0, found.message) if isinstance(found, BadQuery) else (found, "")
    href = f"{reverse('queue_list')}?{urlencode({'q': rule.query})}"
    return Shown(rule, count, href, limits(rule.thresholds or {}), mute(rule), fault)
