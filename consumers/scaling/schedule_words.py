"""Schedules of consumers in plain words, and whether one may run now; read by `consumers.scaling.schedule`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.scaling.schedule import DAY_MIN, Closed, Schedule, ScheduleError, Window, parse
from mqadmin.core.pages import formats, prose

_WEEK_S = 7 * 86_400


@lru_cache(maxsize=1024)
def _parsed(text: str, zone: str) -> Schedule:
    return parse(text, zone)


def parsed(text: str) -> Schedule:
    """Return the schedule; where it names no time zone, the project's counts. Raises ScheduleError."""
    return _parsed(text, settings.TIME_ZONE)


def is_open(text: str, now: datetime | None = None) -> bool:
    """Whether a consumer with this schedule may run now. One that cannot be read counts as none, as it does for
    the supervisor: it was checked when it was written."""
    try:
        return parsed(text).open(now or timezone.now())
    except ScheduleError:
        return True


def problem(text: str) -> str:
    """Say why `text` is no schedule, and where; "" when it is one."""
    try:
        parsed(text)
    except ScheduleError as error:
        return error_words(error)
    return ""


def error_words(error: ScheduleError) -> str:
    """Say in a sentence what is wrong: "At character 5, “25:00”: there is no such time of day."."""
    words = {
        "unknown_word": _("this is neither a day nor a time zone."),
        "unknown_zone": _("there is no such time zone. One is called Europe/Berlin."),
        "no_hours": _("a time zone alone is no schedule."),
        "expected_day": _("a day is expected: mon, tue, wed, thu, fri, sat, sun, daily or *."),
        "expected_time": _("a time is expected, like 08:00."),
        "expected_end": _("a window has two times, like 08:00-18:00."),
        "empty_window": _("it ends when it begins. The whole day is 00:00-24:00."),
        "no_such_time": _("there is no such time of day."),
        "expected_date": _("a date is expected, like 2026-12-24."),
        "no_such_date": _("there is no such date."),
        "backwards": _("the last day is before the first."),
        "expected_for": _("how long? Like: every 2 h for 20 min."),
        "expected_amount": _("a number is expected, like: every 2 h for 20 min."),
        "expected_unit": _("h or min is expected."),
        "uneven": _("a day must divide into it, and it is 5 min or longer: every 15 min, every 2 h."),
        "too_long": _("it must be shorter than the time from one to the next."),
        "unexpected": _("nothing more is expected here; a “;” begins the next window."),
    }[error.code]
    if not error.found:
        return _("At character %(n)d: %(words)s") % {"n": error.position + 1, "words": words}
    what = {"n": error.position + 1, "found": error.found, "words": words}
    return _("At character %(n)d, “%(found)s”: %(words)s") % what


def words(text: str) -> str:
    """Say when it may run: "Monday to Friday 08:00 to 18:00 (Europe/Berlin)". Empty for always.

    Raises ScheduleError.
    """
    schedule = parsed(text)
    if schedule.is_always:
        return ""
    parts = [_window(window) for window in schedule.windows] or [_("always")]
    if schedule.closed:
        days = prose.listed(_closed(item) for item in schedule.closed)
        parts.append(_("not on %(days)s") % {"days": days})
    return _("%(hours)s (%(zone)s)") % {"hours": prose.clauses(parts), "zone": schedule.zone}


def status(text: str, now: datetime) -> str:
    """Say what happens next: "starts again Monday 08:00, in 13 h". Empty when nothing does.

    Raises ScheduleError.
    """
    schedule = parsed(text)
    if schedule.is_always:
        return ""
    change, is_open = schedule.next_change(now), schedule.open(now)
    if change is None:
        return "" if is_open else _("never runs again")
    left = (change - now).total_seconds()
    what = {"when": _moment(change.astimezone(ZoneInfo(schedule.zone)), now), "left": _roughly(left)}
    if is_open:
        return _("runs until %(when)s, for another %(left)s") % what
    return _("starts again %(when)s, in %(left)s") % what


def describe(text: str, now: datetime) -> str:
    """Say when it may run and what happens next, in one line; empty for always. A faulty one is told as such."""
    try:
        return prose.clauses((words(text), status(text, now)))
    except ScheduleError as error:
        return _("The schedule cannot be read, so it always runs. %(why)s") % {"why": error_words(error)}


def _window(window: Window) -> str:
    days = _days(window.days)
    if window.every is not None:
        step, length = window.every
        rhythm = _("every %(step)s for %(length)s, counted from midnight") % {
            "step": formats.duration(step * 60),
            "length": formats.duration(length * 60),
        }
        return f"{days} {rhythm}"
    if [(span.start, span.end) for span in window.spans] == [(0, DAY_MIN)]:
        return _("%(days)s, the whole day") % {"days": days}
    hours = [
        _("%(start)s to %(end)s") % {"start": _clock(span.start), "end": _clock(span.end)}
        for span in window.spans
    ]
    return f"{days} {_and(hours)}"


def _days(days: Sequence[int]) -> str:
    """(0, 1, 2, 3, 4) -> "Monday to Friday"; over the end of the week too."""
    if len(days) == 7:
        return _("daily")
    runs = []
    for first in (day for day in days if (day - 1) % 7 not in days):
        length = next(n for n in range(1, 8) if (first + n) % 7 not in days)
        runs.append((first, length))
    named = []
    for first, length in runs:
        names = [str(WEEKDAYS[(first + n) % 7]) for n in range(length)]
        if length > 2:
            names = [_("%(first)s to %(last)s") % {"first": names[0], "last": names[-1]}]
        named += names
    return _and(named)


def _and(items: Sequence[str]) -> str:
    if len(items) < 2:
        return "".join(items)
    return _("%(items)s and %(last)s") % {"items": prose.listed(items[:-1]), "last": items[-1]}


def _clock(minute: int) -> str:
    at = minute if minute == DAY_MIN else minute % DAY_MIN
    return f"{at // 60:02d}:{at % 60:02d}"


def _closed(item: Closed) -> str:
    first, last = (formats.moment(day, "j F Y") for day in (item.first, item.last))
    return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}


def _moment(moment: datetime, now: datetime) -> str:
    """The time of day, with the day unless it is today's, and the date from a week on; in the zone of `moment`."""
    clock = f"{moment:%H:%M}"
    if moment.date() == now.astimezone(moment.tzinfo).date():
        return clock
    if (moment - now).total_seconds() < _WEEK_S - 86_400:
        return f"{WEEKDAYS[moment.weekday()]} {clock}"
    return f"{formats.moment(moment.date(), 'j F Y')} {clock}"


def _roughly(seconds: float) -> str:
    """In the one unit that says enough, rounded: "13 h", "3 d", "25 min"."""
    if seconds < 90:
        return ngettext("%(n)d second", "%(n)d seconds", round(seconds)) % {"n": round(seconds)}
    if seconds < 90 * 60:
        return _("%(n)s min") % {"n": round(seconds / 60)}
    if seconds < 36 * 3600:
        return _("%(n)s h") % {"n": round(seconds / 3600)}
    return _("%(n)s d") % {"n": round(seconds / 86_400)}
