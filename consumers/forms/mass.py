"""The question before all are stopped or started."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from mqadmin.core.pages.forms import TypedForm


class MassForm(TypedForm):
    """The count that was shown; on a production broker also the broker's name, typed."""

    expect = forms.IntegerField(min_value=0)
    not_typed = gettext_lazy("Type the name of the broker exactly.")
