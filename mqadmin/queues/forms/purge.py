"""The question before a queue is purged; and the name that must be typed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from mqadmin.core import unseen


class TypedForm(forms.Form):
    """On a production broker the queue's name must be typed."""

    typed = forms.CharField(required=False, strip=False)

    def __init__(self, *args: Any, must_type: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.must_type = must_type

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if self.must_type and not unseen.is_typed(typed, self.must_type):
            raise ValidationError(_("Type the name of the queue exactly."))
        return typed


class PurgeForm(TypedForm):
    """The count that was shown, and whether to keep what is dropped."""

    expect = forms.IntegerField(min_value=0)
    snapshot = forms.BooleanField(required=False)
