"""A message on which a handler is tried."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.core.pages.forms import style
from mqadmin.rabbit.reading import jsontext


class SampleForm(forms.Form):
    """A message as a person writes it down; `trial_message.typed` has the last word."""

    body = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("Body"),
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )
    encoding = forms.ChoiceField(
        choices=[("utf-8", gettext_lazy("text (UTF-8)")), ("base64", gettext_lazy("bytes (base64)"))],
        initial="utf-8",
        label=gettext_lazy("The body is"),
    )
    exchange = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("Exchange"),
        help_text=gettext_lazy("Empty: the default exchange."),
    )
    routing_key = forms.CharField(required=False, strip=False, label=gettext_lazy("Routing key"))
    headers = forms.CharField(
        required=False,
        label=gettext_lazy("Headers"),
        help_text=gettext_lazy('A JSON object: {"name": value}.'),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    properties = forms.CharField(
        required=False,
        label=gettext_lazy("Properties"),
        help_text=gettext_lazy('A JSON object: {"message_id": "m-1", "content_type": "application/json"}.'),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    redelivered = forms.BooleanField(
        required=False, label=gettext_lazy("Redelivered: it was in somebody's hands before")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        style(self)
        for field in self.fields.values():
            if isinstance(field.widget, forms.Textarea):
                field.widget.attrs["class"] += " font-monospace"

    def clean_headers(self) -> dict[str, Any]:
        return self._table("headers")

    def clean_properties(self) -> dict[str, Any]:
        return self._table("properties")

    def _table(self, name: str) -> dict[str, Any]:
        try:
            found = jsontext.strict(self.cleaned_data[name].strip() or "{}")
        except (ValueError, RecursionError) as error:
            raise ValidationError(_("Not valid JSON: %(why)s.") % {"why": error}) from error
        if not isinstance(found, dict):
            raise ValidationError(_('A JSON object is needed: {"name": value}.'))
        return found

    def clean(self) -> None:
        # A browser sends every line break of a text field as CR LF.
        if self.cleaned_data.get("encoding") == "utf-8":
            self.cleaned_data["body"] = self.cleaned_data.get("body", "").replace("\r\n", "\n")
