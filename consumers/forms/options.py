"""The form of a handler's own options, inside that of a definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from consumers.forms.widgets import dress
from consumers.handlers import registry
from consumers.handlers.registry import Handler, OptionField

OPTION_PREFIX = "option"


class OptionsForm(forms.Form):
    """A handler's own options. Texts are kept as typed; the handler's dataclass says what is wrong."""

    def __init__(self, handler: Handler | None, data: Any, *, stored: Mapping[str, Any]) -> None:
        self._options = registry.option_fields(handler) if handler is not None else []
        initial = {item.name: stored.get(item.name, item.default) for item in self._options}
        # The form was sent with another handler's options, or with none: this one's defaults count.
        if data is not None and not any(f"{OPTION_PREFIX}-{item.name}" in data for item in self._options):
            data = {f"{OPTION_PREFIX}-{name}": value for name, value in initial.items() if value is not False}
        super().__init__(data, prefix=OPTION_PREFIX, initial=initial)
        for item in self._options:
            self.fields[item.name] = _option_field(item)
            dress(self.fields[item.name].widget)
        for name, text in registry.warnings(handler.name, self.values).items() if handler is not None else ():
            self.fields[name].warning = text  # type: ignore[attr-defined]  # told beside it, and not refused

    @property
    def values(self) -> dict[str, Any]:
        """The options as they are typed, numbers as numbers."""
        if not self.is_bound:
            return dict(self.initial or {})
        found: dict[str, Any] = {}
        for item in self._options:
            value = self[item.name].data
            found[item.name] = bool(value) if item.type is bool else ("" if value is None else value)
        return self._parsed(found)

    def _parsed(self, found: dict[str, Any]) -> dict[str, Any]:
        """Numbers as numbers where they are: stored options and the API then agree."""
        for item in self._options:
            if item.type in (int, float):
                try:
                    found[item.name] = item.type(found[item.name])
                except (TypeError, ValueError, OverflowError):
                    continue  # stays as typed, for the message beside it
        return found

    def blame(self, name: str, text: str) -> None:
        """Put an error beside an option, or above them all for a name that is none."""
        if name in self.fields:
            self.add_error(name, text)
        else:
            self.add_error(None, f"{name}: {text}")


def _option_field(item: OptionField) -> forms.Field:
    shown: dict[str, Any] = {"label": item.label, "help_text": item.help, "required": False}
    if item.type is bool:
        return forms.BooleanField(**shown)
    if item.choices:
        return forms.CharField(**shown, widget=forms.Select(choices=item.choices))
    if item.type in (int, float):
        attrs = {"min": item.minimum, "max": item.maximum, "step": 1 if item.type is int else "any"}
        known = {name: value for name, value in attrs.items() if value is not None}
        return forms.CharField(**shown, widget=forms.NumberInput(attrs=known))
    return forms.CharField(**shown, strip=False)
