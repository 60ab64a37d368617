"""Tags and filters that every template may use without loading them (settings: builtins).

Everything goes through `format_html`: a name or a payload is escaped, never trusted. No tag writes a `style`
attribute or a script: the content security policy would drop it.
"""

from __future__ import annotations

import datetime as dates
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from html import escape as html_escape
from typing import Any, Literal

from django import template
from django.conf import settings
from django.template import defaultfilters
from django.template.defaultfilters import stringfilter
from django.templatetags.static import static
from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from mqadmin.core import permissions, tones, unseen, wording
from mqadmin.core.pages import formats, opening, sparks, visible, words
from mqadmin.core.translating import language, zone
from mqadmin.place import COMMAND

register = template.Library()

ICONS = "vendor/tabler-icons/icons.svg"

register.filter("number", formats.number)
register.filter("short", formats.short)
register.filter("rate", formats.rate)
register.filter("bytes", formats.size)
register.filter("ago", formats.ago)
register.filter("duration", formats.duration)


@register.filter
def name(value: object) -> SafeString:
    """Show a name that a stranger chose: apart from the words around it, with every sign of it to be seen.

    In a text only. In an attribute, an option or the title it is written as it is: there `visible` sees to it.
    """
    return _apart(value, unseen.IN_NAME)


@register.filter
def said(value: object) -> SafeString:
    """Show a sentence of ours with strangers' names in it as `name` does; its numbers keep their blanks.

    One that was stored in English is shown in the reader's language.
    """
    return _apart("" if value is None else wording.worded(str(value)), unseen.IN_TEXT)


@register.filter
def as_written(value: object) -> SafeString:
    """Show a sentence as `said` does, but in its own words: it quotes a stranger's, which stay theirs."""
    return _apart(value, unseen.IN_TEXT)


@register.filter(is_safe=True)
def worded(value: Any) -> Any:
    """Show a text of ours that may have been stored in English in the reader's language."""
    if wording.is_english() or not isinstance(value, str) or isinstance(value, SafeString):
        return value
    return wording.worded(value)


def _apart(value: object, hidden: re.Pattern[str]) -> SafeString:
    text = "" if value is None else str(value)
    if len(text) <= _SHORT and (plain := _plainly(text, hidden)):
        return plain
    marks = {place: visible.chip(sign) for found in hidden.finditer(text) for place, sign in _signs(found)}
    for place, sign in unseen.strangers(text):
        tip = unseen.called(sign)
        marks[place] = format_html('<span class="stranger" title="{}">{}</span>', tip, sign)
    shown = "".join(marks.get(at) or escape(sign) for at, sign in enumerate(text)) if marks else escape(text)
    return SafeString(f"<bdi>{shown}</bdi>")


_SHORT = 200  # letters; what is longer is not remembered


@lru_cache(maxsize=5_000)  # a virtual host, a handler and a queue stand in many rows
def _plainly(text: str, hidden: re.Pattern[str]) -> SafeString | None:
    """Return a name that has nothing to be marked, as nearly all are."""
    if text.isascii() and not hidden.search(text):
        return SafeString(f"<bdi>{html_escape(text)}</bdi>")
    return None


def _signs(found: re.Match[str]) -> Iterable[tuple[int, str]]:
    return enumerate(found[0], found.start())


@register.filter(expects_localtime=True)
def date(value: object, form: str) -> str:
    """Write a time as Django's `date` does, its day as the language does; "" for none."""
    return formats.moment(value, form) if isinstance(value, dates.date) else ""


@register.filter
def command(value: str) -> str:
    """Return how a management command is called here."""
    return f"{COMMAND} {value}"


@register.filter(is_safe=True)
@stringfilter
def truncatechars(value: str, most: int) -> str:
    """Cut a text as Django does; one that is short and plain is not looked at sign by sign."""
    return value if value.isascii() and len(value) <= most else str(defaultfilters.truncatechars(value, most))


@register.filter
def tick(what: object) -> str:
    """Return what the box of a row is called."""
    return tick_words(language()) % {"name": what}


@lru_cache(maxsize=20)  # asked for in each row
def tick_words(_language: str | None) -> str:
    return _("Tick %(name)s")


register.filter("to_type", unseen.plain)
register.filter("act_words", words.of)


@register.filter
def called_in(key: str, titles: Mapping[str, str]) -> str:
    """Return what something is called in a table of names; what is not in it is called as it is."""
    return titles.get(key, key)


def _tone(tone: str) -> str:
    return tone if tone in tones.ALL else ""


@register.simple_tag(name="icon")
def icon_tag(name: str, size: int = 16) -> SafeString:
    """Draw one icon of the vendored sprite, `size` pixels wide; decoration only, so give the button a name."""
    return _icon(name, size, _sprite(settings.STATIC_URL, settings.DEBUG))


