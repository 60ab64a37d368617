"""The question before all are stopped or started."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class MassForm(forms.Form):
    """The count that was shown; on a production broker also the broker's name, typed."""

    expect = forms.IntegerField(min_value=0)
    typed = forms.CharField(required=False)

    def __init__(self, *args: Any, must_type: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.must_type = must_type

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if self.must_type and typed.strip() != self.must_type:
            raise ValidationError(_("Type the name of the broker exactly."))
        return typed
