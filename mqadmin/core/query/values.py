"""The values of conditions: names, choices, whole numbers, ages and days. Pure."""

from __future__ import annotations

import difflib
import math
import re
from datetime import date, datetime, time, timedelta, tzinfo

from django.utils.translation import gettext as _

from mqadmin.core.query.fields import Field
from mqadmin.core.query.lexer import Token, quote
from mqadmin.core.query.syntax import Age, BadQuery, Period, Value

_AGE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(s|sec|m|min|h|d|w)", re.IGNORECASE)
_UNITS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LARGEST = 1e18
_OLDEST = 100 * 365 * 86_400
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_SIZED = re.compile(r"(\d{1,12})([kKmMgG])[bB]?", re.ASCII)
_FACTORS = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_EQUAL = (":", "=", "!=")
_PATTERNED = ("name", "names", "text")


def read(field: Field, token: Token, zone: tzinfo) -> Value:
    """Return the value of a condition on `field`. Raises BadQuery where it cannot have that one."""
    if token.is_pattern and field.kind not in _PATTERNED:
        text = _("“%(field)s” is compared with no pattern.") % {"field": field.name}
        raise BadQuery(text, token.value_at, token.end)
    match field.kind:
        case "name" | "names" | "text":
            _no_order(field, token)
            return Value(token.text, token.is_quoted, is_pattern=token.is_pattern)
        case "choice" | "flag":
            _no_order(field, token)
            return Value(_choice(field, token), is_quoted=True)
        case "number":
            return Value(token.text, token.is_quoted, number=_whole(field, token))
        case "real":
            return Value(token.text, token.is_quoted, number=_real(field, token))
        case "span":
            return Value(token.text, token.is_quoted, number=_span(field, token))
        case "moment":
            return Value(token.text, token.is_quoted, when=_moment(field, token, zone))
        case _:
            return Value(token.text, token.is_quoted, number=None if token.is_quoted else number(token.text))


def number(text: str) -> int | float | None:
    """Return the number that `text` writes, None if it writes none."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return int(text)
    except ValueError:
        found = float(text)
        return found if math.isfinite(found) else None


def _no_order(field: Field, token: Token) -> None:
    if token.operator not in _EQUAL:
        text = _("“%(field)s” has no order: write %(field)s:%(value)s.")
        value = quote(token.text) if token.is_quoted else token.text
        raise BadQuery(
            text % {"field": field.name, "value": value},
            token.start,
            token.end,
            (f"{field.name}:{value}",),
        )


def _choice(field: Field, token: Token) -> str:
    wanted = token.text.lower().replace("-", "_")
    if wanted in field.choices:
        return wanted
    near = difflib.get_close_matches(wanted, field.choices, n=2, cutoff=0.5)
    text = _("“%(value)s” is none of %(choices)s.")
    raise BadQuery(
        text % {"value": token.text, "choices": ", ".join(field.choices)},
        token.value_at,
        token.end,
        tuple(near),
    )


def _whole(field: Field, token: Token) -> int:
    if _WHOLE.fullmatch(token.text):
        return int(token.text)
    sized = _SIZED.fullmatch(token.text)
    if sized and field.is_size:
        return int(sized[1]) * _FACTORS[sized[2].lower()]
    text = _("“%(field)s” needs a whole number, not “%(value)s”.")
    raise BadQuery(text % {"field": field.name, "value": token.text}, token.value_at, token.end)


def _real(field: Field, token: Token) -> int | float:
    found = number(token.text)
    if found is None or abs(found) > _LARGEST:
        text = _("“%(field)s” needs a number, not “%(value)s”.")
        raise BadQuery(text % {"field": field.name, "value": token.text}, token.value_at, token.end)
    return found


def _span(field: Field, token: Token) -> float:
    """Return the seconds of a length of time, which is compared: hardly anything takes exactly so long."""
    if token.operator in _EQUAL:
        text = _("Lengths of time are compared: %(field)s>%(value)s.")
        suggestions = (f"{field.name}>{token.text}", f"{field.name}<{token.text}")
        values = {"field": field.name, "value": token.text}
        raise BadQuery(
            text % values, token.start, token.end, suggestions if _AGE.fullmatch(token.text) else ()
        )
    age = _AGE.fullmatch(token.text)
    if age is None:
        text = _("“%(value)s” is no length of time: write 30s, 5m, 2h or 3d.")
        better = tuple(f"{token.text}{unit}" for unit in ("s", "m")) if _WHOLE.fullmatch(token.text) else ()
        raise BadQuery(text % {"value": token.text}, token.value_at, token.end, better)
    seconds = float(age[1]) * _UNITS[age[2].lower()]
    if seconds > _OLDEST:
        raise BadQuery(_("That is more than a hundred years."), token.value_at, token.end)
    return seconds


def _moment(field: Field, token: Token, zone: tzinfo) -> Age | Period:
    if token.operator == "!=":
        text = _("Times are compared: %(field)s:<2h, %(field)s:>2026-11-20.") % {"field": field.name}
        raise BadQuery(text, token.start, token.end, (f"-{field.name}:{token.text}",))
    age = _AGE.fullmatch(token.text)
    if age:
        seconds = float(age[1]) * _UNITS[age[2].lower()]
        if seconds > _OLDEST:
            raise BadQuery(_("That is more than a hundred years."), token.value_at, token.end)
        return Age(seconds)
    try:
        return _period(token.text, zone)
    except (ValueError, OverflowError):
        text = _("“%(value)s” is no time: write 2h, 30m, 7d, 2026-11-20 or 2026-11-20T14:30.")
        raise BadQuery(text % {"value": token.text}, token.value_at, token.end) from None


def _period(text: str, zone: tzinfo) -> Period:
    """Return the day, minute or second that `text` names. Raises ValueError, OverflowError."""
    if _DAY.fullmatch(text):
        start = datetime.combine(date.fromisoformat(text), time(), zone)
        return Period(start, datetime.combine(start.date() + timedelta(days=1), time(), zone))
    written = _TIME.fullmatch(text)
    if written is None:
        raise ValueError(text)
    start = datetime.fromisoformat(text)
    start = start if start.tzinfo else start.replace(tzinfo=zone)
    step = (
        timedelta(microseconds=1)
        if written[2]
        else timedelta(seconds=1)
        if written[1]
        else timedelta(minutes=1)
    )
    return Period(start, start + step)


def bounds(operator: str, when: Age | Period, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return (from, to): what is meant lies at or after `from` and before `to`; None is open.

    An age reads like one: `<2h` is younger than two hours. A day does as a date: `<2026-11-20` is before it.
    """
    if isinstance(when, Age):
        turn = now - timedelta(seconds=when.seconds)
        return (None, turn) if operator in (">", ">=") else (turn, None)
    match operator:
        case "<":
            return None, when.start
        case "<=":
            return None, when.end
        case ">":
            return when.end, None
        case ">=":
            return when.start, None
        case _:
            return when.start, when.end
