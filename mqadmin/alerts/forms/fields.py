"""Fields that the alerts' forms share: whiles as people write them, choices of brokers, the class of each kind."""

from __future__ import annotations

import math
import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from mqadmin.core import brokers

UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_WHILE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(s|min|m|h|d)?", re.IGNORECASE)


def seconds(text: str) -> float | None:
    """Return the seconds of "90", "90 s", "10m", "10 min", "4h" or "2 d"; None for anything else. Pure."""
    match = _WHILE.fullmatch(text.strip())
    if match is None:
        return None
    return float(match[1]) * UNITS[(match[2] or "s").lower()]


def written(value: float | None) -> str:
    """Return seconds as they are typed: 600 -> "10m", 90 -> "90s", 0 -> "0". Pure."""
    if value is None:
        return ""
    for unit in ("d", "h", "m"):
        if value and value % UNITS[unit] == 0:
            return f"{value / UNITS[unit]:g}{unit}"
    return f"{value:g}s" if value else "0"


class WhileField(forms.CharField):
    """A while: "10m", "4h"; a number alone is seconds. Cleaned to whole seconds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=20, **options)
        self.widget.attrs |= {"spellcheck": "false", "placeholder": "10m"}

    def prepare_value(self, value: Any) -> Any:
        return written(value) if isinstance(value, int | float) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = seconds(text)
        if found is None:
            raise forms.ValidationError(_("Write a while like 90s, 10m, 4h or 2d."))
        return round(found)


class AmountField(forms.CharField):
    """A number, or a while where it is compared with one: "1000", "0.5", "15m"."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=20, required=False, **options)
        self.widget.attrs |= {"inputmode": "text", "spellcheck": "false"}

    def prepare_value(self, value: Any) -> Any:
        return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value).replace(" ", "").replace("\u00a0", "")
        if not text:
            return None
        try:
            found = float(text)
        except ValueError:
            found = math.nan if (named := seconds(text)) is None else named
        if not math.isfinite(found):
            raise forms.ValidationError(_("Write a number, or a while like 15m."))
        return found


def broker_field(chosen: str = "") -> forms.ChoiceField:
    """Return the choice of one broker or all; one that was chosen and is gone is still there to be seen."""
    known = [(slug, config.title) for slug, config in brokers.configs().items()]
    if chosen and chosen not in brokers.configs():
        known.append((chosen, _("%(slug)s (not configured)") % {"slug": chosen}))
    return forms.ChoiceField(choices=[("", _("all brokers")), *known], required=False, label=_("Broker"))


def queues_field() -> forms.CharField:
    """Return the filter of queues."""
    field = forms.CharField(required=False, max_length=1000, label=_("Queues"))
    field.help_text = _(
        "As in the filter of the queues' page, for example vhost:prod name:orders. Empty: all."
    )
    field.widget.attrs |= {"spellcheck": "false", "placeholder": _("all")}
    return field


def dress(form: forms.Form) -> None:
    """Give each field the class of its kind, and none the browser's own suggestions."""
    for field in form.fields.values():
        widget = field.widget
        if isinstance(widget, forms.CheckboxInput | forms.RadioSelect):
            widget.attrs.setdefault("class", "form-check-input")
        else:
            widget.attrs.setdefault(
                "class", "form-select" if isinstance(widget, forms.Select) else "form-control"
            )
        widget.attrs.setdefault("autocomplete", "off")


def blame(form: forms.Form, fields: dict[str, str], text: str) -> None:
    """Put a refusal beside the fields that are to blame, else above the form."""
    for name, words in (fields or {"": text}).items():
        form.add_error(name if name in form.fields else None, words)
