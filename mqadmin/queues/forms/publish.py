"""One message to publish."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.core.pages.forms import style
from mqadmin.rabbit.reading import jsontext

PROPERTY_FIELDS = (
    "content_type",
    "content_encoding",
    "type",
    "message_id",
    "correlation_id",
    "reply_to",
    "app_id",
    "priority",
    "expiration",
)


class PublishForm(forms.Form):
    """One message. `publishing.publish` has the last word; `blame` puts its refusals beside the fields."""

    body = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("Body"),
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
    )
    encoding = forms.ChoiceField(
        choices=[("utf-8", gettext_lazy("text (UTF-8)")), ("base64", gettext_lazy("bytes (base64)"))],
        initial="utf-8",
        label=gettext_lazy("The body is"),
    )
    routing_key = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("Routing key"),
        help_text=gettext_lazy("Through the default exchange. Empty: the name of this queue."),
    )
    headers = forms.CharField(
        required=False,
        label=gettext_lazy("Headers"),
        help_text=gettext_lazy('A JSON object: {"name": value}.'),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    persistent = forms.BooleanField(
        required=False, initial=True, label=gettext_lazy("Persistent: survives a restart of the broker")
    )
    allow_loss = forms.BooleanField(
        required=False, label=gettext_lazy("Publish it all the same: what is said here may be lost")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in PROPERTY_FIELDS:
            self.fields[name] = forms.CharField(required=False, label=name)
        style(self)

    def clean_headers(self) -> dict[str, Any]:
        text = self.cleaned_data["headers"].strip()
        if not text:
            return {}
        try:
            value = jsontext.strict(text)
        except (ValueError, RecursionError) as error:
            raise ValidationError(_("Not valid JSON: %(why)s.") % {"why": error}) from error
        if not isinstance(value, dict):
            raise ValidationError(_('Headers are a JSON object: {"name": value}.'))
        return value

    def clean(self) -> None:
        # A browser sends every line break of a text field as CR LF.
        if self.cleaned_data.get("encoding") == "utf-8":
            self.cleaned_data["body"] = self.cleaned_data.get("body", "").replace("\r\n", "\n")

    @property
    def properties(self) -> dict[str, Any]:
        """Return the properties that were filled in."""
        values = {name: self.cleaned_data[name] for name in PROPERTY_FIELDS if self.cleaned_data[name]}
        return {**values, "delivery_mode": 2 if self.cleaned_data["persistent"] else 1}

    def blame(self, fields: dict[str, str], text: str) -> None:
        """Put a refusal beside the field that is to blame; one about a property stands with that property."""
        for name, words in (fields or {"": text}).items():
            field = next((item for item in PROPERTY_FIELDS if words.startswith(item)), name)
            self.add_error(field if field in self.fields else None, words)

    @property
    def has_property_errors(self) -> bool:
        """Whether a property is to blame: then the part that holds them is shown open."""
        return any(name in self.errors for name in PROPERTY_FIELDS) if self.is_bound else False

    def property_fields(self) -> list[forms.BoundField]:
        """Return the fields of the basic properties, in order."""
        return [self[name] for name in PROPERTY_FIELDS]