@lru_cache(maxsize=20)
def _sprite(_below: str, _debug: bool) -> str:
    return static(ICONS)


@lru_cache(maxsize=200)
def _icon(name: str, size: int, file: str) -> SafeString:
    return format_html(
        '<svg class="ico" width="{0}" height="{0}" aria-hidden="true"><use href="{1}#{2}"/></svg>',
        size,
        file,
        name,
    )


@register.simple_tag(name="ago")
def ago_tag(moment: datetime | None) -> SafeString:
    """Say how long ago, in a <time> that the page keeps ticking; the full time stands in its title."""
    if moment is None:
        return format_html("{}", formats.UNKNOWN)
    opening = _opening(moment, zone())
    return SafeString(f"{opening}{html_escape(formats.ago(moment))}</time>")


@lru_cache(maxsize=5_000)
def _opening(moment: datetime, zone: tzinfo) -> str:
    at = moment.astimezone(UTC).isoformat(timespec="seconds")
    local = moment.astimezone(zone)
    full = html_escape(f"{local.isoformat(' ', 'seconds')[:19]} {local.tzname()}")
    return f'<time class="ago" datetime="{at}" title="{full}" data-ago>'


@register.simple_tag
def freshness_text(text: str, since: SafeString) -> SafeString:
    """Put the ticking time `since` where `text` says `{ago}`."""
    before, mark, after = text.partition("{ago}")
    return format_html("{}{}{}", before, since if mark else "", after)


@register.simple_tag
def spark(
    points: Sequence[float | None], tone: str = "", width: int = 96, height: int = 24, label: str = ""
) -> SafeString:
    """Draw a sparkline of values in order of time; a gap (None) keeps the value before it."""
    known = [value for value in points if value is not None]
    if len(known) < 2:
        return SafeString("")
    line = sparks.line(tuple(points), width, height)
    said = html_escape(str(label or _("last hour")))
    return SafeString(
        f'<svg class="spark {_tone(tone)}" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'preserveAspectRatio="none" role="img" aria-label="{said}">'
        f'<polygon points="0,{height} {line} {width},{height}"/><polyline points="{line}"/></svg>'
    )


@register.simple_tag
def dot(tone: str, label: str = "") -> SafeString:
    """Draw the coloured point of a state; `label` says the state to those who do not see colour."""
    return _dot(tone, str(label))


@lru_cache(maxsize=200)
def _dot(tone: str, label: str) -> SafeString:
    return format_html(
        '<i class="state {}" title="{}"></i><span class="visually-hidden">{}</span>',
        _tone(tone),
        label,
        label,
    )


@register.simple_tag
def pill(text: str, tone: str = "", title: str = "") -> SafeString:
    """Draw a small framed word."""
    return _pill(str(text), tone, str(title))


@lru_cache(maxsize=500)
def _pill(text: str, tone: str, title: str) -> SafeString:
    if title:
        return format_html('<span class="pill {}" title="{}">{}</span>', _tone(tone), title, text)
    return format_html('<span class="pill {}">{}</span>', _tone(tone), text)


@register.simple_tag
def meter(value: float | None, maximum: float | None, tone: str = "", label: str = "") -> SafeString:
    """Draw a bar filled to `value` of `maximum`; empty when either is unknown."""
    share = max(0.0, min(1.0, value / maximum)) if value is not None and maximum else 0.0
    return format_html(
        '<svg class="meter {0}" width="120" height="6" viewBox="0 0 120 6" preserveAspectRatio="none" role="img" '
        'aria-label="{1}"><rect class="rail" width="120" height="6" rx="3"/>'
        '<rect class="fill" width="{2}" height="6" rx="3"/></svg>',
        _tone(tone),
        label or f"{share:.0%}",
        f"{share * 120:.1f}",
    )


@register.simple_tag
def code(text: str | bytes) -> SafeString:
    """Show a payload as it is: escaped, line breaks kept, never markup."""
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return format_html('<pre class="payload" tabindex="0">{}</pre>', shown)


