"""The question before a queue is purged; and the name that must be typed."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from mqadmin.core.pages import forms as core_forms


class TypedForm(core_forms.TypedForm):
    """On a production broker the queue's name must be typed."""

    not_typed = gettext_lazy("Type the name of the queue exactly.")


class PurgeForm(TypedForm):
    """The count that was shown, and whether to keep what is dropped."""

    expect = forms.IntegerField(min_value=0)
    snapshot = forms.BooleanField(required=False)
