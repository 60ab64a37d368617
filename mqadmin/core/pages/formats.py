"""Numbers, sizes and times as people read them, in their language. Each takes what it needs, also the clock."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext

from mqadmin.core.translating import gettext as _
from mqadmin.core.translating import language

UNKNOWN = "–"
SPACE = "\u00a0"  # no-break: groups digits, and a number never breaks across lines


def number(value: float | None) -> str:
    """1284 -> "1 284"; None (unknown) -> "–"."""
    if value is None:
        return UNKNOWN
    return f"{round(value):,}".replace(",", SPACE)


def short(value: float | None) -> str:
    """2431000 -> "2.43 M"; below 100 000 in full."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    for limit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e5, "k")):
        if size >= limit:
            scaled = value / (1e3 if name == "k" else limit)
            return f"{scaled:.3g}{SPACE}{name}" if abs(scaled) < 1000 else f"{scaled:.0f}{SPACE}{name}"
    return number(value)


def rate(value: float | None) -> str:
    """Per second: 34.81 -> "34.8", 1839.6 -> "1 840", 0.04 -> "0.04", None -> "–"."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    if size >= 99.95:
        return number(value)
    decimals = 2 if 0 < size < 0.1 else 1
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def size(value: float | None) -> str:
    """Bytes: 532 -> "532 B", 6871947673 -> "6.4 GB" (powers of 1024, as RabbitMQ's own pages count)."""
    if value is None:
        return UNKNOWN
    amount = float(value)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(amount) < 1024 or unit == "TB":
            digits = 0 if unit == "B" or abs(amount) >= 100 else 1
            return f"{amount:.{digits}f}{SPACE}{unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def duration(seconds: float | None) -> str:
    """0.412 -> "412 ms", 41 -> "41 s", 103 -> "1 min 43 s", 11400 -> "3 h 10 min", 3542400 -> "41 d"."""
    if seconds is None:
        return UNKNOWN
    if seconds < 0:
        seconds = 0.0
    if 0 < seconds < 0.001:
        return _("< 1 ms")
    if 0 < seconds < 0.9995:
        return _("%(n)s ms") % {"n": f"{seconds * 1000:.0f}"}
    if seconds < 9.95 and seconds != int(seconds):
        return _("%(n)s s") % {"n": f"{seconds:.1f}"}
    whole = round(seconds)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    parts = list(zip((days, hours, minutes, secs), _forms(language()), strict=True))
    first = next((index for index, (amount, _form) in enumerate(parts) if amount), 3)
    kept = parts[first : first + (1 if first == 0 and days >= 3 else 2)]
    words = [form % {"n": amount} for position, (amount, form) in enumerate(kept) if amount or not position]
    return " ".join(words)


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long since: "2 s", "22 min", "3 h", "41 d"; the largest unit only. None -> "–"."""
    if moment is None:
        return UNKNOWN
    seconds = int(max(0.0, ((now or timezone.now()) - moment).total_seconds()))
    for unit_seconds, form in zip(_UNITS, _forms(language()), strict=True):
        if seconds >= unit_seconds * (2 if unit_seconds == 86_400 else 1):
            return form % {"n": seconds // unit_seconds}
    return _("%(n)s s") % {"n": seconds}


_UNITS = (86_400, 3_600, 60, 1)


@lru_cache(maxsize=20)
def _forms(_language: str | None) -> tuple[str, ...]:
    """Return how days, hours, minutes and seconds are written: asked for in each row of a table."""
    return _("%(n)s d"), _("%(n)s h"), _("%(n)s min"), _("%(n)s s")


def moment(value: date | datetime | None, form: str) -> str:
    """Return a date or a time in Django's letters ("j M Y, H:i"), its day as the language writes it. None -> ""."""
    if value is None:
        return ""
    local = timezone.localtime(value) if isinstance(value, datetime) and timezone.is_aware(value) else value
    return date_format(local, _dated(language(), form))


@lru_cache(maxsize=200)
def _dated(_language: str | None, form: str) -> str:
    day = {
        "j M Y": pgettext("a day, in the letters of Django's dates", "j M Y"),
        "j F Y": pgettext("a day, in the letters of Django's dates", "j F Y"),
        "j M": pgettext("a day, in the letters of Django's dates", "j M"),
        "M j": pgettext("a day, in the letters of Django's dates", "M j"),
    }
    known = next((known for known in day if known in form), None)
    if known is None:
        return form
    if f"{known}, " in form:
        return form.replace(f"{known}, ", day[known] + pgettext("between a day and its time", ", "))
    return form.replace(known, day[known])
