"""What comes from the dialogs that act: how carefully a requeue goes."""

from __future__ import annotations

from django import forms

from mqadmin.core.errors import Refusal
from mqadmin.deadletters.requeue import Care


class Carefully(forms.Form):
    """How carefully a requeue goes: in watched steps, no faster than so much, only after a while."""

    canary = forms.BooleanField(required=False)
    canary_seconds = forms.FloatField(required=False, min_value=1, max_value=86_400, initial=60)
    rate = forms.FloatField(required=False, min_value=0.001, max_value=1_000_000)
    hold = forms.FloatField(required=False, min_value=0, max_value=86_400)

    @property
    def care(self) -> Care:
        """The same for the service. Raises Refusal (422) for what is no number or too large."""
        if not self.is_valid():
            name, errors = next(iter(self.errors.items()))
            raise Refusal(f"{name}: {' '.join(map(str, errors))}", "invalid", status=422)
        values = self.cleaned_data
        return Care(
            rate=values["rate"] or 0,
            hold_seconds=values["hold"] or 0,
            canary_seconds=(values["canary_seconds"] or 60) if values["canary"] else 0,
        )
