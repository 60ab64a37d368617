"""The filter of the records' list."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from consumers.models import Record
from consumers.records.finding import RecordSearch

ACK_LOST = "ack_lost"  # among the outcomes, though a record has one beside it


class RecordFilter(forms.Form):
    """Which records. What cannot be read does not filter, and is marked."""

    outcome = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Outcome"),
        choices=[
            ("", gettext_lazy("any outcome")),
            *Record.Outcome.choices,
            (ACK_LOST, gettext_lazy("ack never arrived")),
        ],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    q = forms.CharField(required=False, label=gettext_lazy("Text"), max_length=255)
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    after = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    @property
    def wanted(self) -> RecordSearch:
        """What to look for, of what can be read."""
        self.is_valid()
        found = self.cleaned_data
        outcome, q = found.get("outcome") or "", (found.get("q") or "").strip()
        return RecordSearch(ack_lost=True, q=q) if outcome == ACK_LOST else RecordSearch(outcome=outcome, q=q)

    def number(self, name: str) -> int | None:
        """Return `before` or `after`, None when it is not there."""
        self.is_valid()
        value = self.cleaned_data.get(name)
        return int(value) if value is not None else None
