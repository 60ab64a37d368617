"""What is told of an incident through one channel, now. Pure: no clock, no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mqadmin.alerts.models import Delivery

What = Delivery.What
GROWN_EVERY = timedelta(minutes=5)  # worse news of the same, at most so often
GROWN_TIMES, GROWN_BY = 2, 5  # alerts: twice as many as were told, and five more


@dataclass(frozen=True, slots=True)
class Told:
    """A message about the incident that was written for the channel: not a test, not that it is resolved."""

    what: str
    at: datetime
    severity: int
    alerts: int


@dataclass(frozen=True, slots=True)
class Case:
    """The incident as the channel sees it: only those of its alerts that the channel is for and nothing silences.

    `repeat_s`: of the rule that wants it most often; 0: never. `news_at`: when the last of those began to fire
    that are told one by one: a node of a broker that goes down while another is away.
    """

    severity: int
    alerts: int
    opened_at: datetime
    is_acknowledged: bool = False
    is_snoozed: bool = False
    repeat_s: int = 0
    news_at: datetime | None = None


def decide(
    case: Case, told: Sequence[Told], *, least: int, after_minutes: int, is_quiet: bool, now: datetime
) -> str:
    """Return which message (of `Delivery.What`) is to be written now, "" for none.

    `told`: what was written before, oldest first. `least`: the channel's severity. `is_quiet`: in quiet hours that
    this severity does not pass: what is to be told then is told after them, if it is still so.
    """
    if not case.alerts or case.severity < least or is_quiet:
        return ""
    is_waved_off = case.is_acknowledged or case.is_snoozed
    if not told:
        if is_waved_off or now - case.opened_at < timedelta(minutes=after_minutes):
            return ""
        return What.ESCALATED if after_minutes else What.OPENED
    last = told[-1]
    if case.severity > max(item.severity for item in told):
        return What.GROWN
    known = max(item.alerts for item in told)
    has_grown = case.alerts >= GROWN_TIMES * known and case.alerts >= known + GROWN_BY
    if case.news_at is not None and case.news_at > last.at and not case.is_snoozed:
        return What.GROWN
    if has_grown and not case.is_snoozed and now - last.at >= GROWN_EVERY:
        return What.GROWN
    if is_waved_off or not case.repeat_s or now - last.at < timedelta(seconds=case.repeat_s):
        return ""
    return What.REPEATED
