"""What the page of what goes by itself sends: a rule that retries, a breaker."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _


class RuleForm(forms.Form):
    """A rule that retries the letters of a queue or a cause."""

    vhost = forms.CharField(required=False, max_length=255, strip=False)
    source = forms.CharField(required=False, max_length=255, strip=False)
    group = forms.CharField(required=False, max_length=32)
    at_most = forms.IntegerField(initial=3)
    first_delay = forms.FloatField(initial=60)
    factor = forms.FloatField(initial=5)
    max_delay = forms.FloatField(initial=86_400)
    is_on = forms.BooleanField(required=False)

    def blame(self, fields: dict[str, str], text: str) -> None:
        """Put a refusal beside the fields that are to blame."""
        for name, words in (fields or {"": text}).items():
            self.add_error(name if name in self.fields else None, words)

    def shown(self) -> list[tuple[str, str, str, list[str]]]:
        """Return (name, label, value, errors) of the numbers."""
        labels = {
            "at_most": _("At most so many times"),
            "first_delay": _("First after (s)"),
            "factor": _("Each time longer by"),
            "max_delay": _("Never longer than (s)"),
        }
        return [
            (
                name,
                label,
                self.data.get(name) or f"{self.fields[name].initial:g}",
                [str(text) for text in self.errors.get(name, [])],
            )
            for name, label in labels.items()
        ]


class BreakerForm(forms.Form):
    """The circuit breaker of one consumer."""

    is_on = forms.BooleanField(required=False)
    number = forms.IntegerField()
    seconds = forms.FloatField()
    rest = forms.FloatField()
