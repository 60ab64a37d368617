"""The hours a consumer may run in: from "mon-fri 08:00-18:00 Europe/Berlin" to open or closed at a moment.

Pure. A schedule is windows separated by ";": days, then hours, either may be left out. `daily` and `*` are all
days; a window that ends before it begins goes over midnight; `every 2 h for 20 min` counts from midnight;
`not 2026-12-24` and `not 2026-12-24..2027-01-01` close whole days. A time zone may stand at the end.

A day belongs to the clock on the wall of that zone. A window that begins in the hour that is skipped in spring
begins when that hour would have; one that lies wholly in it is moved behind it, at its full length. In autumn,
when an hour comes twice, it begins with the first and ends with the last: one window, never two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_MIN = 1440
_DAY = timedelta(days=1)
_PLAIN_DAYS = 9  # open days in a row that show everything a week can bring


class ScheduleError(ValueError):
    """The text is no schedule. `code` says why, `found` what stands there, `position` where (0: the first)."""

    def __init__(self, code: str, position: int, found: str = "") -> None:
        self.code, self.position, self.found = code, position, found
        what = f": {found}" if found else ""
        super().__init__(f"{code.replace('_', ' ')} at character {position + 1}{what}")


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, in minutes since midnight; an `end` above DAY_MIN is on the next day."""

    start: int
    end: int


@dataclass(frozen=True)
class Window:
    """Hours of some days of the week (0: Monday). `every`: (each so many minutes, for so many), else `spans`."""

    days: tuple[int, ...]
    spans: tuple[Span, ...]
    every: tuple[int, int] | None = None

    def each(self) -> Iterator[Span]:
        """Yield the hours of one day."""
        if self.every is None:
            yield from self.spans
            return
        step, length = self.every
        for start in range(0, DAY_MIN, step):
            yield Span(start, start + length)


@dataclass(frozen=True)
class Closed:
    """Days on which it never runs, first and last included."""

    first: date
    last: date