@register.simple_tag(takes_context=True)
def action(
    context: template.Context,
    label: str,
    href: str = "",
    *,
    kind: Literal["post", "link", "submit"] = "post",
    icon: str = "",
    primary: bool | int = False,
    danger: bool | int = False,
    needs: permissions.Needed = "operate",
    confirm: str = "",
    typed: str = "",
    small: bool | int = True,
    icon_only: bool | int = False,
    disabled: str = "",
    key: str = "",
    name: str = "",
    value: str = "",
) -> SafeString:
    """Draw a button that POSTs to `href`: over htmx where there is script, as a plain form where there is none.

    It belongs to the page's one form (`#post`, in base.html), so a live fragment holds no CSRF token. Of kind
    "link" it is a link to `href` that looks the same, of kind "submit" the button of the form it stands in.
    Whatever its kind, without the permission `needs`, or with a reason in `disabled`, it is shown disabled and
    says why. `confirm` asks first; `typed` also asks to type that word. `name`/`value` are sent along. `key` is
    its shortcut. A second click while the first is under way does nothing: htmx would send it too, later.
    """
    tone = " btn-primary" if primary else " btn-danger" if danger else ""
    classes = f"btn{' btn-sm' if small else ''}{' btn-icon' if icon_only else ''}{tone}"
    inside = _inside(label, icon, bool(icon_only), _sprite(settings.STATIC_URL, settings.DEBUG))
    reason = opening.denial(context["request"], needs, str(href)) or disabled
    if reason:
        return _denied(inside, classes, reason)
    optional = {
        "data-confirm": confirm,
        "data-confirm-typed": typed,
        "data-confirm-danger": "1" if danger and confirm else "",
        "data-key": key,
        "name": name,
        "value": value,
        "title": label if icon_only else "",
    }
    written = attributes(optional)
    to = _safe(href)
    if kind == "link":
        return SafeString(f'<a class="{classes}" href="{to}"{written}>{inside}</a>')
    if kind == "submit":
        return SafeString(f'<button type="submit" class="{classes}"{written}>{inside}</button>')
    return SafeString(
        f'<button type="submit" form="post" formaction="{to}" formmethod="post" hx-post="{to}" '
        f'hx-sync="this:drop" hx-swap="none" class="{classes}"{written}>{inside}</button>'
    )


@lru_cache(maxsize=500)
def _inside(label: str, icon: str, icon_only: bool, file: str) -> str:
    said = _safe(label)
    drawn = _icon(icon, 16, file) if icon else ""
    return f'{drawn}<span class="visually-hidden">{said}</span>' if icon_only else f"{drawn}{said}"


def _denied(inside: str, classes: str, reason: str) -> SafeString:
    """Draw a button that does nothing and says why.

    aria-disabled, not disabled: the reason must be reachable by keyboard and by pointer.
    """
    why = _safe(wording.worded(reason))
    return SafeString(
        f'<button type="button" class="{classes} disabled" aria-disabled="true" title="{why}" '
        f'data-denied="{why}">{inside}</button>'
    )


def _safe(value: Any) -> str:
    """Return a text as `format_html` would write it, in a fifth of the time: there are hundreds in a table."""
    return html_escape(value) if type(value) is str else conditional_escape(value)


def attributes(values: Mapping[str, Any]) -> SafeString:
    """Return the attributes that have a value, each with a space in front; `aria_label` is `aria-label`."""
    written = ""
    for name, value in values.items():
        if value:
            text = value if isinstance(value, SafeString) else html_escape(str(value))
            written += f' {name.replace("_", "-")}="{text}"'
    return SafeString(written)


@register.simple_tag(takes_context=True)
def post_button(context: template.Context, href: str, label: str, **options: Any) -> SafeString:
    """Draw `action` with the address first."""
    return action(context, label, href, **options)


@register.simple_tag(takes_context=True)
def button(context: template.Context, item: Any, *, icon_only: bool | int = False) -> SafeString:
    """Draw `action` from an object that has its label, href, needs and so on: a `hooks.Link`, a consumer's button.

    What it says that it `does` is its tip. A row has room for pictures only, and none is primary there.
    """
    drawn = action(
        context,
        item.label,
        item.href,
        kind="post" if getattr(item, "post", True) else "link",
        icon=getattr(item, "icon", ""),
        primary=item.primary and not icon_only,
        danger=getattr(item, "danger", False),
        needs=item.needs,
        confirm=item.confirm,
        typed=getattr(item, "typed", ""),
        icon_only=icon_only,
        disabled=getattr(item, "disabled", ""),
    )
    does = "" if getattr(item, "danger", False) else getattr(item, "does", "")
    return SafeString(f'<span class="tip" title="{_safe(does)}">{drawn}</span>') if does else drawn


@register.simple_tag(takes_context=True)
def buttons(context: template.Context, items: Iterable[Any], *, icon_only: bool | int = False) -> SafeString:
    """Draw `button` of each."""
    return SafeString("\n".join(button(context, item, icon_only=icon_only) for item in items))


@register.inclusion_tag("core/_pager.html", takes_context=True)
def pager(context: template.Context, page: Any) -> dict[str, Any]:
    """Draw "1-100 of 412" and the links to the pages before and after; `page` is a django Page."""
    return {"page": page, "request": context["request"]}
