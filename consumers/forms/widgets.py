"""Fields as the consumers' forms show them."""

from __future__ import annotations

from typing import Any

from django import forms


class PlainNumber(forms.NumberInput):
    """A number without a needless ".0"."""

    def format_value(self, value: Any) -> Any:
        return str(value).removesuffix(".0") if isinstance(value, float) else super().format_value(value)


class OffNumber(forms.NumberInput):
    """A number of which 0 means off, shown as nothing at all."""

    def format_value(self, value: Any) -> Any:
        return None if value in (0, "0") else super().format_value(value)


def dress(widget: forms.Widget) -> None:
    """Give a field the class of its kind, unless it has one."""
    if isinstance(widget, forms.CheckboxInput | forms.RadioSelect):
        widget.attrs.setdefault("class", "form-check-input")
    elif isinstance(widget, forms.Select):
        widget.attrs.setdefault("class", "form-select")
    else:
        widget.attrs.setdefault("class", "form-control")
