"""What the forms of all acts have: a name that must be typed on a production broker, arguments, refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.core.errors import Refusal
from mqadmin.core.pages.forms import TypedForm, style
from mqadmin.rabbit.reading import jsontext


class ActForm(TypedForm):
    """A form of an act. `must_type`: the word to be typed before it, "" for none.

    `values` are what the service is called with: what was filled in, but for what is of the form alone.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        style(self)

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "typed"}

    def blame(self, refusal: Refusal) -> None:
        """Put a refusal beside the field that is to blame, else above the form."""
        for name, words in (refusal.fields or {"": refusal.text}).items():
            self.add_error(name if name in self.fields else None, words)

    def own_fields(self) -> Iterator[forms.BoundField]:
        """Yield the fields that are filled in, but for the one that confirms."""
        return (field for field in self.visible_fields() if field.name != "typed")


class ArgumentsField(forms.CharField):
    """Arguments as a JSON object: numbers, texts, truths, lists and tables keep their types."""

    def __init__(self, **kwargs: Any) -> None:
        given = {
            "required": False,
            "label": gettext_lazy("Arguments"),
            "help_text": gettext_lazy('A JSON object: {"name": value}. A number without quotes is a number.'),
            "widget": forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        }
        super().__init__(**{**given, **kwargs})

    def clean(self, value: Any) -> Mapping[str, Any]:
        text = str(super().clean(value)).strip()
        if not text:
            return {}
        try:
            found = jsontext.strict(text)
        except (ValueError, RecursionError) as error:
            raise ValidationError(_("Not valid JSON: %(why)s.") % {"why": error}) from error
        if not isinstance(found, dict):
            raise ValidationError(_('Arguments are a JSON object: {"name": value}.'))
        return found


def free_text(label: Any, help_text: Any = "") -> forms.CharField:
    """Return a field for a name or the like: it may be empty, and spaces around it are part of it."""
    return forms.CharField(required=False, strip=False, label=label, help_text=help_text)