@dataclass(frozen=True)
class Schedule:
    """When a consumer may run. Without windows: on all days that are not closed."""

    windows: tuple[Window, ...] = ()
    closed: tuple[Closed, ...] = ()
    zone: str = "UTC"

    @property
    def is_always(self) -> bool:
        """Whether it excludes nothing."""
        return not self.windows and not self.closed

    def open(self, now: datetime) -> bool:
        """Whether it may run at `now`. Raises ValueError for a moment without a time zone."""
        now = _utc(now)
        if self.is_always:
            return True
        today = now.astimezone(self._zone).date()
        if self._closed_on(today) is not None:
            return False
        if not self.windows:
            return True
        days = (today - _DAY, today)  # yesterday's go over midnight
        return any(begin <= now < end for day in days for begin, end in self._intervals(day))

    def next_change(self, now: datetime) -> datetime | None:
        """Return when it opens or closes next, in UTC; None when it never does.

        Raises ValueError for a moment without a time zone.
        """
        now = _utc(now)
        if self.is_always:
            return None
        is_open = self.open(now)
        for edge in self._edges(now):
            if self.open(edge) != is_open:
                return edge
        return None

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def _closed_on(self, day: date) -> Closed | None:
        return next((item for item in self.closed if item.first <= day <= item.last), None)

    def _edges(self, now: datetime) -> Iterator[datetime]:
        """Yield the moments after `now` at which something begins or ends, in order, as long as they may matter."""
        day = now.astimezone(self._zone).date() - _DAY
        plain, ahead = 0, [now]
        while plain < _PLAIN_DAYS or any(item.last >= day for item in self.closed):
            if plain >= _PLAIN_DAYS:  # nothing changes before the next closed day
                day = max(day, min(item.first for item in self.closed if item.last >= day) - _DAY)
                plain = 0
            shut = self._closed_on(day)
            plain = 0 if shut else plain + 1
            midnight = _begin(day, 0, self._zone)
            found = [midnight] if self.closed else []
            found += [edge for interval in self._intervals(day) for edge in interval]
            ahead = sorted({edge for edge in (*ahead, *found) if edge > now})
            # What later days add comes after this midnight.
            yield from (edge for edge in ahead if edge <= midnight)
            ahead = [edge for edge in ahead if edge > midnight]
            day = max(day + _DAY, shut.last) if shut else day + _DAY
        yield from ahead

    def _intervals(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield the windows that begin on `day`, as moments in UTC."""
        weekday = day.weekday()
        for window in self.windows:
            if weekday in window.days:
                for span in window.each():
                    yield _interval(day, span, self._zone)


def _utc(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return now.astimezone(UTC)


def _interval(day: date, span: Span, zone: ZoneInfo) -> tuple[datetime, datetime]:
    begin, end = _begin(day, span.start, zone), _end(day, span.end, zone)
    if end <= begin:  # wholly in the hour that is skipped
        end = begin + timedelta(minutes=span.end - span.start)
    return begin, end


@lru_cache(maxsize=4096)
def _begin(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return when the clock first shows `minute` of `day`, or would have."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return early if early <= late else _skip(late, early, zone)


@lru_cache(maxsize=4096)
def _end(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return when the clock last shows `minute` of `day`, or would have."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return late if early <= late else _skip(late, early, zone)


def _skip(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment between the two (UTC) at which the clock is put forward."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


# --- reading -------------------------------------------------------------------------------------------------

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"m": 1, "min": 1, "mins": 1, "minute": 1, "minutes": 1, "h": 60, "hour": 60, "hours": 60}
_EVERY_MIN = 5  # minutes: oftener than that a consumer would start and stop all the time
_TOKEN = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2})|(?P<time>\d{1,2}:\d{2})|(?P<number>\d+)|(?P<word>[^\W\d_]+)"
    r"|(?P<to>\.\.|[-\u2013])|(?P<comma>,)|(?P<star>\*)|(?P<space>\s+)"
)
_ZONE = re.compile(r"(?:^|(?<=[\s;]))[A-Za-z][A-Za-z0-9_+\-/]*\s*$")


def parse(text: str, zone: str = "UTC") -> Schedule:
    """Return the schedule that `text` describes; `zone` counts where it names none. Empty: always.

    Raises ScheduleError, and zoneinfo.ZoneInfoNotFoundError when `zone` itself is unknown.
    """
    named, rest = _named_zone(text)
    windows: list[Window] = []
    closed: list[Closed] = []
    position = 0
    for part in rest.split(";"):
        reader = _Reader(part, position)
        if reader.kind:
            if reader.took_word("not"):
                closed += _closed(reader)
            else:
                windows.append(_window(reader))
            reader.expect_end()
        position += len(part) + 1
    if named and not windows and not closed:
        raise ScheduleError("no_hours", 0, named)
    return Schedule(tuple(windows), tuple(closed), ZoneInfo(named or zone).key)


def _named_zone(text: str) -> tuple[str, str]:
    """Return the time zone at the end of `text`, or "", and the text before it."""
    match = _ZONE.search(text)
    name = match.group().strip() if match else ""
    if match is None or all(_is_known(word) for word in re.split(r"[-\d]+", name.lower())):
        return "", text
    try:
        return ZoneInfo(name).key, text[: match.start()]
    except (ValueError, OSError, LookupError):
        code = "unknown_zone" if "/" in name else "unknown_word"
        raise ScheduleError(code, match.start(), name) from None


def _is_known(word: str) -> bool:
    return word in ("", "daily", "not", "to", "every", "for") or word in _UNITS or _weekday(word) is not None


def _weekday(word: str) -> int | None:
    return next((n for n, day in enumerate(_DAYS) if word in (day, day[:3])), None)


class _Reader:
    """The tokens of one part of the text: `kind` ("" at the end) and `found` are the next one's."""

    def __init__(self, part: str, offset: int) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(part):
            match = _TOKEN.match(part, at)
            if match is None:
                raise ScheduleError("unknown_word", offset + at, part[at])
            if match.lastgroup != "space":
                self._tokens.append((match.lastgroup or "", match.group().lower(), offset + at))
            at = match.end()
        self._tokens.append(("", "", offset + len(part.rstrip())))

    @property
    def kind(self) -> str:
        return self._tokens[0][0]

    @property
    def found(self) -> str:
        return self._tokens[0][1]

    def error(self, code: str) -> ScheduleError:
        _kind, found, position = self._tokens[0]
        return ScheduleError(code, position, found)

    def take(self, kind: str, code: str) -> str:
        """Return the next token, which must be a `kind`. Raises ScheduleError."""
        if self.kind != kind:
            raise self.error(code)
        return self._tokens.pop(0)[1]

    def took(self, kind: str) -> bool:
        """Take the next token if it is a `kind`."""
        return self.kind == kind and bool(self._tokens.pop(0))

    def took_word(self, *words: str) -> bool:
        """Take the next token if it is one of these words."""
        return self.kind == "word" and self.found in words and bool(self._tokens.pop(0))

    def expect_end(self) -> None:
        if self.kind:
            raise self.error("unexpected")


def _window(reader: _Reader) -> Window:
    days = _days(reader)
    if reader.took_word("every"):
        return Window(days, (), _every(reader))
    if not reader.kind:
        return Window(days, (Span(0, DAY_MIN),))
    spans = [_span(reader)]
    while reader.took("comma"):
        spans.append(_span(reader))
    return Window(days, tuple(spans))


def _days(reader: _Reader) -> tuple[int, ...]:
    every_day = tuple(range(7))
    if reader.took("star") or reader.took_word("daily") or reader.kind == "time" or reader.found == "every":
        return every_day
    days: set[int] = set()
    while True:
        first = last = _day(reader)
        if reader.took("to") or reader.took_word("to"):
            last = _day(reader)
        days |= {(first + n) % 7 for n in range((last - first) % 7 + 1)}
        if not reader.took("comma"):
            return tuple(sorted(days))


def _day(reader: _Reader) -> int:
    day = _weekday(reader.found)
    if day is None:
        raise reader.error("expected_day")
    reader.take("word", "expected_day")
    return day


def _span(reader: _Reader) -> Span:
    start = _minute(reader, DAY_MIN - 1)
    if not (reader.took("to") or reader.took_word("to")):
        raise reader.error("expected_end")
    again = reader.error("empty_window")
    end = _minute(reader, DAY_MIN)
    if end == start:
        raise again
    return Span(start, end if end > start else end + DAY_MIN)


def _minute(reader: _Reader, latest: int) -> int:
    wrong = reader.error("no_such_time")
    hours, minutes = map(int, reader.take("time", "expected_time").split(":"))
    if minutes > 59 or hours * 60 + minutes > latest:
        raise wrong
    return hours * 60 + minutes


def _every(reader: _Reader) -> tuple[int, int]:
    uneven = reader.error("uneven")
    step = _amount(reader)
    if step < _EVERY_MIN or DAY_MIN % step:
        raise uneven
    if not reader.took_word("for"):
        raise reader.error("expected_for")
    too_long = reader.error("too_long")
    length = _amount(reader)
    if not 0 < length < step:
        raise too_long
    return step, length


def _amount(reader: _Reader) -> int:
    number = int(reader.take("number", "expected_amount"))
    unit = _UNITS.get(reader.found)
    if unit is None:
        raise reader.error("expected_unit")
    reader.take("word", "expected_unit")
    return number * unit


def _closed(reader: _Reader) -> Iterator[Closed]:
    while True:
        first = last = _date(reader)
        if reader.took("to") or reader.took_word("to"):
            wrong = reader.error("backwards")
            last = _date(reader)
            if last < first:
                raise wrong
        yield Closed(first, last)
        if not reader.took("comma"):
            return


def _date(reader: _Reader) -> date:
    wrong = reader.error("no_such_date")
    year, month, day = map(int, reader.take("date", "expected_date").split("-"))
    try:
        found = date(year, month, day)
    except ValueError:
        raise wrong from None
    if not 2000 <= year < 3000:
        raise wrong
    return found
