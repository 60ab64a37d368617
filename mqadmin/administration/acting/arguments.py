"""Arguments as a small table of name, type and value, beside the JSON: at night nobody should have to write it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.administration.acting.forms import ActForm, ArgumentsField
from mqadmin.core.pages.forms import style

ROWS = 4
TYPES = [
    ("text", gettext_lazy("text")),
    ("whole", gettext_lazy("whole number")),
    ("number", gettext_lazy("number with a point")),
    ("truth", gettext_lazy("true or false")),
    ("none", gettext_lazy("no value")),
]
TRUTHS = {"true": True, "false": False}
_PARTS = ("argument", "argument_type", "argument_value")


class ArgumentsForm(ActForm):
    """A form with arguments: ROWS of name, type and value, and JSON for what these cannot say.

    All of them together are `values["arguments"]`; the same name twice is refused.
    """

    arguments = ArgumentsField(label=gettext_lazy("More arguments, as JSON"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in range(ROWS):
            self.fields[f"argument_{row}"] = forms.CharField(
                required=False, strip=False, label=_("Name of an argument")
            )
            self.fields[f"argument_type_{row}"] = forms.ChoiceField(
                required=False, choices=TYPES, label=_("Its type")
            )
            self.fields[f"argument_value_{row}"] = forms.CharField(
                required=False, strip=False, label=_("Its value")
            )
            self.fields[f"argument_{row}"].widget.attrs["placeholder"] = _("name")
            self.fields[f"argument_value_{row}"].widget.attrs["placeholder"] = _("value")
        style(self)

    def clean(self) -> None:
        super().clean()
        found = dict(self.cleaned_data.get("arguments") or {})
        for row in range(ROWS):
            name, kind, text = (str(self.cleaned_data.get(f"{part}_{row}") or "") for part in _PARTS)
            if not name and not text:
                continue
            if not name or name in found:
                words = _("It stands here twice.") if name else _("Give the argument a name.")
                self.add_error(f"argument_{row}", words)
                continue
            try:
                found[name] = _value(kind or "text", text)
            except ValidationError as error:
                self.add_error(f"argument_value_{row}", error)
        self.cleaned_data["arguments"] = found

    @property
    def values(self) -> dict[str, Any]:
        parts = {f"{part}_{row}" for part in _PARTS for row in range(ROWS)}
        return {name: value for name, value in super().values.items() if name not in parts}

    def own_fields(self) -> Iterator[forms.BoundField]:
        """Yield the fields that are filled in, but for those of the table."""
        return (field for field in super().own_fields() if not field.name.startswith("argument"))

    def argument_rows(self) -> list[list[forms.BoundField]]:
        """Return the table: name, type and value of each row."""
        return [[self[f"{part}_{row}"] for part in _PARTS] for row in range(ROWS)]

    @property
    def json_field(self) -> forms.BoundField:
        return self["arguments"]


def _value(kind: str, text: str) -> Any:
    """Return what a text stands for. Raises ValidationError."""
    if kind == "none":
        if text:
            raise ValidationError(_("“No value” has none: leave this empty."))
        return None
    try:
        if kind == "whole":
            number = int(text)
            if not -(2**63) <= number < 2**63:
                raise ValidationError(_("RabbitMQ's whole numbers have 64 bits."))
            return number
        if kind == "number":
            real = float(text)
            if real - real != 0:
                raise ValueError(text)
            return real
    except ValueError:
        raise ValidationError(_("That is not a number.")) from None
    if kind == "truth":
        if text.strip().lower() not in TRUTHS:
            raise ValidationError(_("Write true or false."))
        return TRUTHS[text.strip().lower()]
    return text
