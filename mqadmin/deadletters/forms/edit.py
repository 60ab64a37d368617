"""One letter as a person edits it."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mqadmin.rabbit.reading.jsontext import Inexact, Infinite, StrictDecoder

_UNREADABLE = (ValueError, RecursionError)  # a number of thousands of digits, or nested without end


class IndentedJSONField(forms.JSONField):
    """JSON in a text area, one item to a line. What would be read otherwise than it is typed is refused."""

    def __init__(self, **options: Any) -> None:
        super().__init__(decoder=StrictDecoder, **options)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return json.dumps(value, indent=2, ensure_ascii=False)
        return super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except Infinite:
            raise forms.ValidationError(gettext('JSON has no NaN or Infinity: {"$float": "nan"}.')) from None
        except Inexact as error:
            raise forms.ValidationError(
                gettext("Not valid JSON: %(why)s.") % {"why": error}, code="invalid"
            ) from None
        except _UNREADABLE:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except _UNREADABLE:
            return InvalidJSONInput(data)


class EditForm(forms.Form):
    """What of a letter would be published: its body, headers and properties as lossless JSON."""

    body = forms.CharField(required=False, strip=False, widget=forms.Textarea, label=_("Body"))
    encoding = forms.ChoiceField(
        choices=[(name, name) for name in ("utf-8", "json", "hex", "base64")], widget=forms.HiddenInput
    )
    headers = IndentedJSONField(required=False, widget=forms.Textarea, label=_("Headers"))
    properties = IndentedJSONField(required=False, widget=forms.Textarea, label=_("Properties"))
    edits = forms.IntegerField(widget=forms.HiddenInput)

    def clean_headers(self) -> dict[str, Any]:
        return self._table("headers")

    def clean_properties(self) -> dict[str, Any]:
        return self._table("properties")

    def _table(self, name: str) -> dict[str, Any]:
        value = self.cleaned_data[name]
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise forms.ValidationError(gettext("A table is needed: { … }."))
        return value
